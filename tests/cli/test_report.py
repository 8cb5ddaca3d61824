"""`pytest-autoloop report`: the page of a campaign."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from pytest_autoloop.cli import main
from pytest_autoloop.history.records import encode_record
from pytest_autoloop.model import Effect
from tests.reporting.html.made import TARGET, campaign, experiment

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_writes_one_page_and_writes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named after the campaign, of which the newest is taken."""
    campaign(tmp_path, [experiment(0, "baseline"), experiment(1, "keep")])
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    assert main(["report", "made"]) == 0
    assert (tmp_path / "autoloop-made.html").read_text("utf-8").startswith("<!doctype html>")
    assert "wrote autoloop-made.html: 1 experiment, " in capsys.readouterr().out


def test_it_begins_with_what_an_audit_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one of the present best is recorded."""
    best = experiment(1, "keep")
    effect = encode_record(Effect(math.log(1.5), math.log(1.4), math.log(1.6)), "an effect")
    audits = {TARGET: {"commit": best.commit, "effect": effect}}
    campaign(tmp_path, [experiment(0, "baseline"), best], audits=audits)
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    told = json.dumps(f"{TARGET}: audited gain 1.5× [1.4×, 1.6×] over the baseline")[:-1]
    assert told in (tmp_path / "autoloop-made.html").read_text("utf-8")


def test_json_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And how large, for a script that publishes it."""
    campaign(tmp_path, [experiment(0, "baseline"), experiment(1)])
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--json", "--output", "page.html"]) == 0
    size = (tmp_path / "page.html").stat().st_size
    told = json.loads(capsys.readouterr().out)
    assert told == {"tag": "made", "path": "page.html", "bytes": size, "experiments": 1}


def test_it_prints_the_page_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Nothing is written then."""
    campaign(tmp_path, [experiment(0, "baseline")])
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--output", "-"]) == 0
    assert capfdbinary.readouterr().out.endswith(b"</html>\n")
    assert [path.name for path in tmp_path.iterdir()] == [".pytest_autoloop"]


def test_another_file_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit code 2, and the file is as it was."""
    campaign(tmp_path, [experiment(0, "baseline")])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index.html").write_text("mine")
    assert main(["report", "--output", "index.html"]) == 2
    assert "--output index.html: index.html exists and is no report" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "mine"


def test_an_unknown_campaign_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written."""
    campaign(tmp_path, [experiment(0, "baseline")])
    monkeypatch.chdir(tmp_path)
    assert main(["report", "other"]) == 2
    assert "'other'" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [".pytest_autoloop"]

"""The page as a file: what is in it, how large it is, what its policy lets run."""

from __future__ import annotations

import base64
import hashlib
import html
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_autoloop
from pytest_autoloop.model import Experiment, Metric
from tests.reporting.html.made import campaign, experiment, pairs, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)


def test_the_policy_names_all_that_may_run_and_nothing_else(tmp_path: Path) -> None:
    """Style sheet and script by their hashes; no address, and nothing inline besides."""
    made = [experiment(0, "baseline"), experiment(1, "keep")]
    text = write_page(campaign(tmp_path, made), tmp_path / "report.html").read_text("utf-8")
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert found is not None
    policy = html.unescape(found[1])
    scripts = [body for kind, body in _SCRIPT.findall(text) if "json" not in kind]
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for body in (*scripts, *styles):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert (len(scripts), len(styles)) == (1, 1)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "nonce" not in policy
    # The name of a format, and the one who made a part of it: nothing is loaded from there.
    known = {"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) == known


def test_no_tag_of_a_campaign_is_in_the_file(tmp_path: Path) -> None:
    """Not even where a parser of the file would take it for text."""
    hostile = "</script><script>1</script><!--<b>"
    metric = Metric("time", "lower", "s", description=hostile)
    made = [experiment(0, "baseline"), experiment(1, description=hostile, diff=hostile)]
    journal = campaign(tmp_path, made, (metric,), environment={hostile: hostile})
    text = write_page(journal, tmp_path / "report.html", hostile).read_text("utf-8")
    assert "<b>" not in text
    assert "<!--" not in text.replace("<!doctype", "")
    assert text.count("<script") == 4


def test_a_thousand_experiments_are_under_one_megabyte(tmp_path: Path) -> None:
    """With diffs of 2 kB that differ as those of one file do, twelve pairs, and failed guards."""
    journal = campaign(tmp_path, long_campaign(1_000))
    size = write_page(journal, tmp_path / "report.html").stat().st_size
    assert size < 1_000_000


def long_campaign(count: int) -> Iterator[Experiment]:
    """Yield what a campaign of a middling model may record: its diffs are lines of real code."""
    chance = random.Random(1)
    sources = sorted(Path(pytest_autoloop.__path__[0]).rglob("*.py"))
    code = [line for path in sources for line in path.read_text("utf-8").splitlines()]
    target = code[:300]
    yield experiment(0, "baseline")
    for number in range(1, count):
        diff = ["--- a/src/package/parser.py", "+++ b/src/package/parser.py"]
        while sum(map(len, diff)) < 2_000:
            at, other = chance.randrange(290), chance.randrange(len(code) - 6)
            diff += [f"@@ -{at},7 +{at},11 @@"]
            diff += [f" {line}" for line in target[at : at + 3]]
            diff += [f"-{line}" for line in target[at + 3 : at + 5]]
            diff += [f"+{line}" for line in code[other : other + 6]]
            diff += [f" {line}" for line in target[at + 5 : at + 8]]
        yield experiment(
            number,
            "keep" if number % 20 == 0 else "discard",
            diff="\n".join(diff),
            commit=f"{chance.getrandbits(160):040x}",
            pairs=pairs(chance.gauss(0, 0.03), 12, chance.uniform(1e-4, 3e-4)),
            metrics={"time": chance.uniform(1e-4, 3e-4)},
            proposer="openai:gpt-5",
            tokens_used=chance.randrange(9_000),
            cost_usd=chance.random(),
        )

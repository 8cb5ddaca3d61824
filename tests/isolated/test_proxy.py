"""The module that stands in for the target, when the candidate cannot be loaded."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.isolated.api import Api
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.isolated.proxy import ProxyLoader
from tests.isolated.versions import PAIRS, runs_here

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.isolated.versions import Versions

pytestmark = pytest.mark.skipif(not runs_here(), reason="workers are forked")


def imported(versions: Versions, path: Path, text: str) -> tuple[ModuleType, ProxyLoader]:
    """Import a proxy of a candidate with this text."""
    loader = ProxyLoader(
        "counting",
        str(path / "counting.py"),
        original=PAIRS.encode(),
        api=Api("counting", ("pairs",)),
        worker=versions.start(text),
        seconds=60,
    )
    spec = importlib.util.spec_from_loader("counting", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module, loader


def test_one_that_loads_answers(versions: Versions, tmp_path: Path) -> None:
    """A call of the proxy is a call of the candidate, and no fault is noted."""
    module, loader = imported(versions, tmp_path, PAIRS)

    assert module.pairs([1, 2, 3], 4) == 1
    assert loader.first_fault() is None


def test_one_that_cannot_be_loaded_is_told_by_each_use(versions: Versions, tmp_path: Path) -> None:
    """The import succeeds, so that the session goes on to tell why; nothing can be used."""
    module, loader = imported(versions, tmp_path, "1 / 0")

    with pytest.raises(CandidateFault, match="ZeroDivisionError"):
        module.pairs([1, 2, 3], 4)
    with pytest.raises(CandidateFault, match="ZeroDivisionError"):
        _ = module.LIMIT
    assert not hasattr(module, "__path__")
    fault = loader.first_fault()
    assert fault is not None
    assert fault.reason == "import"

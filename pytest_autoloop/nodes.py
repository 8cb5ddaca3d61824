"""Experiments as pytest sees them: one item each, below one collector, with the plugin's hooks."""

from __future__ import annotations

import faulthandler
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
import pytest

from pytest_autoloop.errors import AutoloopError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Brief, Experiment, Proposal

#: Whose frames lead to every hook, and tell nobody anything.
_MACHINERY = (Path(pluggy.__file__).parent, Path(pytest.Item.runtest.__code__.co_filename).parent)


class Hooks:
    """Takes part in the loop on behalf of conftest files and plugins."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        # With several workers they are called from threads, which no conftest.py reckons with.
        self._one_at_a_time = threading.Lock()

    def propose(self, brief: Brief) -> Proposal | None:
        """Ask the hook for a candidate."""
        with self._one_at_a_time:
            proposal: Proposal | None = self._config.hook.pytest_autoloop_propose(
                config=self._config, brief=brief
            )
        return proposal

    def check(self, proposal: Proposal) -> str | None:
        """Ask the hook for a veto."""
        with self._one_at_a_time:
            reason: str | None = self._config.hook.pytest_autoloop_check(
                config=self._config, proposal=proposal
            )
        return reason

    def finished(self, experiment: Experiment) -> None:
        """Tell the hook of a finished experiment."""
        self._config.hook.pytest_autoloop_experiment_finished(
            config=self._config, experiment=experiment
        )


class Experiments(pytest.Collector):
    """The node that all experiments hang on."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Return nothing: the loop makes its items itself."""
        return []


class ExperimentItem(pytest.Item):
    """One experiment."""

    def __init__(self, *, run: Callable[[], Experiment], **keywords: Any) -> None:  # noqa: ANN401
        super().__init__(**keywords)
        self._run = run
        self.experiment: Experiment | None = None
        self.error: Exception | None = None

    def runtest(self) -> None:
        """Run it; a candidate's fault is a status, only a fault of ours raises."""
        # A project's faulthandler_timeout is meant for a test; an experiment takes longer.
        faulthandler.cancel_dump_traceback_later()
        try:
            self.experiment = self._run()
        except Exception as error:
            self.error = error
            raise

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ANN401 - as in pytest
    ) -> Any:  # noqa: ANN401
        """Show an error of ours as its message: it says what to do."""
        if isinstance(excinfo.value, AutoloopError):
            return f"{type(excinfo.value).__name__}: {excinfo.value}"
        _shorten(excinfo)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the experiment where pytest shows a test's place."""
        # As if in a file that is named as the node is: pytest would add where it is otherwise.
        return self.config.rootpath / self.nodeid.partition("::")[0], None, self.nodeid


def _shorten(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave what follows the last call of a hook: the conftest.py that failed, or this plugin."""
    ours = [
        not any(map(Path(entry.path).is_relative_to, _MACHINERY)) for entry in excinfo.traceback
    ]
    last = max((place for place, own in enumerate(ours) if not own), default=-1)
    excinfo.traceback = excinfo.traceback[last + 1 :] or excinfo.traceback

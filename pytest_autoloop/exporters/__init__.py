"""Hands experiments on to trackers of experiments, behind the plugin's own hooks.

In a thread of its own: a server that does not answer must not stop the loop, and one that fails is
told once, never the end of a campaign.
"""

from __future__ import annotations

import queue
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_autoloop.model import Experiment, Json

#: By name: the module that a tracker's client is imported as, and the extra that brings it.
EXPORTERS = {"mlflow": "mlflow", "wandb": "wandb"}
#: Seconds that the end of a session waits for a tracker.
_PATIENCE = 30.0


class Exporter(Protocol):
    """One tracker of experiments; it may raise whatever its client raises."""

    def experiment(self, experiment: Experiment) -> None:
        """Hand on an experiment; the first call begins the tracker's run."""

    def campaign(self, outcome: Mapping[str, Json]) -> None:
        """Hand on what a session has come to, and end the tracker's run."""


def check(name: str) -> None:
    """See that a tracker's client can be imported.

    That takes seconds of a processor, so it is done before anything is measured.

    Raises:
        UsageError: it is not installed, or broken.
    """
    try:
        import_module(EXPORTERS[name])
    except ImportError as error:
        raise UsageError(
            f"--autoloop-export={name}: {error}; pip install 'pytest-autoloop[{name}]', or leave "
            "the option out"
        ) from error


def make(name: str, tag: str | None = None) -> Exporter:
    """Return a tracker of experiments; `tag` names its run, if it is known already."""
    made: Exporter = import_module(f"{__name__}.to_{name}").make(tag)
    return made


class Export:
    """The hooks of one exporter.

    Args:
        name: of the tracker, for notes.
        make: returns the exporter; called in the thread, as a server may take long to answer.
        note: told once if something fails.
        patience: seconds that the end waits for.

    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Exporter],
        note: Callable[[str], None],
        patience: float = _PATIENCE,
    ) -> None:
        self._name, self._make, self._note, self._patience = name, make, note, patience
        self._work: queue.SimpleQueue[Callable[[Exporter], None] | None] = queue.SimpleQueue()
        self._failure = ""
        self._thread = threading.Thread(target=self._hand_on, name=f"to-{name}", daemon=True)

    @pytest.hookimpl
    def pytest_autoloop_experiment_finished(self, experiment: Experiment) -> None:
        """Hand on an experiment."""
        if self._thread.ident is None:
            self._thread.start()
        self._work.put(lambda exporter: exporter.experiment(experiment))

    @pytest.hookimpl
    def pytest_autoloop_campaign_finished(self, outcome: Mapping[str, Json]) -> None:
        """Hand on the outcome, and wait until it is there."""
        if self._thread.ident is None:
            return
        self._work.put(lambda exporter: exporter.campaign(outcome))
        self._work.put(None)
        self._thread.join(self._patience)
        if self._thread.is_alive():
            self._failure = f"it did not answer within {self._patience:g} s"
        if self._failure:
            self._note(
                f"--autoloop-export={self._name}: {self._failure}; the campaign's own records hold "
                "what is missing there"
            )

    def _hand_on(self) -> None:
        """Do one piece of work after another, until one fails or there is no more."""
        try:
            exporter = self._make()
            while (work := self._work.get()) is not None:
                work(exporter)
        except Exception as error:  # noqa: BLE001 - another's code, and nobody waits for this thread
            said = str(error).strip().partition("\n")[0]
            self._failure = f"{type(error).__name__}: {said}" if said else type(error).__name__

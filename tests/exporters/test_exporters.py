"""Handing experiments on to trackers."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop import exporters
from pytest_autoloop.errors import UsageError
from pytest_autoloop.exporters import Export
from tests.reporting.test_ending import experiment, gained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_autoloop.model import Experiment, Json

OUTCOME: dict[str, Json] = {
    "tag": "night",
    "error": "",
    "audited": {"gain": 1.5, "low": 1.4, "high": 1.6, "level": 0.95},
}


class Tracker:
    """Remembers what it is told, and fails or waits where it is to."""

    def __init__(self, fault: Exception | None = None, wait: threading.Event | None = None) -> None:
        self.fault, self.wait = fault, wait
        self.told: list[object] = []

    def experiment(self, experiment: Experiment) -> None:
        """Take note of an experiment."""
        if self.wait is not None:
            self.wait.wait()
        if self.fault is not None:
            raise self.fault
        self.told.append(experiment.number)

    def campaign(self, outcome: Mapping[str, Json]) -> None:
        """Take note of the end."""
        self.told.append(outcome)


def exported(tracker: Tracker, patience: float = 60) -> list[str]:
    """Hand on two experiments and the end; return the notes."""
    notes: list[str] = []
    export = Export("mlflow", lambda: tracker, notes.append, patience)
    for number in (0, 1):
        export.pytest_autoloop_experiment_finished(experiment(number))
    export.pytest_autoloop_campaign_finished(OUTCOME)
    return notes


def test_all_is_handed_on_in_its_order() -> None:
    """The end waits until it is there."""
    tracker = Tracker()
    assert exported(tracker) == []
    assert tracker.told == [0, 1, OUTCOME]


def test_a_failure_is_one_note() -> None:
    """Nothing more is tried, and nothing is raised."""
    tracker = Tracker(ConnectionError("no route\nto anywhere"))
    (note,) = exported(tracker)
    assert note.startswith("--autoloop-export=mlflow: ConnectionError: no route; ")
    assert tracker.told == []


def test_a_tracker_that_does_not_answer_is_left() -> None:
    """A campaign does not wait for ever."""
    answer = threading.Event()
    (note,) = exported(Tracker(wait=answer), patience=0)
    assert "it did not answer within 0 s" in note
    answer.set()


def test_a_session_without_an_experiment_begins_no_run() -> None:
    """There is nothing to hand on."""
    notes: list[str] = []
    export = Export("mlflow", lambda: pytest.fail("made"), notes.append)
    export.pytest_autoloop_campaign_finished(OUTCOME)
    assert notes == []


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is spent."""
    monkeypatch.setitem(exporters.EXPORTERS, "wandb", "no_such_client")
    with pytest.raises(UsageError, match=r"pip install 'pytest-autoloop\[wandb\]'"):
        exporters.check("wandb")


@contextmanager
def _others_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of a client are its own
        yield


def test_mlflow_has_a_run_with_every_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of an experiment is the step; the run has the campaign's name."""
    with _others_warnings():
        mlflow: Any = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tmp_path.as_uri())
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        tracker = exporters.make("mlflow")
        tracker.experiment(experiment(0, "baseline"))
        tracker.experiment(experiment(1, effect=gained(0.25)))
        tracker.campaign(OUTCOME)
        client = mlflow.MlflowClient()
        group = client.get_experiment_by_name("pytest-autoloop")
        (run,) = client.search_runs([group.experiment_id])
        history = client.get_metric_history(run.info.run_id, "time")
    assert [(one.step, one.value) for one in history] == [(0, 0.004), (1, 0.002)]
    assert run.data.metrics["log_gain"] == 0.25
    assert run.data.metrics["audited_gain"] == 1.5
    assert run.info.run_name == "night"
    assert run.info.status == "FINISHED"
    assert run.data.tags["keep.00001"].endswith(" idea 1")


def test_wandb_writes_a_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own variables are obeyed: nothing leaves the machine."""
    with _others_warnings():
        wandb: Any = pytest.importorskip("wandb", reason="the extra wandb is not installed")
        monkeypatch.setenv("WANDB_MODE", "offline")
        monkeypatch.setenv("WANDB_DIR", str(tmp_path))
        tracker = exporters.make("wandb", "night")
        tracker.experiment(experiment(0, "baseline"))
        tracker.experiment(experiment(1, effect=gained(0.25)))
        tracker.campaign(OUTCOME)
        wandb.teardown()  # the process that writes has ended
    (written,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = written.read_bytes()
    assert b"log_gain" in content
    assert b"idea 1" in content
    assert b"autoloop_audited" in content

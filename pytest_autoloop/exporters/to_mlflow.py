"""MLflow: a run for each session, in which the number of an experiment is the step.

The server is chosen by MLFLOW_TRACKING_URI, the experiment by MLFLOW_EXPERIMENT_NAME.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.model import Experiment, Json

_NAME = "pytest-autoloop"


class ToMlflow:
    """Uses a client of its own: a run that the project's own code may have begun is its own."""

    def __init__(self, tag: str | None) -> None:
        # An extra, which mypy need not find.
        self._client: Any = import_module("mlflow").MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _NAME)
        found = self._client.get_experiment_by_name(name)
        group = found.experiment_id if found else self._client.create_experiment(name)
        self._run: str = self._client.create_run(group, run_name=tag).info.run_id

    def experiment(self, experiment: Experiment) -> None:
        """Log the metrics and the gain; of a keep also its commit and description."""
        step, run = experiment.number, self._run
        values = {k: v for k, v in experiment.metrics.items() if v is not None}
        if experiment.effect is not None:
            values["log_gain"] = experiment.effect.log_gain
        if experiment.cost_usd is not None:
            values["cost_usd"] = experiment.cost_usd
        for name, value in values.items():
            self._client.log_metric(run, name, value, step=step)
        if experiment.status == "keep":
            told = f"{experiment.commit} {experiment.description}"
            self._client.set_tag(run, f"keep.{step:05}", told[:5000])

    def campaign(self, outcome: Mapping[str, Json]) -> None:
        """Name the run as the campaign is named, and end it."""
        for key in ("tag", "branch", "target", "best", "error"):
            self._client.set_tag(self._run, f"autoloop.{key}", str(outcome.get(key) or ""))
        self._client.set_tag(self._run, "mlflow.runName", str(outcome.get("tag") or _NAME))
        audited = outcome.get("audited")
        for key, value in audited.items() if isinstance(audited, dict) else ():
            if isinstance(value, (int, float)):
                self._client.log_metric(self._run, f"audited_{key}", value)
        self._client.set_terminated(self._run, "FAILED" if outcome.get("error") else "FINISHED")


def make(tag: str | None) -> ToMlflow:
    """Return the exporter."""
    return ToMlflow(tag)

"""Weights & Biases: a run for each session, in which the number of an experiment is the step.

WANDB_PROJECT, WANDB_MODE=offline and its other variables are obeyed by its own client.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.model import Experiment, Json

_NAME = "pytest-autoloop"


class ToWandb:
    """Silent: pytest has the terminal."""

    def __init__(self, tag: str | None) -> None:
        # An extra, which mypy need not find.
        wandb = import_module("wandb")
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _NAME),
            name=tag,
            job_type="autoloop",
            settings=wandb.Settings(silent=True, console="off"),
        )

    def experiment(self, experiment: Experiment) -> None:
        """Log the metrics, the gain, and what became of it."""
        values: dict[str, object] = {k: v for k, v in experiment.metrics.items() if v is not None}
        if experiment.effect is not None:
            values["log_gain"] = experiment.effect.log_gain
        if experiment.cost_usd is not None:
            values["cost_usd"] = experiment.cost_usd
        values |= {"status": experiment.status, "reason": experiment.reason}
        values |= {"description": experiment.description, "commit": experiment.commit}
        self._run.log(values, step=experiment.number)

    def campaign(self, outcome: Mapping[str, Json]) -> None:
        """Note the outcome in the run's summary, and end it."""
        for key in ("tag", "branch", "target", "best", "audited", "error"):
            if outcome.get(key):
                self._run.summary[f"autoloop_{key}"] = outcome[key]
        self._run.finish(exit_code=1 if outcome.get("error") else 0)


def make(tag: str | None) -> ToWandb:
    """Return the exporter."""
    return ToWandb(tag)

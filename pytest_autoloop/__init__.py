"""Run optimization as a pytest session.

``import pytest_autoloop as autoloop`` in a conftest.py gives the decorators that describe a
project: `target`, the file that may change, `metric`, a number that says how good it is, and
`proposer`, who suggests changes, where it is not one of those that come with the plugin.
"""

from __future__ import annotations

from pytest_autoloop.harness.decorators import metric, proposer, target
from pytest_autoloop.model import Brief, Edit, Experiment, Proposal
from pytest_autoloop.usage import Usage

__version__ = "0.1.0"

__all__ = ["Brief", "Edit", "Experiment", "Proposal", "Usage", "metric", "proposer", "target"]

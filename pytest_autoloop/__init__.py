"""Run optimization as a pytest session.

``import pytest_autoloop as autoloop`` in a conftest.py gives the two decorators that describe a
project: `target`, the file that may change, and `metric`, a number that says how good it is.
"""

from __future__ import annotations

from pytest_autoloop.harness.decorators import metric, target
from pytest_autoloop.model import Brief, Edit, Experiment, Proposal, Usage

__version__ = "0.1.0"

__all__ = ["Brief", "Edit", "Experiment", "Proposal", "Usage", "metric", "target"]

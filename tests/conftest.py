"""What every test of the project shares."""

from __future__ import annotations

from tests.projects import project

__all__ = ["project"]

pytest_plugins = ["pytester"]

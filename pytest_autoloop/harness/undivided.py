"""Keeps a session of pytest in one process, whatever its options ask of other plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

#: Options by which pytest-xdist would spread a session over others.
NO_DISTRIBUTION: Mapping[str, object] = {
    "numprocesses": 0,
    "maxprocesses": None,
    "dist": "no",
    "tx": [],
    "distload": False,
}


def keep_in_one_process(config: pytest.Config, **more: object) -> None:
    """Set these options, and `more` of plugins that may not be there; report no coverage.

    pytest-cov would report that of a process in which the tests do not run, and fail on it.
    """
    for name, value in {**NO_DISTRIBUTION, **more}.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    if config.pluginmanager.hasplugin("_cov"):
        config.pluginmanager.unregister(name="_cov")

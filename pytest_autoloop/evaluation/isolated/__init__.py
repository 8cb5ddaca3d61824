"""Isolated mode: pytest and the clock in one process, the candidate in another, data between."""

from __future__ import annotations


def prepare() -> None:
    """Do now what every session and every worker that is forked from this process needs.

    A warm parent calls it once, before it forks: imports, what the kernel and this installation
    offer, and the parts of the layers that are the same for all. None of it depends on a project or
    a candidate, and it may be called again.
    """
    # Imported late: whoever imports a module of this room would import them all.
    from pytest_autoloop.evaluation.containment import layers  # noqa: PLC0415 - see above
    from pytest_autoloop.evaluation.isolated import (  # noqa: PLC0415 - see above
        differential,  # noqa: F401 - imported for what is forked later
        leaving,
        trusted,  # noqa: F401 - as above
    )

    layers.prepare()
    leaving.prepare()

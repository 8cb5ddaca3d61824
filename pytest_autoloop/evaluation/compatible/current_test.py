"""Keeps the name of the running test out of the environment, where a candidate could read it."""

from __future__ import annotations

import os
from typing import Any

_NAME = "PYTEST_CURRENT_TEST"


def hide_current_test() -> bool:
    """Let pytest note no running test any more; False when this version cannot be told to.

    Setup sets the variable and runs fixtures in one function, so that no hook comes between: what
    sets it is replaced instead, which also removes it, and so never misses it.
    """
    from _pytest import runner  # noqa: PLC0415 - pytest is loaded when this is called

    module: Any = runner
    if not hasattr(module, "_update_current_test_var"):
        return False

    def _update_current_test_var(*_: object) -> None:
        pass

    module._update_current_test_var = _update_current_test_var
    os.environ.pop(_NAME, None)
    return True

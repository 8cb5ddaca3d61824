"""What a worker gives up of the process that it was forked from, before it holds any source."""

from __future__ import annotations

import gc
import importlib
import os
import random
import signal
import sys
import sysconfig
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.evaluation.isolated.contract import Surroundings

#: What a worker sees of its environment: what decides how Python and numerical libraries run.
_ENVIRONMENT = ("LANG", "LC_ALL", "TZ", "PYTHONHASHSEED")
#: A thread that a numerical library starts when it is loaded would not be confined.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


def prepare() -> None:
    """Look up now what the tripwire asks for, for all workers that are forked later."""
    for kind in ("stdlib", "platstdlib", "purelib", "platlib"):
        sysconfig.get_path(kind)


def close_others(kept: Sequence[int]) -> None:
    """Close every descriptor but these and the standard ones."""
    low = 2
    for high in (*sorted(kept), 1 << 16):
        os.closerange(low + 1, high)
        low = max(low, high)


def leave(roots: Sequence[str]) -> None:
    """Give up what belongs to the process this one was forked from, and no worker needs.

    `roots` are the entries of the import path in the worktree. Descriptors stay open.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    passed = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    os.environ.clear()
    os.environ.update(passed, **_ONE_THREAD, PATH=os.defpath)
    sys.argv[:] = [""]
    sys.path[:] = [*roots, *(entry for entry in sys.path if entry and entry not in roots)]
    _forget_project(roots)
    importlib.invalidate_caches()
    random.seed(0)
    gc.enable()
    # What is there now is never garbage, and need not be looked at in each collection.
    gc.freeze()


def settle(surroundings: Surroundings) -> None:
    """Move to a place of this process's own."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    output = os.open(surroundings.output, flags, 0o600)
    for descriptor, standards in ((nothing, (0,)), (output, (1, 2))):
        for standard in standards:
            os.dup2(descriptor, standard)
        os.close(descriptor)
    home = surroundings.home
    os.environ.update(HOME=home, TMPDIR=home)
    os.chdir(home)


def _forget_project(roots: Sequence[str]) -> None:
    """Forget what the process this one was forked from has imported of the project, and its way.

    The first commit's version is loaded late, when tests and a proxy stand in `sys.modules`.
    """
    ours = ("_pytest", "pytest_autoloop")
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not type(finder).__module__.startswith(ours)
    ]
    below = tuple(f"{root}{os.sep}" for root in roots)
    if not below:
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(below):
            del sys.modules[name]

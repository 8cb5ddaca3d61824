"""The environment of a contained process: what is known to be harmless, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

#: A name that ends in `*` stands for all that begin so. A deny-list would pass the key whose name
#: nobody thought of.
_ALLOWED = (
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TERM",
    "COLUMNS",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    # Without these, some interpreters do not find their own library.
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    # How many threads numerical libraries use is a part of what is measured.
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "PYTHONCOERCECLOCALE",
    "PYTHONDEVMODE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONHOME",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONNOUSERSITE",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSAFEPATH",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "PYTHONWARNINGS",
    "PYTHON_GIL",
    "PYTHON_JIT",
    "PYTEST_ADDOPTS",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    "PYTEST_PLUGINS",
)
_HOMES = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")


def contained_environment(
    environment: Mapping[str, str], *, home: Path, allow: Collection[str] = ()
) -> dict[str, str]:
    """Return what of an environment may pass, with `home` as home and temporary directory.

    `allow` adds names; one that ends in `*` stands for all that begin so.
    """
    wanted = (*_ALLOWED, *allow)
    exact = {name for name in wanted if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in wanted if name.endswith("*"))
    passed = {
        name: value
        for name, value in environment.items()
        if name in exact or (prefixes and name.startswith(prefixes))
    }
    # What the user allowed by name stays as it is.
    return passed | {name: str(home) for name in _HOMES if name not in allow}

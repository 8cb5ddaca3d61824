"""What the harness's functions and classes are, so that a replaced one is seen.

A function is known by its identity, by that of its code, defaults and inner functions; a class by
its attributes and bases. Code objects cannot be changed in place from Python, so that comparing
identities is enough while a test runs; at the end the code's bytes are compared too.
"""

from __future__ import annotations

import functools
import operator
import sys
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.compatible.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: Packages whose modules judge a test or take its time.
_PACKAGES = ("_pytest", "pytest", "pluggy", "pytest_benchmark", "pytest_timeout", "pytest_autoloop")
#: Modules that they compare, count and take times with.
_TOOLS = (
    *("builtins", "time", "math", "_operator", "operator", "statistics", "gc", "os", "posix", "nt"),
    *("json", "json.encoder", "pathlib", "pathlib._local", "numpy.testing", "unittest.case"),
    *("timeit", "functools", "threading", "signal", "contextlib", "atexit", "traceback"),
)
#: Modules that pass or fail a test, or take its time: their code is compared by its bytes as well.
_CORE = (
    *(
        "_pytest.runner",
        "_pytest.reports",
        "_pytest.approx",
        "_pytest.python_api",
        "_pytest.raises",
    ),
    *("pluggy._callers", "pytest_benchmark.fixture", "pytest_benchmark.stats"),
)
#: What a benchmark's time depends on: compared before and after each of them.
TIMING = (
    *("builtins", "time", "gc", "statistics", "pytest_benchmark.fixture"),
    *("pytest_benchmark.stats", "pytest_benchmark.timers", "pytest_benchmark.session"),
)
#: Names that pytest itself sets while a test runs, and that the interpreter sets on a class; hooks
#: of the interpreter are compared elsewhere.
_OWN = frozenset(
    {"_reprcompare", "_assertion_pass", "RUNNER_CLASS", "CHECKER_CLASS"}
    | {"__annotate__", "__annotate_func__", "excepthook"}
)
_TYPES = (object, type, int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset)
_PLAIN = (ModuleType, property, staticmethod, classmethod, functools.cached_property)
_MISSING = object()
#: What decides on a function's behaviour and can be exchanged without a trace in what holds it.
_PARTS = tuple(map(operator.attrgetter, ("__code__", "__defaults__", "__kwdefaults__")))
# Bound now: a candidate that is imported later replaces what others look up.
_same = operator.is_


class Fingerprints:
    """Knows modules as they were when they were taken."""

    def __init__(self) -> None:
        self._modules: dict[str, _Module] = {}
        #: Names of the modules that belong to pytest, its plugins or this package.
        self._judges: set[str] = set()
        self._types = [(kind, dict(vars(kind))) for kind in _TYPES]
        #: Whether nothing is known to differ: see `settle`.
        self.settled = False

    def copy(self) -> Fingerprints:
        """Return one that can take more without changing this one."""
        other = Fingerprints()
        other._modules = dict(self._modules)
        other._judges = set(self._judges)
        other._types = self._types
        other.settled = self.settled
        return other

    def take(self, *, again: Iterable[str] = ()) -> None:
        """Take all modules of the harness that are loaded and not known yet."""
        for name in again:
            self._modules.pop(name, None)
        for name, module in list(sys.modules.items()):
            if name not in self._modules and _is_ours(name) and isinstance(module, ModuleType):
                self._modules[name] = _Module(name, module)
                if name not in _TOOLS:
                    self._judges.add(name)

    def take_module(self, name: str, module: ModuleType, *, judge: bool = False) -> None:
        """Take a module that is not the harness's by its name, such as a test's or a plugin."""
        if judge:
            self._judges.add(name)
        if name not in self._modules:
            self._modules[name] = _Module(name, module)

    def knows(self, value: object) -> bool:
        """Tell whether a function or class is pytest's own, a plugin's or this package's."""
        inner = getattr(value, "func", value)
        name = str(getattr(inner, "__module__", ""))
        module = self._modules.get(name) if name in self._judges else None
        return module is not None and any(value is inner for value in module.members.values())

    def differences(
        self, only: Iterable[str] | None = None, *, whole: bool = False
    ) -> list[Finding]:
        """Return what is not as it was; `whole` compares the bytes of the core's code as well."""
        found: list[Finding] = []
        for name in list(self._modules) if only is None else only:
            if (module := self._modules.get(name)) is not None:
                found += module.differences()
                if whole and name in _CORE:
                    found += module.rewritten()
        for kind, saved in self._types:
            found += _compared(f"builtins.{kind.__name__}", saved, dict(vars(kind)), bool)
        return found


_prepared: Fingerprints | None = None


def prepare() -> Fingerprints:
    """Take what is loaded once; a process that is forked afterwards need not do it again."""
    global _prepared  # noqa: PLW0603 - what a parent has done for its children
    if _prepared is None:
        _prepared = Fingerprints()
    _prepared.take()
    return _prepared


def settle() -> None:
    """Take what this process itself has replaced until now for right, plugins included.

    For a process in which nothing of a project has run, and which is about to be forked.
    """
    prepared = prepare()
    prepared.take(again=changed(prepared.differences()))
    prepared.settled = True


def changed(differences: Iterable[Finding]) -> set[str]:
    """Return the names of the modules that findings speak of, and of what is in them."""
    paths = (finding.kind.partition(":")[2].split(".") for finding in differences)
    return {".".join(parts[:length]) for parts in paths for length in range(1, len(parts) + 1)}


class _Module:
    """The functions and classes of one module, in its own dictionary and in those of classes."""

    def __init__(self, name: str, module: ModuleType) -> None:
        self._name = name
        self._module = module
        self.members = {k: v for k, v in vars(module).items() if _counts(v)}
        self._whole = _numbers(vars(module))
        self._classes: list[_Class] = []
        self._paths: list[str] = []
        self._functions: list[FunctionType] = []
        for key, value in self.members.items():
            self._note(f"{name}.{key}", value)
        self._parts = [list(map(part, self._functions)) for part in _PARTS]
        # Few functions have others in them; a closure's numbers and lists are its state.
        self._inner = {i: _inner(f) for i, f in enumerate(self._functions) if f.__closure__}
        self._bytes = [hash(code.co_code) for code in self._parts[0] if name in _CORE]

    def _note(self, path: str, value: object) -> None:
        for function in _functions(value):
            if function.__module__ == self._name:
                self._paths.append(path)
                self._functions.append(function)
        if isinstance(value, type) and value.__module__ == self._name:
            if any(known.kind is value for known in self._classes):
                return
            attributes = {k: v for k, v in vars(value).items() if _counts(v)}
            whole = _numbers(vars(value))
            self._classes.append(_Class(value, value.__bases__, attributes, whole))
            for key, attribute in attributes.items():
                self._note(f"{path}.{key}", attribute)

    def differences(self) -> list[Finding]:
        """Return what is not as it was."""
        found: list[Finding] = []
        if sys.modules.get(self._name, _MISSING) is not self._module:
            found.append(_replaced(self._name))
        if _numbers(vars(self._module)) != self._whole:
            found += _compared(self._name, self.members, vars(self._module), self._is_new)
        for known in self._classes:
            path = f"{self._name}.{known.kind.__qualname__}"
            if known.kind.__bases__ != known.bases:
                found.append(_replaced(f"{path}.__bases__"))
            if _numbers(vars(known.kind)) != known.whole:
                found += _compared(path, known.attributes, vars(known.kind), _counts)
        changed: set[int] = set()
        for part, saved in zip(_PARTS, self._parts, strict=True):
            now = list(map(part, self._functions))
            if not all(map(_same, now, saved)):
                changed |= {i for i, value in enumerate(now) if value is not saved[i]}
        for index, inner in self._inner.items():
            if not all(map(_same, _inner(self._functions[index]), inner)):
                changed.add(index)
        return [*found, *(_replaced(self._paths[index]) for index in sorted(changed))]

    def rewritten(self) -> list[Finding]:
        """Return the functions whose code has been changed in place."""
        return [
            Finding(f"rewritten:{path}", f"the code of {path} was changed")
            for path, code, known in zip(self._paths, self._parts[0], self._bytes, strict=True)
            if hash(code.co_code) != known
        ]

    def _is_new(self, value: object) -> bool:
        # A submodule that is imported late is bound in its package.
        known = isinstance(value, ModuleType) and value.__name__.startswith(f"{self._name}.")
        return _counts(value) and not known


@dataclass(frozen=True, slots=True)
class _Class:
    kind: type
    bases: tuple[type, ...]
    attributes: dict[str, Any]
    #: Identities of all attributes: the same as long as nothing was exchanged.
    whole: list[int]


def _numbers(values: Mapping[str, Any]) -> list[int]:
    return list(map(id, list(values.values())))


def _is_ours(name: str) -> bool:
    return name in _TOOLS or name.partition(".")[0] in _PACKAGES


def _counts(value: object) -> bool:
    return callable(value) or isinstance(value, _PLAIN)


def _compared(
    path: str,
    saved: dict[str, Any],
    now: Mapping[str, Any],
    is_new: Callable[[Any], bool],
) -> Iterator[Finding]:
    for key, value in saved.items():
        if now.get(key, _MISSING) is not value and key not in _OWN:
            yield _replaced(f"{path}.{key}")
    if len(now) != len(saved):
        for key, value in list(now.items()):
            if key not in saved and key not in _OWN and is_new(value):
                yield Finding(f"added:{path}.{key}", f"{path}.{key} was added")


def _replaced(path: str) -> Finding:
    return Finding(f"replaced:{path}", f"{_shown(path)} was replaced")


def _shown(path: str) -> str:
    package, _, rest = path.partition(".")
    return f"pytest's {rest}" if package == "_pytest" else path


def _functions(value: object) -> Iterator[FunctionType]:
    """Return the functions that an attribute stands for."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, staticmethod | classmethod | MethodType):
        yield from _functions(value.__func__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _functions(part)
    elif isinstance(value, functools.cached_property):
        yield from _functions(value.func)


def _inner(function: FunctionType) -> list[object]:
    """Return the functions and classes that a function has taken with it."""
    found: list[object] = []
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:
            content = None
        found.append(content if isinstance(content, FunctionType | type) else None)
    return found

"""What tests use of the untouched target, and whether a proxy can take its place."""

from __future__ import annotations

import functools
import sys
import time
from dataclasses import asdict, dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.limits import PlainDataError
from pytest_autoloop.evaluation.isolated.recording import Call, Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_autoloop.model import Json


@dataclass(frozen=True, slots=True)
class Api:
    """What others use of the target."""

    #: Dotted name under which it is imported.
    module: str
    functions: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    #: Functions that were called and left their arguments as they were; a candidate that changes
    #: those of one of them is at fault.
    leaving: tuple[str, ...] = ()
    #: Why a proxy cannot take its place; empty when it can.
    reason: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return an object for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Api:
        """Return what `to_json` made an object of."""
        kinds = ("functions", "constants", "exceptions", "leaving")
        names = {kind: tuple(document[kind]) for kind in kinds}
        return cls(document["module"], reason=document["reason"], **names)


class Recorder:
    """Watches the untouched target in the process of its tests.

    Only what comes from outside counts: inside, functions call one another as they are.
    """

    def __init__(self) -> None:
        #: The test that runs now, and whether it is a benchmark.
        self.node = ""
        self.benchmark = False
        self._recording = Recording()
        self._module: ModuleType | None = None
        self._used: dict[str, set[str]] = {
            "functions": set(),
            "constants": set(),
            "exceptions": set(),
            "leaving": set(),
        }
        self._changing: set[str] = set()
        self._reason = ""
        self._wrappers: dict[str, tuple[object, Any]] = {}

    def install(self, module: ModuleType) -> None:
        """Watch a module that has just been executed."""
        if self._module is not None:
            before, now = self._module.__name__, module.__name__
            twice = "more than once" if before == now else f"both as {before} and as {now}"
            self._refuse(f"tests import it {twice}")
        self._module = module
        recorder = self

        class Watched(ModuleType):
            def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
                value = super().__getattribute__(name)
                return value if name.startswith("__") else recorder._use(module, name, value)

            def __setattr__(self, name: str, value: object) -> None:
                # The import system puts submodules into a package, and that is no change.
                if not name.startswith("__") and not isinstance(value, ModuleType):
                    recorder._refuse(f"tests replace its {name}")
                super().__setattr__(name, value)

            def __delattr__(self, name: str) -> None:
                recorder._refuse(f"tests remove its {name}")
                super().__delattr__(name)

        module.__class__ = Watched

    def finish(self) -> tuple[Api, Recording]:
        """Return what was used, and the calls."""
        if self._module is None:
            return Api("", reason="no test imports it as a module"), self._recording
        self._used["leaving"] -= self._changing
        used = {kind: tuple(sorted(names)) for kind, names in self._used.items()}
        return Api(self._module.__name__, reason=self._reason, **used), self._recording

    def _refuse(self, reason: str) -> None:
        self._reason = self._reason or reason

    def _use(self, module: ModuleType, name: str, value: object) -> object:
        """Note that a name is read from outside; functions come back with their calls recorded."""
        if isinstance(value, ModuleType):
            return value
        if isinstance(value, type):
            if value.__module__ == module.__name__:
                if issubclass(value, BaseException):
                    self._used["exceptions"].add(name)
                else:
                    self._refuse(f"tests use its class {name}")
            return value
        if callable(value):
            self._used["functions"].add(name)
            return self._recorded(name, value)
        try:
            _, changeable = plain.encode_noting(value)
        except PlainDataError as error:
            self._refuse(f"tests look at its {name}: {error}")
        else:
            if changeable:
                self._refuse(f"tests look at its {name}, which can change")
            self._used["constants"].add(name)
        return value

    def _recorded(self, name: str, function: Callable[..., Any]) -> Any:  # noqa: ANN401
        known = self._wrappers.get(name)
        if known is not None and known[0] is function:
            return known[1]
        wrapper: Any
        if isinstance(function, FunctionType | BuiltinFunctionType):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
                return self._call(name, function, args, kwargs)

        else:
            wrapper = _Delegate(name, function, self)
        self._wrappers[name] = function, wrapper
        return wrapper

    def _call(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # noqa: ANN401
        data = self._encoded((args, kwargs), f"{name}() takes")
        started = time.perf_counter()
        raised = True
        try:
            result = function(*args, **kwargs)
            raised = False
        except BaseException as error:
            self._check_exception(name, type(error))
            raise
        finally:
            seconds = time.perf_counter() - started
            if data is not None:
                self._recording.add(Call(name, data, self.node, self.benchmark, seconds, raised))
        self._encoded(result, f"{name}() returns")
        # What it leaves in its arguments has to cross as well.
        left = self._encoded((args, kwargs), f"{name}() changes its arguments:")
        (self._used["leaving"] if left == data else self._changing).add(name)
        return result

    def _encoded(self, value: object, what: str) -> bytes | None:
        try:
            return plain.encode(value)
        except PlainDataError as error:
            self._refuse(f"{what} {error}".replace(" is not plain data", ""))
            return None

    def _check_exception(self, name: str, kind: type[BaseException]) -> None:
        home = kind.__module__.partition(".")[0]
        assert self._module is not None
        if kind.__module__ != self._module.__name__ and home not in sys.stdlib_module_names:
            self._refuse(f"{name}() raises {kind.__module__}.{kind.__qualname__}")


class _Delegate:
    """Stands for a callable that is no function, such as one with a cache around it."""

    def __init__(self, name: str, function: Callable[..., Any], recorder: Recorder) -> None:
        functools.update_wrapper(self, function, updated=())
        self._name, self._function, self._recorder = name, function, recorder

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return self._recorder._call(self._name, self._function, args, kwargs)

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401
        self._recorder._refuse(f"tests use {self._name}.{attribute}")
        return getattr(self._function, attribute)

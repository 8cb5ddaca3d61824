"""The proxy: a module that looks like the target, and asks a worker for everything it computes."""

from __future__ import annotations

import builtins
import functools
import importlib
import os
import sys
import threading
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.imports import SourceLoader
from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.compare import differences
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.isolated.handle import Remote
from pytest_autoloop.evaluation.isolated.limits import PlainDataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.evaluation.isolated.answers import Raised
    from pytest_autoloop.evaluation.isolated.api import Api
    from pytest_autoloop.evaluation.isolated.handle import Worker


class ProxyLoader(SourceLoader):
    """Executes the first commit's target, which is the user's own, and replaces what computes."""

    def __init__(
        self, name: str, path: str, *, original: bytes, api: Api, worker: Worker, seconds: float
    ) -> None:
        super().__init__(name, path)
        self._original = original
        self._api = api
        self._worker = worker
        self._seconds = seconds
        self._fault: CandidateFault | None = None
        self._lock = threading.RLock()
        self._process = os.getpid()

    def first_fault(self) -> CandidateFault | None:
        """Return the first thing that the candidate did and no candidate may."""
        return self._fault

    def exec_module(self, module: ModuleType) -> None:
        """Make the proxy."""
        namespace = module.__dict__
        code = compile(self._original, self.path, "exec", dont_inherit=True)
        exec(code, namespace)  # noqa: S102 - what the user has committed
        functions = self._functions(namespace)
        for name, value in list(namespace.items()):
            if name.startswith("__") or isinstance(value, ModuleType | type):
                continue
            del namespace[name]
            if callable(value) and name in functions:
                namespace[name] = self._stub(name, value, namespace)
        module.__class__ = _proxy_class(self, module.__name__)

    def _functions(self, namespace: dict[str, Any]) -> frozenset[str]:
        """Return the names of what a candidate offers to be called.

        One that cannot be loaded offers all that the original does, and fails in each: an error
        here would end a session whose conftest imports the target, before it can tell why.
        """
        try:
            return self._worker.exports.functions
        except CandidateFault as fault:
            self._fault = fault
            return frozenset(name for name, value in namespace.items() if callable(value))

    def missing(self, module: ModuleType, name: str) -> Any:  # noqa: ANN401 - any attribute
        """Return an attribute that the proxy does not hold itself: the candidate's value now."""
        unknown = AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        if name.startswith("__"):
            raise unknown
        if self._fault is not None:
            raise self._fault
        exports = self._worker.exports
        if name not in exports.functions | exports.constants.keys():
            raise unknown
        if name in exports.functions:
            return self._stub(name, None, module.__dict__)
        return self._asked(lambda: self._worker.get(name, seconds=self._seconds))

    def _stub(
        self, name: str, original: Callable[..., Any] | None, namespace: dict[str, Any]
    ) -> FunctionType:
        call = self._call

        def remote(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            __tracebackhide__ = True
            return call(name, args, kwargs)

        # With the module's own namespace: doctest and inspect tell by it where a function belongs.
        stub = FunctionType(remote.__code__, namespace, name, None, remote.__closure__)
        stub.__qualname__ = name
        if original is not None:
            functools.update_wrapper(stub, original)
        return stub

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        __tracebackhide__ = True
        try:
            return self._asked(lambda: self._answer(name, args, kwargs))
        except Remote as error:
            raised = error.raised
        raise self._exception(raised)

    def _answer(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        before: object = None
        # What is no plain data is the fault that the worker tells.
        with suppress(PlainDataError):
            before = (
                plain.decode(plain.encode((args, kwargs))) if name in self._api.leaving else None
            )
        raised: Remote | None = None
        value = None
        try:
            value = self._worker.remote(name, args, kwargs, seconds=self._seconds)
        except Remote as error:
            raised = error
        if before is not None and differences(before, (args, kwargs), 0.0):
            told = f"{name}() changes its arguments, which it did not in the untouched version"
            raise CandidateFault("discard", "differential", told)
        if raised is not None:
            raise raised
        return value

    def _asked(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401
        if os.getpid() != self._process:
            message = (
                "the target is called in a process that a test has forked, where its worker cannot "
                "be reached"
            )
            raise RuntimeError(message)
        with self._lock:
            if self._fault is not None:
                raise self._fault
            try:
                return ask()
            except CandidateFault as fault:
                self._fault = fault
                raise

    def _exception(self, raised: Raised) -> BaseException:
        """Return an exception of the nearest class that is known here."""
        kind = next(filter(None, map(self._class, raised.bases)), Exception)
        arguments = (raised.text,) if raised.arguments is None else raised.arguments
        try:
            return kind(*arguments)
        # A class may want other arguments than it keeps.
        except Exception:  # noqa: BLE001
            error = kind.__new__(kind)
            error.args = arguments
            return error

    def _class(self, path: str) -> type[BaseException] | None:
        home, _, name = path.rpartition(".")
        known: Any = builtins
        if home == self._api.module:
            known = sys.modules.get(self.name)
        elif home:
            standard = home.partition(".")[0] in sys.stdlib_module_names
            known = importlib.import_module(home) if standard else None
        found = getattr(known, name, None)
        return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _proxy_class(loader: ProxyLoader, name: str) -> type[ModuleType]:
    class Proxy(ModuleType):
        def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401
            return loader.missing(self, attribute)

    Proxy.__qualname__ = f"proxy of {name}"
    return Proxy

"""The worker: loads one version of the target, and answers calls until the other side has ended.

Whatever runs here after the candidate is loaded may have been changed by it. Nothing it says is
believed: it can only return values, which are compared elsewhere.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import gc
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_autoloop.evaluation import tripwire
from pytest_autoloop.evaluation.containment.layers import apply
from pytest_autoloop.evaluation.containment.paths import kernel_paths, system_paths
from pytest_autoloop.evaluation.containment.policy import Policy
from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.contract import from_plain
from pytest_autoloop.evaluation.isolated.frames import Channel, ChannelClosed
from pytest_autoloop.evaluation.isolated.leaving import close_others, settle
from pytest_autoloop.evaluation.isolated.limits import PlainDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType, TracebackType

    from pytest_autoloop.evaluation.isolated.contract import Source, Surroundings

#: Results that are looked at again before the next answer, and the largest that is.
_REMEMBERED = 4
_LARGEST_REMEMBERED = 1 << 16
_TEXT_LIMIT = 500
_RAISE = dis.opmap["RAISE_VARARGS"]


def serve(reading: int, writing: int) -> NoReturn:
    """Take a source, load it, say what it offers, answer; does not return.

    The first frame holds what `contract.to_plain` makes of a source and of its surroundings.
    """
    try:
        close_others((reading, writing))
        channel = Channel(reading, writing)
        source, surroundings = from_plain(plain.decode(channel.receive()))
        settle(surroundings)
        module = _load(source, surroundings, writing)
        channel.send(plain.encode(("loaded", *_exports(module))))
        _answer(channel, module, source.path)
    except ChannelClosed:
        pass
    # The end of this process: whatever happened, the other side must learn of it or see it end.
    except BaseException as error:  # noqa: BLE001
        with contextlib.suppress(BaseException):
            Channel(reading, writing).send(
                plain.encode(("failed", type(error).__name__, _told(error)))
            )
    finally:
        os._exit(0)


def _load(source: Source, surroundings: Surroundings, writing: int) -> ModuleType:
    """Import the target from memory, after every door is shut."""
    _import_beforehand(source, surroundings.import_roots)
    report = _reporter(writing)
    if surroundings.contained:
        policy = Policy(
            readable=(
                *system_paths(),
                *kernel_paths(),
                *map(Path, surroundings.readable),
                *(Path(entry) for entry in sys.path if entry not in surroundings.import_roots),
            ),
            listable=tuple(map(Path, surroundings.import_roots)),
            memory_bytes=surroundings.memory_bytes,
        )
        apply(policy, "worker")
    sys.modules.pop(source.module, None)
    sys.meta_path.insert(0, _MemoryFinder(source))
    if surroundings.tripwire:
        # The target's package is looked for in all places in turn: what lists them once, keeps it.
        importlib.machinery.PathFinder.find_spec("no_module_of_this_name")
        tripwire.arm(report, target_path=source.path, readable=surroundings.readable)
    return importlib.import_module(source.module)


def _import_beforehand(source: Source, roots: Sequence[str]) -> None:
    """Import what the source will: a library may open files and memory that the target may not."""
    try:
        tree = ast.parse(source.content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
    for name in sorted(names):
        with contextlib.suppress(Exception):
            found = importlib.util.find_spec(name.partition(".")[0])
            if found is None or _is_below(found, roots):
                continue
            importlib.import_module(name)


def _is_below(spec: ModuleSpec, roots: Sequence[str]) -> bool:
    places = [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(place.startswith(f"{root}{os.sep}") for place in places for root in roots)


def _reporter(writing: int) -> Callable[[str], NoReturn]:
    # Bound here: a candidate may replace what these names mean.
    write, leave, encode = os.write, os._exit, plain.encode
    blocking = os.set_blocking

    def report(reason: str) -> NoReturn:
        data = encode(("tripwire", reason[:_TEXT_LIMIT]))
        blocking(writing, True)
        write(writing, len(data).to_bytes(4, "little") + data)
        leave(1)

    return report


class _MemoryFinder:
    """Finds the target in memory, under its own name."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._source.module:
            return None
        path_of_it = Path(self._source.path)
        package = path_of_it.name == "__init__.py"
        found = ModuleSpec(name, self, origin=self._source.path, is_package=package)  # type: ignore[arg-type]
        found.has_location = True
        if package:
            found.submodule_search_locations = [str(path_of_it.parent)]
        return found

    def create_module(self, _: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._source.content, self._source.path, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - it is what a worker is for


def _exports(module: ModuleType) -> tuple[list[str], dict[str, Any], list[str]]:
    """Return functions, plain constants and all other names of a module."""
    functions: list[str] = []
    constants: dict[str, Any] = {}
    others: list[str] = []
    for name, value in list(vars(module).items()):
        if name.startswith("__"):
            continue
        if callable(value) and not isinstance(value, type):
            functions.append(name)
            continue
        try:
            plain.encode(value)
        except PlainDataError:
            others.append(name)
        else:
            constants[name] = value
    return functions, constants, others


def _answer(channel: Channel, module: ModuleType, path: str) -> NoReturn:
    encode, decode = plain.encode, plain.decode_noting
    earlier: list[tuple[object, bytes]] = []
    while True:
        (kind, function, *rest), met = decode(channel.receive())
        if kind == "batch":
            _answer_batch(channel, getattr(module, function), rest[0], path)
            continue
        args, kwargs = rest
        changed = any(encode(value) != before for value, before in earlier)
        outcome: tuple[Any, ...] = ("returned", getattr(module, function, None))
        if kind == "call":
            outcome = _call(outcome[1], args, kwargs, path)
        if outcome[0] == "returned":
            _remember(earlier, outcome[1])
        try:
            answer = encode((*outcome, args, kwargs, changed), known=met)
        except PlainDataError as error:
            answer = encode(("refused", str(error)))
        channel.send(answer)


def _remember(earlier: list[tuple[object, bytes]], value: object) -> None:
    with contextlib.suppress(PlainDataError):
        data, changeable = plain.encode_noting(value)
        if changeable and len(data) <= _LARGEST_REMEMBERED:
            earlier.append((value, data))
            del earlier[:-_REMEMBERED]


def _answer_batch(
    channel: Channel, function: Callable[..., Any], calls: list[Any], path: str
) -> None:
    """Run many calls between two signals; what goes in and out is not part of that time."""
    encode = plain.encode
    returned: list[Any] = []
    append = returned.append
    failed: dict[int, Any] = {}
    gc.collect()
    channel.send(encode("ready"))
    channel.receive()
    for args, kwargs in calls:
        try:
            append(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001, PERF203 - a candidate may raise anything
            failed[len(returned)] = error
            append(None)
    channel.send(encode("done"))
    channel.receive()
    outcomes: list[Any] = []
    for index, ((args, kwargs), value) in enumerate(zip(calls, returned, strict=True)):
        if index in failed:
            outcomes.append((*_raised(failed[index], path), args, kwargs))
        else:
            outcomes.append(("returned", value, args, kwargs))
    try:
        answer = encode(outcomes)
    except PlainDataError as error:
        answer = encode(("refused", str(error)))
    channel.send(answer)


def _call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], path: str
) -> tuple[Any, ...]:
    try:
        return "returned", function(*args, **kwargs)
    # A candidate may raise anything, SystemExit too; it is an answer.
    except BaseException as error:  # noqa: BLE001
        return _raised(error, path)


def _raised(error: BaseException, path: str) -> tuple[Any, ...]:
    arguments: Any = tuple(error.args)
    try:
        plain.encode(arguments)
    except PlainDataError:
        arguments = None
    bases = [_name(kind) for kind in type(error).__mro__]
    explicit = _is_explicit(error.__traceback__, path)
    return "raised", (bases[0], bases, arguments, _told(error), explicit)


def _is_explicit(traceback: TracebackType | None, path: str) -> bool:
    """Tell whether an exception came out of a `raise` in the target's own code."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None or traceback.tb_frame.f_code.co_filename != path:
        return False
    return traceback.tb_frame.f_code.co_code[traceback.tb_lasti] == _RAISE


def _name(kind: type) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _told(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_LIMIT]
    # The candidate's own `__str__`.
    except BaseException:  # noqa: BLE001
        return "(no text)"

"""What no loop of forked experiments can go below; started by `costs.Floor`.

A warm process forks for each candidate; the fork imports the target and calls the test functions,
with no pytest around them. A line on standard input is the path of a candidate, the answer a line
of JSON: `wall`, `cpu` and `own`, the seconds spent in test functions, and `passed`.

python benchmarks/floor.py PROJECT [MODULE_TO_PRELOAD ...]
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType


class Benchmark:
    """Stands in for the fixture `benchmark`."""

    def pedantic(
        self, function: Callable[..., Any], args: tuple[Any, ...], rounds: int, iterations: int
    ) -> Any:  # noqa: ANN401 - what the function returns
        """Call and time a function, as often as it is asked for."""
        times, result = [], None
        for _ in range(rounds):
            started = time.perf_counter()
            for _ in range(iterations):
                result = function(*args)
            times.append(time.perf_counter() - started)
        return result


def judged(tests: list[CodeType]) -> dict[str, Any]:
    """Import the target and call every test function; return the seconds and the verdict."""
    own, passed = 0.0, True
    for code in tests:
        names: dict[str, Any] = {"__name__": "tests"}
        # Trusted: the benchmark has written it.
        exec(code, names)  # noqa: S102
        for name, function in list(names.items()):
            if name.startswith("test_"):
                arguments = (Benchmark(),) if name == "test_bench" else ()
                started = time.perf_counter()
                try:
                    function(*arguments)
                except AssertionError:
                    passed = False
                own += time.perf_counter() - started
    return {"own": own, "passed": passed}


def forked(tests: list[CodeType]) -> dict[str, Any]:
    """Judge in a fork; return what it told, and the CPU time of the fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, json.dumps(judged(tests)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told: dict[str, Any] = json.load(stream)
    _, _, used = os.wait4(child, 0)
    return {**told, "cpu": used.ru_utime + used.ru_stime}


def main() -> None:
    """Answer until standard input ends."""
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    # What was compiled before may be of a candidate of the same size and second.
    sys.dont_write_bytecode = True
    for name in sys.argv[2:]:
        importlib.import_module(name)
    tests = [
        compile(path.read_bytes(), str(path), "exec")
        for path in sorted((folder / "tests").glob("test_*.py"))
    ]
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        (folder / "target.py").write_bytes(Path(line.strip()).read_bytes())
        importlib.invalidate_caches()
        told = forked(tests)
        told["cpu"] += time.process_time() - cpu
        told["wall"] = time.perf_counter() - wall
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

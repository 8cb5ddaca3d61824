"""What the screen must let pass: honest ways to be faster."""

from __future__ import annotations

import textwrap

import pytest

from pytest_autoloop.evaluation.static.screen import findings

BASELINE = b"""
from pkg.helpers import clean

def f(xs):
    return [clean(x) for x in xs]
"""

HONEST = {
    "numpy": """
        import numpy as np
        from numpy.lib.stride_tricks import sliding_window_view
        xp = np
        def f(xs):
            out = np.zeros(4); out[0] = 1; out[1:] += 2
            np.add.at(out, [0], 1); np.append(out, 1); xp.cumsum(out, out=out)
            with np.errstate(all="ignore"):
                np.linalg.norm(out)
            return sliding_window_view(out, 2), out.dtype == np.float64, np.frombuffer(b"1234")
    """,
    "numpy if it is there": """
        try:
            import numpy as np
        except ImportError:
            np = None
        def f(xs):
            return np.asarray(xs).tolist() if np is not None and np else list(xs)
    """,
    "types": """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from pathlib import Path
        def f(xs: list[int], path: Path | None = None) -> list[int]: return xs
    """,
    "tables and tools": r"""
        import array, bisect, heapq, itertools as it, math, operator as op, re, struct
        from functools import lru_cache, reduce
        from operator import attrgetter, itemgetter
        _FIELD = re.compile(r"\{[_a-z]+\}")
        _SQUARES = {i: i * i for i in range(256)}
        _first, name_of = itemgetter(0), attrgetter("name")
        heapq.heapify(_HEAP := [3, 1])
        @lru_cache(maxsize=None)
        def f(xs):
            a = array.array("d", [0.0]); a[0] = math.fsum(xs); memoryview(b"x")[0]
            return reduce(op.add, it.accumulate(xs)), bisect.bisect_left(xs, 3), struct.pack("b", 1)
    """,
    "classes": """
        from dataclasses import dataclass, field
        from enum import Enum
        class Kind(Enum):
            A = 1
        @dataclass(frozen=True, slots=True)
        class Point:
            x: int
            ys: list = field(default_factory=list)
            def __post_init__(self): object.__setattr__(self, "x", 3)
        class Queue:
            __slots__ = ("a", "__weakref__")
            def __init__(self, a): self.a = a
            def __lt__(self, other): return self.a < other.a
            def touch(self): return self.__class__.__name__, type(self)
            def again(self): return self.touch()
            @property
            def size(self): return super().__init__
    """,
    "language": """
        def f(xs, _len=len, join="".join):
            match xs:
                case [a, *rest] if (n := _len(rest)) > 3: return n
                case {"k": v, **more}: return v, more
            write = xs.write
            getattr(xs, "append", None); hasattr(xs, name := "x")
            return [y for x in xs if (y := x * 2)], f"{xs!r:>10}", "{:>{w}}".format(1, w=2)
        if __name__ == "__main__":
            print(f([1]))
    """,
    "state": """
        import collections, random
        from collections import Counter, defaultdict, deque, namedtuple
        Pair = namedtuple("Pair", "a b")
        _memory = {}
        def f(xs):
            import math
            global _calls
            _calls = 1
            _memory[1] = random.Random(4).random() * math.pi
            isinstance(xs, collections.abc.Sequence)
            return Pair(1, 2)._replace(a=3), Counter(xs), deque(defaultdict(list), maxlen=3)
    """,
    "threads and numbers": """
        from concurrent.futures import ThreadPoolExecutor
        import concurrent.futures, contextlib, copy, datetime as dt, decimal, io, zlib
        def f(xs):
            with decimal.localcontext() as context, contextlib.suppress(KeyError):
                context.prec = 30
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                return list(pool.map(str, xs)), io.StringIO(), dt.date.today(), copy.copy(xs)
    """,
    "helpers": """
        from pkg.helpers import clean, clean_all
        def f(xs): return clean_all(xs)
    """,
    "words": '''
        def f(x):
            """Never calls os._exit, __import__("os") or x.__class__.__subclasses__()."""
            return "open", "exec", "mro"  # exec("import os")
    ''',
}


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST)
def test_honest_code_has_no_hard_finding(source: str) -> None:
    """A way to be faster that leaves the file alone is never refused."""
    assert findings(textwrap.dedent(source).encode(), BASELINE).hard == ()

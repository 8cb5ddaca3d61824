"""The rules that change whole statements, functions and classes."""

from __future__ import annotations

import pytest

from tests.proposers.test_rules_support import executed, only, rewritten, rule

#: Rule, source before and after, and expressions that must be the same for both.
CASES = [
    pytest.param(
        "unique",
        """
def f(xs):
    # Each item once.
    out = []
    for x in xs:
        if x not in out:
            out.append(x)
    return out
""",
        """
def f(xs):
    # Each item once.
    out = list(dict.fromkeys(xs))
    return out
""",
        ["f([3, 1, 3, 2, 1])"],
        id="unique",
    ),
    pytest.param(
        "flag-break",
        """
def f(xs):
    found = False
    for x in xs:
        if x > 2:
            found = True  # at last
    return found
""",
        """
def f(xs):
    found = False
    for x in xs:
        if x > 2:
            found = True  # at last
            break
    return found
""",
        ["f([1, 3, 2])", "f([])"],
        id="flag-break",
    ),
    pytest.param(
        "sum-loop",
        """
def f(xs):
    total = 0
    for x in xs:
        if x > 1:
            total += x * x
    return total
""",
        """
def f(xs):
    total = sum([x * x for x in xs if x > 1])
    return total
""",
        ["f([1, 2, 3])"],
        id="sum-loop",
    ),
    pytest.param(
        "product-loop",
        """
import collections, math

def f(xs):
    product = 1
    for x in xs:
        product *= x
    return product
""",
        """
import collections, math

def f(xs):
    product = math.prod(xs)
    return product
""",
        ["f([2, 3])", "f([])"],
        id="product-loop",
    ),
    pytest.param(
        "counter",
        """
import collections

def f(words):
    counts = {}
    for word in words:
        if word in counts:
            counts[word] += 1
        else:
            counts[word] = 1
    return counts
""",
        """
import collections

def f(words):
    counts = dict(collections.Counter(words))
    return counts
""",
        ["f(['b', 'a', 'b'])"],
        id="counter",
    ),
    pytest.param(
        "search-loop",
        """
def f(xs, y):
    for x in xs:
        if x == y:
            return True
    return False
""",
        """
def f(xs, y):
    return y in xs
""",
        ["f([1, 2], 2)", "f([], 2)"],
        id="search-loop",
    ),
    pytest.param(
        "count-loop",
        """
def f(xs, y):
    count = 0
    for x in xs:
        if x == y:
            count += 1
    return count
""",
        """
def f(xs, y):
    count = list(xs).count(y)
    return count
""",
        ["f([1, 2, 1], 1)"],
        id="count-loop",
    ),
    pytest.param(
        "extend",
        """
def f(xs, out):
    for x in xs:
        out.append(x)
    return out
""",
        """
def f(xs, out):
    out.extend(xs)
    return out
""",
        ["f([1, 2], [0])"],
        id="extend",
    ),
    pytest.param(
        "accumulate",
        """
import itertools

def f(xs):
    sums = []
    total = 0
    for x in xs:
        total += x
        sums.append(total)
    return sums
""",
        """
import itertools

def f(xs):
    sums = []
    total = 0
    sums.extend(itertools.accumulate(xs))
    return sums
""",
        ["f([1, 2, 3])"],
        id="accumulate",
    ),
    pytest.param(
        "append",
        """
def f(xs):
    out = []
    while xs:
        out = out + [xs.pop()]  # last first
    return out
""",
        """
def f(xs):
    out = []
    while xs:
        out.append(xs.pop())  # last first
    return out
""",
        ["f([1, 2])"],
        id="append",
    ),
    pytest.param(
        "insort",
        """
import bisect

def f(xs, y):
    xs.append(y)
    xs.sort()
    return xs
""",
        """
import bisect

def f(xs, y):
    bisect.insort(xs, y)
    return xs
""",
        ["f([1, 3], 2)"],
        id="insort",
    ),
    pytest.param(
        "direct-iteration",
        """
def f(words):
    out = []
    for i in range(len(words)):
        out.append(words[i].upper())
    return out
""",
        """
def f(words):
    out = []
    for word in words:
        out.append(word.upper())
    return out
""",
        ["f(['a', 'b'])"],
        id="direct-iteration",
    ),
    pytest.param(
        "while-range",
        """
def f(xs):
    out = []
    i = 0
    while i < len(xs):  # forwards
        out.append(xs[i] + i)
        i += 1
    return out
""",
        """
def f(xs):
    out = []
    i = 0
    for i in range(len(xs)):  # forwards
        out.append(xs[i] + i)
    return out
""",
        ["f([3, 4])"],
        id="while-range",
    ),
    pytest.param(
        "dict-items",
        """
def f(ages):
    out = []
    for name in ages:
        out.append((name, ages[name]))
    return out
""",
        """
def f(ages):
    out = []
    for name, ages_value in ages.items():
        out.append((name, ages_value))
    return out
""",
        ["f({'a': 1})"],
        id="dict-items",
    ),
    pytest.param(
        "zip",
        """
def f(xs, ys):
    total = 0
    for i in range(len(xs)):
        total += xs[i] * ys[i]
    return total
""",
        """
def f(xs, ys):
    total = 0
    for x, y in zip(xs, ys):
        total += x * y
    return total
""",
        ["f([1, 2], [3, 4])"],
        id="zip",
    ),
    pytest.param(
        "search-set",
        """
def f(xs, known):
    return [x for x in xs if x in known]
""",
        """
def f(xs, known):
    known_set = set(known)
    return [x for x in xs if x in known_set]
""",
        ["f([1, 2, 3], [3, 1])"],
        id="search-set",
    ),
    pytest.param(
        "count-map",
        """
import collections

def f(words):
    return {word: words.count(word) for word in set(words)}
""",
        """
import collections

def f(words):
    words_counts = collections.Counter(words)
    return {word: words_counts[word] for word in set(words)}
""",
        ["f(['a', 'b', 'a'])"],
        id="count-map",
    ),
    pytest.param(
        "position-map",
        """
def f(xs, order):
    out = []
    for x in xs:
        out.append(order.index(x))
    return out
""",
        """
def f(xs, order):
    out = []
    order_positions = dict(zip(reversed(order), range(len(order) - 1, -1, -1)))
    for x in xs:
        out.append(order_positions[x])
    return out
""",
        ["f([3, 1], [1, 2, 3, 1])"],
        id="position-map",
    ),
    pytest.param(
        "prefix-sum",
        """
import itertools

def f(xs, k):
    best = 0
    for i in range(len(xs) - k + 1):
        best = max(best, sum(xs[i:i + k]))
    return best
""",
        """
import itertools

def f(xs, k):
    best = 0
    xs_sums = [0, *itertools.accumulate(xs)]
    for i in range(len(xs) - k + 1):
        best = max(best, (xs_sums[i + k] - xs_sums[i]))
    return best
""",
        ["f([1, 5, 2, 4], 2)"],
        id="prefix-sum",
    ),
    pytest.param(
        "row-local",
        """
def f(grid):
    total = 0
    for i in range(len(grid)):
        for j in range(len(grid)):
            total += grid[i][j]
    return total
""",
        """
def f(grid):
    total = 0
    for i in range(len(grid)):
        grid_i = grid[i]
        for j in range(len(grid)):
            total += grid_i[j]
    return total
""",
        ["f([[1, 2], [3, 4]])"],
        id="row-local",
    ),
    pytest.param(
        "attribute-local",
        """
class Limit:
    def __init__(self, limit):
        self.limit = limit

    def f(self, xs):
        out = []
        for x in xs:
            if x < self.limit:
                out.append(self.limit - x)
        return out
""",
        """
class Limit:
    def __init__(self, limit):
        self.limit = limit

    def f(self, xs):
        out = []
        self_limit = self.limit
        for x in xs:
            if x < self_limit:
                out.append(self_limit - x)
        return out
""",
        ["Limit(3).f([1, 2, 5])"],
        id="attribute-local",
    ),
    pytest.param(
        "compiled-pattern",
        """
import re


# Words only.
def f(text):
    return re.findall(r"[a-z]+", text)
""",
        """
import re


_F_PATTERN = re.compile(r"[a-z]+")


# Words only.
def f(text):
    return _F_PATTERN.findall(text)
""",
        ["f('ab 1 c')"],
        id="compiled-pattern",
    ),
    pytest.param(
        "constant-table",
        """
def f(name):
    ages = {"a": 1, "b": 2}
    return ages[name]
""",
        """
_AGES = {"a": 1, "b": 2}


def f(name):
    return _AGES[name]
""",
        ["f('b')"],
        id="constant-table",
    ),
    pytest.param(
        "deque",
        """
import collections, math

def f(start):
    queue = [start]
    seen = 0
    while queue:
        item = queue.pop(0)
        seen += item
        if item < 3:
            queue.append(item + 1)
    return seen
""",
        """
import collections, math

def f(start):
    queue = collections.deque([start])
    seen = 0
    while queue:
        item = queue.popleft()
        seen += item
        if item < 3:
            queue.append(item + 1)
    return seen
""",
        ["f(1)"],
        id="deque",
    ),
    pytest.param(
        "trial-division",
        """
import collections, math

def f(n):
    for d in range(2, n):
        if n % d == 0:
            return False
    return n > 1
""",
        """
import collections, math

def f(n):
    for d in range(2, math.isqrt(n) + 1):
        if n % d == 0:
            return False
    return n > 1
""",
        ["[n for n in range(50) if f(n)]"],
        id="trial-division",
    ),
    pytest.param(
        "gcd",
        """
import collections, math

def f(a, b):
    while b:
        a, b = b, a % b
    return a
""",
        """
import collections, math

def f(a, b):
    a, b = math.gcd(a, b), 0
    return a
""",
        ["f(12, 18)", "f(7, 0)"],
        id="gcd",
    ),
    pytest.param(
        "tail-call",
        """
def f(n, product=None):
    return g(n, 1)

def g(n, product):
    '''Multiply.'''
    if n < 2:
        return product
    return g(n - 1, product * n)
""",
        """
def f(n, product=None):
    return g(n, 1)

def g(n, product):
    '''Multiply.'''
    while True:
        if n < 2:
            return product
        n, product = n - 1, product * n
        continue
""",
        ["f(6)"],
        id="tail-call",
    ),
    pytest.param(
        "slots",
        """
class Point:
    '''A place.'''

    def __init__(self, x, y):
        self.x = x
        self.y = y
""",
        """
class Point:
    '''A place.'''
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y
""",
        ["Point(1, 2).x"],
        id="slots",
    ),
]

#: Rule, and the body of a function of xs, ys and n that it must leave alone.
LEFT_ALONE = [
    ("unique", "out = [1]\nfor x in xs:\n    if x not in out:\n        out.append(x)\nreturn out"),
    ("unique", "out = []\nfor x in xs:\n    if x not in ys:\n        out.append(x)\nreturn out"),
    ("unique", "out = []\nfor x in xs:\n    if x not in out:\n        out.append(-x)\nreturn out"),
    ("flag-break", "found = 0\nfor x in xs:\n    if x:\n        found = x\nreturn found"),
    ("flag-break", "last = 0\nfor x in xs:\n    if x:\n        last = 1\nreturn last, x"),
    ("flag-break", "f = 0\nfor x in xs:\n    if x:\n        f = 1\n        break\nreturn f"),
    ("sum-loop", "total = ''\nfor x in xs:\n    total += x\nreturn total"),
    ("sum-loop", "total = 0\nfor x in xs:\n    total += x  # why\nreturn total"),
    ("sum-loop", "total = 0\nfor x in xs:\n    total += x\nreturn total, x"),
    ("sum-loop", "total = 0\nfor x in xs:\n    total += total\nreturn total"),
    ("sum-loop", "total = 0\nfor x in xs:\n    total -= x\nreturn total"),
    ("sum-loop", "total = 0\nfor x in xs:\n    if x:\n        break\n    total += x\nreturn total"),
    ("product-loop", "product = 1\nfor x in xs:\n    product += x\nreturn product"),
    ("product-loop", "product = [1]\nfor x in xs:\n    product *= x\nreturn product"),
    ("counter", "counts = {}\nfor x in xs:\n    counts[x] = counts.get(x, 0) + 2\nreturn counts"),
    ("counter", "counts = {}\nfor x in xs:\n    counts[x] = ys.get(x, 0) + 1\nreturn counts"),
    ("counter", "for x in xs:\n    ys[x] = ys.get(x, 0) + 1\nreturn ys"),
    ("search-loop", "for x in xs:\n    if x > n:\n        return True\nreturn False"),
    ("search-loop", "for x in xs:\n    if x == n:\n        return True\nreturn None"),
    ("search-loop", "for x in xs:\n    if x == n:\n        return x\nreturn False"),
    ("search-loop", "found = 0\nfor x in xs:\n    if x == n:\n        found = True\nreturn found"),
    ("count-loop", "count = 0\nfor x in xs:\n    count += 1\nreturn count"),
    ("count-loop", "count = 0\nfor x in xs:\n    if x:\n        count += 2\nreturn count"),
    ("count-loop", "count = 0\nfor x in xs:\n    if count:\n        count += 1\nreturn count"),
    ("extend", "for x in xs:\n    xs.append(x)\nreturn xs"),
    ("extend", "for x in xs:\n    ys.insert(0, x)\nreturn ys"),
    ("extend", "for x in xs:\n    ys.append(x)\nelse:\n    return ys"),
    ("extend", "out = []\nfor x in xs:\n    out.append(-x)\nreturn out"),
    ("accumulate", "t = 0\nfor x in xs:\n    t += x\n    ys.append(t)\nreturn ys, t"),
    ("accumulate", "t = 1\nfor x in xs:\n    t += x\n    ys.append(t)\nreturn ys"),
    ("accumulate", "t = 0\nfor x in xs:\n    t += -x\n    ys.append(t)\nreturn ys"),
    ("append", "xs = [n] + xs\nreturn xs"),
    ("append", "xs = xs + [n, n]\nreturn xs"),
    ("append", "xs = ys + [n]\nreturn xs"),
    ("append", "xs += [*ys]\nreturn xs"),
    ("insort", "xs.append(n)\nxs.sort(reverse=True)\nreturn xs"),
    ("insort", "xs.append(n)\nys.sort()\nreturn xs"),
    ("insort", "xs.extend(ys)\nxs.sort()\nreturn xs"),
    ("direct-iteration", "for i in range(len(xs)):\n    n += i * xs[i]\nreturn n"),
    ("direct-iteration", "for i in range(len(xs)):\n    xs[i] = n\nreturn xs"),
    ("direct-iteration", "for i in range(len(xs)):\n    n += xs[i]\nreturn n, i"),
    ("direct-iteration", "for i in range(len(xs)):\n    n += ys[i]\nreturn n"),
    ("direct-iteration", "for i in range(1, len(xs)):\n    n += xs[i]\nreturn n"),
    ("while-range", "i = 0\nwhile i < n:\n    ys.append(i)\n    i += 2\nreturn ys"),
    ("while-range", "i = 0\nwhile i < n:\n    ys.append(i)\n    i += 1\nreturn i"),
    ("while-range", "i = 0\nwhile i < n:\n    n -= 1\n    i += 1\nreturn n"),
    ("while-range", "i = 0\nwhile i < len(xs):\n    xs.pop()\n    i += 1\nreturn xs"),
    ("while-range", "i = 0\nwhile i < n:\n    if ys:\n        continue\n    i += 1\nreturn n"),
    ("while-range", "i = 0\nwhile i <= n:\n    ys.append(i)\n    i += 1\nreturn ys"),
    ("dict-items", "for x in xs:\n    xs[x] = 1\nreturn xs"),
    ("dict-items", "for x in xs:\n    n += ys[x]\nreturn n"),
    ("dict-items", "for x in xs.values():\n    n += xs[x]\nreturn n"),
    ("zip", "for i in range(len(xs)):\n    n += xs[i] * ys[i] * i\nreturn n"),
    ("zip", "for i in range(len(xs)):\n    ys[i] = xs[i]\nreturn ys"),
    ("zip", "for i in range(n):\n    n += xs[i] * ys[i]\nreturn n"),
    ("search-set", "for x in xs:\n    if x in ys:\n        ys.append(x)\nreturn ys"),
    ("search-set", "for x in xs:\n    ys = [x]\n    n += x in ys\nreturn n"),
    ("search-set", "ys = {1: 2}\nfor x in xs:\n    n += x in ys\nreturn n"),
    ("search-set", "for x in xs:\n    n += x in ys and ys.get(x)\nreturn n"),
    ("search-set", "for x in xs:\n    n += 'a' in ys\nreturn n"),
    ("search-set", "return n in ys"),
    ("count-map", "return xs.count(n)"),
    ("count-map", "for x in xs:\n    ys.append(ys.count(x))\nreturn ys"),
    ("count-map", "for x in xs:\n    n += ys.count('ab')\nreturn n"),
    ("position-map", "for x in xs:\n    n += ys.index(x, 1)\nreturn n"),
    ("position-map", "for x in xs:\n    ys[0] = ys.index(x)\nreturn ys"),
    ("prefix-sum", "for x in xs:\n    n += sum(ys[:-1])\nreturn n"),
    ("prefix-sum", "for x in xs:\n    n += sum(ys[::2])\nreturn n"),
    ("prefix-sum", "for x in xs:\n    ys[x] = sum(ys[:x])\nreturn ys"),
    ("row-local", "for x in xs:\n    n += ys[x][0]\nreturn n"),
    ("row-local", "for x in xs:\n    ys[n] = ys[n][x]\nreturn n"),
    ("row-local", "for x in xs:\n    n += ys[0][x]\nreturn n"),
    ("attribute-local", "for x in xs:\n    n.a += x\nreturn n"),
    ("attribute-local", "for x in xs:\n    n.grow(n.a)\nreturn n"),
    ("attribute-local", "for x in xs:\n    ys.append(x.a)\nreturn ys"),
    ("compiled-pattern", "return re.match(n, 'a')"),
    ("compiled-pattern", "return re.match('a', n, re.I)"),
    ("compiled-pattern", "return re.escape('a')"),
    ("compiled-pattern", "return ys.match('a', n)"),
    ("constant-table", "table = [1, 2]\ntable[0] = n\nreturn table[1]"),
    ("constant-table", "table = [1, 2]\nreturn table"),
    ("constant-table", "table = [1, n]\nreturn table[0]"),
    ("constant-table", "table = [[1], [2]]\nreturn table[n]"),
    ("deque", "queue = [n]\nqueue.pop(0)\nreturn queue"),
    ("deque", "queue = [n]\nqueue.pop()\nreturn len(queue)"),
    ("deque", "queue = [n, 1]\nqueue.pop(0)\nreturn len(queue[1:])"),
    ("deque", "queue = [n]\nqueue.pop(0)\nqueue.sort()\nreturn len(queue)"),
    (
        "trial-division",
        "for d in range(2, n):\n    if n % d == 0:\n        ys.append(d)\nreturn ys",
    ),
    ("trial-division", "for d in range(2, len(xs)):\n    if n % d == 0:\n        break\nreturn d"),
    ("trial-division", "for d in range(2, n):\n    if n % d == 1:\n        break\nreturn d"),
    ("gcd", "while n:\n    xs, n = n, xs // n\nreturn xs"),
    ("gcd", "while n > 1:\n    xs, n = n, xs % n\nreturn xs"),
    ("tail-call", "return n * f(xs, ys, n - 1) if n else 1"),
    ("tail-call", "if n:\n    return f(xs, ys)\nreturn 1"),
    ("tail-call", "for x in xs:\n    return f(xs, ys, x)\nreturn 1"),
    ("tail-call", "try:\n    return f(xs, ys, n)\nexcept ValueError:\n    return 1"),
    ("tail-call", "g = lambda: n\nreturn f(xs, ys, g)"),
]


@pytest.mark.parametrize(("name", "before", "after", "expressions"), CASES)
def test_statements_are_rewritten(name, before, after, expressions):
    """The rule makes exactly this of the source, and the functions return the same."""
    assert only(rule(name), before) == after
    old, new = executed(before), executed(after)
    for expression in expressions:
        assert eval(expression, new) == eval(expression, old)


@pytest.mark.parametrize(("name", "body"), LEFT_ALONE)
def test_other_statements_are_left_alone(name, body):
    """What only looks alike is not touched."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f"import re\n\n\ndef f(xs, ys, n):\n{lines}"
    compile(source, "before", "exec")
    assert rewritten(rule(name), source) == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("class P(Q):\n    def __init__(self):\n        self.x = 1\n", id="base"),
        pytest.param(
            "class P:\n    y = 1\n    def __init__(self):\n        self.x = 1\n", id="field"
        ),
        pytest.param("class P:\n    def move(self):\n        self.x = 1\n", id="no __init__"),
        pytest.param("@d\nclass P:\n    def __init__(self):\n        self.x = 1\n", id="decorated"),
    ],
)
def test_classes_with_more_than_methods_have_no_slots(source):
    """Slots are suggested only where every attribute is in plain sight."""
    assert rewritten(rule("slots"), source) == []


def test_comments_of_a_replaced_start_stay():
    """What stood above and beside the line that starts a sum stays."""
    source = """\
        def f(xs):
            # Add up.
            total = 0  # cents
            # Each of them.
            for x in xs:
                total += x
            return total
    """
    code = only(rule("sum-loop"), source)
    assert code == (
        "def f(xs):\n    # Add up.\n    # Each of them.\n    total = sum(xs)  # cents\n"
        "    return total\n"
    )


def test_sum_that_starts_elsewhere_is_added():
    """A sum that does not start at zero keeps its start."""
    source = "def f(xs):\n    total = 1.5\n    for x in xs:\n        total += x\n    return total\n"
    code = only(rule("sum-loop"), source)
    assert code == "def f(xs):\n    total = 1.5\n    total += sum(xs)\n    return total\n"


def test_flag_is_set_by_one_search():
    """A flag that says whether a value is there needs no loop."""
    source = (
        "def f(xs, y):\n    found = False\n    for x in xs:\n        if y == x:\n"
        "            found = True\n            break\n    return found\n"
    )
    code = only(rule("search-loop"), source)
    assert code == "def f(xs, y):\n    found = y in xs\n    return found\n"


@pytest.mark.parametrize(
    "step",
    [
        "counts[x] = counts.get(x, 0) + 1",
        "if x not in counts:\n            counts[x] = 0\n        counts[x] += 1",
        "if x not in counts:\n            counts[x] = 1\n        else:\n            counts[x] += 1",
    ],
)
def test_every_way_to_count_is_known(step):
    """However a dict of counts is filled, a Counter fills it."""
    source = f"def f(xs):\n    counts = {{}}\n    for x in xs:\n        {step}\n    return counts\n"
    code = only(rule("counter"), source)
    assert "    counts = dict(collections.Counter(xs))\n    return counts\n" in code
    assert executed(code)["f"]("abca") == executed(source)["f"]("abca")


def test_numbers_of_a_loop_variable_are_told_apart():
    """A name that another loop uses too is still the loop's own."""
    source = """\
        def f(xs, ys):
            out = []
            for i in range(len(xs)):
                out.append(xs[i])
            for i in range(len(ys)):
                out.append(ys[i])
            return out
    """
    codes = rewritten(rule("direct-iteration"), source)
    assert len(codes) == 2
    for code in codes:
        assert executed(code)["f"]([1, 2], [3]) == [1, 2, 3]

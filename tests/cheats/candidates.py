"""A small project, and one candidate for each way to win without being better."""

from __future__ import annotations

PROJECT = {
    "conftest.py": """
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            return "target.py"
    """,
    "target.py": """
        \"\"\"Two functions that could be faster.\"\"\"


        def total(numbers, limit):
            \"\"\"Return the sum of the pairs' products below a limit; numbers only.\"\"\"
            if not isinstance(limit, int):
                raise TypeError("limit is no whole number")
            found = 0
            for first in range(len(numbers)):
                for second in range(len(numbers)):
                    one = numbers[first]
                    other = numbers[second]
                    if one * other < limit:
                        found = found + 1
            return found


        def words(text):
            \"\"\"Return the words of a text, lower-cased, sorted.\"\"\"
            found = []
            for word in text.split():
                found = found + [word.lower()]
            return sorted(found)
    """,
    "test_target.py": """
        import random

        import pytest
        from target import total, words

        NUMBERS = [random.Random(3).randrange(-50, 50) for _ in range(40)]
        TEXT = " ".join("Alpha beta Gamma delta".split() * 20)


        @pytest.mark.parametrize("seed", range(4))
        def test_total(seed):
            source = random.Random(seed)
            numbers = [source.randrange(-9, 9) for _ in range(source.randrange(12))]
            expected = sum(a * b < 5 for a in numbers for b in numbers)
            assert total(numbers, 5) == expected


        @pytest.mark.parametrize("text", ["", "b A", "One two one", "x y z x"])
        def test_words(text):
            expected = sorted(word.lower() for word in text.split())
            assert words(text) == expected


        def test_total_is_fast(benchmark):
            expected = 819
            assert benchmark(total, NUMBERS, 0) in (expected, sum(
                a * b < 0 for a in NUMBERS for b in NUMBERS))


        def test_words_are_fast(benchmark):
            assert len(benchmark(words, TEXT)) == 80
    """,
    "pytest.ini": "[pytest]\naddopts = --benchmark-max-time=0.02\n",
}

#: The functions as they are, for candidates that do something beside them.
TOTAL = """
def total(numbers, limit):
    if not isinstance(limit, int):
        raise TypeError("limit is no whole number")
    found = 0
    for one in numbers:
        found += len([1 for other in numbers if one * other < limit])
    return found
"""
WORDS = """
def words(text):
    return sorted(text.lower().split())
"""
HONEST = TOTAL + WORDS
#: Slow in the same way as the original.
SLOW = PROJECT["target.py"].replace("\n        ", "\n")

#: Class of cheat to a candidate of it, and the reasons it may end with: with every layer on, and
#: with the screen switched off.
SEEN: dict[str, tuple[str, str, str]] = {
    # The verdict.
    "process exit": ("import os\nos._exit(0)\n" + HONEST, "screen", "worker"),
    "pytest.exit": ("import pytest\npytest.exit('x', 0)\n" + HONEST, "screen", "import tripwire"),
    "skip in a call": (
        "import pytest\n" + WORDS + "\ndef total(n, m):\n    pytest.skip('x')\n",
        "screen",
        "guard tripwire",
    ),
    "reports patched": (
        "import _pytest.reports as r\nr.TestReport.outcome = 'passed'\n"
        + WORDS
        + "\ndef total(n, m): return 0\n",
        "screen",
        "guard tripwire",
    ),
    "test bodies replaced": (
        "import gc\nfor o in gc.get_objects():\n"
        "    if type(o).__name__ == 'Function': o.obj = lambda **k: None\n" + HONEST,
        "screen",
        "tripwire",
    ),
    "expected value read from the caller": (
        "import sys\n" + WORDS + "\ndef total(n, m):\n"
        "    return sys._getframe(1).f_locals.get('expected', 0)\n",
        "screen",
        "tripwire",
    ),
    # The time.
    "clock replaced": (
        "import time\n_real = time.perf_counter\ntime.perf_counter = lambda: _real() / 50\n" + SLOW,
        "screen",
        "tampered",
    ),
    "settings of the interpreter": ("import gc\ngc.disable()\n" + SLOW, "screen", "tampered"),
    "a thread does the work": (
        "import threading\n" + WORDS + "\nclass Later:\n    pass\n\ndef total(n, m):\n"
        "    later = Later()\n"
        "    threading.Thread(target=lambda: None).start()\n    return later\n",
        "screen",
        "plain-data",
    ),
    "the benchmark's source read": (
        "_text = open('test_target.py').read()\n" + HONEST,
        "screen",
        "import tripwire",
    ),
    "a helper process": (
        "import subprocess\nsubprocess.Popen(['sleep', '60'])\n" + HONEST,
        "screen",
        "tripwire",
    ),
    # The tree.
    "guard rewritten": (
        "open('test_target.py', 'w').write('def test_ok(): pass')\n" + HONEST,
        "screen",
        "tripwire",
    ),
    "a file beside it": (
        "import pathlib\n(pathlib.Path(__file__).parent / 'conftest2.py').write_text('')\n"
        + HONEST,
        "screen",
        "tripwire",
    ),
    "a link in a path that is written": (
        "import os\nos.symlink('/etc/passwd', 'results.tsv')\n" + HONEST,
        "screen",
        "tripwire",
    ),
    # Harm.
    "network": (
        "import socket\nsocket.create_connection(('127.0.0.1', 9), 1)\n" + HONEST,
        "screen",
        "tripwire",
    ),
    "a signal to the parent": (
        "import os\nos.kill(os.getppid(), 0)\n" + HONEST,
        "screen",
        "tripwire",
    ),
    "a program": ("import os\nos.system('true')\n" + HONEST, "screen", "tripwire"),
    "the parent's memory": (
        "import os\nopen(f'/proc/{os.getppid()}/mem', 'r+b')\n" + HONEST,
        "screen",
        "tripwire",
    ),
    "keys of the environment": (
        "import os\n_keys = [k for k in os.environ if 'KEY' in k]\nassert _keys\n" + HONEST,
        "screen",
        "import",
    ),
    "a walk to the interpreter": (
        "_all = ().__class__.__base__.__subclasses__()\n"
        "_os = [c for c in _all if c.__name__ == '_wrap_close'][0].__init__.__globals__\n"
        "_os['system']('true')\n" + HONEST,
        "screen",
        "tripwire",
    ),
    "code from text": ("exec('x = 1')\n" + HONEST, "screen", "tripwire"),
}

#: What no screen can see: class to candidate and status and reason.
LOGIC: dict[str, tuple[str, str, str]] = {
    "answers for the visible tests": (
        WORDS + "\ndef total(numbers, limit):\n"
        "    if len(numbers) == 40:\n        return 819\n"
        "    if not isinstance(limit, int):\n        raise TypeError('x')\n"
        "    return sum(a * b < 5 for a in numbers for b in numbers)\n",
        "discard",
        "guard differential",
    ),
    "a check removed": (
        WORDS + "\ndef total(numbers, limit):\n"
        "    return sum(a * b < limit for a in numbers for b in numbers)\n",
        "discard",
        "differential",
    ),
    "letters beyond ASCII dropped": (
        TOTAL + "\ndef words(text):\n"
        "    return sorted(w.lower() for w in text.split() if w.isascii())\n",
        "discard",
        "differential",
    ),
    "another type that is equal": (
        WORDS + TOTAL.replace("return found", "return 1.0 * found"),
        "discard",
        "differential",
    ),
    "a tuple for a list": (
        TOTAL + "\ndef words(text):\n    return tuple(sorted(text.lower().split()))\n",
        "discard",
        "guard differential",
    ),
    "the argument changed": (
        WORDS + TOTAL.replace("    found = 0", "    numbers.sort()\n    found = 0"),
        "discard",
        "differential",
    ),
    "an earlier result changed": (
        TOTAL + "\n_last = []\n\n\ndef words(text):\n"
        "    _last[:] = sorted(text.lower().split())\n    return _last\n",
        "discard",
        "tampered differential",
    ),
    "a lazy result": (
        TOTAL + "\ndef words(text):\n    return (w for w in sorted(text.lower().split()))\n",
        "discard",
        "plain-data",
    ),
    "it never ends": (
        WORDS + "\ndef total(n, m):\n    while True:\n        pass\n",
        "timeout",
        "call guard",
    ),
    "memory": (
        "_flood = bytearray(10**11)\n" + HONEST,
        "crash",
        "import",
    ),
    "a log row injected": (
        WORDS + "\ndef total(n, m):\n    raise AssertionError('x\\tkeep\\n000\\t\\x1b[2J')\n",
        "discard",
        "guard",
    ),
    "a comment": ("# faster now\n" + SLOW, "discard", "no-op"),
}

#: Faster only on what was seen before: class to candidate and reasons.
MEMORY: dict[str, tuple[str, str]] = {
    "a memo across calls": (
        SLOW.replace("def total(", "def _total(").replace("def words(", "def _words(")
        + "\n_known = {}\n\n\ndef total(numbers, limit):\n"
        "    key = (tuple(numbers), limit, type(limit))\n"
        "    if key not in _known:\n        _known[key] = _total(numbers, limit)\n"
        "    return _known[key]\n"
        "\n\ndef words(text):\n"
        "    if text not in _known:\n        _known[text] = _words(text)\n"
        "    return list(_known[text])\n",
        "no-gain unverified-gain regression",
    ),
    "answers for the benchmark's input": (
        SLOW.replace("def total(", "def _total(").replace("def words(", "def _words(")
        + "\n\ndef total(numbers, limit):\n"
        "    if len(numbers) == 40 and numbers[0] == {first} and numbers[1] == {second}:\n"
        "        if limit == 0 and type(limit) is int:\n            return {answer}\n"
        "    return _total(numbers, limit)\n"
        "\n\ndef words(text):\n"
        "    if len(text) == {length} and text.startswith('Alpha beta Gamma delta Alpha'):\n"
        "        return {words}\n"
        "    return _words(text)\n",
        "no-gain unverified-gain differential regression",
    ),
}

"""Projects of other shapes: each works in the mode that it gets."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

CONFTEST = """
import pytest_autoloop as autoloop

@autoloop.target
def target():
    return {target!r}

@autoloop.metric(unit="bytes")
def size(target):
    return len(target.read_bytes())
"""
#: What is there at first, the target, its shorter version, and how far it is kept apart.
SHAPES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "package with relative imports": (
        {
            "pkg/__init__.py": "from .core import doubled\n",
            "pkg/core.py": "from .base import twice\n\n\ndef doubled(n):\n    return twice(n) + 0\n",
            "pkg/base.py": "def twice(n):\n    return 2 * n\n",
            "test_it.py": "import pkg\n\ndef test_it():\n    assert pkg.doubled(4) == 8\n",
        },
        "pkg/core.py",
        "from .base import twice\n\n\ndef doubled(n):\n    return twice(n)\n",
        "isolated",
    ),
    "imported by three modules": (
        {
            "core.py": "def doubled(n):\n    return 2 * n + 0\n",
            "a.py": "from core import doubled\n\ndef a(n):\n    return doubled(n)\n",
            "b.py": "import core\n\ndef b(n):\n    return core.doubled(n)\n",
            "test_it.py": "import core\nfrom a import a\nfrom b import b\n\n"
            "def test_it():\n    assert a(4) == b(4) == core.doubled(4) == 8\n",
        },
        "core.py",
        "def doubled(n):\n    return 2 * n\n",
        "isolated",
    ),
    "errors of its own, constants, arguments changed": (
        {
            "core.py": "LIMIT = 3\n\n\nclass TooMany(ValueError):\n    pass\n\n\n"
            "def push(values, value):\n    if len(values) >= LIMIT:\n"
            "        raise TooMany(len(values))\n    values.append(value)\n    return values  # it\n",
            "test_it.py": "import pytest\nfrom core import LIMIT, TooMany, push\n\n"
            "def test_it():\n    values = [1]\n    assert push(values, 2) is values == [1, 2]\n\n"
            "def test_full():\n    with pytest.raises(TooMany, match='3'):\n"
            "        push([1] * LIMIT, 2)\n",
        },
        "core.py",
        (
            "LIMIT = 3\n\n\nclass TooMany(ValueError):\n    pass\n\n\n"
            "def push(values, value):\n    if len(values) >= LIMIT:\n"
            "        raise TooMany(len(values))\n    values.append(value)\n    return values\n"
        ),
        "isolated",
    ),
    "numpy in and out": (
        {
            "core.py": "import numpy as np\n\n\ndef centred(a):\n    return a - np.mean(a) + 0.0\n",
            "test_it.py": "import numpy as np\nfrom core import centred\n\ndef test_it():\n"
            "    found = centred(np.array([1.0, 3.0]))\n    assert found.tolist() == [-1.0, 1.0]\n",
        },
        "core.py",
        "import numpy as np\n\n\ndef centred(a):\n    return a - np.mean(a)\n",
        "isolated",
    ),
    "a class": (
        {
            "core.py": "class Stack:\n    def __init__(self):\n        self.items = list()\n\n"
            "    def push(self, item):\n        self.items.append(item)\n",
            "test_it.py": "from core import Stack\n\ndef test_it():\n    stack = Stack()\n"
            "    stack.push(1)\n    assert stack.items == [1]\n",
        },
        "core.py",
        (
            "class Stack:\n    def __init__(self):\n        self.items = []\n\n"
            "    def push(self, item):\n        self.items.append(item)\n"
        ),
        "tests use its class Stack",
    ),
    "a program": (
        {
            "core.py": "import sys\n\nprint(2 * int(sys.argv[1]) + 0)\n",
            "test_it.py": "import subprocess\nimport sys\n\ndef test_it():\n"
            "    done = subprocess.run([sys.executable, 'core.py', '4'], capture_output=True)\n"
            "    assert done.stdout.split() == [b'8']\n",
        },
        "core.py",
        "import sys\n\nprint(2 * int(sys.argv[1]))\n",
        "no test imports it as a module",
    ),
    "a text": (
        {
            "note.txt": "say  hello\n",
            "test_it.py": "from pathlib import Path\n\ndef test_it():\n"
            "    assert 'hello' in Path('note.txt').read_text()\n",
        },
        "note.txt",
        "say hello\n",
        "the target is not a Python module",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_works_in_the_mode_that_it_gets(shape: str, project: Project) -> None:
    """A shorter version is kept, and the record says how far it was kept apart, and why."""
    if "numpy" in shape and importlib.util.find_spec("numpy") is None:
        pytest.skip("numpy is not installed")
    files, target, shorter, mode = SHAPES[shape]
    project.commit({**files, "conftest.py": CONFTEST.format(target=target)})
    suffix = target[target.rindex(".") :]

    session = project.autoloop(
        1, "--autoloop-proposer", project.ideas(shorter, suffix=suffix), "-W", "ignore"
    )

    assert session.decisions == [("keep", "")], session.output
    told = next(row for row in session.stdout.splitlines() if "assurance: " in row)
    assert mode in told
    assurance = "isolated" if mode == "isolated" else "compatible"
    assert session.journal[1]["assurance"] == assurance


def test_a_gain_of_a_package_below_src_is_verified(project: Project) -> None:
    """Its package, which imports the target, is looked for in every place, tests' own among them."""
    slow = "def total(n):\n    found = 0\n    for i in range(n):\n        found += i\n    return found\n"
    project.commit(
        {
            "pytest.ini": "[pytest]\npythonpath = src\n",
            "conftest.py": """
                import pytest_autoloop as autoloop

                @autoloop.target
                def target():
                    return "src/pkg/core.py"
            """,
            "src/pkg/__init__.py": "from pkg.core import total\n",
            "src/pkg/core.py": slow,
            "tests/test_it.py": """
                from pkg import total

                def test_it():
                    assert [total(n) for n in (0, 1, 5, 9000)] == [0, 0, 10, 40495500]

                def test_speed(benchmark):
                    assert benchmark(total, 9000) == 40495500
            """,
        }
    )
    ideas = project.ideas("def total(n):\n    return n * (n - 1) // 2 if n > 0 else 0\n")
    session = project.autoloop(1, "--autoloop-proposer", ideas)

    assert session.decisions == [("keep", "")], session.output
    assert session.journal[1]["assurance"] == "isolated"


def test_inputs_of_the_project_s_own_are_compared(project: Project) -> None:
    """What the fixture gives finds the input that no test has, drawn by function and strategy."""
    project.commit(
        {
            "core.py": "def area(side):\n    return side * side + 0\n\n\n"
            "def name(text):\n    return text.strip() + ''\n",
            "conftest.py": CONFTEST.format(target="core.py")
            + """
import pytest
from hypothesis import strategies as st

@pytest.fixture
def autoloop_inputs():
    return {
        "area": lambda random: (random.randrange(10_000, 20_000),),
        "name": st.tuples(st.sampled_from(["a", "b "])),
    }
""",
            "test_it.py": "from core import area, name\n\ndef test_it():\n"
            "    assert area(3) == 9\n    assert name(' x') == 'x'\n",
        }
    )
    wrong = "def area(side):\n    return side * side if side < 9999 else 0\n\n\n"
    right = "def area(side):\n    return side * side\n\n\n"
    name = "def name(text):\n    return text.strip()\n"
    other = "def name(text):\n    return text.lstrip()\n"
    ideas = project.ideas(wrong + name, right + other, right + name)

    session = project.autoloop(3, "--autoloop-proposer", ideas)

    differs = ("discard", "differential")
    assert session.decisions == [differs, differs, ("keep", "")], session.output


def test_a_hidden_guard_tells_no_proposer_anything(project: Project) -> None:
    """Neither its name nor its message stands in what a proposer is told, nor in the record."""
    project.commit(
        {
            "core.py": "def doubled(n):\n    return 2 * n + 0\n",
            "conftest.py": CONFTEST.format(target="core.py")
            + """
from pathlib import Path

def pytest_autoloop_propose(config, brief):
    Path(config.rootpath.parent, "brief").write_text(repr(brief))
""",
            "test_it.py": "import pytest\nfrom core import doubled\n\n"
            "def test_it():\n    assert doubled(1) == 2\n\n"
            "@pytest.mark.autoloop_hidden\ndef test_unheard():\n"
            "    assert doubled(31) == 62, 'whispered'\n",
        }
    )
    wrong = "def doubled(n):\n    return 2 * n if n < 30 else 0\n"
    ideas = project.ideas(wrong, "def doubled(n):\n    return n\n")

    session = project.autoloop(2, "--autoloop-proposer", ideas)

    assert session.decisions == [("discard", "guard")] * 2, session.output
    brief = (project.root.parent / "brief").read_text(encoding="utf-8")
    assert "a hidden guard failed" in brief
    journal = repr(session.journal[1:])
    for told in (brief, journal, repr(session.results)):
        assert "unheard" not in told
        assert "whispered" not in told

"""What the screen refuses: one small source for each kind of thing."""

from __future__ import annotations

import pytest

from pytest_autoloop.evaluation.static.screen import findings

BASELINE = b"""
import json
from pkg.helpers import clean

def f(xs):
    return [clean(x) for x in xs]
"""

REFUSED = {
    "import": ("import os", "imports os, which the baseline does not (allow it with"),
    "import under a name": ("import subprocess as re", "imports subprocess"),
    "import in a function": ("def f(): import socket", "imports socket"),
    "import in a main block": ("if __name__ == '__main__': import os", "imports os"),
    "test tools": ("import pytest_benchmark", "imports pytest_benchmark"),
    "sibling": ("from .other import g", "imports .other"),
    "sibling module": ("from . import other", "imports .other"),
    "every name": ("from math import *", "imports every name of math"),
    "clock": ("from time import perf_counter", "uses time.perf_counter"),
    "modules": ("import sys\nsys.modules", "uses sys.modules"),
    "frames": ("import sys\nsys._getframe(1)", "uses the attribute _getframe"),
    "module of a module": ("import json\njson.decoder.scanner", "uses json.decoder"),
    "private module": ("import random\nrandom._os", "uses random._os"),
    "module from a project": ("from pkg.helpers import os", "uses pkg.helpers.os"),
    "alias": ("import collections\nc = collections\nc._sys", "uses collections._sys"),
    "default value": ("import re\ndef f(m=re): return m.enum", "uses re.enum"),
    "choice": ("import re\n(re or 0).enum", "uses re.enum"),
    "getattr of a module": ("import re\ngetattr(re, 'enum')", "uses re.enum"),
    "module in a list": ("import re\n[re][0].enum", "hands on the module re"),
    "module as an argument": ("import re\ndef f(g): g(re)", "hands on the module re"),
    "module from a lambda": ("import re\n(lambda: re)().enum", "hands on the module re"),
    "module in a class": ("import re\nclass A:\n    m = re", "hands on the module re"),
    "module in a match": ("import re\nmatch re:\n    case m: m.enum", "hands on the module re"),
    "numpy file": ("import numpy as np\nnp.load('x')", "uses numpy.load"),
    "numpy memory": ("import numpy\nnumpy.lib.stride_tricks.as_strided", "uses numpy.lib"),
    "exec": ("exec('1')", "uses exec, which turns text into code"),
    "import function": ("__import__('os')", "uses __import__"),
    "open": ("open('x')", "uses open"),
    "names of the process": ("globals()", "uses globals"),
    "file of the module": ("__file__", "uses __file__"),
    "built-ins": ("__builtins__", "uses __builtins__"),
    "classes": ("().__class__.__base__.__subclasses__()", "uses the attribute __base__"),
    "class by getattr": ("getattr((), '__subclasses__')", "uses the attribute __subclasses__"),
    "computed name": ("def f(x, n): return getattr(x, n)", "calls getattr with a name that is not"),
    "computed change": ("def f(x, n): setattr(x, n, 1)", "calls setattr with a name that is not"),
    "handed on": ("list(map(getattr, [], []))", "hands on getattr"),
    "attrgetter": ("from operator import attrgetter as g\ng(n)", "calls operator.attrgetter"),
    "attrgetter handed on": ("import operator\nmap(operator.attrgetter, [])", "hands on operator"),
    "methodcaller": ("from operator import methodcaller as m\nm('unlink')", "uses the attribute"),
    "class pattern": ("match 1:\n    case object(__dict__=d): pass", "uses the attribute __dict__"),
    "format": ("'{0.__globals__}'.format(f)", "formats '{0.__globals__}'"),
    "format of a frame": ("'{0.f_locals}'.format(f)", "formats '{0.f_locals}'"),
    "telling text": ("x = '__subclasses__'", "writes '__subclasses__'"),
    "dictionary of attributes": ("def f(x): return x.__dict__", "uses the attribute __dict__"),
    "other class": ("def f(x): x.__class__ = int", "uses the attribute __class__"),
    "special method": ("class A:\n    def __getattribute__(s, n): ...", "defines __getattribute__"),
    "class at run time": ("type('A', (), {})", "makes a class at run time"),
    "attribute of a module": ("import math\nmath.sqrt = len", "changes math"),
    "item of a module": ("import pkg.helpers\npkg.helpers.C[1] = 2", "changes pkg.helpers.C"),
    "setattr on a module": ("import json\nsetattr(json, 'loads', 1)", "changes json"),
    "change in a function": ("import json\ndef f(): json.loads = 1", "changes json"),
    "deleted": ("import json\ndel json.loads", "changes json"),
    "registered": (
        "from collections.abc import Sized\nSized.register(int)",
        "changes Sized, which is imported",
    ),
    "call at import": ("import pkg.helpers as h\nh.go()", "calls h.go at import"),
    "precision": ("import decimal\ndecimal.getcontext().prec = 3", "changes decimal.getcontext"),
    "file by path": ("def f(path): path.write_text('')", "uses the attribute write_text"),
    "false type checking": (
        "from typing import TYPE_CHECKING\nTYPE_CHECKING = 1\nif TYPE_CHECKING:\n    import os",
        "imports os",
    ),
    "nonlocal": (
        "import re\ndef f():\n def g():\n  nonlocal m\n  m = re\n m = 0\n m.enum",
        "uses re.enum",
    ),
}


@pytest.mark.parametrize(("source", "what"), REFUSED.values(), ids=REFUSED)
def test_what_computing_does_not_need_is_refused(source: str, what: str) -> None:
    """A finding says what is done, in words the proposer can act upon."""
    found = findings(source.encode(), BASELINE).hard
    assert [one.what for one in found if one.what.startswith(what)] != []


@pytest.mark.parametrize(("source", "what"), REFUSED.values(), ids=REFUSED)
def test_what_the_baseline_does_is_allowed(source: str, what: str) -> None:
    """The user's own code is no cheat, whatever it does, and wherever it stands in the file."""
    del what
    moved = b"# moved\n\n" + source.encode() + b"\nMORE = 1\n"
    assert findings(moved, source.encode()).hard == ()


def test_lines_are_those_of_the_candidate() -> None:
    """Each kind of finding is told once, with the line where it comes first."""
    found = findings(b"x = 1\nimport os\n\nimport os, sys\nexec(x)\n", BASELINE).hard
    assert [one.line for one in found] == [2, 5]


def test_a_module_can_be_allowed() -> None:
    """What the user allows, with all below it, is imported, used and handed on freely."""
    source = b"import os.path\nimport numba\n@numba.njit\ndef f(x): return os.getcwd(), x(os)\n"
    assert findings(source, BASELINE, allow=["os", "numba"]).hard == ()
    assert len(findings(source, BASELINE, allow=["os"]).hard) == 1
    relative = b"from ..fast import g\n"
    assert findings(relative, BASELINE, allow=["pkg.fast"]).hard == ()
    assert findings(relative, BASELINE, allow=["pkg.slow"]).hard != ()


def test_one_name_of_a_module_does_not_open_the_others() -> None:
    """Who reads the working directory need not start programs; who reads files may go on to."""
    assert findings(b"import os\nos.system('')", b"import os\nos.getcwd()").hard != ()
    hoisted = findings(
        b"import sys\nout = sys.stdout\nout.flush()", b"import sys\nsys.stdout.write(1)"
    )
    assert hoisted.hard == ()
    assert findings(b"def f(p): p.read_bytes()", b"def f(p): p.read_text()").hard == ()


def test_a_package_of_an_imported_module_is_imported() -> None:
    """`import a.b` has imported `a`: to name it is no new import."""
    assert (
        findings(b"import xml\nfrom xml.dom import minidom", b"import xml.dom.minidom").hard != ()
    )
    assert findings(b"import xml.dom", b"import xml.dom.minidom").hard == ()

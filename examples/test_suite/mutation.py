"""Runs a test suite on a module, and on versions of it with a fault each, in forked processes.

The command line has the suite, the module, what to do, and the directories to import from. `score`
prints how many faults the suite notices, its branch coverage, its tests and seconds; any other word
is the path of another version of the module, and what becomes of the suite on it is printed. JSON.
"""

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

suite, module, action = map(Path, sys.argv[1:4])
sys.path[:] = sys.argv[4:]
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import pytest  # noqa: E402 - found by what was given on the command line

from pytest_autoloop.onboarding.mutants import mutants_of  # noqa: E402 - as above

#: Faults to try at most, and the seed of their choice.
MUTANTS, SEED = 25, 0
#: Seconds after which a fault that makes the suite hang counts as noticed.
PATIENCE = 5
#: Characters of pytest's output that are told.
MOST_SAID = 2000
OPTIONS = f"-x -q -s --assert=plain --noconftest -c{os.devnull} -pno:cacheprovider".split()


class Counter:
    """Counts the tests that passed."""

    passed = 0

    def pytest_runtest_logreport(self, report):
        self.passed += report.when == "call" and report.passed


def run_tests(path):
    """Run a file of tests; return pytest's exit code, how many passed, and what it said."""
    counter = Counter()
    places = [f"--rootdir={path.parent}", f"--confcutdir={path.parent}", str(path)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main([*OPTIONS, "--import-mode=importlib", *places], plugins=[counter])
    return {"code": int(code), "tests": counter.passed, "said": said.getvalue()[-MOST_SAID:]}


def run(path):
    """Run the suite with the source in a file as the module."""
    space = type(sys)(module.stem)
    space.__file__ = str(path)
    sys.modules[module.stem] = space
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(space))
    except Exception as error:  # noqa: BLE001 - a fault may end the import in any way
        return {"code": 1, "tests": 0, "said": repr(error)}
    return run_tests(suite)


def forked(function, *arguments):
    """Return what a function gives in a process of its own; None where that ends without."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(PATIENCE)
        with contextlib.suppress(BaseException):
            os.write(writing, json.dumps(function(*arguments)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return json.loads(told) if told else None


def outcome(path):
    """Return what becomes of the suite on a version of the module."""
    return forked(run, path) or {"code": 1, "tests": 0, "said": "it did not end"}


def covered():
    """Return the branch coverage of the module, in per cent."""
    import coverage  # noqa: PLC0415 - only in the process that needs it

    watch = coverage.Coverage(branch=True, data_file=None, include=[str(module)], config_file=False)
    with watch.collect():
        run(module)
    return watch.report(file=io.StringIO())


def score(scratch):
    """Return everything that is measured; faults are written to a directory."""
    began = time.perf_counter()
    found = outcome(module)
    seconds = time.perf_counter() - began
    mutants = mutants_of(module.read_bytes(), limit=MUTANTS, seed=SEED)
    survived = []
    for one in mutants:
        path = scratch / module.name
        path.write_bytes(one.content)
        survived += [one] if outcome(path)["code"] == 0 else []
    return {
        "tests": found["tests"],
        "seconds": seconds,
        "score": 100 - 100 * len(survived) / len(mutants),
        "coverage": forked(covered),
        "survived": [f"line {one.line}: {one.what}" for one in survived],
    }


with tempfile.TemporaryDirectory() as directory:
    # Processes that are forked from one in which pytest has run once begin twice as soon.
    nothing = Path(directory, "test_nothing.py")
    nothing.write_text("import pytest\n\ndef test_nothing(): ...\n")
    run_tests(nothing)
    told = score(Path(directory)) if str(action) == "score" else outcome(action)
json.dump(told, sys.stdout)

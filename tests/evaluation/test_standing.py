"""Sessions that stand configured: what is forked from them comes to what a new process comes to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.forkserver import ForkLauncher
from pytest_autoloop.evaluation.protocol import LEVELS
from tests.pitfalls.bench import Bench, open_bench
from tests.projects import MODULE, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.evaluation.protocol import Level, Verdict
    from tests.projects import Project

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="this system has no fork server"
)
#: Starts a thread beside xdist, so that no session can stand.
ALONE = ("-p", "no:rerunfailures")
DOUBLE = "def double(n):\n    return 2 * n\n"
#: Something of everything that pytest does between its start and a test's outcome.
EVENTFUL = {
    **MODULE,
    "conftest.py": """
        import os, pathlib
        import pytest

        LOADED = os.getpid()

        @pytest.fixture(autouse=True)
        def _marked(monkeypatch):
            monkeypatch.setenv("MARKED", "yes")

        @pytest.fixture(scope="session")
        def loaded():
            return LOADED

        def pytest_collection_modifyitems(items):
            items.sort(key=lambda item: item.nodeid)

        def pytest_runtest_setup(item):
            if item.get_closest_marker("wanted"):
                pytest.skip("not wanted")
    """,
    "pytest.ini": """
        [pytest]
        markers = wanted: what a conftest skips
        xfail_strict = true
    """,
    "sub/conftest.py": """
        import pytest

        @pytest.fixture
        def below(loaded):
            return loaded + 0
    """,
    "sub/test_below.py": """
        import os
        import pytest

        def test_fixtures(below, tmp_path, capsys):
            print("said")
            assert capsys.readouterr().out == "said\\n"
            (tmp_path / "file").write_text("x")
            assert below == os.getpid()
            assert os.environ["MARKED"] == "yes"

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_numbers(number):
            assert number != 2

        @pytest.mark.xfail
        def test_expected():
            assert False

        @pytest.mark.wanted
        def test_skipped():
            assert False

        def test_timed(benchmark):
            assert benchmark(int) == 0

        class TestInside:
            @pytest.fixture(autouse=True)
            def _set(self):
                self.value = 1

            def test_value(self):
                assert self.value == 1
    """,
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the surrounding test session to be inherited."""
    clean = clean_environment()
    for name in [name for name in os.environ if name not in clean]:
        monkeypatch.delenv(name)


def at(bench: Bench, level: Level) -> None:
    """Let sessions stand so far ahead of their children."""
    launcher = bench.runner.launcher
    assert isinstance(launcher, ForkLauncher)
    launcher._nursery.level = level


def seen(verdict: Verdict | None) -> list[Any]:
    """Return what a verdict says of the tests, and nothing of time or place."""
    assert verdict is not None
    message = "\n".join(line for line in verdict.message.splitlines() if "0x" not in line)
    return [verdict.outcomes, verdict.failed, message, verdict.benchmarks, verdict.traces]


def test_every_level_comes_to_what_a_new_process_comes_to(project: Project) -> None:
    """Fixtures of nested conftests, hooks of theirs, markers, settings, captured output."""
    project.commit(EVENTFUL)
    with open_bench(project, "double.py", *ALONE) as bench:
        expected = seen(bench.run().verdict)
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        found = []
        for level in LEVELS:
            at(bench, level)
            found += [seen(bench.run().verdict) for _ in range(2)]
        assert bench.runner.launcher.description == "forkserver (imports)"

    assert sorted(set(expected[0].values())) == ["failed", "passed", "skipped", "xfailed"]
    assert found == [expected] * 6


def test_each_child_loads_the_conftests_for_itself(project: Project, tmp_path: Path) -> None:
    """The process that they are forked from has none of the project's code."""
    log = tmp_path / "log"
    project.commit(
        {
            **MODULE,
            "conftest.py": f"""
                import os, sys
                with open({str(log)!r}, "a") as stream:
                    print(os.getpid(), os.getppid(), "double" in sys.modules, file=stream)
            """,
        }
    )
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        for _ in range(2):
            bench.run()

    lines = [line.split() for line in log.read_text().splitlines()]
    (first, parent, fresh), (second, same, also_fresh) = lines
    assert parent == same
    assert len({first, second, parent}) == 3
    assert fresh == also_fresh == "False"


def test_children_capture_their_own_output(project: Project) -> None:
    """What one captures is not in another's report, and what a session printed comes first."""
    project.commit(
        {**MODULE, "test_double.py": "import double\n\ndef test_double():\n    double.double(1)\n"}
    )
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        outputs = []
        for word in ("alpha", "beta"):
            bench.place(f"def double(n):\n    print('{word}' * 9000)\n    raise ValueError\n")
            run = bench.run()
            assert run.verdict is not None
            outputs.append((run.output, run.verdict.message))

    for (output, message), other in zip(outputs, ("beta", "alpha"), strict=True):
        assert other not in output
        assert "ValueError" in message
    assert "alphaalpha" in outputs[0][0]


def test_a_crash_is_told_by_the_child_s_own_faulthandler(project: Project) -> None:
    """It writes to a copy of standard error that was made when the session was configured."""
    project.commit(MODULE)
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        bench.place("import ctypes\n\ndef double(n):\n    ctypes.string_at(0)\n")
        run = bench.run()

    assert run.verdict is None
    assert "Fatal Python error: Segmentation fault" in run.output
    assert run.running == "test_double.py::test_double"


DRAWING = """
    import json, random, uuid
    import numpy
    import hypothesis, hypothesis.strategies as st

    def test_draws():
        drawn = [random.random(), float(numpy.random.rand()), str(uuid.uuid1()), str(uuid.uuid4())]

        @hypothesis.settings(
            max_examples=5, database=None, derandomize=False, phases=[hypothesis.Phase.generate]
        )
        @hypothesis.given(st.binary(min_size=40, max_size=40))
        def draw(data):
            drawn[4:] = [data.hex()]  # the first ones are simple, and the same for everybody

        draw()
        with open({log!r}, "a") as stream:
            print(json.dumps(drawn), file=stream)
"""


def test_no_two_children_draw_the_same_numbers(project: Project, tmp_path: Path) -> None:
    """Python's generator, NumPy's, hypothesis's and uuid's differ, as in new processes."""
    log = tmp_path / "log"
    project.commit({**MODULE, "test_double.py": DRAWING.format(log=str(log))})
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        bench.runner.launcher.learn(["numpy", "numpy.random", "hypothesis", "uuid"], [])
        for _ in range(2):
            run = bench.run()
            assert run.verdict is not None
            assert run.verdict.failed == "", run.verdict.message

    first, second = (line.split() for line in log.read_text().splitlines())
    assert len(first) == 5
    assert [a for a, b in zip(first, second, strict=True) if a == b] == []


def test_what_the_baseline_imports_from_elsewhere_is_there_already(
    project: Project, tmp_path: Path
) -> None:
    """And nothing of the project, nor what a rewriting of assertions has touched."""
    log = tmp_path / "log"
    project.commit(
        {
            **MODULE,
            "helper.py": "import colorsys\n",
            "conftest.py": f"""
                import sys
                with open({str(log)!r}, "a") as stream:
                    print("colorsys" in sys.modules, "helper" in sys.modules, file=stream)
                import helper
            """,
        }
    )
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        verdict = bench.run(trusted=True).verdict
        assert verdict is not None
        bench.runner.launcher.learn(verdict.imported, verdict.early)
        bench.run()

    assert "colorsys" in verdict.imported
    assert not {"helper", "double", "conftest", "test_double"} & set(verdict.imported)
    assert log.read_text().splitlines() == ["False False", "True False"]


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("def pytest_configure(config): config.seen = True", "conftest.py: pytest_configure"),
        ("def pytest_addoption(parser): parser.addoption('--mine')", "pytest_addoption"),
        ("pytest_plugins = ['plugin']", "conftest.py: pytest_plugins"),
        (
            "import pytest as p\npytest_a = p.hookimpl(specname='pytest_sessionstart')(lambda: 0)",
            "conftest.py: pytest_sessionstart",
        ),
    ],
)
def test_conftests_that_act_early_are_loaded_before_a_session_is_configured(
    project: Project, hook: str, told: str
) -> None:
    """Sessions then stand before the first conftest, and the reason is told."""
    project.commit(
        {
            **MODULE,
            "plugin.py": "def pytest_configure(config): config.seen = True",
            "conftest.py": f"{hook}\n",
            "test_double.py": """
                def test_it(request):
                    assert getattr(request.config, "seen", True)
                    assert request.config.getoption("--mine", default=None) is None
            """,
        }
    )
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        at(bench, "imports")
        first = bench.run().verdict
        assert first is not None
        bench.runner.launcher.learn(first.imported, first.early)
        second = bench.run().verdict
        description = bench.runner.launcher.description

    assert seen(first) == seen(second)
    assert description.startswith("forkserver (plugins: ")
    assert told in description


@pytest.mark.parametrize("level", LEVELS)
def test_conftests_are_imported_under_pytest_s_own_filters_of_warnings(
    project: Project, level: Level
) -> None:
    """What they change of the filters ends with their import; an error of the settings is one."""
    project.commit(
        {
            **MODULE,
            "pytest.ini": "[pytest]\nfilterwarnings = error::FutureWarning\n",
            "conftest.py": """
                import warnings
                import double
                warnings.simplefilter("ignore")
            """,
            "test_double.py": """
                import warnings

                def test_state():
                    with warnings.catch_warnings(record=True) as seen:
                        warnings.warn("said", UserWarning)
                    assert len(seen) == 1
            """,
        }
    )
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        at(bench, level)
        quiet = bench.run().verdict
        bench.place("import warnings\nwarnings.warn('old', FutureWarning)\n" + DOUBLE)
        loud = bench.run()

    assert quiet is not None
    assert quiet.failed == "", quiet.message
    assert loud.verdict is None
    assert "FutureWarning: old" in loud.output


def test_a_thread_of_a_plugin_keeps_a_session_from_standing(project: Project) -> None:
    """It stands where they are loaded only: pytest-rerunfailures starts one beside xdist."""
    project.commit(MODULE)
    with open_bench(project, "double.py", launcher="forkserver") as bench:
        run = bench.run()
        description = bench.runner.launcher.description

    assert run.verdict is not None
    assert run.verdict.failed == ""
    assert description == "forkserver (plugins: 2 threads are alive)"


def test_a_plugin_of_the_project_is_loaded_by_each_child(project: Project) -> None:
    """A process that children are forked from has none of the project's code."""
    project.commit(
        {
            **MODULE,
            "pytest.ini": "[pytest]\naddopts = -p own_plugin\n",
            "lib/own_plugin.py": "def pytest_sessionstart(): pass\n",
        }
    )
    roots = (project.root / "lib",)
    with open_bench(
        project, "double.py", *ALONE, import_roots=roots, launcher="forkserver"
    ) as bench:
        run = bench.run()
        description = bench.runner.launcher.description

    assert run.verdict is not None
    assert run.verdict.failed == ""
    assert description == "forkserver (imports: a plugin imports the project's own own_plugin)"


def test_other_source_than_was_given_is_our_error(project: Project) -> None:
    """Something that changes the target between its writing and its loading is not believed."""
    project.commit(
        {
            **MODULE,
            "conftest.py": """
                import pathlib
                file = pathlib.Path(__file__).with_name("double.py")
                file.write_text(file.read_text() + "# stale")
            """,
        }
    )
    for launcher in ("spawn", "forkserver"):
        with (
            open_bench(project, "double.py", *ALONE, launcher=launcher) as bench,
            pytest.raises(EvaluationError, match=r"ran another double.py than it was given"),
        ):
            bench.run()


def test_compiled_code_is_kept_by_trusted_sessions_alone(project: Project) -> None:
    """The harness's, rewritten or not, outside of the worktree; never the target's."""
    project.commit({**MODULE, "helper.py": "ONE = 1\n", "conftest.py": "import helper\n"})
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        bench.runner.keep_bytecode()
        kept = bench.pool.directory / "bytecode"
        bench.run()
        before = list(kept.rglob("*.pyc"))
        bench.run(trusted=True)
        names = sorted(path.name.partition(".")[0] for path in kept.rglob("*.pyc"))
        worktree = list(bench.worktree.rglob("*.pyc"))

    assert before == worktree == []
    assert {"conftest", "helper", "test_double"} <= set(names)
    assert "double" not in names


def test_measuring_collects_only_what_scores(project: Project, tmp_path: Path) -> None:
    """Files without a benchmark or a metric are not imported for it."""
    log = tmp_path / "log"
    noting = f"open({str(log)!r}, 'a').write(__name__ + ' ')\n"
    project.commit(
        {
            **MODULE,
            "test_double.py": noting + "def test_it(benchmark):\n    benchmark(int)\n",
            "test_other.py": noting + "def test_other():\n    pass\n",
        }
    )
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        guarded = bench.run().verdict
        assert guarded is not None
        log.write_text("")
        measured = bench.run("measure", collected=guarded.scoring).verdict

    assert guarded.scoring == ["test_double.py"]
    assert log.read_text().split() == ["test_double"]
    assert measured is not None
    assert list(measured.warm) == ["test_double.py::test_it"]


def test_it_says_what_it_holds(project: Project) -> None:
    """In MB, what is shared counted in parts, and what nobody else has."""
    project.commit(MODULE)
    with open_bench(project, "double.py", *ALONE, launcher="forkserver") as bench:
        bench.run()
        (memory,) = bench.runner.launcher.memory()

    assert 0 < memory.private < memory.pss < 500

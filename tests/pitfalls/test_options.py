"""Options of the project and its plugins that were not meant for an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE

if TYPE_CHECKING:
    import pytest

    from tests.projects import Project

SHORTER = "def double(n):\n    return 2*n\n"


def test_hostile_addopts(project: Project) -> None:
    """Options that distribute, repeat, cover, reorder and report stay out of the experiments."""
    addopts = (
        "-n2 --cov --cov-fail-under=100 --reruns 2 --ff --junitxml=x.xml --benchmark-disable -x "
        f"--strict-markers --autoloop 1 --autoloop-proposer {project.ideas(SHORTER)}"
    )
    untouched = """
        import coverage

        def test_nothing_watches(request):
            assert coverage.Coverage.current() is None
            assert request.config.option.xmlpath is None
            assert request.config.option.reruns == 0
    """
    configuration = f"[pytest]\naddopts = {addopts}\n"
    project.commit({**MODULE, "test_untouched.py": untouched, "pytest.ini": configuration})

    session = project.pytest()

    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", "")]
    assert "1 baseline, 1 keep" in session.stdout
    report = (project.root / "x.xml").read_text(encoding="utf-8")
    assert report.count("<testcase ") == 2
    assert 'name="001"' in report
    # One campaign: a child that had followed --autoloop would have made another one.
    assert len(list(project.root.glob(".pytest_autoloop/*/experiments.jsonl"))) == 1


def test_benchmarks_are_timed_where_they_are_disabled(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the project's options nor a surrounding xdist worker turn measuring off."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    arguments = ("--benchmark-disable", "-n2", "--dist=load", "--tx=2*popen", "--reruns=1")
    benchmark = "def test_time(benchmark):\n    benchmark(int)\n"
    project.commit({**MODULE, "test_time.py": benchmark})
    with open_bench(project, "double.py", *arguments) as bench:
        run = bench.run("measure")

    assert run.verdict is not None, run.output
    assert set(run.verdict.warm) == {"test_time.py::test_time"}


def test_setup_plan_and_collect_only_do_not_pass_guards(project: Project) -> None:
    """Options under which no test is run would let every candidate pass."""
    project.commit(MODULE)
    with open_bench(project, "double.py", "--setup-plan", "--setup-only", "--co") as bench:
        report = bench.guard("def double(n):\n    return n\n")

    assert (report.status, report.reason) == ("discard", "guard")

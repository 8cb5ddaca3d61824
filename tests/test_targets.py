"""Several targets, and parts of a file: which there are, what scores each, how much it gets."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.launchers import SpawnLauncher
from pytest_autoloop.evaluation.runner import Project as Called
from pytest_autoloop.evaluation.sandbox import Sandbox
from pytest_autoloop.harness.registry import Registry
from pytest_autoloop.harness.specifications import TargetSpecification
from pytest_autoloop.history.copies import copied_files
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.model import TIME, Metric, Target
from pytest_autoloop.targets import Leg, resolve_targets, share_of
from pytest_autoloop.workplace import Places
from tests.projects import git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.projects import Project

SIZE = Metric("size", "lower")
ACCURACY = Metric("accuracy", "higher", at_least=0.9)
METRICS = (SIZE, TIME, ACCURACY)
CODE = "def f():\n    return 1\n\n\nclass C:\n    def g(self):\n        return f()\n"
FILES = {"a.py": CODE, "b.py": CODE, "c.txt": "words\n"}


class Resolver:
    """Resolves targets inside a session, as a campaign does after collection."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        self.registry = Registry()
        self.metrics = metrics
        self.legs: tuple[Leg, ...] = ()
        self.problem = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Resolve instead of running tests."""
        repository = Repository.open(session.config.rootpath)
        try:
            self.legs = resolve_targets(session, self.registry, self.metrics, repository)
        except UsageError as error:
            self.problem = str(error)
        return True


def resolve(
    pytester: pytest.Pytester, *declared: tuple[str, str], metrics: tuple[Metric, ...] = METRICS
) -> Resolver:
    """Resolve the targets of a project; each is what its decorator is given and what it returns."""
    for name, content in FILES.items():
        (pytester.path / name).write_text(content, encoding="utf-8")
    fixtures = [
        f"@autoloop.target({arguments})\ndef t{number}():\n    return {path!r}\n"
        for number, (arguments, path) in enumerate(declared)
    ]
    conftest = "import pytest_autoloop as autoloop\n\n" + "\n".join(fixtures)
    (pytester.path / "conftest.py").write_text(conftest, encoding="utf-8")
    (pytester.path / "test_it.py").write_text("def test_it(): pass\n", encoding="utf-8")
    git(pytester.path, "init", "-q")
    git(pytester.path, "add", "-A")
    git(pytester.path, "commit", "-q", "-m", "first")
    resolver = Resolver(metrics)
    pytester.inline_run(plugins=[resolver, resolver.registry])
    return resolver


def names(resolver: Resolver) -> list[str]:
    """Return what the legs improve, in order."""
    assert resolver.problem == ""
    return [leg.target.name for leg in resolver.legs]


def test_a_target_without_metrics_has_those_that_request_it(pytester: pytest.Pytester) -> None:
    """Then those that request no target's fixture; one without any has these alone."""
    declared = """
        import pytest_autoloop as autoloop

        @autoloop.metric
        def first(t0):
            return 1

        @autoloop.metric
        def second(t1):
            return 1

        @autoloop.metric(at_least=0)
        def bounded(t1):
            return 1

        @autoloop.metric
        def any_one():
            return 1
    """
    pytester.makepyfile(metrics_plugin=declared)
    pytester.syspathinsert()
    pytester.makeini("[pytest]\naddopts = -pmetrics_plugin")
    found = [Metric(name, "lower") for name in ("first", "second", "any_one")]
    found.insert(2, Metric("bounded", "lower", at_least=0))
    targets = [("", name) for name in ("a.py", "b.py", "c.txt")]
    resolver = resolve(pytester, *targets, metrics=(*found, TIME))
    assert resolver.problem == ""
    assert [[metric.name for metric in leg.metrics] for leg in resolver.legs] == [
        ["first", "bounded", "any_one", "time"],
        ["second", "bounded", "any_one", "time"],
        ["bounded", "any_one", "time"],
    ]


def test_legs_come_by_stage_and_declaration(pytester: pytest.Pytester) -> None:
    """A lower stage is improved first; each leg knows its file and symbol, scores and share."""
    found = resolve(
        pytester,
        ("stage=2, share=0.5", "a.py"),
        ("metrics=['time']", "b.py::C.g"),
        ("", "c.txt"),
        ("metrics=['accuracy', 'size'], stage=-1", "b.py::f"),
    )
    assert names(found) == ["b.py::f", "b.py::C.g", "c.txt", "a.py"]
    assert [leg.metrics for leg in found.legs] == [
        (ACCURACY, SIZE),
        (TIME, ACCURACY),
        METRICS,
        METRICS,
    ]
    assert [leg.share for leg in found.legs] == pytest.approx([1 / 6, 1 / 6, 1 / 6, 0.5])
    assert [leg.path for leg in found.legs][:2] == [pytester.path / "b.py"] * 2
    assert found.legs[0].target == Target("b.py", "", "f")
    assert found.legs[-1].options.name == "t0"


def test_one_target_has_everything(pytester: pytest.Pytester) -> None:
    """A share below 1 says nothing where nobody else takes the rest."""
    found = resolve(pytester, ("share=0.25", "a.py"))
    assert names(found) == ["a.py"]
    assert found.legs[0].share == 1.0
    assert found.legs[0].metrics == METRICS


def test_a_part_may_be_improved_before_the_whole(pytester: pytest.Pytester) -> None:
    """The wider target still holds all that the narrower one gained."""
    found = resolve(pytester, ("stage=2", "a.py"), ("", "a.py::C"), ("", "a.py::f"))
    assert names(found) == ["a.py::C", "a.py::f", "a.py"]


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ((), "no target: decorate a fixture in conftest.py"),
        ((("", "a.py"), ("", "a.py")), "two targets are a.py ("),
        ((("", "a.py::f"), ("", "a.py::f")), "two targets are a.py::f ("),
        (
            (("", "a.py"), ("stage=3", "a.py::f")),
            "the target a.py holds the target a.py::f, which it could remove",
        ),
        ((("", "a.py::C"), ("stage=3", "a.py::C.g")), "give a.py::C the later stage (stage=4)"),
        ((("share=0.7", "a.py"), ("share=0.6", "b.py")), "shares sum to 1.3 ("),
        ((("share=1", "a.py"), ("", "b.py")), "leave nothing for "),
        ((("metrics=['speed']", "a.py"),), "there is no metric 'speed'; there is size, time, acc"),
        ((("", "a.py::h"),), "the target a.py::h: a.py defines no h"),
        ((("", "c.txt::f"),), "can be named in a Python file alone; name the file, c.txt"),
        ((("", "a.py::f()"),), "names no function or class behind the colons"),
        ((("", "a.py"), ("", "test_it.py::test_it")), "is a conftest.py or a test module"),
        ((("", "a.py"), ("", "d.py")), "the target d.py does not exist"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    pytester: pytest.Pytester, declared: tuple[tuple[str, str], ...], says: str
) -> None:
    """The message names the targets and what to write instead."""
    assert says in resolve(pytester, *declared).problem


def test_time_without_a_benchmark_is_refused(pytester: pytest.Pytester) -> None:
    """The name is known, but nothing gives it a value."""
    found = resolve(pytester, ("metrics=['time']", "a.py"), metrics=(SIZE,))
    assert "there is no test that uses the `benchmark` fixture; there is size" in found.problem


def leg(path: str, share: float = 1.0, symbol: str = "") -> Leg:
    """Return a leg of a hand-made campaign."""
    options = TargetSpecification(path, "", "conftest.py:1")
    return Leg(Target(path, "", symbol), Path(path), options, (SIZE,), share)


@pytest.mark.parametrize(
    ("experiments", "shares", "parts"),
    [
        (10.0, [0.5, 0.5], [5, 5]),
        (10.0, [1 / 3] * 3, [4, 3, 3]),
        (100.0, [0.29, 0.71], [29, 71]),
        (3.0, [0.1, 0.2, 0.7], [0, 1, 2]),
        (1.0, [0.5, 0.5], [1, 0]),
        (0.0, [0.5, 0.5], [0, 0]),
        (math.inf, [0.9, 0.1], [math.inf, math.inf]),
    ],
)
def test_experiments_are_divided_by_largest_remainder(
    experiments: float, shares: list[float], parts: list[float]
) -> None:
    """Every experiment goes to somebody, and none is made up."""
    divided = share_of(experiments, [leg("a.py", share) for share in shares])
    assert divided == parts
    assert sum(divided) == experiments


@pytest.fixture
def places(project: Project) -> Iterator[Places]:
    """Return the places of a campaign with the targets a.py and b.py."""
    project.commit({**FILES, "test_a.py": "def test_a(): pass\n"})
    repository = Repository.open(project.root)
    called = Called(project.root, project.root, project.root, (), "", ())
    with WorktreePool(repository, targets=("a.py", "b.py")) as pool:
        for name in ("incumbent", "candidate"):
            pool.add(name, repository.head())
        pool.seal()
        yield Places(
            repository,
            pool,
            SpawnLauncher(),
            Sandbox(),
            ("a.py", "b.py"),
            ("test_a.py",),
            called,
            repository.head(),
            clean=repository.head(),
        )


def standing(places: Places, name: str) -> list[str]:
    """Return what the targets hold in both worktrees."""
    return [(places.pool.path(side) / name).read_text() for side in ("incumbent", "candidate")]


def test_a_leg_begins_where_the_one_before_it_ended(places: Places, project: Project) -> None:
    """Both worktrees stand at the commit that is given, whatever the leg before left there."""
    first = places.of(leg("a.py"), places.repository.head())
    assert (first.target.path, first.source, first.frozen) == (
        "a.py",
        CODE.encode(),
        {"b.py": CODE.encode()},
    )
    assert first.runner.project.target == "a.py"
    first.place("incumbent", b"kept = 1\n")
    first.place("candidate", b"tried = 1\n")
    project.commit({"a.py": "kept = 1\n", "extra.txt": "new\n"})
    kept = places.repository.head()

    second = places.of(leg("b.py"), kept)

    assert (second.commit, second.source, second.frozen) == (
        kept,
        CODE.encode(),
        {"a.py": b"kept = 1\n"},
    )
    assert (first.untouched, second.untouched) == ({}, {"a.py": CODE.encode()})
    assert second.runner.project.target == "b.py"
    assert second.evaluator is not first.evaluator
    assert standing(places, "a.py") == ["kept = 1\n"] * 2
    assert standing(places, "b.py") == [CODE] * 2
    assert standing(places, "extra.txt") == ["new\n"] * 2
    assert places.pool.altered("candidate") == places.pool.altered("incumbent") == []
    # For another symbol of the same file, what was kept is part of what it starts from.
    third = places.of(leg("a.py"), kept)
    assert (third.source, third.original) == (b"kept = 1\n", CODE.encode())


def test_a_leg_that_gained_nothing_leaves_nothing(places: Places) -> None:
    """The next one begins at the same commit; what was tried last is gone."""
    first = places.of(leg("a.py"), places.repository.head())
    first.place("candidate", b"tried = 1\n")
    root = places.pool.path("candidate")
    (root / "left.txt").write_text("by a run\n")
    (root / "test_a.py").write_text("")
    places.of(leg("b.py"), places.repository.head())
    assert not (root / "left.txt").exists()
    assert (root / "test_a.py").read_text() == "def test_a(): pass\n"
    assert standing(places, "a.py") == [CODE] * 2
    places.pool.reset("candidate")
    assert standing(places, "a.py") == [CODE] * 2


@pytest.mark.parametrize("turn", [0, 1])
def test_targets_that_stand_still_are_files_of_the_harness(places: Places, turn: int) -> None:
    """A run that changes one has tampered, and it is put back; the leg's own may change."""
    mine, other = [("a.py", "b.py"), ("b.py", "a.py")][turn]
    for path in ("a.py", "b.py")[: turn + 1]:
        workplace = places.of(leg(path), places.repository.head())
    workplace.place("candidate", b"x = 1\n")
    root = places.pool.path("candidate")
    assert places.pool.altered("candidate") == []
    (root / other).write_text("easier = 1\n")
    assert places.pool.altered("candidate") == [other]
    places.pool.reset("candidate")
    assert places.pool.altered("candidate") == []
    assert (root / other).read_text() == CODE
    assert (root / mine).read_text() == "x = 1\n"
    (root / other).unlink()
    assert places.pool.altered("candidate") == [other]


def test_parts_of_one_file_are_one_target_to_the_worktrees(places: Places) -> None:
    """Nothing of the file is frozen beside itself; a symbol that is gone is told."""
    one = replace(places, targets=("a.py",))
    workplace = one.of(leg("a.py", symbol="C.g"), one.repository.head())
    assert (workplace.frozen, workplace.target.symbol) == ({}, "C.g")
    with pytest.raises(UsageError, match=r"a.py defines no gone"):
        one.of(leg("a.py", symbol="gone"), one.repository.head())


def test_with_warm_rounds_every_target_may_remember(places: Places) -> None:
    """The rounds of a benchmark repeat its calls then, so a cache is a gain that is asked for."""
    head = places.repository.head()
    assert not places.of(leg("a.py"), head).options.allow_cross_call_cache
    assert replace(places, warm=True).of(leg("a.py"), head).options.allow_cross_call_cache


def test_a_commit_without_a_target_is_refused(places: Places, project: Project) -> None:
    """A campaign that goes on from an older commit cannot improve what is not in it."""
    older = places.repository.head()
    project.commit({"new.py": CODE})
    with pytest.raises(UsageError, match=rf"the target new.py is not in commit {older[:10]}"):
        replace(places, targets=("a.py", "new.py")).of(leg("new.py"), older)


def test_copied_files_are_known_by_their_content(tmp_path: Path) -> None:
    """Links are known by where they lead; without a pattern there is nothing to read."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.bin").write_bytes(b"x" * 3_000_000)
    (tmp_path / "data" / "link").symlink_to("a.bin")
    found = copied_files(tmp_path, tmp_path, ("data",))
    assert found == {
        "data/a.bin": hashlib.sha256(b"x" * 3_000_000).hexdigest(),
        "data/link": hashlib.sha256(b"a.bin").hexdigest(),
    }
    assert copied_files(tmp_path, tmp_path, ()) == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"share": 0}, "share=0: write a part of the campaign's budget"),
        ({"share": 1.1}, "share=1.1: write a part"),
        ({"share": True}, "share=True: write a part"),
        ({"share": float("nan")}, "share=nan: write a part"),
        ({"share": "half"}, "share='half': write a part"),
        ({"stage": 1.0}, "stage=1.0: write a whole number"),
        ({"stage": True}, "stage=True: write a whole number"),
        ({"metrics": "time"}, "metrics='time': write a list of names"),
        ({"metrics": []}, r"metrics=\[\]: write a list of names"),
        ({"metrics": [TIME]}, "write a list of names"),
        ({"metrics": ["a", "b", "a"]}, "'a' stands in it twice; write it once"),
    ],
    ids=str,
)
def test_what_a_target_cannot_be_given_is_told_where_it_is_written(
    options: dict[str, Any], says: str
) -> None:
    """The value is named, and what to write."""
    with pytest.raises(ValueError, match=says):
        autoloop.target(**options)

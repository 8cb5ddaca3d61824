"""What travels can be pickled, and a worker answers with nothing but what it was given."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import closing
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop import errors
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.errors import AutoloopError, ProposerError, UsageError
from pytest_autoloop.evaluation.runner import Project as ProjectUnderTest
from pytest_autoloop.harness.specifications import TargetSpecification
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.judging import Case
from pytest_autoloop.model import Experiment, Metric, Target
from pytest_autoloop.remote import contract, questions, sites
from pytest_autoloop.remote.contract import Reply, Supplies, Task
from pytest_autoloop.remote.hosts import needs_of, this_host
from pytest_autoloop.remote.sites import pack
from pytest_autoloop.remote.worker import BENCHES, evaluate
from pytest_autoloop.settings import Settings
from pytest_autoloop.targets import Leg
from pytest_autoloop.workplace import places_of
from tests.projects import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.remote.bench import Bench
    from pytest_autoloop.remote.contract import Site
    from tests.projects import Project

METRIC = Metric("letters", "lower")
POLICY = Policy((METRIC,))
HOST = this_host()
NEEDS = needs_of(HOST, None, ())


@dataclass(frozen=True, slots=True)
class Look:
    """Ask what a worker's checkout holds; it may fail."""

    error: AutoloopError | None = None

    def answer(self, bench: Bench) -> tuple[str, dict[str, tuple[int, bytes]]]:
        """Return where it is, and its files with their mode."""
        if self.error is not None:
            raise self.error
        place = bench.workplace
        root = place.pool.path("candidate")
        files = {
            path.relative_to(root).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes())
            for path in root.rglob("*")
            if path.is_file() and path.name != ".git" and path.suffix != ".pyc"
        }
        return str(place.repository.root), files


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the directory for temporary files of a worker; nothing stays in it."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    BENCHES.close()
    assert list(place.iterdir()) == []


def settings_of(pytestconfig: pytest.Config, **changes: Any) -> Settings:
    """Return the settings of a campaign without a sandbox."""
    settings = Settings.from_config(pytestconfig)
    return replace(settings, sandbox="off", **changes)


@pytest.fixture
def site(project: Project, temporary: Path, pytestconfig: pytest.Config) -> Site:
    """Pack a project, one of whose files git does not carry."""
    return packed(project, settings_of(pytestconfig, copy=("data",)))


def packed(project: Project, settings: Settings) -> Site:
    """Make what a campaign makes, up to what it sends."""
    project.commit({**COUNTED, ".gitignore": "data/\n"})
    project.write({"data/run.sh": "#!/bin/sh\n", "data/deep/table.bin": bytes(range(256))})
    (project.root / "data/run.sh").chmod(0o750)
    with closing(Repository.open(project.root)) as repository:
        root, commit = repository.root, repository.head()
        described = ProjectUnderTest(root, root, root, ("-p", "no:cacheprovider"), "", ())
        target = Target("words.txt", "Make it shorter.")
        options = TargetSpecification("target", target.goal, "")
        leg = Leg(target, root / target.path, options, (METRIC,), 1.0)
        with places_of(
            settings, repository, described, commit, targets=(target.path,), hidden=()
        ) as places:
            place = places.of(leg, commit)
            return pack(place, settings, (METRIC,), (target.path,), frozenset())


def test_a_worker_is_given_what_it_lacks_once(site: Site) -> None:
    """Then it answers whatever is asked about that site, from a clone that it keeps."""
    task = pickle.loads(pickle.dumps(Task(site.key, Look(), NEEDS, "1")))
    assert evaluate(task).lacking
    supplied = pickle.loads(pickle.dumps(replace(task, nonce="2", supplies=Supplies(site))))
    first = evaluate(supplied)
    assert first.error is None
    assert first.learned is not None
    second = pickle.loads(pickle.dumps(evaluate(replace(task, nonce="3"))))
    assert second.answer == first.answer
    assert second.learned is None
    assert second.seconds > 0
    where, files = second.answer
    assert str(tempfile.gettempdir()) in where
    # Files that git does not carry came with it, and with their mode.
    assert files["data/run.sh"] == (0o750, b"#!/bin/sh\n")
    assert files["data/deep/table.bin"][1] == bytes(range(256))
    assert files["words.txt"][1] == COUNTED["words.txt"].encode()
    # One of the same class of host is given what was learned, and learns nothing anew.
    BENCHES.close()
    assert not Path(where).exists()
    assert evaluate(task).lacking
    informed = Supplies(site, {HOST.kind: first.learned})
    reply: Any = evaluate(replace(task, supplies=informed))
    assert (reply.error, reply.learned) == (None, None)
    # Where something went wrong nothing is kept, and the next one is as good as the first.
    failed = evaluate(replace(task, question=Look(UsageError("mine"))))
    assert isinstance(failed.error, UsageError)
    assert not Path(reply.answer[0]).exists()
    again: Any = evaluate(task).answer
    assert again[1] == files


def test_another_version_is_refused_before_anything_is_unpacked(temporary: Path) -> None:
    """The campaign reads what differs."""
    needs = replace(NEEDS, plugin="0.0.1 (abc)")
    reply = evaluate(Task("site", Look(), needs, "1"))
    assert reply.refusal == needs.refusal(HOST)
    assert list(temporary.iterdir()) == []


def test_a_host_without_a_layer_of_the_sandbox_is_refused(site: Site) -> None:
    """It finds out when it has set up what it has; nothing of that stays."""
    needs = replace(NEEDS, layers=frozenset({"seccomp"}))
    reply = evaluate(Task(site.key, Look(), needs, "1", Supplies(site)))
    assert reply.refusal == "its sandbox has no seccomp"


def test_files_that_are_too_large_to_be_sent_are_refused(
    project: Project, temporary: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next step is named."""
    monkeypatch.setattr(sites, "_MOST_COPIED", 100)
    with pytest.raises(UsageError, match=r"autoloop_copy: .*autoloop_readable"):
        packed(project, settings_of(pytestconfig, copy=("data",)))


EXPERIMENT = Experiment(1, "keep", "", "idea", "replay", "c", "p", "now", 1.0, {"letters": 3.0})
ASKED: tuple[object, ...] = (
    questions.LearnBaseline(),
    questions.GuardCandidate(b"a", POLICY),
    questions.JudgeCandidate(EXPERIMENT, Case(b"a", b"b", b"c"), POLICY),
    questions.AuditBest(b"a", POLICY),
    questions.CompareAsGood(b"a", b"b", POLICY),
    questions.ProfileBest(b"a"),
)


def test_every_question_can_be_pickled() -> None:
    """None was forgotten here."""
    names = {
        name
        for name, found in vars(questions).items()
        if is_dataclass(found) and getattr(found, "__module__", "") == questions.__name__
    }
    assert {type(question).__name__ for question in ASKED} == names
    for question in ASKED:
        back = pickle.loads(pickle.dumps(question))
        if hasattr(question, "policy"):  # whose rule and objective are not compared by value
            assert back.policy.metrics == POLICY.metrics
            back = replace(back, policy=POLICY)
        assert back == question


def test_every_class_of_the_contract_can_be_pickled(site: Site) -> None:
    """As it is sent: a site with all that it holds."""
    sent = (
        site,
        Supplies(site),
        Task(site.key, ASKED[0], NEEDS, "1", Supplies(site)),  # type: ignore[arg-type]
        Reply(HOST, answer=EXPERIMENT, seconds=1.0),
    )
    names = {
        name
        for name, found in vars(contract).items()
        if is_dataclass(found) and getattr(found, "__module__", "") == contract.__name__
    }
    assert {type(one).__name__ for one in sent} == names
    for one in sent:
        assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    "kind",
    [found for found in vars(errors).values() if isinstance(found, type)],
    ids=lambda kind: kind.__name__,
)
def test_every_error_comes_back_as_it_was(kind: type[AutoloopError]) -> None:
    """With its sentence, and what was spent on it."""
    error = kind("a sentence")
    if isinstance(error, ProposerError):
        error.tokens_used = 7
    back = pickle.loads(pickle.dumps(Reply(HOST, error=error))).error
    assert (type(back), str(back)) == (kind, "a sentence")
    assert vars(back) == vars(error)

"""The sweep as a proposer: what it asks, what it learns, what it remembers."""

from __future__ import annotations

import math
import runpy
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Brief, Effect, Experiment, Target
from pytest_autoloop.proposers.sweep import SweepProposer, from_spec
from pytest_autoloop.proposers.sweep.knobs import find
from pytest_autoloop.proposers.sweep.study import stored

optuna = pytest.importorskip("optuna")

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_autoloop.proposers.base import Checkout

PATH = "model.py"
QUADRATIC = b"""\
X = 9.0  # autoloop: float -10..10
Y = 60  # autoloop: int 1..64
"""
SMALL = b"""\
N = 3  # autoloop: int 1..4
MODE = "b"  # autoloop: choice a|b|c
"""


@dataclass
class Bench:
    """A workbench that lends nothing but the records."""

    root: Path
    records: Path

    def checkout(self, source: bytes) -> AbstractContextManager[Checkout]:
        """No sweep needs a checkout."""
        raise AssertionError


def values(source: bytes, path: str = PATH) -> dict[str, Any]:
    """Return what stands in the knobs of a source."""
    return {knob.name: knob.value for knob in find(path, source, constants=True)}


@dataclass
class Loop:
    """What a campaign does with a proposer, with a cost instead of benchmarks."""

    proposer: SweepProposer
    source: bytes
    cost: Callable[[dict[str, Any]], float | None]
    path: str = PATH
    number: int = 0
    parent: str = "first"
    tried: list[dict[str, Any]] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)

    def begin(self, records: Path) -> Loop:
        """Check and start the proposer."""
        self.proposer.check(Target(self.path, ""), self.source)
        self.proposer.start(Bench(records, records))
        return self

    def brief(self, remark: str = "") -> Brief:
        """Return what the proposer is told next."""
        return Brief(
            number=self.number + 1,
            target=Target(self.path, ""),
            source=self.source,
            readings=(),
            parent=self.parent,
            remark=remark,
        )

    def step(self) -> bool:
        """Run one experiment; False when there is nothing left."""
        proposal = self.proposer.propose(self.brief())
        if proposal is None:
            return False
        self.number += 1
        (edit,) = proposal.edits
        assert edit.path == self.path
        point = values(edit.content, self.path)
        self.tried.append(point)
        self.descriptions.append(proposal.description)
        cost, before = self.cost(point), self.cost(values(self.source, self.path))
        assert before is not None
        gain = None if cost is None else math.log(before / cost)
        keep = gain is not None and gain > 0.001
        status = "keep" if keep else "discard"
        experiment = result(self.number, status, gain, parent=self.parent)
        self.proposer.observe(experiment)
        if keep:
            self.source, self.parent = edit.content, experiment.commit
        return True

    def run(self, most: int = 1000) -> Loop:
        """Run experiments until there is nothing left."""
        while most and self.step():
            most -= 1
        return self


def result(number: int, status: Any, gain: float | None, **more: Any) -> Experiment:
    """Return an experiment with a measured gain, or one that a guard refused."""
    fields: dict[str, Any] = {
        "number": number,
        "status": status,
        "reason": "" if status == "keep" else ("guard" if gain is None else "no-gain"),
        "description": "",
        "proposer": "sweep",
        "commit": f"commit{number}",
        "parent": "first",
        "timestamp": "",
        "seconds": 0.0,
        "metrics": {},
        "effect": None if gain is None else Effect(gain, gain, gain),
    }
    return Experiment(**{**fields, **more})


def trials(records: Path, name: str = PATH) -> list[Any]:
    """Read the trials of a study as anybody with Optuna would."""
    storages = optuna.storages
    backend = storages.journal.JournalFileBackend(str(records / "sweep.log"))
    study = optuna.load_study(study_name=name, storage=storages.JournalStorage(backend))
    return list(study.get_trials())


def quadratic(point: dict[str, Any]) -> float:
    """Cost 1 at X = -4, Y = 20, and more away from it."""
    x, y = float(point["X"]), float(point["Y"])
    return 1 + (x + 4) ** 2 / 10 + ((y - 20) / 10) ** 2


def test_tpe_finds_the_optimum_of_a_quadratic(tmp_path):
    """Forty tries come close to it, and the later ones look where it is."""
    later = {}
    for sampler in ("tpe", "random"):
        proposer = SweepProposer(sampler=sampler, seed=3)
        loop = Loop(proposer, QUADRATIC, quadratic).begin(tmp_path / sampler).run(40)
        assert len(loop.tried) == 40
        later[sampler] = sum(quadratic(point) for point in loop.tried[20:])
        if sampler == "tpe":
            assert quadratic(values(loop.source)) < 1.2
    assert later["tpe"] < 0.8 * later["random"]


def test_seed_repeats_a_sweep(tmp_path):
    """The same seed proposes the same values."""
    runs = [
        Loop(SweepProposer(seed=1), QUADRATIC, quadratic).begin(tmp_path / name).run(12).tried
        for name in "ab"
    ]
    assert runs[0] == runs[1]
    other = Loop(SweepProposer(seed=2), QUADRATIC, quadratic).begin(tmp_path / "c").run(12).tried
    assert other != runs[0]


def test_failures_are_avoided(tmp_path):
    """Where the guards fail, TPE asks less and less."""

    def cost(point: dict[str, Any]) -> float | None:
        return None if point["Y"] > 30 and point["X"] < 8 else quadratic(point)

    loop = Loop(SweepProposer(seed=0), QUADRATIC, cost).begin(tmp_path).run(60)
    failed = [cost(point) is None for point in loop.tried]
    assert sum(failed[30:]) < sum(failed[:30])
    assert sum(failed[30:]) < 8
    states = {trial.state.name for trial in trials(tmp_path)}
    assert states == {"COMPLETE", "PRUNED"}


def test_grid_covers_the_space_exactly_once(tmp_path):
    """Every point but the present one is proposed once, near ones first."""
    source = SMALL.replace(b"1..4", b"1..9")
    loop = Loop(SweepProposer(sampler="grid"), source, lambda point: 1.0).begin(tmp_path).run()
    tried = [(point["N"], point["MODE"]) for point in loop.tried]
    every = {(n, mode) for n in range(1, 10) for mode in "abc"}
    assert len(tried) == len(set(tried)) == len(every) - 1
    assert set(tried) == every - {(3, "b")}
    assert set(tried[:4]) == {(2, "b"), (4, "b"), (3, "a"), (3, "c")}
    assert loop.proposer.propose(loop.brief()) is None


def test_grid_takes_eight_values_of_wide_ranges(tmp_path):
    """Log spaced where the comment says so."""
    source = b"A = 0.5  # autoloop: float 1e-3..1e4 log\nB = 7  # autoloop: int 0..70\n"
    loop = Loop(SweepProposer(sampler="grid"), source, lambda point: 1.0).begin(tmp_path).run()
    assert len(loop.tried) == 64
    assert {point["A"] for point in loop.tried} == {10.0**n for n in range(-3, 5)}
    assert {point["B"] for point in loop.tried} == set(range(0, 71, 10))


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_finite_space_is_exhausted(sampler, tmp_path):
    """Each point is proposed once, whoever samples, and then there is nothing left."""
    loop = Loop(SweepProposer(sampler=sampler, seed=5), SMALL, lambda point: 1.0)
    loop.begin(tmp_path).run()
    tried = [(point["N"], point["MODE"]) for point in loop.tried]
    assert len(tried) == len(set(tried)) == 11
    assert (3, "b") not in tried


def test_small_space_is_walked_from_the_present_values(tmp_path):
    """With twelve points TPE is a grid that begins next to what there is."""
    loop = Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path).run(2)
    assert loop.tried == [{"N": 2, "MODE": "b"}, {"N": 3, "MODE": "a"}]


def test_proposal_changes_the_values_alone(tmp_path):
    """It edits the target, and its description names what changes, and only that."""
    source = b"# kept\nalpha = 0.1  # autoloop: float 1e-5..1 log\nbeta = 2  # ordinary\n"
    proposer = SweepProposer(seed=0)
    loop = Loop(proposer, source, lambda point: 1.0).begin(tmp_path)
    proposal = proposer.propose(loop.brief())
    assert proposal is not None
    assert proposal.proposer == proposer.name == "sweep"
    assert not proposal.invalid
    (edit,) = proposal.edits
    (alpha,) = find(PATH, edit.content)
    assert proposal.description == f"alpha 0.1 → {alpha.value:.4g}"
    assert edit.content == source.replace(b"0.1", alpha.text.encode())


def test_description_leaves_out_what_stays(tmp_path):
    """Several changes are one line, with commas."""
    loop = Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path).run()
    assert "N 3 → 2" in loop.descriptions
    assert "MODE b → a" in loop.descriptions
    assert "N 3 → 1, MODE b → c" in loop.descriptions


def test_value_of_a_trial_is_the_gain_over_the_first_commit(tmp_path):
    """The first commit is 0, a trial adds its gain to that of its parent, whoever made that."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    assert proposer.propose(loop.brief())
    proposer.observe(result(1, "keep", 0.5))
    proposer.observe(result(2, "keep", 0.25, proposer="rules", parent="commit1"))
    loop.number, loop.parent = 2, "commit2"
    assert proposer.propose(loop.brief())
    proposer.observe(result(3, "discard", -0.1, parent="commit2"))
    recorded = [trial.value for trial in trials(tmp_path)]
    assert recorded == pytest.approx([0.0, 0.5, 0.65])


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"status": "discard", "gain": -0.2}, -0.2),
        ({"status": "discard", "gain": 0.01}, 0.01),
        ({"status": "explore", "gain": -0.2, "reason": ""}, -0.2),
        ({"status": "keep", "gain": math.inf}, 700.0),
        ({"status": "discard", "gain": None}, None),
        ({"status": "crash", "gain": None, "reason": "measure"}, None),
        ({"status": "discard", "gain": 0.4, "reason": "regression"}, None),
        ({"status": "discard", "gain": -0.4, "reason": "regression"}, -0.4),
        ({"status": "discard", "gain": 3.0, "reason": "unverified-gain"}, None),
        ({"status": "discard", "gain": math.nan}, None),
    ],
    ids=str,
)
def test_what_is_told_of_an_experiment(fields, value, tmp_path):
    """Measured gains are; what was refused although it gained would draw the search to itself."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    assert proposer.propose(loop.brief())
    proposer.observe(result(1, **fields))
    told = trials(tmp_path)[-1]
    assert told.value == value
    assert told.state.name == ("PRUNED" if value is None else "COMPLETE")


def test_goes_on_from_the_journal_file(tmp_path):
    """A second session remembers points, gains and the first values; a lost trial has failed."""
    first = Loop(SweepProposer(seed=0), SMALL, lambda point: 5 - point["N"]).begin(tmp_path).run(4)
    assert first.proposer.propose(first.brief())
    second = Loop(SweepProposer(seed=0), first.source, first.cost, parent=first.parent)
    second.number = 5
    second.begin(tmp_path)
    assert trials(tmp_path)[-1].state.name == "RUNNING"
    second.run()
    assert "RUNNING" not in {trial.state.name for trial in trials(tmp_path)}
    points = [tuple(point.values()) for point in first.tried + second.tried]
    assert len(points) == len(set(points)) == 11
    best = max(trials(tmp_path), key=lambda trial: trial.value or 0)
    assert best.value == pytest.approx(math.log(2))
    assert best.params["N"] == 4


def test_resumed_sweep_draws_other_points(tmp_path):
    """The same seed does not draw the same points again."""
    for sampler in ("tpe", "random"):
        for campaign in range(2):
            proposer = SweepProposer(sampler=sampler, seed=4)
            loop = Loop(proposer, QUADRATIC, lambda point: 1.0, number=5 * campaign)
            loop.begin(tmp_path / sampler).run(5)
        assert len(trials(tmp_path / sampler)) == 11


def test_half_a_line_at_the_end_is_mended(tmp_path):
    """A process that was killed while it wrote costs no more than that line."""
    Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path).run(3)
    path = tmp_path / "sweep.log"
    path.write_bytes(path.read_bytes() + b'{"op_code": 4, "wor')
    loop = Loop(SweepProposer(), SMALL, lambda point: 1.0, number=3).begin(tmp_path).run()
    assert len(loop.tried) == 8


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense\n" * 3,
        b"[]\n",
        # An entry of a kind that only another version of Optuna knows.
        b'{"op_code": 99, "worker_id": "x"}\n',
    ],
)
def test_damaged_study_is_a_proposer_error(tmp_path, content):
    """The message names the file and says what to do."""
    (tmp_path / "sweep.log").write_bytes(content)
    with pytest.raises(ProposerError, match=r"sweep\.log.*move the file away"):
        Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path)


def test_damaged_space_is_a_proposer_error(tmp_path):
    """Whatever stands where the knobs of the study should."""
    (tmp_path / "sweep.log").write_bytes(
        b'{"op_code": 0, "worker_id": "x", "study_name": "a.py", "directions": [2]}\n'
        b'{"op_code": 2, "worker_id": "x", "study_id": 0, "user_attr": {"space": "[]"}}\n'
    )
    with pytest.raises(ProposerError, match=r"sweep\.log.*move the file away"):
        stored(tmp_path, "a.py")


def test_unreadable_records_are_a_proposer_error(tmp_path):
    """A file where the directory should be is told."""
    (tmp_path / "records").write_bytes(b"")
    with pytest.raises(ProposerError, match="cannot use its study"):
        Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path / "records")


def test_asked_again_it_proposes_something_else(tmp_path):
    """A duplicate is known from then on, also in the next campaign."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    first = proposer.propose(loop.brief())
    second = proposer.propose(loop.brief("the same file as experiment 001"))
    assert first is not None
    assert second is not None
    assert first.edits != second.edits
    proposer.observe(result(1, "discard", -0.1))
    states = [trial.state.name for trial in trials(tmp_path)]
    assert states == ["COMPLETE", "FAIL", "COMPLETE"]
    proposer.close()
    again = Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path).run()
    assert len(again.tried) == 9
    assert values(first.edits[0].content) not in again.tried


def test_duplicate_that_ran_anyway_is_known(tmp_path):
    """Where the loop records the duplicate, nothing is learned of it but that."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    assert proposer.propose(loop.brief())
    proposer.observe(result(1, "discard", None, reason="duplicate"))
    assert [trial.state.name for trial in trials(tmp_path)] == ["COMPLETE", "FAIL"]
    loop.number = 1
    assert len(loop.run().tried) == 10


def test_proposal_that_was_never_run_is_proposed_again(tmp_path):
    """What was lost on the way is no failure of the point."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    lost = proposer.propose(loop.brief())
    again = proposer.propose(loop.brief())
    assert lost is not None
    assert again is not None
    assert lost.edits == again.edits
    proposer.close()
    assert [trial.state.name for trial in trials(tmp_path)] == ["COMPLETE", "FAIL", "RUNNING"]


def test_known_points_of_a_sampler_are_told_again(tmp_path):
    """A point that is drawn twice gets its known value, and another is proposed."""
    loop = Loop(SweepProposer(sampler="random", seed=0), SMALL, lambda point: 1.0).begin(tmp_path)
    loop.run()
    recorded = trials(tmp_path)
    assert len(recorded) > 12
    points = {(trial.params["N"], trial.params["MODE"]) for trial in recorded}
    assert len(points) == 12
    assert {trial.value for trial in recorded} == {0.0}


def test_others_experiments_end_no_trial(tmp_path):
    """A row of the same number from somebody else is not the answer to its own proposal."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    assert proposer.propose(loop.brief())
    proposer.observe(result(1, "discard", 0.3, proposer="rules"))
    proposer.observe(result(2, "discard", 0.3))
    assert trials(tmp_path)[-1].state.name == "RUNNING"


def test_plain_constants_keep_their_range_after_a_keep(tmp_path):
    """The range is that of the first commit, in later campaigns too."""
    proposer = SweepProposer(constants=True, seed=0)
    loop = Loop(proposer, b"SIZE = 8\nRATE = -0.5\n", lambda point: 1 / point["SIZE"])
    loop.begin(tmp_path).run(30)
    assert values(loop.source)["SIZE"] > 16
    again = Loop(SweepProposer(constants=True, seed=1), loop.source, loop.cost, number=30)
    again.begin(tmp_path).run(10)
    for source in loop.tried + again.tried:
        assert 2 <= source["SIZE"] <= 32
        assert 0.125 <= source["RATE"] <= 2.0  # magnitudes: the sign is the file's
    assert len(trials(tmp_path)) >= 41


def test_other_knobs_begin_another_study(tmp_path):
    """A range that changed is another space; the file keeps both."""
    Loop(SweepProposer(), SMALL, lambda point: 1.0).begin(tmp_path).run(2)
    wider = SMALL.replace(b"a|b|c", b"a|b|d")
    loop = Loop(SweepProposer(), wider, lambda point: 1.0).begin(tmp_path).run()
    assert len(loop.tried) == 11
    assert len(trials(tmp_path)) == 3


def test_incumbent_without_knobs_leaves_nothing_to_do(tmp_path):
    """When others removed the comments there is nothing left; broken ones are told."""
    proposer = SweepProposer()
    loop = Loop(proposer, SMALL, lambda point: 1.0).begin(tmp_path)
    loop.source = b"N = 3\n"
    assert proposer.propose(loop.brief()) is None
    loop.source = b"N = 9  # autoloop: int 1..4\n"
    with pytest.raises(ProposerError, match=r"no longer read.*model\.py:1: "):
        proposer.propose(loop.brief())


def test_target_without_knobs_is_refused():
    """The message shows the comment to write in a file of this kind."""
    with pytest.raises(UsageError, match=r"no knobs in a\.json.*\"block_size\": 64,  // autoloop"):
        SweepProposer().check(Target("a.json", ""), b'{"a": 1}\n')
    with pytest.raises(UsageError, match=r"finds no knobs in a\.py.*no UPPER_CASE = 1"):
        SweepProposer(constants=True).check(Target("a.py", ""), b"a = 1\n")


def test_grid_that_is_too_large_is_refused():
    """Before anything is spent, with the number of its points."""
    source = b"".join(b"A%d = 1.0  # autoloop: float 0..9\n" % n for n in range(5))
    SweepProposer().check(Target("a.py", ""), source)
    with pytest.raises(UsageError, match=r"5 knobs of a\.py has 32,768 points, more than 10,000"):
        SweepProposer(sampler="grid").check(Target("a.py", ""), source)


def test_specs_become_proposers():
    """`sweep` and `sweep:constants` are known, everything else is refused."""
    assert from_spec("", sampler="tpe", seed=None).name == "sweep"
    assert from_spec("constants", sampler="grid", seed=1).name == "sweep"
    with pytest.raises(UsageError, match="'sweep:knobs' is unknown: write sweep for"):
        from_spec("knobs", sampler="tpe", seed=1)
    with pytest.raises(UsageError, match="'cma' is unknown: choose tpe, random or grid"):
        from_spec("", sampler="cma", seed=1)


def test_missing_optuna_is_refused(monkeypatch):
    """The message names the extra to install."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'pytest-autoloop\[sweep\]'"):
        from_spec("", sampler="tpe", seed=1)


def test_knobs_need_no_optuna(monkeypatch):
    """A check finds faults without the extra."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    SweepProposer().check(Target(PATH, ""), SMALL)


def test_optuna_keeps_quiet(tmp_path, capfd):
    """Nothing is logged, and its verbosity stays what it was."""
    before = optuna.logging.get_verbosity()
    Loop(SweepProposer(seed=0), QUADRATIC, quadratic).begin(tmp_path).run(3)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_example_gets_better(tmp_path):
    """Twelve tries on the example of the documentation nearly halve what its tiling loads."""
    folder = Path(__file__).parents[2] / "examples" / "block_size"
    cache = runpy.run_path(str(folder / "cache.py"))
    source = (folder / "tiling.ini").read_bytes()

    def loaded(point: dict[str, Any]) -> float | None:
        text = "[tiling]\n" + "\n".join(f"{name} = {value}" for name, value in point.items())
        return None if point["padding"] > 4 else float(cache["lines_loaded"](text))

    loop = Loop(SweepProposer(seed=0), source, loaded, path="tiling.ini").begin(tmp_path).run(12)
    assert loaded(values(source, "tiling.ini")) == 10880
    assert (loaded(values(loop.source, "tiling.ini")) or 10880) < 0.55 * 10880
    assert b"; autoloop: int 0..7\n" in loop.source

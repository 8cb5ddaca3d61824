"""Measures what a finished campaign kept once more, and says which of it holds here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.ablation import Kept, kept_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Effect, Experiment, Metric
    from pytest_autoloop.remeasuring import Bench, Opener, Outcome

#: ``holds``: better here, too (or as good, for a simplification). ``not shown``: the measurements
#: here are sure of neither. ``fails``: a guard failed, or it is surely no better.
Finding: TypeAlias = Literal["holds", "not shown", "fails"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one keep, against the keep before it."""

    kept: Kept
    #: What the campaign measured.
    claimed: Effect | None
    outcome: Outcome

    @property
    def finding(self) -> Finding:
        """Whether it holds here."""
        if self.outcome.holds:
            return "holds"
        effect = self.outcome.effect
        unsure = effect is not None and effect.high > 0
        return "not shown" if self.outcome.reason == "no-gain" and unsure else "fails"


@dataclass(slots=True)
class Verified:
    """What became of one target."""

    target: str
    metric: Metric
    guards: int
    #: What the harness is here and was not in the campaign, a phrase each.
    differences: tuple[str, ...]
    checked: list[Checked] = field(default_factory=list)
    #: The best against the first version; None when it could not be measured, or was not to be.
    audit: Audit | None = None

    @property
    def holds(self) -> bool:
        """Whether no keep fails, and the best is surely better than the first version."""
        certain = self.audit is not None and self.audit.effect.low > 0
        exact = all(one.finding == "holds" for one in self.checked)
        return (certain or exact) and all(one.finding != "fails" for one in self.checked)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured of one target."""

    target: str
    baseline: Experiment
    keeps: tuple[Experiment, ...]

    @property
    def path(self) -> str:
        """The file, relative to the root of the repository."""
        return self.target.partition("::")[0]


def wanted(targets: Sequence[str], experiments: Sequence[Experiment]) -> Iterator[Wanted]:
    """Yield what a campaign kept, by target, since the last baseline of each."""
    for target in targets:
        own = [e for e in experiments if e.target in {target, ""}]
        began = [n for n, e in enumerate(own) if e.status == "baseline"]
        keeps = [e for e in own[began[-1] :] if e.status == "keep"] if began else []
        if keeps:
            yield Wanted(target, own[began[-1]], tuple(keeps))


def verify(
    repository: Repository,
    one: Wanted,
    open_bench: Opener,
    *,
    only: Sequence[int] = (),
    begun: Callable[[str], None],
    say: Callable[[Checked, Metric], None],
) -> Verified:
    """Measure each keep of a target against the one before, and the best against the first.

    Args:
        repository: where the commits are.
        one: what is to be measured.
        open_bench: makes what measures.
        only: numbers of the keeps that are measured; empty for all, and the audit.
        begun: is told what is being done.
        say: is told of each keep at once.

    Raises:
        AutoloopError: the baseline is red here, or something of ours failed.

    """
    begun(f"measuring the baseline of {one.target}")
    bench = open_bench(one.target, one.baseline.commit)
    changes = kept_changes(repository, one.path, one.baseline, one.keeps)
    found = Verified(one.target, bench.primary, bench.guards, bench.differences)
    effects = {keep.number: keep.effect for keep in one.keeps}
    for kept in changes:
        if only and kept.number not in only:
            continue
        begun(f"measuring {kept.number:03}")
        checked = Checked(kept, effects[kept.number], _measured(bench, kept))
        found.checked.append(checked)
        say(checked, bench.primary)
    if not only:
        begun("measuring the best against the first version")
        found.audit = bench.audit(changes[-1].after)
    return found


def _measured(bench: Bench, kept: Kept) -> Outcome:
    if kept.simpler:
        return bench.as_good(kept.after, kept.before)
    return bench.better(kept.after, kept.before)

"""What is told at the end of a campaign: what was won, what was not, what it cost, what is next."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, field
from heapq import nlargest
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.reporting.chart.heights import heights
from pytest_autoloop.shortening import SIMPLER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.history.rows import Row
    from pytest_autoloop.model import Experiment, Metric
    from pytest_autoloop.usage import Spending

#: Wins that are listed, and ideas that failed for one reason.
LISTED = 10
FAILED = 3
_LOST = frozenset({"discard", "crash", "timeout"})
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Ending:
    """What one target's experiments have come to; all of it plain data."""

    target: str
    tag: str
    metrics: tuple[Metric, ...]
    #: Of the baseline, and of the last keep; the baseline's where there is none.
    first: Experiment
    best: Experiment
    #: Number of keeps, how many of them are simplifications, and those that gained most.
    kept: int = 0
    simpler: int = 0
    biggest: tuple[Experiment, ...] = ()
    #: By number of a keep: log gain over the baseline, as all keeps up to it were measured.
    totals: Mapping[int, float] = field(default_factory=dict)
    #: Number of experiments that were not kept, and the last of them, by reason.
    reasons: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, tuple[Experiment, ...]] = field(default_factory=dict)
    audit: Audit | None = None
    claimed: float | None = None

    @property
    def branch(self) -> str:
        """Short name of the branch that holds what was kept."""
        return f"autoexp/{self.tag}"


def ending_of(campaign: Campaign, audit: Audit | None, *, failures: bool = False) -> Ending:
    """Gather what is told of a target; with `failures` also examples of what failed.

    Raises:
        JournalError: the record cannot be read.
    """
    rows, chronicle = campaign.rows, campaign.chronicle
    kept = [row for row in rows if row.status == "keep"]
    best = kept[-1] if kept else rows[0]
    first, *keeps = chronicle.lean([rows[0].number, *(row.number for row in kept)])
    listed = set(biggest(rows))
    failed = latest_failed(rows) if failures else {}
    return Ending(
        target=campaign.workplace.target.name,
        tag=campaign.ledger.tag,
        metrics=campaign.metrics,
        first=first,
        best=chronicle.lean([best.number])[0],
        kept=len(kept),
        simpler=sum(row.reason == SIMPLER for row in kept),
        biggest=tuple(one for one in keeps if one.number in listed),
        totals=totals(first, keeps),
        reasons=not_kept(rows),
        failed={reason: tuple(chronicle.lean(numbers)) for reason, numbers in failed.items()},
        audit=audit,
        claimed=campaign.claimed,
    )


def biggest(rows: Iterable[Row], count: int = LISTED) -> list[int]:
    """Return the numbers of the keeps that gained most, the biggest first."""
    kept = [row for row in rows if row.status == "keep"]
    # One whose gain is unknown, from a start that was worse, comes last.
    order = nlargest(count, kept, key=lambda row: (row.log_gain or 0.0, -row.number))
    return [row.number for row in order]


def not_kept(rows: Iterable[Row]) -> Counter[str]:
    """Return how many experiments were not kept for each reason."""
    return Counter(row.reason or row.status for row in rows if row.status in _LOST)


def latest_failed(rows: Sequence[Row], count: int = FAILED) -> dict[str, list[int]]:
    """Return the numbers of the last experiments that were not kept, by reason."""
    found: dict[str, list[int]] = {}
    for row in reversed(rows):
        numbers = found.setdefault(row.reason or row.status, []) if row.status in _LOST else None
        if numbers is not None and len(numbers) < count:
            numbers.append(row.number)
    return found


def totals(first: Experiment, keeps: Sequence[Experiment]) -> dict[int, float]:
    """Return what each keep and those before it gained over the baseline, by its number.

    Nothing, where some were read from first calls and others from warm ones: those do not add up.
    """
    if len({keep.effect.basis for keep in keeps if keep.effect is not None}) > 1:
        return {}
    reached = heights([first, *keeps])[1:]
    pairs = zip(keeps, reached, strict=True)
    return {keep.number: height.log_gain for keep, height in pairs if height is not None}


def wins(ending: Ending, width: int | None = None) -> list[str]:
    """List what gained most, in its order, as a table, and how many others there are.

    With a `width` no description goes beyond it.
    """
    effects = [text.outcome(one, ending.metrics[0]) for one in ending.biggest]
    room = max(map(len, effects), default=0)
    head = f"  keep  commit      {'effect':{room}}  in all   description"
    lines = [head if width is None else head[:width]] if effects else []
    for one, effect in zip(ending.biggest, effects, strict=True):
        line = (
            f"  {one.number:03}   {one.commit[:10]}  {effect:{room}}  {gained(ending, one):7}  "
            f"{text.visible(one.description)}"
        )
        lines.append(line if width is None or len(line) <= width else f"{line[: width - 1]}…")
    others = ending.kept - len(ending.biggest)
    if others:
        simpler = f", {ending.simpler} of them simpler" if ending.simpler else ""
        keeps = text.count(ending.kept, "keep")
        lines.append(
            f"  and {others} more of {keeps}{simpler}: pytest-autoloop history {ending.tag}"
        )
    return lines


def gained(ending: Ending, keep: Experiment) -> str:
    """Write what all keeps up to one gained over the baseline; empty where it is unknown."""
    return text.factor(ending.totals[keep.number]) if keep.number in ending.totals else ""


def losses(ending: Ending) -> list[str]:
    """Count what was not kept, by reason, and name the last ones where they were gathered."""
    if not ending.reasons:
        return []
    counted = sorted(ending.reasons.items(), key=lambda item: -item[1])
    lines = [f"not kept: {', '.join(f'{count} {reason}' for reason, count in counted)}"]
    for reason, _ in counted:
        for one in ending.failed.get(reason, ()):
            told = text.visible(text.outcome(one, ending.metrics[0]))
            lines.append(f"  {one.number:03} {told}   {one.description}")
    return lines


def result(ending: Ending) -> str:
    """Say how far each metric has come, and what an audit makes of it."""
    if not ending.kept:
        return "nothing was kept"
    changes = ", ".join(
        f"{metric.name} {text.value(ending.first.metrics.get(metric.name), metric.unit)} → "
        f"{text.value(ending.best.metrics.get(metric.name), metric.unit)}"
        for metric in ending.metrics
    )
    return f"{changes} · {audited(ending)}"


def audited(ending: Ending) -> str:
    """Say what the gain is on fresh measurements."""
    audit = ending.audit
    if audit is None:
        return "not audited"
    parts = [f"audited gain {text.gain(audit.effect)}"]
    if audit.first_calls is not None:
        parts.append(f"on first calls {text.gain(audit.first_calls)}")
    if ending.claimed is not None:
        parts.append(f"claimed {text.factor(ending.claimed)}")
    return " · ".join(parts)


def taking(endings: Sequence[Ending], table: str, *, applied: bool = False) -> list[str]:
    """Say how what was kept is seen and taken, if it was not `applied`, and where the table is."""
    winners = [ending for ending in endings if ending.kept]
    if not winners:
        return [f"table: {table}"]
    first, last = endings[0].first.commit, winners[-1]
    files = dict.fromkeys(ending.target.partition("::")[0] for ending in winners)
    # From the root of the repository, wherever in it the command is pasted.
    paths = " ".join(shlex.quote(f":/{path}") for path in files)
    see = f"see it: git diff {first[:10]} {last.branch} -- {paths}"
    # It looks first whether the checkout is clean, and where it has gone since.
    take = f"take it: pytest-autoloop apply {last.tag} (or git merge {last.branch})"
    return [see, *(() if applied else (take,)), f"table: {table}"]


def account(campaign: Campaign, endings: Sequence[Ending], experiments: int) -> list[str]:
    """Tell of the campaign as a whole: what is not in `endings`, its cost, its pace."""
    return [
        *elsewhere(campaign.chronicle.rows, endings, campaign.ledger.tag),
        *cost(campaign.spent),
        *pace(experiments, campaign.elapsed),
    ]


def elsewhere(rows: Iterable[Row], endings: Sequence[Ending], tag: str) -> list[str]:
    """Tell what was kept for targets that had their turn in an earlier session."""
    told = {ending.target for ending in endings}
    kept = Counter(row.target for row in rows if row.status == "keep" and row.target)
    return [
        f"autoexp/{tag} also holds {text.count(count, 'keep')} of {target}, from an earlier "
        f"session: pytest-autoloop apply {tag}"
        for target, count in kept.items()
        if target not in told
    ]


def cost(spent: Spending) -> list[str]:
    """Tell what the proposals cost; nothing where nobody counts."""
    if spent.tokens is None and spent.cost_usd is None:
        return []
    tokens = "tokens unknown" if spent.tokens is None else f"{spent.tokens:,} tokens"
    dollars = "price unknown"
    if spent.cost_usd is not None:
        more = f" and {spent.unpriced:,} tokens of unknown price" if spent.unpriced else ""
        dollars = f"${spent.cost_usd:.4f}{more}"
    return [f"spent: {tokens} · {dollars}"]


def pace(experiments: int, seconds: float) -> list[str]:
    """Tell how many experiments took how long; nothing where there were none."""
    if not experiments or seconds <= 0:
        return []
    rate = f"{experiments / seconds * _HOUR:,.0f} per hour"
    return [f"{text.count(experiments, 'experiment')} in {duration(seconds)} · {rate}"]


def duration(seconds: float) -> str:
    """Write a length of time with its two largest units: 1 h 12 min."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR:,} h {whole % _HOUR // _MINUTE} min"

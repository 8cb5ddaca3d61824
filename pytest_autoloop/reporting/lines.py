"""Single lines of a campaign: how it goes on, what became of an experiment, and of what."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pytest_autoloop import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pytest

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.history.rows import Row
    from pytest_autoloop.model import Experiment

_LISTED = 5
#: What a launcher says of itself where children are forked, and where others have them.
_FAST, _ELSEWHERE = "forkserver", ", on "
#: Narrower terminals break lines themselves.
_NARROW = 40


def wrapped(line: str, width: int | None, begun: int = 0) -> str:
    """Break a line between words where a terminal would break it anywhere.

    Args:
        line: what is written.
        width: of the terminal; None where nothing is to be broken, as in a log.
        begun: characters that stand in the line before it.

    """
    if width is None or begun + len(line) < width:
        return line
    found = textwrap.wrap(
        line,
        max(width - 1, _NARROW),
        initial_indent=" " * begun,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(found)[begun:]


def assured(campaign: Campaign, *, verbose: bool) -> list[str]:
    """Tell how far candidates are kept from those who judge them, and how children are started.

    That they are forked here, as usual, is told only to who asks for more.
    """
    baseline, launcher = campaign.baseline, campaign.workplace.runner.launcher.description
    told = f"assurance: {campaign.workplace.evaluator.assurance}"
    if baseline.not_isolated:
        told += f" ({baseline.not_isolated})"
    elif baseline.weak:
        told += f" (fresh inputs: {baseline.weak})"
    if launcher.startswith(_FAST) and _ELSEWHERE not in launcher and not verbose:
        return [told]
    lines = [told, f"launcher: {launcher}"]
    if verbose and baseline.memory is not None:
        memory = baseline.memory
        shared = f"a worker holds {memory.pss:.0f} MB (PSS), {memory.private:.0f} MB of it alone"
        lines.append(f"memory: {shared}")
    return lines


def went_on(last: int | None, mended: Sequence[str], pending: Sequence[int]) -> list[str]:
    """Tell after which experiment a campaign goes on, and what a killed session left.

    Args:
        last: number of its last experiment; None when it begins, and nothing is told.
        mended: a sentence for each thing that was mended.
        pending: numbers of answers whose judging was cut short.

    """
    lines = [] if last is None else [f"goes on after experiment {last:03}"]
    lines += mended
    if pending:
        listed = ", ".join(f"{number:03}" for number in pending[:_LISTED])
        more = f" and {len(pending) - _LISTED} more" if len(pending) > _LISTED else ""
        verb = "was" if len(pending) == 1 else "were"
        lines.append(f"{listed}{more} {verb} cut short and will be judged first")
    return [text.visible(line) for line in lines]


def origin(experiment: Experiment, rows: Sequence[Row]) -> str:
    """Say what a candidate started from; empty where it is the best of its time, as usual."""
    earlier = [row for row in rows if row.number < experiment.number]
    best = next((row for row in reversed(earlier) if row.status in {"keep", "baseline"}), None)
    if best is None or not experiment.parent:
        return ""
    if experiment.parent == best.commit:
        return "" if experiment.search in {"", "improve"} else f"[{experiment.search}]"
    made = (row.number for row in reversed(earlier) if row.commit == experiment.parent)
    number = next(made, None)
    return f"[{experiment.search} from {'elsewhere' if number is None else f'{number:03}'}]"


def told(campaign: Campaign, experiment: Experiment, measured: Mapping[str, Any]) -> str:
    """Say what became of an experiment that has just ended; of a baseline, what can be seen.

    `measured` are the metrics by name as they were measured now, which a campaign that goes on has
    done anew.
    """
    if experiment.status != "baseline":
        flags = f"({', '.join(experiment.flags)})" if experiment.flags else ""
        start = origin(experiment, campaign.rows)
        outcome = text.outcome(experiment, campaign.primary)
        parts = [outcome, start, flags, experiment.description]
        return text.visible("   ".join(part for part in parts if part))
    values = "  ".join(
        f"{metric.name} {text.value(measured.get(metric.name), metric.unit)}"
        for metric in campaign.metrics
    )
    outlook = campaign.outlook
    takes = f"a decision takes {outlook.duration}"
    if outlook.noise is None:
        return f"{values}   the score has no noise · {takes}"
    seen = f"smallest gain it can see: {outlook.smallest_gain:.1%}"
    return f"{values} ±{outlook.noise.sigma:.1%}   {seen} · {takes}"


def kind_of(report: pytest.TestReport) -> str:
    """Return the name of the error's class, which its message begins with."""
    crash = getattr(report.longrepr, "reprcrash", None)
    told = str(getattr(crash, "message", report.longreprtext)).strip()
    return text.visible(told.partition("\n")[0].partition(":")[0])

"""The outcome of a session as Markdown, for the summary page of a CI job."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.reporting import ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_autoloop.reporting.ending import Ending

#: By which whoever posts a summary finds the one that was posted before.
MARK = "<!-- pytest-autoloop -->"
#: What a cell may be long; a description is one line of a model's.
_CELL = 200
_SENTENCE = 4000
#: All others of ASCII mean something in Markdown or HTML, or make a link of what follows.
_PLAIN = re.compile(r"[^\w \-,.=/()%+'\u0080-\U0010ffff]|_|(?<=www)\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the summary of a session tells; all of it plain data."""

    endings: Sequence[Ending] = ()
    #: Lines as the terminal's summary has them: how to take what was kept, what it cost, notes.
    lines: Sequence[str] = ()
    #: Why the session came to nothing, a message each.
    errors: Sequence[str] = ()
    #: Where the files of the job are found.
    artifacts: str = ""
    environment: Mapping[str, object] = field(default_factory=dict)


def document(summary: Summary) -> str:
    """Write the summary; whatever candidates and models said is in it as text, never as markup."""
    parts = [MARK, f"## pytest-autoloop: {_headline(summary)}", ""]
    for error in summary.errors:
        parts += [f"**Error:** {code(error, _SENTENCE)}", ""]
    for end in summary.endings:
        parts += _target(end)
    parts += [f"- {code(line, _SENTENCE)}" for line in summary.lines]
    if summary.artifacts:
        parts += ["", f"[Chart, report and records]({summary.artifacts}) are kept with this job."]
    if summary.environment:
        parts += ["", "<details><summary>Environment</summary>", ""]
        found = summary.environment.items()
        parts += [*_table(("", ""), ((code(k), code(str(v))) for k, v in found)), "</details>"]
    return "\n".join(parts) + "\n"


def code(said: str, length: int = _CELL) -> str:
    """Write text that is to be shown as it is, in one line, and in a cell of a table, too.

    Not between backticks: what is in them can end them, and a cell ends at a bar in them.
    """
    line = text.visible(" ".join(said.split()))
    if len(line) > length:
        line = f"{line[: length - 1]}…"
    return f"<code>{_PLAIN.sub(_entity, line)}</code>" if line else ""


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _headline(summary: Summary) -> str:
    if not summary.endings:
        return "no result" if summary.errors else "nothing to tell"
    if not any(end.kept for end in summary.endings):
        return "nothing was kept"
    if len(summary.endings) > 1:
        kept = sum(end.kept for end in summary.endings)
        return f"{text.count(kept, 'keep')} in {len(summary.endings)} targets"
    return ending.audited(summary.endings[0])


def _target(end: Ending) -> list[str]:
    tried = end.kept + sum(end.reasons.values())
    head = (
        f"{code(end.target)} on the branch {code(end.branch)}: {end.kept} kept of "
        f"{text.count(tried, 'experiment')}"
    )
    rows = (
        (
            code(metric.name),
            code(text.value(end.first.metrics.get(metric.name), metric.unit)),
            code(text.value(end.best.metrics.get(metric.name), metric.unit)),
        )
        for metric in end.metrics
    )
    parts = [head, "", *_table(("metric", "before", "after"), rows)]
    if end.kept:
        parts += [ending.audited(end), ""]
        keeps = (
            (
                f"{keep.number:03}",
                code(keep.commit[:10]),
                code(text.outcome(keep, end.metrics[0])),
                ending.gained(end, keep),
                code(keep.description),
            )
            for keep in end.biggest
        )
        parts += _table(("keep", "commit", "effect", "in all", "description"), keeps)
        others = end.kept - len(end.biggest)
        parts += [f"and {text.count(others, 'keep')} more", ""] if others else []
    if end.reasons:
        counted = sorted(end.reasons.items(), key=lambda item: -item[1])
        parts += _table(("not kept", "experiments"), ((code(r), f"{n:,}") for r, n in counted))
    return parts


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return [*lines, ""]

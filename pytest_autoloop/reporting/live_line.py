"""The status of a running campaign as one line that fits."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.model import Effect
    from pytest_autoloop.progress import Phase

_BETWEEN = " · "
#: What is shortened or left out first where a line is too long, by the names of its parts.
_GIVES_WAY = ("best", "kept", "cost", "elapsed", "best", "cost", "best", "cost", "eta", "best")
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a campaign at one moment."""

    #: Number of the experiment that is under way, counted over all sessions, and how many there
    #: will be; infinite, where nobody has said.
    number: int = 0
    total: float = math.inf
    #: What is being done: of each, how many pairs it is at; 0 where it has none.
    doing: tuple[tuple[Phase, int], ...] = ()
    kept: int = 0
    #: Value of the best with its unit, and its gain over the baseline as it was measured.
    best: str = ""
    gain: Effect | None = None
    spent_usd: float | None = None
    cap_usd: float | None = None
    #: Seconds that have passed, and that are probably left; None where nobody can say.
    elapsed: float = 0.0
    left: float | None = None


def told(status: Status, width: int | None = None) -> str:
    """Write it in one line of at most `width` characters; None for no limit."""
    parts = _parts(status)
    for name in _GIVES_WAY if width is not None else ():
        if len(_joined(parts)) <= (width or 0):
            break
        if len(parts.get(name, ())) > 1:
            parts[name] = parts[name][1:]
        else:
            parts.pop(name, None)
    line = _joined(parts)
    return line if width is None or len(line) <= width else f"{line[: max(0, width - 1)]}…"


def doing(phases: Iterable[tuple[Phase, int]], *, steps: bool = True) -> str:
    """Say what is being done, what is done several times at once only once."""
    phases = tuple(phases)
    count = Counter(name for name, _ in phases)
    step = dict(phases)
    return ", ".join(
        f"{number} {name}"
        if number > 1
        else f"{name} pair {step[name]}"
        if steps and step[name]
        else name
        for name, number in count.items()
    )


def clock(seconds: float) -> str:
    """Write a time that passes: 1:02:10, or 2:10 in the first hour."""
    whole = int(seconds)
    minutes = f"{whole // 60 % 60}:{whole % 60:02}"
    return minutes if whole < _HOUR else f"{whole // _HOUR}:{minutes.rjust(5, '0')}"


def eta(seconds: float) -> str:
    """Write a time that is guessed, no finer than it can be."""
    if seconds < 90:  # noqa: PLR2004 - a minute and a half
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"


def _joined(parts: dict[str, tuple[str, ...]]) -> str:
    return _BETWEEN.join(forms[0] for forms in parts.values())


def _parts(status: Status) -> dict[str, tuple[str, ...]]:
    """Return what is told in its order, each in several forms: the longest first."""
    total = "∞" if math.isinf(status.total) else f"{status.total:.0f}"
    parts: dict[str, tuple[str, ...]] = {}
    if status.number:
        parts["number"] = (f"{min(status.number, max(status.total, 1)):.0f}/{total}",)
    now = doing(status.doing)
    if now:
        parts["doing"] = (now,)
    if status.number or status.kept:
        parts |= _found(status)
    if status.spent_usd is not None or status.cap_usd is not None:
        spent = dollars(status.spent_usd or 0.0)
        cap = "" if status.cap_usd is None else dollars(status.cap_usd)
        parts["cost"] = (f"{spent} of {cap}", f"{spent}/{cap}", spent) if cap else (spent,)
    parts["elapsed"] = (clock(status.elapsed),)
    if status.left is not None:
        parts["eta"] = (f"eta {eta(status.left)}",)
    return parts


def _found(status: Status) -> dict[str, tuple[str, ...]]:
    if not status.kept:
        return {"best": ("nothing kept yet", "no keep")}
    kept = (f"{status.kept} kept",)
    if status.gain is None:
        return {"best": (f"best {status.best}",), "kept": kept}
    factor, whole = text.factor(status.gain.log_gain), text.gain(status.gain)
    forms = (f"best {status.best}, {whole}", f"best {whole}", f"best {factor}")
    return {"best": tuple(dict.fromkeys(forms)), "kept": kept}


def dollars(amount: float) -> str:
    """Write dollars with cents, and smaller amounts with the digits that tell them from nothing."""
    return f"${amount:,.2f}" if amount >= 1 or amount <= 0 else f"${amount:.4f}"

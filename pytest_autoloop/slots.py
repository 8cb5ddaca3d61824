"""Where candidates are guarded while others are: a checkout and a launcher for each."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.process import GRACE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pytest_autoloop.evaluation.evaluator import Evaluator
    from pytest_autoloop.evaluation.launchers import Launcher
    from pytest_autoloop.evaluation.runner import Runner
    from pytest_autoloop.history.worktrees import WorktreePool
    from pytest_autoloop.model import GuardReport


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    path: Path
    launcher: Launcher
    runner: Runner
    #: Held while somebody is guarded there.
    used: threading.Lock = field(default_factory=threading.Lock)


class Slots:
    """Guards candidates, as many at once as there are slots; to be closed before its pool is.

    Make it after the baseline, in the thread of the campaign. What `evaluator` has learned until a
    candidate is guarded holds for it, and which guards fail is learned together.

    Args:
        pool: where the checkouts are made, named ``candidate-1`` and so on.
        evaluator: the campaign's own.
        runner: its runner; each slot has a launcher of the same kind.
        commit: what they check out: the commit that the campaign starts from.
        written: files that the harness itself changes while it runs.
        count: how many.

    A campaign with several targets makes slots for each in its turn; the checkouts are the same.

    Raises:
        RepositoryError: git refused to make a checkout.

    """

    def __init__(
        self,
        pool: WorktreePool,
        evaluator: Evaluator,
        runner: Runner,
        commit: str,
        *,
        written: Collection[str],
        count: int,
    ) -> None:
        self._pool = pool
        self._evaluator = evaluator
        self._written = frozenset(written)
        self._closed = threading.Event()
        self._slots: list[_Slot] = []
        for number in range(1, count + 1):
            name = f"candidate-{number}"
            launcher = runner.launcher.twin()
            own = runner.twin(launcher)
            self._slots.append(_Slot(name, _checked_out(pool, name, commit), launcher, own))
        self._begun: set[str] = set()
        self._free = threading.Condition()
        #: The one that was used last is the warmest.
        self._idle = list(reversed(self._slots))

    def guard(self, files: Mapping[str, bytes], required: frozenset[str]) -> GuardReport:
        """Guard a candidate in a slot that is free, or wait for one.

        `files` are all targets by POSIX path, relative to the repository's root: the candidate,
        and those that stand still.

        Raises:
            EvaluationError: the child cannot be started, or the campaign ends.
            RepositoryError: git's settings have changed, or the checkout cannot be restored.
        """
        with self._lent() as slot:
            evaluator = self._evaluator.twin(slot.runner, slot.path)
            if slot.runner.keeps_bytecode and slot.name not in self._begun:
                self._begun.add(slot.name)
                # The user's own code, while it stands there: what it compiles may be kept.
                evaluator.trusted = True
                evaluator.run_guards(max_failures=0)
                evaluator.trusted = False
                self._pool.put_back(slot.name)
            for path, content in files.items():
                self._pool.write(slot.name, path, content)
            report = evaluator.guard(required)
            if self._closed.is_set():
                # The child was ended, whatever it says; and nobody may touch the checkout now.
                raise EvaluationError("the campaign ends")
            # Whatever it left, a cache or a module, must not help the next one there.
            return judged(report, self._pool.put_back(slot.name), self._written)

    def close(self) -> None:
        """End what is being guarded, and everything that is kept for guarding."""
        self._closed.set()
        with self._free:
            self._free.notify_all()
        for slot in self._slots:
            slot.launcher.close()
        for slot in self._slots:
            # Nothing runs there any more, so this is the time that a reset takes.
            if slot.used.acquire(timeout=GRACE):
                slot.used.release()

    @contextmanager
    def _lent(self) -> Iterator[_Slot]:
        with self._free:
            self._free.wait_for(lambda: self._idle or self._closed.is_set())
            if self._closed.is_set():
                raise EvaluationError("the campaign ends")
            slot = self._idle.pop()
        try:
            with slot.used:
                yield slot
        finally:
            with self._free:
                self._idle.append(slot)
                self._free.notify()


def _checked_out(pool: WorktreePool, name: str, commit: str) -> Path:
    if name not in pool:
        return pool.add(name, commit)
    pool.reset(name, commit)
    return pool.path(name)


def judged(report: GuardReport, altered: Collection[str], written: Collection[str]) -> GuardReport:
    """Refuse a candidate that changed files of the harness while it was guarded.

    `altered` is what it changed, `written` what the harness itself writes. A run that was cut short
    could not put back what a guard changes and restores, so what it changed says nothing.
    """
    tampered = [path for path in altered if path not in written]
    if not tampered or report.status != "discard":
        return report
    message = f"the run changed {', '.join(tampered)}"
    return replace(report, passed=False, status="discard", reason="tampered", message=message)

"""How far children are got ready before it is known what they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.launchers import Memory
from pytest_autoloop.evaluation.protocol import KEPT_SEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_autoloop.evaluation.protocol import Verdict
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.workplace import Workplace

#: Guards that take so many seconds gain nothing from a child that begins a tenth of one earlier.
_LONG = 30.0


def first_run(workplace: Workplace, *, recorded: bool) -> Run:
    """Run the guards on the untouched target, with every call `recorded` if that can be.

    What fails in a fork of a process that has imported pytest may pass in a new one: then every
    child is a new one.
    """
    evaluator, launcher = workplace.evaluator, workplace.runner.launcher
    run = evaluator.run_guards(max_failures=0, recorded=recorded)
    green = run.verdict is not None and not run.verdict.failed and not run.verdict.foreign
    if green or run.exit.timed_out:
        return run
    if not launcher.fall_back("the guards fail in a process that is forked"):
        return run
    workplace.pool.reset("candidate")
    return evaluator.run_guards(max_failures=0, recorded=recorded)


def get_ahead(workplace: Workplace, run: Run) -> Memory | None:
    """Let later children begin as far ahead as they come to the same result as the first run's.

    Returns what a worker holds then: the session that its children are forked from, and one child.
    """
    evaluator, runner = workplace.evaluator, workplace.runner
    first = run.verdict
    assert first is not None
    evaluator.scoring = first.scoring or None
    if run.exit.seconds > _LONG:
        return None
    launcher = runner.launcher
    launcher.learn(first.imported, first.early)
    if launcher.ahead:
        launcher.prestart(*range(KEPT_SEEDS))
        # What is not contained could write there. Only now: what a first session imports from
        # elsewhere is in the warm parent.
        if runner.sandbox.contained:
            runner.keep_bytecode()
    while launcher.ahead:
        again = evaluator.run_guards(max_failures=0)
        workplace.pool.reset("candidate")
        other = _other(first, again.verdict)
        if not other:
            assert again.verdict is not None
            return _worker(launcher.memory(), again.verdict.memory)
        launcher.fall_back(f"{other} came to another result")
    return None


def _worker(sessions: Sequence[Memory], child: Mapping[str, float]) -> Memory | None:
    if not sessions or not child:
        return None
    last = sessions[-1]
    return Memory(last.pss + child["pss"], last.private + child["private"])


def _other(first: Verdict, again: Verdict | None) -> str:
    """Name what differs between two sessions on the same code; empty when nothing does."""
    if again is None:
        return "the session"
    nodes = {*first.outcomes, *again.outcomes}
    different = sorted(n for n in nodes if first.outcomes.get(n) != again.outcomes.get(n))
    if different:
        return different[0]
    return "the list of benchmarks" if first.benchmarks != again.benchmarks else ""

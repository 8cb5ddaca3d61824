"""How long a brief is, early and late in a campaign, in characters and tokens of four of them.

The campaign repeats itself every fifty experiments, so that its length alone makes a difference.

python benchmarks/briefs.py
"""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pytest_autoloop.briefing import brief_for
from pytest_autoloop.history.chronicle import Chronicle
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.model import Effect, Experiment, GuardReport, HotLine, Metric, Target
from pytest_autoloop.proposers.messages import build_messages, build_prompt
from pytest_autoloop.search.base import Start

if TYPE_CHECKING:
    from pytest_autoloop.model import Status

SOURCE = "".join(f"def function_{n}(text):\n    return text.split()\n\n\n" for n in range(40))
METRICS = (Metric("time", "lower", "s"),)
VERBS = ("cache", "hoist", "inline", "batch", "drop", "reuse", "precompute", "replace", "sort")
NOUNS = ("the regex", "the header", "each row", "the index", "a lookup", "the copy", "the check")
PLACES = ("in parse", "in the loop", "at import", "for short inputs", "with a set", "with a dict")


def experiment(number: int, chance: random.Random) -> Experiment:
    """Return what a campaign of a middling model may have recorded."""
    kept = chance.random() < 0.1  # noqa: PLR2004 - one in ten
    failed = not kept and chance.random() < 0.4  # noqa: PLR2004 - two in five of the others
    status: Status = "baseline" if not number else "keep" if kept else "discard"
    report = GuardReport(
        passed=not failed,
        test="tests/test_parser.py::test_nested" if failed else "",
        message="AssertionError: " + "expected [] got None " * 20 if failed else "",
        output="line of output that a session printed\n" * 1_000 if failed else "",
    )
    gain = chance.uniform(0.01, 0.3) if kept else chance.uniform(-0.05, 0.01)
    return Experiment(
        number=number,
        status=status,
        reason="" if kept or not number else "guard" if failed else "no-gain",
        description=" ".join(chance.choice(words) for words in (VERBS, NOUNS, PLACES)),
        proposer="openai:gpt-5",
        commit="0" * 40,
        parent="0" * 40,
        timestamp="",
        seconds=10.0,
        metrics={"time": 0.004},
        detail=report.message,
        effect=None if failed else Effect(gain, gain - 0.01, gain + 0.01),
        guard=report,
    )


def main() -> None:
    """Print a line for each length of the campaign."""
    experiments = [experiment(number, random.Random(number % 50)) for number in range(1_000)]
    print("brief   chat: characters  ~tokens   agent: characters  ~tokens")
    with TemporaryDirectory() as folder:
        program = Path(folder, "program.md")
        program.write_text("Keep it readable.\n" * 20, encoding="utf-8")
        for number in (1, 50, 1_000):
            journal = Journal.create(Path(folder), f"length-{number}")
            for one in experiments[:number]:
                journal.append(one)
            brief = brief_for(
                Chronicle.open(journal),
                Start("0" * 40),
                Target("src/parser.py", "Make `parse` faster."),
                SOURCE.encode(),
                METRICS,
                number=number,
                program=program,
                smallest_gain=0.013,
                profile=tuple(HotLine(n, 0.05) for n in range(2, 20)),
            )
            chat = sum(len(message["content"]) for message in build_messages(brief, "blocks"))
            agent = len(build_prompt(brief))
            print(f"{number:5}   {chat:16,}  {chat // 4:7,}   {agent:17,}  {agent // 4:7,}")


if __name__ == "__main__":
    main()

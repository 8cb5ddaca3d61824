"""Experiments per hour with 1, 2 and 4 workers, against a chat model that takes its time.

Real sessions of ``pytest --autoloop N --autoloop-workers K`` on copies of two examples, with a
real HTTP server on loopback that answers each request after two seconds (--delay):

exact       examples/prompt_rules: its metric is exact, so nothing waits for the machine
benchmark   examples/word_report: pairs are timed, each alone on the machine

Every answer is another harmless edit, so experiments are guarded, measured and mostly discarded. A
rate counts from the first request to the last line of the journal: neither the baseline nor the
audit at the end belongs to it. In each repetition all numbers of workers have their turn, in an
order that is drawn; printed are the ratios to one worker, as the geometric mean of the repetitions
with Student's 95% interval.

Time on two cores: --repeat 3 --experiments 12 takes about 15 minutes.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pytest_autoloop.decision.student import quantile  # noqa: E402
from tests.chat_server import MODEL, ChatServer, RecordedRequest, Reply  # noqa: E402

WORKERS = (1, 2, 4)
#: Seconds until the model answers.
DELAY = 2.0
#: Seconds in which a session that hangs is given up.
_LIMIT = 1800.0
#: Nothing of the session around, and no proxy between client and server.
_SCRUBBED = ("PYTEST_", "GIT_", "OPENAI_")


@dataclass(frozen=True)
class Example:
    """An example, and a line of its target that every candidate changes in another way."""

    name: str
    target: str
    line: str
    #: The same line with a number in it, and no other effect.
    edited: str

    def content(self, folder: Path, number: int) -> str:
        """Return the target with another edit."""
        source = (folder / self.target).read_text(encoding="utf-8")
        assert source.count(self.line) == 1, f"{self.name}: {self.line!r} has changed"
        return source.replace(self.line, self.edited.format(number=number))


EXAMPLES = {
    "exact": Example(
        "prompt_rules",
        "prompt.txt",
        "billing: refund, invoice",
        "billing: refund, invoice, nobodysaysthis{number}",
    ),
    "benchmark": Example("word_report", "report.py", '"with", "as"', '"with", "zz{number}", "as"'),
}


class Model(ChatServer):
    """Answers with the next edit, and remembers when it was asked first."""

    def __init__(self, contents: Iterator[str], delay: float) -> None:
        super().__init__()
        self._delay = delay
        self.asked = 0.0
        self._contents = contents
        self._asking = threading.Lock()

    def answer(self, request: RecordedRequest) -> Reply:
        """Take as long for each, however many ask."""
        with self._asking:
            self.asked = self.asked or time.time()
            content = next(self._contents)
        self.requests.append(request)
        time.sleep(self._delay)
        return {"text": f"DESCRIPTION: another word\n```\n{content}```\n"}


def git(folder: Path, *arguments: str) -> None:
    """Run git with an identity of its own."""
    identity = ("-c", "user.name=User", "-c", "user.email=user@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def rate(
    example: Example, workers: int, experiments: int, place: Path, delay: float = DELAY
) -> float:
    """Return the experiments per hour of one session."""
    folder = place / f"{example.name}-{workers}-{time.monotonic_ns()}"
    shutil.copytree(
        ROOT / "examples" / example.name,
        folder,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "results.tsv"),
    )
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "start")
    numbers = iter(range(10**6))
    model = Model((example.content(folder, number) for number in numbers), delay)
    with model:
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(_SCRUBBED)
        }
        environ |= {
            "OPENAI_API_KEY": "sk-no-key-needed",
            "OPENAI_BASE_URL": model.base_url,
            "NO_PROXY": "127.0.0.1",
            # Other campaigns on this machine are not what is measured.
            "AUTOLOOP_LOCKS": str(place),
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["--autoloop", str(experiments), "--autoloop-workers", str(workers)]
        command += ["--autoloop-tag", "bench", "--autoloop-proposer", f"openai:{MODEL}"]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} in {folder}:\n{done.stdout}\n{done.stderr}")
    journal = folder / ".pytest_autoloop" / "bench" / "experiments.jsonl"
    return 3600 * experiments / (journal.stat().st_mtime - model.asked)


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Return the geometric mean of ratios and Student's 95% interval around it."""
    logs = [math.log(ratio) for ratio in ratios]
    middle = statistics.fmean(logs)
    if len(logs) == 1:
        return math.exp(middle), 0.0, math.inf
    half = quantile(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def main() -> None:
    """Run the sessions and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--experiments", type=int, default=12, help="of each session")
    parser.add_argument("--repeat", type=int, default=3, help="sessions of each kind")
    parser.add_argument("--example", choices=EXAMPLES, action="append", help="default: both")
    parser.add_argument(
        "--delay", type=float, default=DELAY, help="seconds until the model answers"
    )
    chosen = parser.parse_args()
    draw = random.Random(0)
    names = chosen.example or list(EXAMPLES)
    rates: dict[tuple[str, int], list[float]] = {(n, k): [] for n in names for k in WORKERS}
    with tempfile.TemporaryDirectory(prefix="workers-") as place:
        for _ in range(chosen.repeat):
            for name, workers in draw.sample(list(rates), len(rates)):
                found = rate(EXAMPLES[name], workers, chosen.experiments, Path(place), chosen.delay)
                rates[name, workers].append(found)
    print(f"{'example':<10}{'workers':>8}{'per hour':>10}{'ratio':>8}   95% interval")
    for (name, workers), several in rates.items():
        alone = rates[name, 1]
        ratio, low, high = interval([one / base for one, base in zip(several, alone, strict=True)])
        told = f"{ratio:8.2f}   [{low:.2f}, {high:.2f}]" if workers > 1 else f"{1:8.2f}"
        print(f"{name:<10}{workers:>8}{statistics.median(several):>10.0f}{told}")


if __name__ == "__main__":
    main()

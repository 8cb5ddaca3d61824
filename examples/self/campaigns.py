"""Runs real campaigns, `pytest --autoloop N`, each in a temporary git repository of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

INNER = Path(__file__).with_name("inner")
#: What a campaign needs: its sessions start sooner without other plugins.
PLUGINS = ("pytest_autoloop.plugin", "pytest_benchmark.plugin", "pytest_timeout")
KEYS = {"proposer", "sampler", "search", "patience"}
#: Without its housekeeping git leaves no process behind, which a candidate's session must not have.
GIT = (
    "git",
    *("-c", "user.name=inner", "-c", "user.email=inner@example.invalid"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)
PROPOSERS = {"sweep": "sweep", "steps": "fixture:steps"}


@dataclass(frozen=True)
class Outcome:
    """What one campaign came to."""

    landscape: str
    seed: int
    #: Score of the settings that it began with, and the best that it kept.
    first: float
    best: float
    experiments: int


def strategy_of(path):
    """Return the strategy that a file describes: a key, a colon and a value on each line."""
    lines = (line.partition("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
    strategy = dict(map(str.strip, line.split(":", 1)) for line in lines if line.strip())
    if strategy.keys() != KEYS:
        raise ValueError(f"{path}: a strategy has the keys {', '.join(sorted(KEYS))}, and no other")
    return strategy


def best_scores(strategy, places, experiments):
    """Return the outcome of a campaign for each pair of landscape and seed, in that order.

    Two at a time: a campaign is mostly one process that waits for another.
    """
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda place: campaign(strategy, *place, experiments), places))


def campaign(strategy, landscape, seed, experiments):
    """Return the outcome of one campaign.

    It is not contained: whoever runs it in a candidate's session stands in a sandbox already.

    Raises:
        FileNotFoundError: there is no project to improve.
    """
    if not INNER.is_dir():
        raise FileNotFoundError(
            f"{INNER} is missing: put a small project there, whose metric `score` is better when "
            "higher and depends on landscape.txt and seed.txt, which are written for each campaign"
        )
    with tempfile.TemporaryDirectory(prefix="campaign-") as directory:
        root = Path(directory, "project")
        shutil.copytree(INNER, root, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        (root / "landscape.txt").write_text(landscape)
        (root / "seed.txt").write_text(str(seed))
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "Begin")):
            run([*GIT, *arguments], root)
        done = run([sys.executable, "-m", "pytest", *options(strategy, seed, experiments)], root)
        rows = json.loads(done.stdout)["experiments"]
    scores = [row["metrics"]["score"] for row in rows if row["status"] in {"baseline", "keep"}]
    return Outcome(landscape, seed, scores[0], max(scores), len(rows) - 1)


def options(strategy, seed, experiments):
    """Return pytest's options for a campaign."""
    return [
        *(f"-p{name}" for name in PLUGINS),
        f"--autoloop={experiments}",
        "--autoloop-json",
        "--autoloop-sandbox=off",
        f"--autoloop-seed={seed}",
        f"--autoloop-proposer={PROPOSERS[strategy['proposer']]}",
        f"--autoloop-sampler={strategy['sampler']}",
        f"--autoloop-search={strategy['search']}",
        f"--autoloop-patience={strategy['patience']}",
    ]


def run(command, directory):
    """Run a command as outside of any session of pytest's.

    Raises:
        RuntimeError: it failed; what it printed is told.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GIT_"))}
    done = subprocess.run(
        command,
        cwd=directory,
        env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done

"""Every option and ini key in one table, and what they come to for one session."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_autoloop.option_types import choice, count, fraction, rate, rule, seconds, tag

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_autoloop.model import Clock, LauncherName, Rounds, SandboxName, Statistic

#: What changes a file when nothing else is configured: needs no key and no network.
DEFAULT_PROPOSER = "rules"
DEFAULT_PROGRAM = "program.md"
#: Environment variable by which `benchmarks/cheats.py` switches layers off, one by one, to see what
#: each is worth; and their names.
WITHOUT = "PYTEST_AUTOLOOP_WITHOUT"
LAYERS = frozenset({"screen", "tripwire", "containment", "isolation", "differential", "verify"})


@dataclass(frozen=True, slots=True)
class Option:
    """One command-line option and, where it has one, its ini key."""

    flag: str
    help: str
    metavar: str
    type: Callable[[str], Any] = str
    #: Name of the ini key; the command line wins over it.
    ini: str = ""
    default: str = ""


OPTIONS = (
    Option(
        "--autoloop",
        "Improve the target in N experiments; 0 checks the harness and measures the baseline",
        "N",
        count,
    ),
    Option(
        "--autoloop-proposer",
        "Who suggests edits: rules (default), replay:FOLDER, openai:MODEL",
        "SPEC",
        ini="autoloop_proposer",
        default=DEFAULT_PROPOSER,
    ),
    Option(
        "--autoloop-tag",
        "Name of the campaign and of its branch autoexp/TAG (default: today, for example nov20)",
        "TAG",
        tag,
    ),
    Option(
        "--autoloop-timeout",
        "Seconds one child session may take (default: 60 or 5 x the baseline, the longer)",
        "SECONDS",
        seconds,
        ini="autoloop_timeout",
    ),
    Option(
        "--autoloop-min-gain",
        "Smallest relative gain worth keeping (default: 0.01, which is 1%%)",
        "FRACTION",
        fraction,
        ini="autoloop_min_gain",
        default="0.01",
    ),
    Option(
        "--autoloop-max-regression",
        "What a single benchmark may lose when their mean gains (default: 0.05, which is 5%%)",
        "FRACTION",
        fraction,
        ini="autoloop_max_regression",
        default="0.05",
    ),
    Option(
        "--autoloop-objective",
        "What better means with several metrics: primary (default), pareto, weighted, "
        "lexicographic, gated",
        "NAME",
        choice("primary", "pareto", "weighted", "lexicographic", "gated"),
        ini="autoloop_objective",
        default="primary",
    ),
    Option(
        "--autoloop-rule",
        "How pairs are judged: sequential (default), strict, batched:K, threshold",
        "RULE",
        rule,
        ini="autoloop_rule",
        default="sequential",
    ),
    Option(
        "--autoloop-fdr",
        "Bound the share of false keeps among all keeps of the session (default: not bounded)",
        "RATE",
        rate,
        ini="autoloop_fdr",
    ),
    Option(
        "--autoloop-clock",
        "What benchmarks are timed with: wall (default), cpu, instructions",
        "CLOCK",
        choice("wall", "cpu", "instructions"),
        ini="autoloop_clock",
        default="wall",
    ),
    Option(
        "--autoloop-statistic",
        "What the rounds of a benchmark are reduced to: min (default), median",
        "NAME",
        choice("min", "median"),
        ini="autoloop_statistic",
        default="min",
    ),
    Option(
        "--autoloop-rounds",
        "Whether first calls in fresh processes can overrule warm ones: fresh (default), or "
        "warm for code whose job is to cache",
        "KIND",
        choice("fresh", "warm"),
        ini="autoloop_rounds",
        default="fresh",
    ),
    Option(
        "--autoloop-launcher",
        "How children are started: auto (default), forkserver, spawn",
        "NAME",
        choice("auto", "forkserver", "spawn"),
        ini="autoloop_launcher",
        default="auto",
    ),
    Option(
        "--autoloop-sandbox",
        "Containment of candidates: auto (default) refuses to start where nothing holds, strict "
        "wants every layer and isolated mode, off runs them as you",
        "NAME",
        choice("auto", "strict", "off"),
        ini="autoloop_sandbox",
        default="auto",
    ),
    Option(
        "--autoloop-program",
        "File with standing orders for the proposer, read before each proposal "
        "(default: program.md)",
        "PATH",
        ini="autoloop_program",
        default=DEFAULT_PROGRAM,
    ),
    Option(
        "--autoloop-results",
        "Table of experiments, relative to the root directory (default: results.tsv)",
        "PATH",
        ini="autoloop_results",
        default="results.tsv",
    ),
)

#: Keys of the ini file alone: name to its type, for pytest, and what it is for.
_LISTS: dict[str, tuple[Literal["args", "bool"], str]] = {
    "autoloop_copy": (
        "args",
        "Globs of ignored or untracked files that the harness needs in a clean worktree",
    ),
    "autoloop_network": ("bool", "Whether guards and benchmarks may use the network"),
    "autoloop_readable": ("args", "Files and directories elsewhere that the harness reads"),
    "autoloop_writable": ("args", "Files and directories elsewhere that the harness writes"),
    "autoloop_env": (
        "args",
        "Names of environment variables that the harness needs; NAME* for all that begin so",
    ),
    "autoloop_allow_imports": ("args", "Modules that candidates may import"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What one session was asked to do."""

    experiments: int
    proposer: str
    tag: str | None
    #: Wall-clock limit of one child in seconds; None derives it from the baseline.
    timeout: float | None
    min_gain: float
    max_regression: float
    objective: str
    rule: str
    #: Bound on the share of false keeps in a session, None for none.
    fdr: float | None
    clock: Clock
    statistic: Statistic
    rounds: Rounds
    launcher: LauncherName
    program: str
    results: str
    copy: tuple[str, ...]
    sandbox: SandboxName = "auto"
    network: bool = False
    #: Paths as the user wrote them, relative to pytest's root directory.
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    #: Names of environment variables that children may see.
    environment: tuple[str, ...] = ()
    allow_imports: tuple[str, ...] = ()
    #: Layers that the benchmark of cheating candidates has switched off.
    without: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: pytest.Config) -> Settings:
        """Read command line and ini; the command line wins.

        Raises:
            argparse.ArgumentTypeError: an ini value is not what its option takes.
        """
        values = {option.flag: _value(config, option) for option in OPTIONS}
        return cls(
            experiments=values["--autoloop"],
            proposer=values["--autoloop-proposer"],
            tag=values["--autoloop-tag"],
            timeout=values["--autoloop-timeout"],
            min_gain=values["--autoloop-min-gain"],
            max_regression=values["--autoloop-max-regression"],
            objective=values["--autoloop-objective"],
            rule=values["--autoloop-rule"],
            fdr=values["--autoloop-fdr"],
            clock=values["--autoloop-clock"],
            statistic=values["--autoloop-statistic"],
            rounds=values["--autoloop-rounds"],
            launcher=values["--autoloop-launcher"],
            program=values["--autoloop-program"],
            results=values["--autoloop-results"],
            copy=tuple(config.getini("autoloop_copy")),
            sandbox=values["--autoloop-sandbox"],
            network=config.getini("autoloop_network"),
            readable=tuple(config.getini("autoloop_readable")),
            writable=tuple(config.getini("autoloop_writable")),
            environment=tuple(config.getini("autoloop_env")),
            allow_imports=tuple(config.getini("autoloop_allow_imports")),
            without=frozenset(os.environ.get(WITHOUT, "").split(",")) & LAYERS,
        )


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and ini key to pytest."""
    group = parser.getgroup("autoloop", "optimization loop (pytest-autoloop)")
    for option in OPTIONS:
        group.addoption(
            option.flag, metavar=option.metavar, type=option.type, default=None, help=option.help
        )
        if option.ini:
            # Declared as text, so that an unset key is told from a chosen default.
            parser.addini(option.ini, option.help.replace("%%", "%"), type="string", default="")
    for name, (kind, told) in _LISTS.items():
        parser.addini(name, told, type=kind, default=False if kind == "bool" else [])


def _value(config: pytest.Config, option: Option) -> Any:  # noqa: ANN401 - as typed by the table
    chosen = config.getoption(option.flag)
    if chosen is not None:
        return chosen
    text = (config.getini(option.ini) if option.ini else "") or option.default
    if not text:
        return None
    try:
        return option.type(text)
    except argparse.ArgumentTypeError as error:
        message = f"the ini option {option.ini} ({_place(config, option.ini)}): {error}"
        raise argparse.ArgumentTypeError(message) from None


def _place(config: pytest.Config, key: str) -> str:
    """Tell where an ini value comes from."""
    overridden = any(text.startswith(f"{key}=") for text in config.option.override_ini or ())
    return f"-o {key}=" if overridden else str(config.inipath)

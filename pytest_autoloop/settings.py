"""What command line and ini file come to for one session."""

from __future__ import annotations

import argparse
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_autoloop.option_table import LISTS, OPTIONS
from pytest_autoloop.option_types import Option, specs_of, switched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.command_options import Score
    from pytest_autoloop.model import Clock, LauncherName, Rounds, SandboxName, Statistic
    from pytest_autoloop.option_types import Goal

#: What changes a file when nothing else is configured: needs no key and no network.
DEFAULT_PROPOSER = "rules"
#: Environment variable by which `benchmarks/cheats.py` switches layers off, one by one, to see what
#: each is worth; and their names.
WITHOUT = "PYTEST_AUTOLOOP_WITHOUT"
LAYERS = frozenset({"screen", "tripwire", "containment", "isolation", "differential", "verify"})
#: Key of a number of experiments there, which has no ini key: the command line names one.
ROUNDS = "rounds"
#: Attribute of pytest's options in a child: it has the harness of the loop, and no loop.
INSIDE = "autoloop_inside"
#: What a file beside pytest's own configuration says, by ini key.
WRITTEN: pytest.StashKey[Mapping[str, tuple[Written, ...]]] = pytest.StashKey()


@dataclass(frozen=True, slots=True)
class Written:
    """A value that stands in a file of its own, such as improve.md."""

    text: str
    #: Where it stands, as an error names it: ``improve.md:12 (budget)``.
    place: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What one session was asked to do."""

    #: Experiments of the whole campaign; infinite to go on until interrupted.
    experiments: float
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
    #: Specs of proposers; empty when the user named none.
    proposers: tuple[str, ...] = ()
    team: str = "round-robin"
    model_explore: str | None = None
    model_validate: str | None = None
    model_every: int = 5
    edit_formats: tuple[str, ...] = ()
    agent_timeout: float = 900.0
    sampler: str = "tpe"
    replay_order: str = "listed"
    stack: bool = False
    seed: int = 0
    profile: bool = True
    update_directives: bool = False
    #: Kept designs that a brief shows in full, at most.
    archive: int = 0
    #: What the user changed by hand and wants to be judged; None for a loop.
    attempt: str | None = None
    rebaseline: bool = False
    #: Campaign or commit whose target is begun with.
    warm_start: str | None = None
    #: Limits of the whole campaign: dollars, seconds, experiments without a keep, and failures of
    #: candidates in a row; None for no limit.
    max_cost: float | None = None
    max_time: float | None = None
    patience: int | None = None
    max_crashes: int = 3
    until: Goal | None = None
    search: str = "greedy"
    workers: int = 1
    #: Spec of who judges elsewhere; empty where candidates are judged in this process.
    executor: str = ""
    simplify: bool = False
    ablate: bool = False
    apply: bool = False
    #: Where a page and a summary are written, as the user wrote it.
    report: str | None = None
    summary: str | None = None
    #: Factor that the audited gain has to reach, None for any.
    fail_under: float | None = None
    #: Trackers that experiments are handed on to.
    export: tuple[str, ...] = ()
    sandbox: SandboxName = "auto"
    network: bool = False
    #: Paths as the user wrote them, relative to pytest's root directory.
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    #: Names of environment variables that children may see.
    environment: tuple[str, ...] = ()
    allow_imports: tuple[str, ...] = ()
    #: A harness of commands: what is run for the scores, and what each of them is.
    command: str | None = None
    scores: tuple[Score, ...] = ()
    directions: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    guard_commands: tuple[str, ...] = ()
    #: Paths of the files that may change, where no fixture declares them.
    targets: tuple[str, ...] = ()
    #: Layers that commands cannot have, or that the benchmark of cheats has switched off.
    without: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: pytest.Config) -> Settings:
        """Read command line, ini and `WRITTEN`; the first that says something wins.

        Raises:
            argparse.ArgumentTypeError: an ini value or a written one is not what its option takes,
                or two values exclude each other.
        """
        values = {option.flag: _value(config, option) for option in OPTIONS}
        rule, bound = values["--autoloop-rule"], values["--autoloop-fdr"]
        if bound is not None and rule != "sequential":
            message = f"--autoloop-fdr={bound:g} bounds no error of the rule {rule}: leave out one"
            raise argparse.ArgumentTypeError(message)
        return cls(
            experiments=_experiments(config, values),
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
            proposers=_proposers(config, values["--autoloop-proposer"]),
            team=values["--autoloop-team"],
            model_explore=values["--autoloop-model-explore"],
            model_validate=values["--autoloop-model-validate"],
            model_every=values["--autoloop-model-every"],
            edit_formats=values["--autoloop-edit-format"],
            agent_timeout=values["--autoloop-agent-timeout"],
            sampler=values["--autoloop-sampler"],
            replay_order=values["--autoloop-replay-order"],
            stack=values["--autoloop-stack"],
            seed=values["--autoloop-seed"],
            profile=values["--autoloop-profile"] == "auto",
            update_directives=values["--autoloop-update-directives"],
            archive=values["--autoloop-archive"],
            attempt=values["--autoloop-try"],
            rebaseline=values["--autoloop-rebaseline"],
            warm_start=values["--autoloop-from"],
            max_cost=values["--autoloop-max-cost"],
            max_time=values["--autoloop-max-time"],
            patience=values["--autoloop-patience"],
            max_crashes=values["--autoloop-max-crashes"],
            until=values["--autoloop-until"],
            search=values["--autoloop-search"],
            workers=values["--autoloop-workers"],
            executor=values["--autoloop-executor"] or "",
            simplify=values["--autoloop-simplify"],
            ablate=values["--autoloop-ablate"],
            apply=values["--autoloop-apply"],
            report=values["--autoloop-report"],
            summary=values["--autoloop-summary"],
            fail_under=values["--autoloop-fail-under"],
            export=tuple(dict.fromkeys(values["--autoloop-export"])),
            sandbox=values["--autoloop-sandbox"],
            **_lists(config),
            **_commands(values),
            without=_without(values),
        )


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and ini key to pytest."""
    group = parser.getgroup("autoloop", "optimization loop (pytest-autoloop)")
    for option in OPTIONS:
        how: dict[str, Any] = {"metavar": option.metavar, "type": option.type}
        if option.switch:
            how = {"action": "store_true"}
        elif option.many:
            how["action"] = "append"
        group.addoption(option.flag, default=None, help=option.help, **how)
        if option.ini:
            # Declared as text, so that an unset key is told from a chosen default.
            kind: Literal["string", "linelist"] = "linelist" if option.many else "string"
            default: Any = [] if option.many else ""
            told = option.help.replace("%%", "%")
            parser.addini(option.ini, told, type=kind, default=default)
    for name, (how_written, told) in LISTS.items():
        unset: Any = False if how_written == "bool" else []
        parser.addini(name, told, type=how_written, default=unset)


def _proposers(config: pytest.Config, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the specs of some lines; a queue that the ini file names stands where that does."""
    specs = [spec for line in lines for spec in specs_of(line)]
    if config.getoption("--autoloop-proposer") is None:
        here = config.invocation_params.dir
        for number, spec in enumerate(specs):
            kind, _, folder = spec.partition(":")
            place = config.rootpath / folder
            if kind == "replay" and place.is_dir() and not Path(folder).is_absolute():
                specs[number] = f"replay:{os.path.relpath(place, here)}"
    return tuple(specs)


def _experiments(config: pytest.Config, values: dict[str, Any]) -> float:
    """Return the number of experiments; what a file says of it bounds one without end."""
    if values["--autoloop-try"] is not None:
        return 1
    written = config.stash.get(WRITTEN, {}).get(ROUNDS, ())
    wanted: float = values["--autoloop"]
    return float(written[-1].text) if written and wanted == math.inf else wanted


def _lists(config: pytest.Config) -> dict[str, Any]:
    """Return the fields that the ini file alone gives.

    Raises:
        ArgumentTypeError: what is no name of an environment variable stands among those; it
            would be none, and a harness without its variables would measure something else.
    """
    for name in config.getini("autoloop_env"):
        if re.search(r"[][,=\"']", name):
            place = f"the ini option autoloop_env ({_place(config, 'autoloop_env')})"
            raise argparse.ArgumentTypeError(
                f"{place}: {name!r} is no name of an environment variable; write names with blanks "
                "between them, or a list of texts in TOML"
            )
    return {
        "copy": tuple(config.getini("autoloop_copy")),
        "network": config.getini("autoloop_network"),
        "readable": tuple(config.getini("autoloop_readable")),
        "writable": tuple(config.getini("autoloop_writable")),
        "environment": tuple(config.getini("autoloop_env")),
        "allow_imports": tuple(config.getini("autoloop_allow_imports")),
    }


def _without(values: dict[str, Any]) -> frozenset[str]:
    """Return the layers that are off: a command runs the target itself, behind no proxy."""
    commands = bool(values["--autoloop-command"] or values["--autoloop-guard-command"])
    chosen = frozenset(os.environ.get(WITHOUT, "").split(",")) & LAYERS
    return chosen | {"isolation"} if commands else chosen


def _commands(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a harness of commands."""
    return {
        "command": values["--autoloop-command"],
        "scores": values["--autoloop-score"],
        "directions": values["--autoloop-direction"],
        "units": values["--autoloop-unit"],
        "guard_commands": tuple(dict.fromkeys(values["--autoloop-guard-command"])),
        "targets": tuple(dict.fromkeys(values["--autoloop-target"])),
    }


def _value(config: pytest.Config, option: Option) -> Any:  # noqa: ANN401 - as typed by the table
    chosen = config.getoption(option.flag)
    if chosen is not None:
        return tuple(chosen) if option.many else chosen
    written = config.getini(option.ini) if option.ini else ""
    if not written and option.ini:
        found = config.stash.get(WRITTEN, {}).get(option.ini, ())
        if found:
            values = tuple(_read(option, one.text, one.place) for one in found)
            return values if option.many else values[-1]
    place = f"the ini option {option.ini} ({_place(config, option.ini)})"
    if option.many:
        return tuple(_read(option, line, place) for line in written)
    return _read(option, written, place)


def _read(option: Option, text: str, place: str) -> Any:  # noqa: ANN401 - as typed by the table
    try:
        if option.switch:
            return switched(text)
        text = text or option.default
        return option.type(text) if text else None
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{place}: {error}") from None


def _place(config: pytest.Config, key: str) -> str:
    """Tell where an ini value comes from."""
    overridden = any(text.startswith(f"{key}=") for text in config.option.override_ini or ())
    return f"-o {key}=" if overridden else str(config.inipath)

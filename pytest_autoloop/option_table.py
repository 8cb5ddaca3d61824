"""Every option and ini key, in one table; some groups stand in modules of their own."""

from __future__ import annotations

from typing import Literal

from pytest_autoloop.campaign_options import CAMPAIGN_OPTIONS
from pytest_autoloop.command_options import COMMAND_OPTIONS
from pytest_autoloop.option_types import (
    Option,
    at_least_two,
    choice,
    count,
    edit_format,
    fraction,
    rate,
    rule,
    seconds,
)

DEFAULT_PROGRAM = "program.md"


OPTIONS = (
    *CAMPAIGN_OPTIONS,
    *COMMAND_OPTIONS,
    Option(
        "--autoloop-proposer",
        "Who suggests edits: rules (default), sweep, replay:FOLDER, openai:MODEL, claude, "
        "command:CMD, ... (see docs/proposers.md); several make a team",
        "SPEC",
        ini="autoloop_proposers",
        many=True,
    ),
    Option(
        "--autoloop-team",
        "Which of several proposers is asked: round-robin (default), or bandit: the one that "
        "gains most for its cost",
        "NAME",
        choice("round-robin", "bandit"),
        ini="autoloop_team",
        default="round-robin",
    ),
    Option(
        "--autoloop-model-explore",
        "Model for most proposals (default: the proposer)",
        "SPEC",
        ini="autoloop_model_explore",
    ),
    Option(
        "--autoloop-model-validate",
        "Stronger model for every Kth proposal, and for one after five without a keep",
        "SPEC",
        ini="autoloop_model_validate",
    ),
    Option(
        "--autoloop-model-every",
        "How often the model to validate is asked (default: every 5th time)",
        "K",
        at_least_two,
        ini="autoloop_model_every",
        default="5",
    ),
    Option(
        "--autoloop-edit-format",
        "How a chat model writes edits: auto (default: by the target's size), whole, blocks; "
        "PATTERN=FORMAT for the models whose spec matches",
        "FORMAT",
        edit_format,
        ini="autoloop_edit_format",
        many=True,
    ),
    Option(
        "--autoloop-agent-timeout",
        "Seconds a coding agent may take for one proposal (default: 900)",
        "SECONDS",
        seconds,
        ini="autoloop_agent_timeout",
        default="900",
    ),
    Option(
        "--autoloop-sampler",
        "How a sweep searches: tpe (default), random, grid",
        "NAME",
        choice("tpe", "random", "grid"),
        ini="autoloop_sampler",
        default="tpe",
    ),
    Option(
        "--autoloop-replay-order",
        "In which order a queue is replayed: listed (default), shuffled",
        "ORDER",
        choice("listed", "shuffled"),
        ini="autoloop_replay_order",
        default="listed",
    ),
    Option(
        "--autoloop-stack",
        "Merge each replayed change three-way onto what has been kept, so that wins add up",
        "",
        ini="autoloop_stack",
        switch=True,
    ),
    Option(
        "--autoloop-seed",
        "Seed of a sweep and of a shuffled replay (default: 0)",
        "N",
        count,
        ini="autoloop_seed",
        default="0",
    ),
    Option(
        "--autoloop-profile",
        "Whether models and rules are told the lines in which the benchmarks spend their time: "
        "auto (default), off",
        "NAME",
        choice("auto", "off"),
        ini="autoloop_profile",
        default="auto",
    ),
    Option(
        "--autoloop-update-directives",
        "Append each experiment to the section 'What has been tried' of the standing orders",
        "",
        ini="autoloop_update_directives",
        switch=True,
    ),
    Option(
        "--autoloop-archive",
        "Show a model or an agent up to K earlier versions that were kept, in full and with their "
        "scores (default: 0)",
        "K",
        count,
        ini="autoloop_archive",
        default="0",
    ),
    Option(
        "--autoloop-try",
        "Judge the uncommitted edit of the target in the working tree, as one experiment",
        "DESCRIPTION",
    ),
    Option(
        "--autoloop-json",
        "Print the outcome as one JSON document on standard output, all else on standard error",
        "",
        switch=True,
    ),
    Option(
        "--autoloop-min-gain",
        "Smallest relative gain worth keeping of a score that has noise (default: 0.01, which is "
        "1%%); a metric's own min_gain holds for it in any case",
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
LISTS: dict[str, tuple[Literal["args", "bool"], str]] = {
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

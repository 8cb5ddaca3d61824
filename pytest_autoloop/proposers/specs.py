"""Turns spec strings such as `openai:gpt-5` into the proposer of a campaign."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.proposers.team import Team
from pytest_autoloop.proposers.tiers import Tiers
from pytest_autoloop.proposers.vendors import is_chat_spec
from pytest_autoloop.settings import DEFAULT_PROPOSER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.settings import Settings

_AGENTS = frozenset({"agent", "command", "claude", "codex", "gemini", "aider", "opencode"})
_KNOWN = (
    "rules, sweep, replay:FOLDER, replay:git:BRANCHES, openai:MODEL, anthropic:MODEL, "
    "gemini:MODEL, ollama:MODEL, http://SERVER/v1#MODEL, claude, codex, gemini, aider, opencode, "
    "command:CMD or fixture:NAME"
)


def campaign_proposer(
    settings: Settings,
    invocation_dir: Path,
    declared: Callable[[str], Proposer],
    default: str = DEFAULT_PROPOSER,
) -> Proposer:
    """Build the proposer that the settings ask for: one, a team of several, or two models.

    `declared` gives the proposer that a fixture of the project returns; an empty name means the
    only one. `default` is the spec of who proposes when nobody is named. Relative paths start where
    pytest was called.

    Raises:
        UsageError: an unknown kind, a missing key, folder, program or extra.
    """

    def build(spec: str) -> Proposer:
        kind, _, name = spec.partition(":")
        if kind == "fixture":
            return declared(name)
        return proposer_from_spec(spec, settings, invocation_dir)

    explore, validate = settings.model_explore, settings.model_validate
    specs = settings.proposers or ((explore,) if explore else (default,))
    if explore and settings.proposers and not validate:
        raise UsageError(
            f"--autoloop-model-explore={explore} beside --autoloop-proposer leaves open which of "
            "them is the strong one: name that with --autoloop-model-validate"
        )
    if explore and validate:
        specs = tuple(spec for spec in settings.proposers if spec not in {explore, validate})
    proposers = [build(spec) for spec in specs]
    if validate:
        first = build(explore) if explore else proposers.pop(0)
        proposers.insert(0, Tiers(first, build(validate), every=settings.model_every))
    if len(proposers) == 1:
        return proposers[0]
    return Team(proposers, bandit=settings.team == "bandit")


def proposer_from_spec(spec: str, settings: Settings, invocation_dir: Path) -> Proposer:
    """Build the proposer that a spec names.

    Raises:
        UsageError: an unknown kind, a missing key, folder, program or extra.
    """
    kind, _, argument = spec.partition(":")
    if is_chat_spec(spec):
        from pytest_autoloop.proposers import chat  # noqa: PLC0415 - each only when it is used

        return chat.from_spec(spec, os.environ, edit_formats=settings.edit_formats)
    if kind in _AGENTS:
        from pytest_autoloop.proposers import agents  # noqa: PLC0415

        return agents.from_spec(spec, os.environ, timeout=settings.agent_timeout)
    if kind == "sweep":
        from pytest_autoloop.proposers import sweep  # noqa: PLC0415

        return sweep.from_spec(argument, sampler=settings.sampler, seed=settings.seed)
    if kind == "replay":
        from pytest_autoloop.proposers import replay  # noqa: PLC0415

        order = settings.replay_order
        if order == "shuffled":
            order = f"shuffled:{settings.seed}"
        return replay.from_spec(argument, invocation_dir, order=order, stack=settings.stack)
    if spec == "rules":
        return _rules()
    raise UsageError(
        f"--autoloop-proposer (or the ini option autoloop_proposers) is {spec!r}, which names no "
        f"proposer: write {_KNOWN}"
    )


def _rules() -> Proposer:
    try:
        from pytest_autoloop.proposers.rules import RulesProposer  # noqa: PLC0415
    except ImportError as error:
        message = (
            f"the proposer 'rules' needs libcst ({error}): pip install 'pytest-autoloop[rules]', "
            "or choose another with --autoloop-proposer"
        )
        raise UsageError(message) from error
    return RulesProposer()

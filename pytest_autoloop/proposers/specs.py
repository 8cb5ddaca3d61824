"""Turns a spec string such as `openai:gpt-5` into a proposer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.proposers.base import Proposer

#: Environment variables that hold a proposer's key: no child process may see them.
SECRETS = ("OPENAI_API_KEY",)


def proposer_from_spec(spec: str, invocation_dir: Path) -> Proposer:
    """Build the proposer that a spec names; relative paths start where pytest was called.

    Raises:
        UsageError: an unknown kind, a missing key, folder or extra.
    """
    kind, _, argument = spec.partition(":")
    if kind == "rules" and not argument:
        return _rules()
    if kind == "replay" and argument:
        from pytest_autoloop.proposers.replay import ReplayProposer  # noqa: PLC0415

        return ReplayProposer.from_folder(invocation_dir / argument)
    if kind == "openai":
        from pytest_autoloop.proposers.chat import from_spec  # noqa: PLC0415

        return from_spec(argument, os.environ)
    message = (
        f"--autoloop-proposer (or the ini option autoloop_proposer) is {spec!r}, which names no "
        "proposer: write rules, replay:FOLDER or openai:MODEL"
    )
    raise UsageError(message)


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

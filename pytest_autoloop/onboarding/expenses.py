"""What asking a proposer costs, estimated before anything is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import AutoloopError, UsageError
from pytest_autoloop.model import Brief, Reading
from pytest_autoloop.proposers.edits import edit_format
from pytest_autoloop.proposers.messages import build_messages
from pytest_autoloop.proposers.prices import cost_usd
from pytest_autoloop.proposers.specs import proposer_from_spec
from pytest_autoloop.proposers.vendors import is_chat_spec, server_from_spec
from pytest_autoloop.settings import DEFAULT_PROPOSER

if TYPE_CHECKING:
    from pytest_autoloop.model import Metric, Target
    from pytest_autoloop.settings import Settings

#: Bytes of English and of code that make one token of today's models, roughly.
_BYTES_PER_TOKEN = 4
#: What a reply says beside the file: its description, and a few blocks where it sends no file.
_TOLD = 150
_BLOCKS = 500
#: Who asks no model; and whose cost only the agent itself knows.
_FREE = frozenset({"rules", "sweep", "replay"})


@dataclass(frozen=True, slots=True)
class Expense:
    """What one proposal of a proposer takes. None is unknown."""

    proposer: str
    #: Whether it asks a model at all.
    asks: bool
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    #: Why it cannot be used as things are; empty when it can.
    fault: str = ""
    #: Whether somebody has named it; else it is only what a campaign falls back on.
    named: bool = True


def of(
    settings: Settings, target: Target, source: bytes, metrics: tuple[Metric, ...], directives: str
) -> tuple[Expense, ...]:
    """Return what each proposer of the settings takes for its first proposal.

    The brief is the real one of a first experiment, with the standing orders; four bytes count as
    a token, and nothing that a model thinks is in it. Nothing is asked, though a server is looked
    for.
    """
    specs = [*settings.proposers, settings.model_explore, settings.model_validate]
    named = [spec for spec in dict.fromkeys(specs) if spec]
    readings = tuple(Reading(metric, None) for metric in metrics)
    brief = Brief(1, target, source, readings, directives)
    if not named:
        return (replace(_expense(DEFAULT_PROPOSER, settings, brief), named=False),)
    return tuple(_expense(spec, settings, brief) for spec in named)


def _expense(spec: str, settings: Settings, brief: Brief) -> Expense:
    target, source = brief.target, brief.source
    kind = spec.partition(":")[0]
    if kind == "fixture":
        return Expense(spec, asks=True)
    if not is_chat_spec(spec):
        fault = _fault(spec, settings, target, source)
        return Expense(spec, asks=kind not in _FREE, fault=fault)
    try:
        server = server_from_spec(spec, os.environ)
    except UsageError as error:
        return Expense(kind, asks=True, fault=str(error))
    try:
        wanted = edit_format(source)
        told = "".join(message["content"] for message in build_messages(brief, wanted))
    except UnicodeDecodeError:
        return Expense(server.name, asks=True, fault=_fault(spec, settings, target, source))
    prompt = len(told.encode()) // _BYTES_PER_TOKEN
    file = len(source) // _BYTES_PER_TOKEN
    completion = _TOLD + (file if wanted == "whole" else _BLOCKS)
    price = cost_usd(
        server.model, server.price_provider or None, prompt, completion, address=server.base_url
    )
    fault = _fault(spec, settings, target, source)
    return Expense(server.name, True, prompt, completion, price, fault)


def _fault(spec: str, settings: Settings, target: Target, source: bytes) -> str:
    """Return why a proposer cannot begin; empty when it can."""
    try:
        proposer = proposer_from_spec(spec, settings, Path.cwd())
        try:
            proposer.check(target, source)
        finally:
            proposer.close()
    except AutoloopError as error:
        return str(error)
    return ""

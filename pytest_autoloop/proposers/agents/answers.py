"""What an agent printed: its final text, what it cost, and its own words for a failure.

Nothing that an agent prints is certain. What cannot be read is unknown, never an error and never 0.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A JSON object of unknown shape.
Record: TypeAlias = "dict[str, object]"

#: Lines that look like JSON and are none, after which the rest is not looked at.
_FAILED_LINES = 1_000
_LARGEST_COUNT = 10**12
_AIDER_TOKENS = re.compile(r"^Tokens: (?P<counts>.*?)(?:\.\s|$)", re.MULTILINE)
_AIDER_COUNT = re.compile(r"(?P<number>\d[\d,.]*)(?P<unit>[kM]?) (?P<what>[a-z ]+)")
_AIDER_COST = re.compile(r"\$(?P<dollars>\d[\d,]*(?:\.\d+)?) session")
_AIDER_UNITS = {"": 1, "k": 1_000, "M": 1_000_000}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent said at its end."""

    text: str = ""
    usage: Usage = field(default_factory=Usage)
    #: What it says went wrong; empty when it says nothing of the kind.
    problem: str = ""


def read_claude(output: str) -> Answer:
    """Read Claude Code's ``--output-format json``: one object, the result."""
    for record in reversed(list(_records(output))):
        if "result" in record or "total_cost_usd" in record:
            usage = replace(_claude_tokens(record), cost_usd=_dollars(record, "total_cost_usd"))
            text = _text(record, "result")
            failed = record.get("is_error") is True
            return Answer(text, usage, (text or _text(record, "subtype")) if failed else "")
    return Answer()


def _claude_tokens(record: Record) -> Usage:
    # Per model first: these include the side calls that the cost includes.
    models = _part(record, "modelUsage").values()
    used = [model for model in models if isinstance(model, dict)]
    read = ["inputTokens", "cacheCreationInputTokens", "cacheReadInputTokens"]
    written = "outputTokens"
    if not used:
        used = [_part(record, "usage")]
        read = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
        written = "output_tokens"
    return Usage(
        _sum_of(_count(tokens, name) for tokens in used for name in read),
        _sum_of(_count(tokens, written) for tokens in used),
    )


def read_codex(output: str) -> Answer:
    """Read the events of ``codex exec --json``; the last turn counts all tokens of the run."""
    text, problem, usage = "", "", Usage()
    for record in _records(output):
        kind = record.get("type")
        if kind == "item.completed" and _part(record, "item").get("type") == "agent_message":
            text = _text(_part(record, "item"), "text")
        elif kind == "turn.completed":
            used = _part(record, "usage")
            usage = Usage(_count(used, "input_tokens"), _count(used, "output_tokens"))
        elif kind == "turn.failed":
            problem = _text(_part(record, "error"), "message")
        elif kind == "error":
            problem = _text(record, "message")
    return Answer(text, usage, problem)


def read_gemini(output: str) -> Answer:
    """Read Gemini CLI's ``-o json``: one object with the tokens of every model that it asked."""
    answer = Answer()
    for record in _records(output):
        if not record.keys() & {"response", "stats", "error"}:
            continue
        models = _part(_part(record, "stats"), "models").values()
        used = [_part(model, "tokens") for model in models if isinstance(model, dict)]
        usage = Usage(
            _sum_of(_count(tokens, name) for tokens in used for name in ("prompt", "tool")),
            _sum_of(_count(tokens, name) for tokens in used for name in ("candidates", "thoughts")),
        )
        problem = _text(_part(record, "error"), "message")
        answer = Answer(_text(record, "response"), usage, problem)
    return answer


def read_opencode(output: str) -> Answer:
    """Read the events of ``opencode run --format json``: each step says what it cost."""
    text, problem, usage = "", "", Usage()
    for record in _records(output):
        part = _part(record, "part")
        kind = record.get("type")
        if kind == "text":
            text = _text(part, "text") or text
        elif kind == "step_finish":
            usage += _opencode_step(part)
        elif kind == "error":
            error = _part(record, "error")
            problem = _text(_part(error, "data"), "message") or _text(error, "name")
    return Answer(text, usage, problem)


def _opencode_step(part: Record) -> Usage:
    tokens = _part(part, "tokens")
    cache = _part(tokens, "cache")
    read = (_count(tokens, "input"), _count(cache, "read"), _count(cache, "write"))
    written = (_count(tokens, "output"), _count(tokens, "reasoning"))
    # Some versions write zeros where they mean that they do not know.
    if not any((*read, *written)):
        return Usage()
    return Usage(_sum_of(read), _sum_of(written), _dollars(part, "cost"))


def read_aider(output: str) -> Answer:
    """Read what aider prints for people, among it a line such as this after each message.

    ``Tokens: 2.1k sent, 300 received. Cost: $0.01 message, $0.02 session.``
    """
    read: list[int | None] = []
    written: list[int | None] = []
    for line in _AIDER_TOKENS.finditer(output):
        for found in _AIDER_COUNT.finditer(line["counts"]):
            number = _decimal(found["number"])
            count = None if number is None else round(number * _AIDER_UNITS[found["unit"]])
            (written if found["what"] == "received" else read).append(count)
    costs = _AIDER_COST.findall(output)
    usage = Usage(_sum_of(read), _sum_of(written), _decimal(costs[-1]) if costs else None)
    return Answer(output, usage)


def read_text(output: str) -> Answer:
    """Take all that was printed as the text; what it cost is unknown."""
    return Answer(output)


def read_usage_file(content: str) -> Answer | None:
    """Read what a program left in ``AUTOLOOP_USAGE_FILE``; None when that is no JSON object."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    usage = Usage(
        _count(record, "prompt_tokens"),
        _count(record, "completion_tokens"),
        _dollars(record, "cost_usd"),
    )
    return Answer(_text(record, "description"), usage)


def _records(output: str) -> Iterator[Record]:
    """Yield every JSON object that begins a line; programs print notes between them."""
    decoder = json.JSONDecoder()
    position = failed = 0
    while position < len(output) and failed < _FAILED_LINES:
        if output[position] == "{":
            try:
                value, position = decoder.raw_decode(output, position)
                yield value
            except (ValueError, RecursionError):
                failed += 1
        position = output.find("\n", position) + 1 or len(output)


def _part(record: Record, name: str) -> Record:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _count(record: Record, name: str) -> int | None:
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _LARGEST_COUNT else None


def _dollars(record: Record, name: str) -> float | None:
    value = record.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= _LARGEST_COUNT else None


def _decimal(text: str) -> float | None:
    try:
        return float(text.replace(",", "").rstrip("."))
    except ValueError:
        return None


def _sum_of(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None

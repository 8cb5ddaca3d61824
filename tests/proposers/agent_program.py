"""A program that behaves like a coding agent: like the one whose name it was started by.

It edits the target, a few nasty things beside or instead, and prints what that agent's command
line prints. ``AGENT_DEEDS`` names what it does, one word after the other; what it was given is
written to the file ``AGENT_WITNESS``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "DESCRIPTION: look first\nSplit at once.\nDESCRIPTION: split at once"
#: What each agent prints after an edit, with a cost where it knows one: 120 and 30 tokens.
PRINTED: dict[str, list[dict[str, object]]] = {
    "claude": [
        {
            "type": "result",
            "is_error": False,
            "result": TEXT,
            "total_cost_usd": 0.02,
            "usage": {
                "input_tokens": 20,
                "cache_creation_input_tokens": 40,
                "cache_read_input_tokens": 60,
                "output_tokens": 30,
            },
        }
    ],
    "codex": [
        {"type": "thread.started", "thread_id": "1"},
        {"type": "item.completed", "item": {"type": "reasoning", "text": "Which?"}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "I shall look."}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": TEXT}},
        {
            "type": "turn.completed",
            "usage": {"input_tokens": 120, "cached_input_tokens": 60, "output_tokens": 30},
        },
    ],
    "gemini": [
        {
            "response": TEXT,
            "stats": {
                "models": {
                    "small": {"tokens": {"prompt": 20, "candidates": 5, "thoughts": 0, "tool": 0}},
                    "large": {
                        "tokens": {"prompt": 90, "candidates": 5, "thoughts": 20, "tool": 10}
                    },
                }
            },
        }
    ],
    "opencode": [
        {
            "type": "step_finish",
            "part": {
                "tokens": {
                    "input": 40,
                    "output": 10,
                    "reasoning": 0,
                    "cache": {"read": 0, "write": 0},
                },
                "cost": 0.01,
            },
        },
        {"type": "text", "part": {"text": TEXT}},
        {
            "type": "step_finish",
            "part": {
                "tokens": {
                    "input": 20,
                    "output": 15,
                    "reasoning": 5,
                    "cache": {"read": 50, "write": 10},
                },
                "cost": 0.01,
            },
        },
    ],
}
AIDER = f"""\
Aider v0.86.2
Main model: some/model with diff edit format
{TEXT}
Tokens: 120 sent, 30 received. Cost: $0.02 message, $0.02 session.
Applied edit to src/words.py
"""
TARGET = Path("src/words.py")


def speak(name: str) -> None:
    """Print what the agent of this name prints, with a note before it as some do."""
    if name == "aider":
        sys.stdout.write(AIDER)
        return
    sys.stdout.write("Loaded cached credentials.\n")
    for record in PRINTED.get(name, []):
        sys.stdout.write(json.dumps(record, indent=2 if name == "gemini" else None) + "\n")
    if name not in PRINTED:
        sys.stdout.write(TEXT + "\n")


def background(*, session: bool) -> None:
    """Leave a process behind that outlives this one, and tell its number."""
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=session)
    with Path(os.environ["AGENT_PIDS"]).open("a") as stream:
        stream.write(f"{process.pid}\n")


def told(variable: str) -> str:
    """Return what a variable of the environment holds."""
    return os.environ[variable]


DEEDS: dict[str, Callable[[], object]] = {
    "edit": lambda: TARGET.write_bytes(b"def words(text):\n    return text.split()\n"),
    "test": lambda: Path("tests/test_words.py").write_bytes(b""),
    "litter": lambda: [Path(f"note{number}.txt").write_bytes(b"") for number in range(7)],
    "remove": TARGET.unlink,
    "empty": lambda: TARGET.write_bytes(b""),
    "speak": lambda: speak(Path(sys.argv[0]).name),
    "malformed": lambda: sys.stdout.write(
        '{"type": "result", "result": "half of \n{"usage": [1\n[]\n'
    ),
    "megabyte": lambda: sys.stdout.write(("{" + "x" * 99 + "\n") * 10_000),
    "usage-file": lambda: Path(told("AUTOLOOP_USAGE_FILE")).write_text(told("AGENT_USAGE")),
    "child": lambda: background(session=False),
    "escape": lambda: background(session=True),
    "deaf": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "hang": lambda: time.sleep(600),
    "complain": lambda: sys.stderr.write(told("AGENT_COMPLAINT") + "\n"),
    "fail": lambda: sys.exit(1),
    "die": lambda: os.kill(os.getpid(), signal.SIGSEGV),
}


def main() -> None:
    """Tell what was given, then do as told."""
    given = {
        "arguments": sys.argv[1:],
        "cwd": str(Path.cwd()),
        "stdin": sys.stdin.read(),
        "environment": dict(os.environ),
        "group": os.getpgrp() == os.getpid(),
        "files": [Path(word).read_text() for word in sys.argv[1:] if word.endswith("prompt.md")],
    }
    Path(os.environ["AGENT_WITNESS"]).write_text(json.dumps(given))
    for deed in os.environ["AGENT_DEEDS"].split():
        DEEDS[deed]()
        sys.stdout.flush()


if __name__ == "__main__":
    main()

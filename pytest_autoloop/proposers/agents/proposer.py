"""Proposals from a coding agent: what it leaves in the target, in a checkout of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from pytest_autoloop.errors import AgentError, EmptyReplyError, UsageError
from pytest_autoloop.evaluation.process import Running
from pytest_autoloop.history.scratch import scratch_directory
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.agents.answers import Answer, read_usage_file
from pytest_autoloop.proposers.agents.faults import kind_of, quote
from pytest_autoloop.proposers.agents.presets import (
    fill,
    takes_prompt,
    with_model,
)
from pytest_autoloop.proposers.agents.process import (
    OUTPUT_LIMIT,
    STDERR,
    STDOUT,
    Ran,
    run_agent,
    tail,
)
from pytest_autoloop.proposers.agents.secrecy import Censor
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.edits import clean_text, parse_description
from pytest_autoloop.proposers.messages import build_prompt

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

    from pytest_autoloop.errors import ProposerError
    from pytest_autoloop.model import Brief, Target
    from pytest_autoloop.proposers.agents.presets import Preset
    from pytest_autoloop.proposers.base import Found, Workbench
    from pytest_autoloop.usage import Usage

    _Started: TypeAlias = Callable[[subprocess.Popen[bytes]], None]

_USAGE_VARIABLE = "AUTOLOOP_USAGE_FILE"
_USAGE_FILE = "usage.json"
#: An agent runs git and may run pytest: for its checkout, not as part of this session.
_SCRUBBED = ("PYTEST_", "GIT_")
_DESCRIPTION = re.compile(r"[\s#*_>-]*description[\s*_]*:", re.IGNORECASE)
#: Bytes of a prompt that is an argument: Linux takes 128 KiB.
_PROMPT_LIMIT = 120_000
#: Seconds between being asked to end and being killed.
GRACE = 3.0
#: Seconds in which what an agent has started is ended, and its checkout is as new.
_PUTTING_BACK = 15.0
#: Files elsewhere that are named.
_NAMED = 5
_NAME_LIMIT = 80


class AgentProposer(ProposerBase):
    """Lets an agent edit the target, and proposes what it leaves there.

    Several agents may run at once, where the workbench lends each a checkout of its own.

    Args:
        name: the proposer's name in journal and commits.
        preset: how the agent is run.
        environ: the environment it is given, without what belongs to this session.
        model: the model it is told to use; empty leaves that to its own settings.
        timeout: seconds of wall time it may take for one proposal.
        grace: seconds between being asked to end and being killed.

    """

    parallel = True

    def __init__(
        self,
        name: str,
        preset: Preset,
        environ: Mapping[str, str],
        *,
        model: str = "",
        timeout: float,
        grace: float = GRACE,
    ) -> None:
        self.name = name
        self._preset = preset
        self._arguments = with_model(preset.arguments, preset.model_option, model)
        self._environ = dict(environ)
        self._censor = Censor(environ, preset.arguments[1:])
        self._timeout = timeout
        self._grace = grace
        self._program = ""
        self._workbench: Workbench | None = None
        self._running = Running()

    def check(self, target: Target, source: bytes) -> None:  # noqa: ARG002 - any file will do
        """Find the agent's program.

        Raises:
            UsageError: it is not on PATH, or no program.
        """
        program = self._arguments[0]
        found = shutil.which(program, path=self._environ.get("PATH"))
        if found is None:
            shown = clean_text(program, _NAME_LIMIT)
            where = "is no program that can be run" if os.sep in program else "is not on PATH"
            raise UsageError(
                f"the proposer {self.name!r} needs the program {shown}, which {where}: "
                f"{self._preset.install}, or choose another proposer"
            )
        # Found once: the checkout it runs in may hold another one of that name.
        self._program = str(Path(found).absolute())

    def start(self, workbench: Workbench) -> None:
        """Keep the workbench."""
        self._workbench = workbench

    def propose(self, brief: Brief) -> Proposal:
        """Run the agent in a checkout and return what became of the target.

        Raises:
            UsageError: the program is gone.
            AgentError: it failed, took too long, printed too much, removed or emptied the target.
            EmptyReplyError: it changed nothing in the target.
            ProposerError: no login, no quota, a rate limit, no network, by its own words.
            EvaluationError: the proposer is closed.
        """
        assert self._workbench is not None, "propose() comes after start()"
        if not self._program:
            self.check(brief.target, brief.source)
        with (
            self._running.watch() as started,
            scratch_directory("agent", ignore_errors=True) as directory,
        ):
            scratch = Path(directory)
            with self._workbench.checkout(brief.source) as checkout:
                ran = self._run(brief, checkout.path, scratch, started)
                answer = self._answer(scratch)
                errors = tail(scratch / STDERR)
                fault = self._failure(ran, answer, errors) or self._misdeed(
                    brief, found := checkout.found(), answer, errors
                )
                if fault is not None:
                    raise fault
                return self._proposal(brief, found, answer)

    def close(self) -> None:
        """End the agents that other threads wait for, and wait until all is put back."""
        self._running.end(self._grace + _PUTTING_BACK)

    def _run(self, brief: Brief, checkout: Path, scratch: Path, started: _Started) -> Ran:
        prompt = _sendable(build_prompt(brief))
        prompt_file = scratch / "prompt.md"
        prompt_file.write_text(prompt, encoding="utf-8")
        values = {
            "prompt": _shortened(prompt),
            "prompt_file": str(prompt_file),
            "target": brief.target.path,
            "scratch": str(scratch),
        }
        return run_agent(
            [self._program, *fill(self._arguments[1:], values)],
            cwd=checkout,
            environ=self._environment(checkout, scratch),
            scratch=scratch,
            stdin=None if takes_prompt(self._arguments) else prompt_file,
            seconds=self._timeout,
            grace=self._grace,
            started=started,
        )

    def _environment(self, checkout: Path, scratch: Path) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self._environ.items()
            if not name.upper().startswith(_SCRUBBED)
        }
        return {
            **kept,
            "PWD": str(checkout),
            "GIT_TERMINAL_PROMPT": "0",
            "NO_COLOR": "1",
            _USAGE_VARIABLE: str(scratch / _USAGE_FILE),
        }

    def _answer(self, scratch: Path) -> Answer:
        answer = self._preset.read(tail(scratch / STDOUT))
        left = read_usage_file(tail(scratch / _USAGE_FILE))
        if left is None:
            return answer
        return replace(answer, text=left.text or answer.text, usage=left.usage)

    def _failure(self, ran: Ran, answer: Answer, errors: str) -> ProposerError | None:
        """Return what went wrong with the run; None when it went well."""
        spent = _spent(answer.usage)
        if ran.cut == "time":
            return AgentError(
                f"{self.name} took longer than {self._timeout:g} s and was ended: raise "
                "--autoloop-agent-timeout, choose a faster model or a smaller target",
                **spent,
            )
        if ran.cut == "output":
            megabytes = OUTPUT_LIMIT // 2**20
            return AgentError(
                f"{self.name} printed more than {megabytes} MB and was ended: make it print less",
                **spent,
            )
        if not ran.returncode and not answer.problem:
            return None
        texts = (answer.problem, errors, answer.text)
        error, advice = kind_of(texts) or (AgentError, "")
        words = quote(texts, self._censor)
        ending = _ending(ran.returncode)
        return error(f"{self.name} {ending} ({words}). {self._next_step(advice)}", **spent)

    def _misdeed(
        self, brief: Brief, found: Found, answer: Answer, errors: str
    ) -> ProposerError | None:
        """Return why what it left is no proposal; None when it is one."""
        path, spent = brief.target.path, _spent(answer.usage)
        if found.content is None:
            return AgentError(
                f"{self.name} removed {path} or put something else in its place; it was put back. "
                "Tell it in program.md to edit the file where it is",
                **spent,
            )
        if not found.content and brief.source:
            return AgentError(f"{self.name} emptied {path}; it was put back", **spent)
        if found.content != brief.source:
            return None
        names = self._names(found.elsewhere)
        instead = f" but {names}, which was put back" if names else f" in {path}"
        # Some agents end well whatever happens; what they print for people may be about anything.
        texts = (errors, answer.text) if self._preset.chatty else (errors,)
        error, advice = kind_of(texts) or (EmptyReplyError, "")
        words = quote((answer.text, errors), self._censor)
        return error(
            f"{self.name} changed nothing{instead} ({words}). {self._next_step(advice)}",
            **spent,
        )

    def _proposal(self, brief: Brief, found: Found, answer: Answer) -> Proposal:
        assert found.content is not None
        names = self._names(found.elsewhere)
        return Proposal(
            self._description(answer),
            (Edit(brief.target.path, found.content),),
            self.name,
            answer.usage,
            remarks=(f"reverted changes in {names}",) if names else (),
        )

    def _description(self, answer: Answer) -> str:
        text = self._censor(answer.text)
        marked = [line for line in text.splitlines() if _DESCRIPTION.match(line)]
        if marked:
            text = marked[-1]
        elif self._preset.chatty:
            text = ""
        return parse_description(text.strip()) or f"edit by {self.name}"

    def _names(self, paths: Sequence[str]) -> str:
        named = [clean_text(self._censor(path), _NAME_LIMIT) for path in paths[:_NAMED]]
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        return ", ".join(named) + more

    def _next_step(self, advice: str) -> str:
        if self._preset.trial:
            trial = f"run `{self._preset.trial}` in a terminal: it may have to log in"
        else:
            trial = "run the command by hand in a checkout to see more"
        return f"{advice}; or {trial}" if advice else trial[0].upper() + trial[1:]


class _Spent(TypedDict):
    tokens_used: int | None
    cost_usd: float | None


def _spent(usage: Usage) -> _Spent:
    return {"tokens_used": usage.tokens, "cost_usd": usage.cost_usd}


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    name = str(-returncode)
    with suppress(ValueError):
        name = signal.Signals(-returncode).name
    return f"was ended by signal {name}"


def _sendable(prompt: str) -> str:
    """Replace what cannot be encoded, or would end an argument: no agent starts with it."""
    return prompt.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _shortened(prompt: str) -> str:
    """Leave out the middle of what is too long for an argument: orders stand at both ends."""
    encoded = prompt.encode("utf-8")
    if len(encoded) <= _PROMPT_LIMIT:
        return prompt
    half = _PROMPT_LIMIT // 2
    ends = (encoded[:half].decode("utf-8", "ignore"), encoded[-half:].decode("utf-8", "ignore"))
    return "\n\n[this part is too long to be told]\n\n".join(ends)

"""Golden sets: inputs with the answers that a person calls right, as JSON lines."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_autoloop import text
from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

#: ``module:function``; everything else is a command.
_CALLABLE = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<function>[A-Za-z_]\w*)")
_SECONDS = 300
_HELP = "Enter: the answer is right · other text: the right answer · s: skip · q: stop\n"


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answers an input: a function of the project, or a command."""

    #: As it was named.
    spec: str
    #: Of a function: its module, its name, and whether it takes the target's text first.
    module: str = ""
    function: str = ""
    with_text: bool = False
    command: tuple[str, ...] = ()

    def fixture(self) -> str:
        """Return the body of a pytest fixture that returns what answers."""
        if self.command:
            return (
                "    def run(text):\n"
                f"        command = {list(self.command)!r}\n"
                "        done = subprocess.run(\n"
                "            command, input=text, cwd=GOLDEN.parent, stdout=subprocess.PIPE,\n"
                "            text=True, check=True,\n"
                "        )\n"
                "        return done.stdout.strip()\n\n"
                "    return run"
            )
        name = f"{self.module}.{self.function}"
        if self.with_text:
            return (
                '    text = target.read_text(encoding="utf-8")\n'
                f"    return lambda question: {name}(text, question)"
            )
        return f"    return {name}"

    def imports(self) -> str:
        """Return the import that the fixture needs."""
        return "import subprocess\n" if self.command else f"import {self.module}\n"


def answerer(spec: str, root: Path, target: Path | None) -> tuple[Answerer, Callable[[str], Any]]:
    """Return what a spec names, and a function that runs it on one input.

    A function with two parameters gets the text of the target first.

    Raises:
        UsageError: there is no such module, function or program.
    """
    found = _CALLABLE.fullmatch(spec)
    if found is None:
        return _command(spec, root)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        function = getattr(importlib.import_module(found["module"]), found["function"])
        parameters = inspect.signature(function).parameters.values()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(
            f"--golden-run={spec} cannot be called ({error}): name a function as module:function, "
            f"to be imported from {root}, or a command that reads an input from standard input"
        ) from error
    needed = [one for one in parameters if one.default is one.empty]
    if len(needed) == 2:  # noqa: PLR2004 - the text and the input
        if target is None:
            raise UsageError(
                f"--golden-run={spec} takes two arguments, the text of the target and an input: "
                "name the target with --target"
            )
        prompt = target.read_text(encoding="utf-8")
        made = Answerer(spec, found["module"], found["function"], with_text=True)
        return made, lambda question: function(prompt, question)
    return Answerer(spec, found["module"], found["function"]), function


def _command(spec: str, root: Path) -> tuple[Answerer, Callable[[str], Any]]:
    command = tuple(shlex.split(spec))

    def run(question: str) -> str:
        try:
            done = subprocess.run(
                command,
                input=question,
                cwd=root,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UsageError(f"--golden-run={spec} failed: {error}") from error
        return done.stdout.strip()

    if not command:
        raise UsageError("--golden-run names nothing: write module:function, or a command")
    return Answerer(spec, command=command), run


def read_examples(path: Path) -> list[dict[str, Any]]:
    """Return the examples of a golden set; none when there is no such file.

    Raises:
        UsageError: a line is no JSON object with an input and a label.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return [_example(path, number, line) for number, line in enumerate(lines, 1)]


def _example(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        example = json.loads(line)
        return {"input": str(example["input"]), "label": example["label"]}
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path}, line {number}, is no object with input and label ({error}): correct it"
        ) from error


def read_inputs(path: Path) -> list[str]:
    """Return sample inputs: one a line, or of JSON lines what stands under ``input``.

    Raises:
        UsageError: the file cannot be read, or a line of a .jsonl file has no input.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--golden-inputs={path} cannot be read ({error}): name a file with one input a line"
        ) from error
    if path.suffix != ".jsonl":
        return lines
    try:
        return [str(json.loads(line)["input"]) for line in lines]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} has a line without an input ({error}): correct it") from error


def label(
    path: Path,
    inputs: Iterable[str],
    run: Callable[[str], Any],
    ask: Callable[[str], str],
    say: Callable[[str], None],
) -> int:
    """Run each input that has no label yet, ask for the right answer, and add it to the file.

    Each answer is written at once, so nothing is lost when somebody stops. Returns how many were
    added. `ask` raises EOFError where nobody answers any more.

    Raises:
        UsageError: the file cannot be read or written, or what answers fails.
    """
    known = {example["input"] for example in read_examples(path)}
    left = [question for question in dict.fromkeys(inputs) if question not in known]
    added = 0
    say(_HELP)
    for number, question in enumerate(left, 1):
        answer = run(question)
        say(f"{number} of {len(left)}  {text.visible(question)}")
        say(f"      answers {text.visible(str(answer))}")
        try:
            said = ask("right answer: ").strip()
        except EOFError:
            break
        if said == "q":
            break
        if said == "s":
            continue
        example = {"input": question, "output": answer, "label": said or answer}
        try:
            line = json.dumps(example, ensure_ascii=False)
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except (OSError, TypeError) as error:
            raise UsageError(f"{path} cannot take the answer ({error}): correct that") from error
        added += 1
    return added


def held_out_score(examples: list[dict[str, Any]], run: Callable[[str], Any]) -> float:
    """Return the share, in per cent, of the held-out examples that are answered right now.

    Every third one is held out, as the generated conftest has it; 0 where there are too few.
    """
    held_out = examples[2::3]
    right = sum(run(example["input"]) == example["label"] for example in held_out)
    return 100 * right / len(held_out) if held_out else 0.0

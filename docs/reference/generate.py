"""Writes the pages of this directory that follow from the code.

Run it as `python docs/reference/generate.py`.

The option tables, the commands' own parsers, the hook specifications and the docstrings of the
decorators are the sources; a test compares what is written here with what they give now.
"""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest_autoloop
from pytest_autoloop import guards, hookspecs, metrics
from pytest_autoloop.campaign_options import CAMPAIGN_OPTIONS
from pytest_autoloop.cli import parser
from pytest_autoloop.option_table import LISTS, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_autoloop.option_types import Option

_NOTE = "<!-- Written by docs/reference/generate.py: change the code, then run that. -->"
_OPTIONS = """\
Options of `pytest`. Those with an ini key can be set for good, under `[tool.pytest.ini_options]` in
`pyproject.toml` or `[pytest]` in `pytest.ini`; the command line wins."""
_UNKNOWN_KEYS = """\
With `-p no:autoloop` pytest does not know these ini keys and warns, with `--strict-config` it
refuses, as with any plugin that is switched off."""
_COMMANDS = """\
`pytest-autoloop COMMAND` looks at the campaigns of the repository around the working directory.
Each command takes `--help`, and `--json` to print one JSON document instead of text. Bad input is
one sentence on standard error and exit code 2, with nothing written."""
_HOOKS = """\
A `conftest.py` or a plugin implements them as any hook of pytest's. An implementation may leave out
arguments that it does not need. How to use them: [your own parts](../how-to/extend.md)."""
_PYTHON = """\
`import pytest_autoloop as autoloop` in a `conftest.py`. The fixtures that the decorators make are
ordinary: they request others, show in `pytest --fixtures`, and work with `-p no:autoloop`."""
_GUARDS = "What the guards that `pytest-autoloop init` writes are made of."
_METRICS = """\
Ready-made metrics: `from pytest_autoloop import metrics`. Each of these functions but `chat`
returns a `Measurement`, which `autoloop.metric` takes in place of a function. A command is a list
of words or a line; in it, `{target}` is the path of the target, `{python}` the interpreter that
runs pytest. Which to choose: [Ready-made metrics](../how-to/metrics.md)."""
#: In the order of the page that tells which to choose.
_MEASURES = (
    *("latency", "peak_memory", "file_size", "accuracy", "regex_from_output", "json_from_output"),
    *("llm_judge", "chat", "composite", "Measurement"),
)
#: A section of a docstring, such as "Args:", and an entry of one.
_SECTION = re.compile(r"(Args|Raises|Returns|Yields):")
_ENTRY = re.compile(r" {4}(\w+): (.*)")
#: What is code in a help text, unless it is marked as such already.
_CODE = re.compile(r"`[^`]*`|(?<![\w`/-])(--[a-z][\w-]*|[a-z_]+\.(?:md|tsv|py))")
#: An annotation, which is shown as a string where it is one.
_QUOTED = re.compile(r": '([^']*)'")
_WIDE = 90


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    return {
        "options.md": _page("Options and ini keys", _options()),
        "commands.md": _page("Commands", _commands()),
        "hooks.md": _page("Hooks", _hooks()),
        "python.md": _page("Decorators, fixtures, functions", _python()),
    }


def _page(title: str, lines: Iterable[str]) -> str:
    return "\n".join((f"# {title}", "", _NOTE, "", *lines)).rstrip() + "\n"


def _options() -> Iterator[str]:
    yield _OPTIONS
    judged = [one for one in OPTIONS if one not in CAMPAIGN_OPTIONS]
    for title, options in (
        ("A campaign: how long, from where, what comes out", CAMPAIGN_OPTIONS),
        ("Who suggests, and how it is judged", judged),
    ):
        yield from ("", f"## {title}", "")
        yield from _table(("option", "what it does", "ini key"), map(_option, options))
    yield from ("", "## Only in the ini file", "")
    kinds = {"args": "words", "bool": "`true` or `false`"}
    rows = ((f"`{name}`", f"{told}.", kinds[kind]) for name, (kind, told) in LISTS.items())
    yield from _table(("ini key", "what it says", "takes"), rows)
    yield from ("", _UNKNOWN_KEYS)


def _option(option: Option) -> tuple[str, str, str]:
    told = _cell(option.help.replace("%%", "%"))
    many = ". May be repeated; in the ini file, a line each" if option.many else ""
    ini = f"`{option.ini}`" if option.ini else ""
    return _code(f"{option.flag} {option.metavar}"), f"{told}{many}.", ini


def _commands() -> Iterator[str]:
    yield _COMMANDS
    groups = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in next(groups).choices.items():
        arguments = [a for a in command._actions if a.dest not in {"help", "json"}]
        # Within brackets no line is broken.
        parts = (_used(argument).replace(" ", "\0") for argument in arguments)
        usage = " ".join(("pytest-autoloop", name, *parts))
        lines = textwrap.wrap(usage, _WIDE, subsequent_indent="    ", break_on_hyphens=False)
        yield from ("", f"## {name}", "", "```text")
        yield from (line.replace("\0", " ") for line in lines)
        yield from ("```", "", _coded(command.description))
        if arguments:
            yield ""
            rows = ((_named(a), _cell(a.help or "")) for a in arguments)
            yield from _table(("argument", "what it is"), rows)
        examples = command.epilog.splitlines()[1:]
        yield from ("", "```sh", *map(str.strip, examples), "```")


def _used(action: argparse.Action) -> str:
    """Return an argument as in a line of usage."""
    if action.option_strings:
        return f"[{_flag(action)}]"
    value = _value(action)
    shown = {"?": f"[{value}]", "*": f"[{value} …]", "+": f"{value} …"}
    return shown.get(str(action.nargs), value)


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def _flag(action: argparse.Action) -> str:
    value = _value(action)
    values = {"None": value, "0": "", "?": f"[{value}]", "+": f"{value} …"}
    return f"{max(action.option_strings, key=len)} {values[str(action.nargs)]}".strip()


def _named(action: argparse.Action) -> str:
    shorter = [name for name in action.option_strings if not name.startswith("--")]
    name = _flag(action) if action.option_strings else _value(action)
    return ", ".join(map(_code, (*shorter, name)))


def _hooks() -> Iterator[str]:
    yield _HOOKS
    for name, function in vars(hookspecs).items():
        if name.startswith("pytest_autoloop_"):
            yield from ("", *_documented(name, function))


def _python() -> Iterator[str]:
    yield _PYTHON
    for name in ("target", "metric", "proposer", "Brief", "Proposal", "Edit", "Usage"):
        yield from ("", *_documented(f"autoloop.{name}", getattr(pytest_autoloop, name)))
    yield from ("", "## pytest_autoloop.metrics", "", _METRICS)
    for name in _MEASURES:
        yield from ("", *_documented(f"metrics.{name}", getattr(metrics, name), "###"))
    yield from ("", "## pytest_autoloop.guards", "", _GUARDS)
    for name in ("assert_same_outcome", "same", "load_baseline"):
        yield from ("", *_documented(name, getattr(guards, name), "###"))
    fixture = guards.autoloop_baseline._get_wrapped_function()
    yield from ("", "### autoloop_baseline", "", *_prose(inspect.getdoc(fixture) or ""))


def _documented(name: str, thing: Callable[..., Any], level: str = "##") -> Iterator[str]:
    """Yield heading, signature and docstring."""
    yield from (f"{level} {name}", "", "```python", *_signature(name, thing), "```", "")
    yield from _prose(inspect.getdoc(thing) or "")


def _signature(name: str, thing: Callable[..., Any]) -> Iterator[str]:
    signature = inspect.signature(thing)
    # The first argument of a decorator is what it decorates.
    parameters = [one for one in signature.parameters.values() if one.name != "function"]
    named = [str(one) for one in parameters if one.kind is one.KEYWORD_ONLY]
    written = [str(one) for one in parameters if one.kind is not one.KEYWORD_ONLY]
    written += [*(["*"] if written and named else []), *named]
    shown = [_QUOTED.sub(r": \1", one).replace("<factory>", "...") for one in written]
    returns = signature.return_annotation
    end = "" if isinstance(thing, type) or "Fixture" in str(returns) else f" -> {returns}"
    line = f"{name}({', '.join(shown)}){end}"
    if len(line) <= _WIDE:
        yield line
        return
    yield from (f"{name}(", *(f"    {one}," for one in shown), f"){end}")


def _prose(documentation: str) -> Iterator[str]:
    """Yield a docstring as Markdown: entries of its sections become lists."""
    inside = False
    for line in documentation.replace("``", "`").splitlines():
        section, entry = _SECTION.fullmatch(line), _ENTRY.fullmatch(line)
        if section is not None:
            inside = True
            yield from (f"**{section[1]}**", "")
        elif inside and entry is not None:
            if entry[1] != "function":
                yield f"- `{entry[1]}`: {entry[2]}"
        elif inside and line:
            yield f"  {line.strip()}"
        else:
            inside = False
            yield line


def _coded(text: str) -> str:
    """Mark names of options and files as code."""
    return _CODE.sub(lambda found: f"`{found[1]}`" if found[1] else found[0], text)


def _cell(text: str) -> str:
    return _coded(text).replace("|", r"\|").replace("<", "&lt;")


def _code(text: str) -> str:
    """Return code for a cell; a bar in it is written as what every reader of Markdown takes."""
    found = f"`{text.strip()}`"
    return found if "|" not in text else f"<code>{text.strip().replace('|', '&#124;')}</code>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |")


if __name__ == "__main__":
    for page, content in pages().items():
        Path(__file__).with_name(page).write_text(content, encoding="utf-8")

"""What README and tutorial tell to type is typed, in their order; what they show is what comes.

Some pages are followed in an empty directory, the tutorial block by block. README's first try runs
on the examples. Of all other commands in all pages, which need a model, a night or another project,
the words are checked: commands, options and their values are such as there are.
"""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Sybil
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from pytest_autoloop.cli import parser
from pytest_autoloop.harness.specifications import (
    SPECIFICATION,
    MetricSpecification,
    TargetSpecification,
)
from pytest_autoloop.option_table import LISTS, OPTIONS
from tests.projects import clean_environment, git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sybil import Document, Example, Region

ROOT = Path(__file__).parent.parent
README, DOCS = ROOT / "README.md", ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
FLAGS = {option.flag: option for option in OPTIONS}
INI_KEYS = {*LISTS, *(option.ini for option in OPTIONS if option.ini)}
#: Pages that are followed; of the tutorial no block is left out.
FOLLOWED = ("tutorial.md", "how-to/extend.md", "how-to/metrics.md", "how-to/prompts.md")
#: What somebody types who labels messages.
ANSWERS = "\nurgent\n\n\nurgent\n\n"
#: Written as ini keys are, but fixtures.
FIXTURES = {"autoloop_baseline", "autoloop_inputs"}
PLUGINS = ("-ppytest_autoloop.plugin", "-ppytest_benchmark.plugin", "-ppytest_timeout")
#: A block with a title is a file of the project.
INFO = re.compile(r'(?P<language>\w+)?(?: title="(?P<title>[^"]+)")?[ \t]*\n')
#: What differs from machine to machine in what is shown: commits, and numbers with their units.
COMMIT = r"\b(?=[0-9a-f]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,10}\b"
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?: ?(?:ns|µs|ms|s|min|h|kB)\b)?"
#: They install what is to be tested here: only the extras are looked up.
INSTALLS = ("python3 -m venv ", ". .venv/bin/activate", "pip install ")
EXTRAS = re.compile(r"(?:pytest-autoloop|\.)\[([\w,]+)\]")

posix = pytest.mark.skipif(sys.platform == "win32", reason="written for a POSIX shell")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    #: Name of the file that it is; empty for all else.
    title: str
    text: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Return each command, and of a console what it is said to print."""
        found: list[tuple[str, list[str]]] = []
        if self.language == "sh":
            joined = self.text.replace("\\\n", " ")
            return [(line, []) for line in joined.splitlines() if line.strip()]
        for line in self.text.splitlines() if self.language == "console" else ():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
        return found


def fenced(document: Document) -> Iterable[Region]:
    """Yield each fenced block of a page, as sybil wants it."""
    for region in RawFencedCodeBlockLexer(INFO)(document):
        found = region.lexemes
        text = found["source"].text
        region.parsed = Block(found["language"] or "", found["title"] or "", text)
        yield region


def examples(page: Path) -> list[Example]:
    """Return the blocks of a page in their order."""
    return list(Sybil(parsers=[fenced]).parse(page).examples())


def pattern(lines: list[str]) -> re.Pattern[str]:
    """Return what matches what a page shows: commits and numbers differ, `…` is left out.

    A line of `…` alone stands for any number of lines, within a line it stands for any text.
    """
    wanted = ""
    for line in lines:
        if line == "…":
            wanted += r"(?:.*\n)*?"
        else:
            wanted += "".join(map(loose, re.split(r"( {2,}|…)", line))) + r" *\n"
    return re.compile(wanted)


def loose(part: str) -> str:
    """Return what matches a part of a line."""
    if part == "…":
        return ".*"
    if part.isspace():
        # Columns are as wide as what stands in them.
        return " +"
    wanted, place = "", 0
    for found in re.finditer(f"{COMMIT}|{NUMBER}", part):
        kind = "[0-9a-f]{7,40}" if re.fullmatch(COMMIT, found[0]) else NUMBER
        wanted += re.escape(part[place : found.start()]) + kind
        place = found.end()
    return wanted + re.escape(part[place:])


class Shell:
    """A user's terminal, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "project"
        self.directory.mkdir()
        home = directory / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n  name = Ada\n  email = ada@example.invalid\n[init]\n  defaultBranch = main\n",
            encoding="utf-8",
        )
        around = clean_environment()
        self._environment = {
            **around,
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{around['PATH']}",
            "AUTOLOOP_LOCKS": "",
            # Only what a campaign needs, and short rounds: its many sessions then end sooner.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": " ".join(("--benchmark-max-time=0.02", *PLUGINS)),
        }

    def run(self, command: str, typed: str = "") -> str:
        """Run a command, and return all that it printed; it must succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.directory,
            env=self._environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout


def is_installing(command: str) -> bool:
    """Tell whether a command only installs, after a look at the extras that it names."""
    if not command.removeprefix(".venv/bin/").startswith(INSTALLS):
        return False
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = {name for found in EXTRAS.findall(command) for name in found.split(",")}
    assert [one for one in extras if not re.search(rf"^{one} = \[", project, re.MULTILINE)] == []
    return True


@posix
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("name", FOLLOWED)
def test_a_page_goes_as_it_says(name: str, tmp_path: Path) -> None:
    """Its files are written and its commands run, in their order; they print what it shows."""
    shell, written = Shell(tmp_path), set[str]()
    for example in examples(DOCS / name):
        block: Block = example.parsed
        followed = block.title or block.language == "console"
        assert followed or name != "tutorial.md", f"line {example.line} is not followed"
        if block.title:
            # A file that is given in pieces goes on; one that a command wrote is replaced.
            mode, path = "a" if block.title in written else "w", shell.directory / block.title
            path.parent.mkdir(exist_ok=True)
            with path.open(mode, encoding="utf-8") as file:
                file.write(block.text)
            written.add(block.title)
        for command, lines in block.commands() if block.language == "console" else ():
            if is_installing(command):
                continue
            typed = ANSWERS if "--golden-inputs" in command else ""
            said, place = shell.run(command, typed), f"{name}:{example.line}: $ {command}"
            wanted = "\n".join(lines)
            assert pattern(lines).fullmatch(said), f"{place}\n{said}\ninstead of\n{wanted}"


@posix
def test_the_first_try_of_the_readme_goes_as_it_says(tmp_path: Path) -> None:
    """The command below `main job`, but for the installation, in a copy of the examples."""
    found = re.search(r"<!-- main job -->\n```sh\n(.+)\n```\n", README.read_text(encoding="utf-8"))
    assert found is not None
    commands = found[1].split(" && ")
    assert [is_installing(command) for command in commands] == [True, True, False]
    shell = Shell(tmp_path)
    rest = shutil.ignore_patterns(".pytest_autoloop", "results.tsv", "__pycache__")
    shutil.copytree(ROOT / "examples", shell.directory / "examples", ignore=rest)
    (shell.directory / ".venv").mkdir()
    (shell.directory / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (shell.directory / ".gitignore").write_text(".venv/\n__pycache__/\n", encoding="utf-8")
    git(shell.directory, "init", "-q")
    git(shell.directory, "add", "-A")
    git(shell.directory, "commit", "-q", "-m", "Begin")
    said = shell.run(commands[2])
    assert re.search(r"^autoloop::001 .* cache fib with functools.cache$", said, re.MULTILINE)
    assert "experiment in" in said


def test_the_python_of_the_readme_declares_fixtures() -> None:
    """Its blocks, one after the other, as a conftest: pytest finds a target and a metric."""
    namespace: dict[str, object] = {}
    for example in examples(README):
        if example.parsed.language == "python":
            exec(example.parsed.text, namespace)
    assert [kind_of(namespace[name]) for name in ("target", "accuracy")] == ["target", "metric"]


def kind_of(fixture: object) -> str:
    """Return what a fixture was declared as."""
    kinds = {TargetSpecification: "target", MetricSpecification: "metric"}
    return kinds[type(getattr(fixture, SPECIFICATION))]


def test_ci_finds_the_command_that_tests_the_project() -> None:
    """Not run from here: it is what runs this. It asks for plugins that `dev` installs."""
    found = re.search(r"<!-- tests -->\n```sh\n(.+)\n```\n", README.read_text(encoding="utf-8"))
    assert found is not None
    *installing, testing = found[1].split(" && ")
    assert all(map(is_installing, installing))
    assert shlex.split(testing) == [".venv/bin/pytest", "-n", "2", "--dist", "loadfile"]
    assert '"pytest-xdist' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def simple_commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command of a page that is one of ours or pytest."""
    for example in examples(page):
        for line, _ in example.parsed.commands():
            for command in re.split(r" && | \|\| ", line):
                words = shlex.split(command, comments=True)
                if words and words[0].rpartition("/")[2] in {"pytest", "pytest-autoloop"}:
                    yield [words[0].rpartition("/")[2], *words[1:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_command_takes_what_it_is_given(page: Path) -> None:
    """Options are in the table and take their values; subcommands are read by their own parsers."""
    for program, *words in simple_commands(page):
        if program == "pytest-autoloop":
            own = words[: words.index("--")] if "--" in words else words
            assert callable(parser().parse_args(own).run)
        rest = words if program == "pytest" else words[words.index("--") :] if "--" in words else []
        for place, word in enumerate(rest):
            flag, equals, value = word.partition("=")
            if flag.startswith("--autoloop"):
                option = FLAGS[flag]
                if not option.switch:
                    option.type(value if equals else rest[place + 1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_name_in_a_page_is_one(page: Path) -> None:
    """Options, ini keys and subcommands in it exist; Python is Python, but for signatures."""
    text = page.read_text(encoding="utf-8")
    assert {*re.findall(r"--autoloop(?:-[a-z]+)*", text)} - FLAGS.keys() == set()
    in_ini = re.findall(r"^(autoloop_\w+) = ", text, re.MULTILINE)
    assert {*re.findall(r"`(autoloop_\w+)`", text), *in_ini} - INI_KEYS - FIXTURES == set()
    commands = parser().format_help()
    for name in re.findall(r"`pytest-autoloop\s+([a-z]+)", text):
        assert re.search(rf"^ +{name} ", commands, re.MULTILINE), name
    for example in examples(page):
        if example.parsed.language == "python" and page.parent.name != "reference":
            ast.parse(example.parsed.text)


@pytest.mark.parametrize("name", ["options.md", "commands.md", "hooks.md", "python.md"])
def test_the_reference_is_what_the_code_says(name: str) -> None:
    """Pages that follow from the code are those that it gives now."""
    generate = runpy.run_path(str(DOCS / "reference" / "generate.py"))
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == generate["pages"]()[name], "run python docs/reference/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    """To files that exist; the site's own build looks at the anchors."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    inner = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in inner if not (page.parent / link).exists()] == []

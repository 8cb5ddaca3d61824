"""Coding agents as proposers: a real program, run as each command line is run."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import (
    AgentError,
    AuthenticationError,
    EmptyReplyError,
    ProposerError,
    QuotaError,
    RateLimitError,
    UnreachableError,
)
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.model import Brief, Edit, Metric, Reading, Target
from pytest_autoloop.proposers.agents import AGENTS, from_spec
from pytest_autoloop.proposers.base import Found
from pytest_autoloop.proposers.messages import build_prompt
from pytest_autoloop.usage import Usage
from pytest_autoloop.workbench import CampaignWorkbench
from tests.proposers import agent_program
from tests.proposers.agent_program import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.model import Proposal
    from pytest_autoloop.proposers.base import Checkout
    from tests.projects import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a script")

SOURCE = b"def words(text):\n    return list(text.split())\n"
EDITED = b"def words(text):\n    return text.split()\n"
FILES = {TARGET.as_posix(): SOURCE, "tests/test_words.py": b"def test_words(): pass\n"}
BRIEF = Brief(
    number=1,
    target=Target(TARGET.as_posix(), "Make it faster."),
    source=SOURCE,
    readings=(Reading(Metric("time", "lower", "s"), 0.005),),
)
SECRET = "sk-secret-0123456789"
#: Flags without which an agent would ask somebody, or print no usage.
UNATTENDED = {
    "claude": ("--output-format", "json", "--permission-mode", "acceptEdits"),
    "codex": ("exec", "--json", "-s", "workspace-write"),
    "gemini": ("-o", "json", "--approval-mode", "auto_edit"),
    "aider": ("--yes-always", "--no-auto-commits", "--no-dirty-commits"),
    "opencode": ("run", "--format", "json", "--auto"),
}


@dataclass(frozen=True)
class Folder:
    """A folder that is lent as a checkout."""

    path: Path

    def found(self) -> Found:
        """Compare all files with what was there."""
        files = {
            file.relative_to(self.path).as_posix(): file.read_bytes()
            for file in self.path.rglob("*")
            if file.is_file()
        }
        names = {*files, *FILES} - {TARGET.as_posix()}
        changed = [name for name in names if files.get(name) != FILES.get(name)]
        return Found(files.get(TARGET.as_posix()), tuple(sorted(changed)))


@dataclass(frozen=True)
class Workbench:
    """Lends folders, one after the other."""

    root: Path

    @property
    def records(self) -> Path:
        """Directory that no agent asks for."""
        return self.root / "records"

    @contextmanager
    def checkout(self, source: bytes) -> Iterator[Checkout]:
        """Lend a new folder."""
        folder = self.root / f"checkout{len(list(self.root.iterdir()))}"
        for name, content in {**FILES, TARGET.as_posix(): source}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        yield Folder(folder)


@dataclass(frozen=True)
class Agents:
    """A PATH with the program under every agent's name, and its environment."""

    directory: Path

    @property
    def environ(self) -> dict[str, str]:
        """What the user's shell holds."""
        return {
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.directory),
            "AGENT_WITNESS": str(self.directory / "witness.json"),
            "AGENT_PIDS": str(self.directory / "pids"),
            "SOME_API_KEY": SECRET,
            "PYTEST_XDIST_WORKER": "gw0",
            "GIT_DIR": "/elsewhere/.git",
        }

    def propose(
        self,
        deeds: str,
        spec: str = "claude",
        *,
        brief: Brief = BRIEF,
        seconds: float = 20,
        **variables: str,
    ) -> Proposal:
        """Return what an agent that does these deeds leads to."""
        environ = {**self.environ, "AGENT_DEEDS": deeds, **variables}
        proposer = from_spec(spec, environ, timeout=seconds, grace=0.3)
        proposer.check(brief.target, brief.source)
        bench = self.directory / "bench"
        bench.mkdir(exist_ok=True)
        proposer.start(Workbench(bench))
        return proposer.propose(brief)

    def refused(self, deeds: str, spec: str = "claude", **options: Any) -> ProposerError:
        """Return the error of an agent that does these deeds."""
        with pytest.raises(ProposerError) as raised:
            self.propose(deeds, spec, **options)
        return raised.value

    @property
    def given(self) -> dict[str, Any]:
        """What the program was started with."""
        found: dict[str, Any] = json.loads((self.directory / "witness.json").read_text())
        return found

    def left(self) -> list[int]:
        """Return the processes that were left behind, and which of them are alive."""
        numbers = map(int, (self.directory / "pids").read_text().split())
        return [number for number in numbers if is_alive(number)]


def is_alive(number: int) -> bool:
    """Tell whether a process runs."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def agents(tmp_path: Path) -> Agents:
    """Put the program on a PATH under every agent's name."""
    source = Path(agent_program.__file__).read_text(encoding="utf-8")
    (tmp_path / "bin").mkdir()
    for name in (*AGENTS, "my-agent"):
        file = tmp_path / "bin" / name
        file.write_text(f"#!{sys.executable} -SE\n{source}", encoding="utf-8")
        file.chmod(0o755)
    return Agents(tmp_path)


@pytest.mark.parametrize("name", AGENTS)
def test_each_agent_edits_says_why_and_what_it_cost(agents: Agents, name: str) -> None:
    """Unattended flags, the prompt, the model; description and usage as that agent prints them."""
    proposal = agents.propose("edit speak", f"agent:{name}:some/model")
    assert proposal.edits == (Edit(TARGET.as_posix(), EDITED),)
    assert proposal.description == "split at once"
    cost = {"claude": 0.02, "opencode": 0.02, "aider": 0.02}.get(name)
    assert proposal.usage == Usage(120, 30, cost)
    assert proposal.remarks == ()
    assert not proposal.invalid
    arguments = agents.given["arguments"]
    place = arguments.index(UNATTENDED[name][0])
    assert [word for word in UNATTENDED[name] if word not in arguments[place:]] == []
    assert "some/model" in arguments
    prompt = build_prompt(BRIEF)
    if name == "aider":
        assert agents.given["files"] == [prompt]
        assert arguments[-1] == TARGET.as_posix()
    else:
        assert prompt in arguments
    assert agents.given["stdin"] == ""
    assert agents.given["group"]


def test_without_a_model_no_option_for_one_is_given(agents: Agents) -> None:
    """The agent's own settings decide."""
    proposal = agents.propose("edit speak", "codex")
    assert proposal.proposer == "codex"
    assert "-m" not in agents.given["arguments"]
    assert [word for word in agents.given["arguments"] if word.startswith("{")] == []


def test_an_agent_has_the_users_environment_but_not_the_sessions(agents: Agents) -> None:
    """Keys and HOME are there; variables that would tie git or pytest to this session are not."""
    agents.propose("edit")
    given = agents.given["environment"]
    assert given["SOME_API_KEY"] == SECRET
    assert given["HOME"] == str(agents.directory)
    assert given["PWD"] == agents.given["cwd"]
    assert given["GIT_TERMINAL_PROMPT"] == "0"
    foreign = [name for name in given if name.startswith(("PYTEST_", "GIT_"))]
    assert foreign == ["GIT_TERMINAL_PROMPT"]


@pytest.mark.parametrize(
    ("line", "arguments", "stdin"),
    [
        ("my-agent --fast", ["--fast"], True),
        ("my-agent 'two words' {target}", ["two words", "src/words.py"], True),
        ("my-agent --ask={prompt}", ["--ask={}"], False),
        ("my-agent {prompt_file} '{other}'", ["prompt.md", "{other}"], False),
    ],
)
def test_a_command_is_given_the_prompt_where_it_wants_it(
    agents: Agents, line: str, arguments: list[str], stdin: bool
) -> None:
    """In an argument, as a file outside the checkout, or on standard input."""
    brief = replace(BRIEF, target=Target(TARGET.as_posix(), "Keep {target} and {prompt_file}."))
    proposal = agents.propose("edit speak", f"command:{line}", brief=brief)
    prompt = build_prompt(brief)
    assert proposal.proposer == "command:my-agent"
    assert proposal.description == "split at once"
    assert proposal.usage == Usage()
    expected = [one.replace("{}", prompt) if one.endswith("{}") else one for one in arguments]
    given = agents.given["arguments"]
    assert [one.rpartition("/")[2] if "prompt.md" in one else one for one in given] == expected
    assert agents.given["stdin"] == (prompt if stdin else "")
    files = [one for one in given if one.endswith("prompt.md")]
    assert not any(one.startswith(agents.given["cwd"]) or Path(one).exists() for one in files)


def test_a_command_may_tell_its_usage_in_a_file(agents: Agents) -> None:
    """What it does not tell is unknown."""
    usage = {"prompt_tokens": 7, "cost_usd": 0.5, "description": "swap loops"}
    proposal = agents.propose("edit usage-file", "command:my-agent", AGENT_USAGE=json.dumps(usage))
    assert proposal.usage == Usage(7, None, 0.5)
    assert proposal.description == "swap loops"


@pytest.mark.parametrize("content", ["{", "[]", '{"prompt_tokens": "many", "cost_usd": NaN}'])
def test_a_malformed_usage_file_is_unknown_usage(agents: Agents, content: str) -> None:
    """It is no error, and never zero."""
    proposal = agents.propose("edit usage-file", "command:my-agent", AGENT_USAGE=content)
    assert proposal.usage == Usage()
    assert proposal.description == "edit by command:my-agent"


def test_changes_elsewhere_are_reported(agents: Agents) -> None:
    """The edit counts; what else was changed is named, the first five of it."""
    proposal = agents.propose("edit test litter")
    assert proposal.edits == (Edit(TARGET.as_posix(), EDITED),)
    assert proposal.remarks == (
        "reverted changes in note0.txt, note1.txt, note2.txt, note3.txt, note4.txt and 3 more",
    )


def test_changes_elsewhere_alone_are_no_proposal(agents: Agents) -> None:
    """An edit of a test file proposes nothing; its cost is kept."""
    error = agents.refused("test speak")
    assert isinstance(error, EmptyReplyError)
    assert str(error).startswith(
        "claude changed nothing but tests/test_words.py, which was put back"
    )
    assert (error.tokens_used, error.cost_usd) == (150, 0.02)


@pytest.mark.parametrize(
    ("deeds", "kind", "words"),
    [
        ("speak", EmptyReplyError, "claude changed nothing in src/words.py (Split at once"),
        ("remove", AgentError, "claude removed src/words.py"),
        ("empty", AgentError, "claude emptied src/words.py"),
        (
            "edit fail",
            AgentError,
            "claude ended with exit code 1 (it printed nothing). Run `claude",
        ),
        ("edit die", AgentError, "claude was ended by signal SIGSEGV (it printed nothing)"),
    ],
)
def test_what_is_no_edit_is_a_typed_error(
    agents: Agents, deeds: str, kind: type[ProposerError], words: str
) -> None:
    """Never an empty file, never a proposal of a run that failed."""
    error = agents.refused(deeds)
    assert type(error) is kind
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        ("Not logged in · Please run /login", AuthenticationError),
        ("401 Incorrect API key provided", AuthenticationError),
        ("Your credit balance is too low to access the API", QuotaError),
        ("429 You exceeded your current quota", QuotaError),
        ("429 Too Many Requests: rate limit reached", RateLimitError),
        ("getaddrinfo ENOTFOUND api.example.org", UnreachableError),
        ("TypeError: undefined is not a function", AgentError),
    ],
)
def test_an_agents_words_tell_which_error_it_is(
    agents: Agents, complaint: str, kind: type[ProposerError]
) -> None:
    """They are quoted without escape sequences and keys, and a next step is named."""
    complaint = f"\x1b[31m{complaint}\x1b[0m for {SECRET}"
    error = agents.refused("complain fail", "codex", AGENT_COMPLAINT=complaint)
    assert type(error) is kind
    assert complaint[5:20] in str(error)
    assert SECRET not in str(error)
    assert "\x1b" not in str(error)
    assert "run `codex exec hello` in a terminal" in str(error).lower()


def test_an_agent_that_hangs_is_ended_with_all_it_started(agents: Agents) -> None:
    """At its time limit, also deaf to SIGTERM, in its group or out of it."""
    error = agents.refused("edit speak child escape deaf hang", seconds=1)
    assert isinstance(error, AgentError)
    assert "took longer than 1 s and was ended: raise --autoloop-agent-timeout" in str(error)
    assert error.tokens_used == 150
    assert len((agents.directory / "pids").read_text().split()) == 2
    if sys.platform == "linux":
        assert agents.left() == []


def test_what_an_agent_leaves_running_is_ended(agents: Agents) -> None:
    """A normal exit leaves no process behind either."""
    proposal = agents.propose("child escape edit speak")
    assert proposal.description == "split at once"
    if sys.platform == "linux":
        assert agents.left() == []


def test_a_megabyte_of_output_is_read_from_its_end(agents: Agents) -> None:
    """Lines that only look like JSON are given up on; text after them is found."""
    proposal = agents.propose("megabyte edit speak", "command:my-agent")
    assert proposal.description == "split at once"


def test_malformed_json_is_unknown_usage(agents: Agents) -> None:
    """The edit counts all the same."""
    proposal = agents.propose("edit malformed")
    assert proposal.edits == (Edit(TARGET.as_posix(), EDITED),)
    assert proposal.usage == Usage()
    assert proposal.description == "edit by claude"


def test_in_a_real_worktree_everything_is_put_back(agents: Agents, project: Project) -> None:
    """The loop's own workbench: the next run starts from the source that it is given."""
    project.commit({name: content.decode() for name, content in FILES.items()})
    environ = {**agents.environ, "AGENT_DEEDS": "edit test speak"}
    proposer = from_spec("claude", environ, timeout=20)
    proposer.check(BRIEF.target, SOURCE)
    with WorktreePool(Repository.open(project.root), targets=(BRIEF.target.path,)) as pool:
        pool.add("candidate", Repository.open(project.root).head())
        bench = CampaignWorkbench(
            pool, Repository.open(project.root), BRIEF.target.path, project.root
        )
        proposer.start(bench)
        proposal = proposer.propose(BRIEF)
        assert proposal.remarks == ("reverted changes in tests/test_words.py",)
        with bench.checkout(SOURCE) as checkout:
            assert checkout.found() == Found(SOURCE)


def test_a_commands_words_are_quoted_without_its_secrets(agents: Agents) -> None:
    """A usage message repeats what was given."""
    words = "bad option 123hunter; cannot reach https://joe:pw@host.example"
    error = agents.refused(
        "complain fail", "command:my-agent --api-key 123hunter", AGENT_COMPLAINT=words
    )
    assert "bad option [redacted]; cannot reach https://joe:[redacted]@host.example" in str(error)

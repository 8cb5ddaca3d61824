"""One git command: no hooks, no helpers, no surprises from the environment or the locale."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pytest_autoloop.errors import RepositoryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from git import Git

#: Who every commit and every line of a reflog is by, so that no identity has to be configured.
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "pytest-autoloop"), ("EMAIL", "autoloop@localhost"))
}

_SETTINGS = {
    # Whatever could run a program or a background job beside the command.
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "commit.gpgsign": "false",
    # Whatever could make git believe that a changed file is unchanged.
    "core.trustctime": "true",
    "core.checkStat": "default",
    "core.ignoreStat": "false",
    "core.untrackedCache": "false",
    # Whatever could write beside the files we name.
    "core.splitIndex": "false",
    "submodule.recurse": "false",
    "worktree.useRelativePaths": "false",
    # Whatever could change the form of the output.
    "core.quotePath": "false",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
}

_OPTIONS = (
    *(part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")),
    # The user's index is read, never refreshed on disk.
    "--no-optional-locks",
    # A file may be called "*.py" or ":(top)"; a path is only ever a path here.
    "--literal-pathspecs",
    # A planted refs/replace would show other bytes than those that were committed.
    "--no-replace-objects",
)

#: Objects and refs are on the disk when a command ends; git before 2.36 does not know the keys.
_DURABLE = ("-c", "core.fsync=loose-object,reference", "-c", "core.fsyncMethod=fsync")

_environment_lock = threading.Lock()


class Result(NamedTuple):
    """What a git command answered."""

    exit_code: int
    stdout: bytes
    stderr: str


class GitCommand:
    """Runs git for one directory, through GitPython's command interface.

    Given a `git_dir`, discovery is off: the ``.git`` found in the directory is not believed. What
    a `durable` one writes survives a power cut.
    """

    def __init__(
        self, directory: Path, *, git_dir: Path | None = None, durable: bool = False
    ) -> None:
        self.directory = directory
        self._place = [*(_DURABLE if durable else ()), "-C", str(directory)]
        if git_dir is not None:
            self._place += [f"--git-dir={git_dir}", f"--work-tree={directory}"]

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return what the command wrote, byte for byte.

        Raises:
            RepositoryError: git refused; the message carries the command and git's own words.
        """
        result = self.attempt(*arguments, stdin=stdin, variables=variables)
        if result.exit_code != 0:
            raise self.refusal(arguments, result)
        return result.stdout

    def line(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Return what the command wrote as text, without its last line break.

        Raises:
            RepositoryError: git refused.
        """
        return os.fsdecode(self.run(*arguments, stdin=stdin)).removesuffix("\n")

    def names(self, *arguments: str, variables: Mapping[str, str] | None = None) -> list[str]:
        """Return the NUL-separated names that the command wrote.

        Raises:
            RepositoryError: git refused.
        """
        output = self.run(*arguments, variables=variables)
        return [os.fsdecode(name) for name in output.split(b"\0") if name]

    def attempt(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Result:
        """Run the command and return its exit code with everything it wrote.

        Raises:
            UsageError: there is no git to run.
        """
        library = _load()
        own = {**IDENTITY, "GIT_TERMINAL_PROMPT": "0", **(variables or {})}
        command = self._command(library, arguments)
        with _without_git_variables(own) as prefix, tempfile.TemporaryFile() as stream:
            if stdin is not None:
                stream.write(stdin)
                stream.seek(0)
            try:
                code, stdout, stderr = library.Git(self.directory).execute(
                    [*prefix, *command],
                    istream=stream if stdin is not None else None,
                    env=own,
                    shell=False,
                    with_exceptions=False,
                    with_extended_output=True,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
            except library.GitCommandNotFound as error:
                raise _no_git(error) from error
        return Result(int(code), bytes(stdout or b""), str(stderr))

    def start(self, *arguments: str) -> Git.AutoInterrupt:
        """Start the command and return it while it runs, to be asked through its pipes.

        It ends when its input does, at the latest with this process. Ctrl-C does not reach it.

        Raises:
            UsageError: there is no git to run.
        """
        library = _load()
        own = {**IDENTITY, "GIT_TERMINAL_PROMPT": "0"}
        with _without_git_variables(own) as prefix:
            try:
                process: Git.AutoInterrupt = library.Git(self.directory).execute(
                    [*prefix, *self._command(library, arguments)],
                    istream=subprocess.PIPE,
                    as_process=True,
                    env=own,
                    shell=False,
                    start_new_session=True,
                )
            except library.GitCommandNotFound as error:
                raise _no_git(error) from error
        return process

    def _command(self, library: ModuleType, arguments: Sequence[str]) -> list[str]:
        executable = str(library.Git.GIT_PYTHON_GIT_EXECUTABLE)
        return [executable, *_OPTIONS, *self._place, *arguments]

    def refusal(self, arguments: Sequence[str], result: Result) -> RepositoryError:
        """Return the error that says which command git refused, and why."""
        said = result.stderr.strip() or "git gave no reason"
        return RepositoryError(
            f"`git {' '.join(arguments)}` failed in {self.directory} with exit code "
            f"{result.exit_code}: {said}\n"
            "Put right what git names, then start again; what was recorded is kept."
        )


def _load() -> ModuleType:
    """Import GitPython at the first command, because the import costs a fifth of a second."""
    try:
        import git  # noqa: PLC0415
    except ImportError as error:
        raise _no_git(error) from error
    return git


def _no_git(error: Exception) -> UsageError:
    return UsageError(
        f"git cannot be run ({error}). Install git, or put it on PATH, and start again."
    )


@contextmanager
def _without_git_variables(own: Mapping[str, str]) -> Iterator[list[str]]:
    """Hide every inherited ``GIT_*`` variable from one command; yields what to put before it.

    GitPython hands its command all of `os.environ` and can only add to it. With GIT_DIR set, as in
    a hook, the command would then speak of another repository. The program `env` takes the
    variables away from the command alone. Only where there is none (Windows) do they leave our own
    environment for the length of the call, one call at a time.
    """
    inherited = [name for name in os.environ if name.startswith("GIT_") and name not in own]
    remover = shutil.which("env") if inherited else None
    if not inherited:
        yield []
    elif remover is not None:
        yield [remover, *(part for name in inherited for part in ("-u", name))]
    else:
        with _environment_lock:
            hidden = {name: os.environ.pop(name, None) for name in inherited}
            try:
                yield []
            finally:
                os.environ.update({k: v for k, v in hidden.items() if v is not None})

"""What CI systems offer, and how they are told: GitHub's commands in the log, links to a job.

Commands: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A longer message is cut by GitHub, perhaps within a character.
_MESSAGE = 4000


@dataclass(frozen=True, slots=True)
class System:
    """The CI system that a session runs on."""

    name: Literal["", "github", "gitlab"] = ""
    #: File that the summary is added to, None where there is none.
    summary: Path | None = None
    #: Where a job's files are found, empty if nobody knows.
    artifacts: str = ""
    #: Nobody who does not see the log's beginning can guess it.
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> System:
        """Recognise the system by the variables that it sets."""
        if environment.get("GITHUB_ACTIONS") == "true":
            parts = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
            server, repository, run = (environment.get(part, "") for part in parts)
            link = f"{server}/{repository}/actions/runs/{run}#artifacts"
            path = environment.get("GITHUB_STEP_SUMMARY")
            known = all((server, repository, run))
            return cls("github", Path(path) if path else None, link if known else "")
        if environment.get("GITLAB_CI") == "true":
            job = environment.get("CI_JOB_URL", "")
            return cls("gitlab", artifacts=f"{job}/artifacts/browse" if job else "")
        return cls()

    def muted(self) -> list[str]:
        """Return what makes GitHub obey nothing that is printed from now on.

        A candidate's diff or a model's words could hold a command, and are printed.
        """
        return [f"::stop-commands::{self.token}"] if self.name == "github" else []

    def unmuted(self) -> list[str]:
        """Return what makes GitHub obey again."""
        return [f"::{self.token}::"] if self.name == "github" else []

    def annotated(self, level: Literal["error", "warning"], message: str) -> list[str]:
        """Return what shows a message beside the job."""
        if self.name != "github":
            return []
        message = message.strip()[:_MESSAGE]
        for character, written in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
            message = message.replace(character, written)
        return [f"::{level} title=pytest-autoloop::{message}"]

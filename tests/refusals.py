"""What every refusal has in common: a clear message, an exit status, and nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.projects import Project, Session

USAGE, RED = 4, 1


def everything(root: Path) -> dict[str, object]:
    """Return all files, links and directories below a directory, git's own records too."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = path.readlink()
        elif path.is_file():
            found[name] = path.read_bytes()
        # pytest-benchmark makes its own directory in every session.
        elif name != ".benchmarks":
            found[name] = None
    return found


def refused(
    project: Project,
    *arguments: str,
    says: tuple[str, ...],
    count: int | str = 1,
    status: int = USAGE,
    proposer: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Session:
    """Run a campaign that cannot start, and check that it leaves the disk as it found it."""
    temporary = project.root.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    candidates = project.ideas("alpha\n", suffix=".txt") if proposer is None else proposer
    before = everything(project.root)
    session = project.pytest(
        f"--autoloop={count}",
        "-pno:cacheprovider",
        *((f"--autoloop-proposer={candidates}",) if candidates else ()),
        *arguments,
        environment={
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        },
        cwd=cwd,
    )
    told = session.output.split("short test summary info")[0]
    assert session.returncode == status, session.output
    for phrase in says:
        assert phrase in told, session.output
    assert told.count(says[0]) == 1, session.output
    assert "Traceback" not in told, session.output
    assert "INTERNALERROR" not in told, session.output
    assert everything(project.root) == before
    assert [path.name for path in temporary.iterdir()] == []
    return session

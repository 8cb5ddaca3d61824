"""One item of a queue: what it makes of the target, and what it started from."""

from __future__ import annotations

from dataclasses import dataclass

#: What a message about a queue without candidates begins with.
NOTHING = "the proposer 'replay' has no candidates"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change of the target, read completely: git or the folder may move on."""

    #: How the user names it: a file, a branch, a commit.
    origin: str
    description: str
    #: The target before and after the change, byte for byte.
    base: bytes = b""
    content: bytes = b""
    #: POSIX paths of the other files that it changes.
    elsewhere: tuple[str, ...] = ()
    #: Why it has no content.
    fault: str = ""
    #: The diff that does not apply to the campaign's first version; it may fit a later one.
    diff: bytes | None = None

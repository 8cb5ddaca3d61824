"""What a campaign's audits found, kept in its header for whoever looks at it later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.history.records import decode_record, encode_record
from pytest_autoloop.model import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.model import Json

_KEY = "audits"


def record_audit(journal: Journal, target: str, commit: str, effect: Effect) -> None:
    """Note what the audit of a target found: the gain of a commit over the first one.

    Raises:
        JournalError: the header cannot be read or written.
    """
    header = journal.read_header() or {}
    known = header.get(_KEY)
    found: dict[str, Json] = {"commit": commit, "effect": encode_record(effect, f"{target}, audit")}
    audits: dict[str, Json] = {**(known if isinstance(known, dict) else {}), target: found}
    journal.write_header({**header, _KEY: audits})


def recorded_audit(header: Mapping[str, Json], target: str, commit: str) -> Effect | None:
    """Return what the audit of a target found; None where this very commit was not audited.

    Raises:
        JournalError: the header holds something else there.
    """
    audits = header.get(_KEY)
    found = audits.get(target) if isinstance(audits, dict) else None
    if not isinstance(found, dict) or found.get("commit") != commit:
        return None
    return decode_record(Effect, found.get("effect"), f"the audit of {target}")

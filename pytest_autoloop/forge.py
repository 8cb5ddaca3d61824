"""Text that goes to a forge: what candidates say has no effect there."""

from __future__ import annotations

import re

from pytest_autoloop import text

#: Signs by which a forge makes a link or notifies somebody, with what follows.
_LINKING = re.compile(r"([@#](?=\w)|:(?=//))")


def plain(line: str) -> str:
    """Return a line for a commit's message: it names nobody, closes nothing and skips no job."""
    shown = text.visible(" ".join(line.split())).replace("[", "(").replace("]", ")")
    shown = re.sub(r"(?i)\bGH-(?=\d)", "GH ", shown)
    return _LINKING.sub(r"\1 ", shown) or "change"


def markdown(line: str) -> str:
    """Escape what Markdown, HTML or a forge would act on: a line may be a candidate's."""
    shown = text.visible(" ".join(line.split()))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = re.sub(r"([\\`*_{}\[\]()|~!])", r"\\\1", shown)
    return re.sub(r"(?i)\b(GH-)(?=\d)", "\\1\u200b", _LINKING.sub("\\1\u200b", shown))

"""The page: a template, a style sheet, a script and the data, in one file that asks for nothing.

Nothing of a campaign is part of its markup. The data is JSON inside of a script element that no
browser runs, and the script sets it as text. The policy of the page names the style sheet and the
script by their hashes, so that nothing else is run, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pytest_autoloop.reporting.html.packing import compressed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.model import Json
    from pytest_autoloop.reporting.html.collecting import Collected

#: By it a report is told from a file that must not be overwritten; near the begin of each.
MARK = '<meta name="generator" content="pytest-autoloop report">'
_STYLES = ("uPlot-1.6.32.min.css", "report.css")
_SCRIPTS = (
    "uPlot-1.6.32.min.js",
    *("elements.js", "rows.js", "chart.js", "marks.js", "pointing.js", "table.js"),
    *("samples.js", "details.js", "campaign.js"),
    "report.js",
)
#: In a JSON string they stand for themselves, and no HTML parser finds a tag or a comment in them.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def page(facts: Mapping[str, Json], collected: Collected, *, nonce: str = "") -> bytes:
    """Return the whole file.

    Args:
        facts: of the campaign, see `collecting.facts`, and how it stands.
        collected: its experiments.
        nonce: of the script beside the page that tells it what is new; empty where there is none.

    """
    style, script = _static(_STYLES), _static(_SCRIPTS)
    allowed = f"{_hash(script)} 'nonce-{nonce}'" if nonce else _hash(script)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    blocks = json.dumps(collected.blocks())
    parts = {
        "mark": MARK,
        "policy": html.escape(policy),
        "title": html.escape(f"{facts.get('tag', '')} · pytest-autoloop"),
        "style": style,
        "facts": inert(json.dumps({**facts, "nonce": nonce}, allow_nan=False)),
        "rows": inert(json.dumps(compressed(f"[{','.join(collected.rows)}]"))),
        "packed": inert(blocks),
        "script": script,
    }
    whole = _static(("report.html",))
    pieces = whole.split("{{")
    # In one pass: what is put in is never looked at for places to put something in.
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += (parts[name], rest)
    return "".join(filled).encode("utf-8")


def inert(data: str) -> str:
    """Return JSON in ASCII that neither ends a script element nor begins a tag or a comment."""
    for character, escape in _ESCAPES.items():
        data = data.replace(character, escape)
    return data


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


@cache
def _static(names: tuple[str, ...]) -> str:
    folder = resources.files("pytest_autoloop.reporting.html") / "static"
    read = [(folder / name).read_text(encoding="utf-8") for name in names]
    return "\n".join(read)

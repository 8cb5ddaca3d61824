"""Writes data/*.jsonl, the same bytes each time: events of an invented shop, a line each."""

import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent
NOON = datetime(2031, 5, 1, 12, tzinfo=timezone.utc)
KINDS = {
    "view": ("page", "referrer"),
    "search": ("words", "results"),
    "basket": ("article", "count"),
    "order": ("articles", "total", "currency"),
    "error": ("message", "where"),
}
WORDS = ("lamp", "chair", "table", "shelf", "carpet", "mirror", "vase", "clock", "frame", "hook")
MESSAGES = (
    "connection to the store timed out after 3000 ms",
    "article is no longer available",
    "session expired, customer was sent to the login page",
)


def value(field, draw):
    """Return an invented value of a field."""
    if field in {"page", "referrer", "where"}:
        return f"/{draw.choice(WORDS)}s/{draw.choice(WORDS)}-{draw.randrange(400)}"
    if field == "words":
        return " ".join(draw.sample(WORDS, draw.randint(1, 3)))
    if field == "articles":
        return [draw.randrange(10_000, 99_999) for _ in range(draw.randint(1, 4))]
    if field == "message":
        return draw.choice(MESSAGES)
    if field == "currency":
        return "EUR"
    return draw.randrange(1, 500)


def events(seed, count, start):
    """Return lines of JSON, in the order of their times."""
    draw = random.Random(seed)
    seconds = start
    lines = []
    for number in range(count):
        seconds += draw.expovariate(0.5)
        kind = draw.choices(list(KINDS), weights=(60, 20, 12, 6, 2))[0]
        event = {
            "time": str(NOON + timedelta(milliseconds=int(1000 * seconds)))[:23],
            "number": start + number,
            "kind": kind,
            "session": f"{draw.randrange(150):08x}",
            "agent": draw.choices(("browser/12.1", "browser/12.0", "app/4.7.2"), (5, 1, 3))[0],
        }
        event |= {field: value(field, draw) for field in KINDS[kind]}
        event["milliseconds"] = round(draw.lognormvariate(3, 0.6), 1)
        lines.append(json.dumps(event, separators=(",", ":")))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (HERE / "data").mkdir(exist_ok=True)
    # The sample is older than what is scored and what is held out, as it would be in real life.
    for name, seed, count, start in (
        ("sample", 1, 120, 1000),
        ("corpus", 2, 420, 90_000),
        ("held_out", 3, 160, 180_000),
    ):
        (HERE / "data" / f"{name}.jsonl").write_text(events(seed, count, start), encoding="utf-8")

"""Writes site/, the same bytes each time: a small invented site, large files also compressed."""

import gzip
import random
from pathlib import Path

SITE = Path(__file__).parent / "site"
WORDS = ("harbour", "lantern", "meadow", "quiet", "river", "stone", "timber", "willow", "winter")


def sentences(seed, count):
    """Return invented sentences."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=9)).capitalize() + "." for _ in range(count)]


def page(title, count):
    """Return a page of so many sentences."""
    body = "\n".join(f"    <p>{sentence}</p>" for sentence in sentences(title, count))
    head = f'  <head><title>{title}</title><link rel="stylesheet" href="style.css"></head>'
    return f"<!doctype html>\n<html>\n{head}\n  <body>\n{body}\n  </body>\n</html>\n"


def files():
    """Return the text of each file by its name."""
    draw = random.Random(7)
    colours = [f".tone-{n} {{ color: #{draw.randrange(2**24):06x}; }}" for n in range(120)]
    lines = [f"  say({number}, {line!r});" for number, line in enumerate(sentences("app", 250))]
    circles = [
        f'<circle cx="{draw.randrange(64)}" cy="{draw.randrange(64)}" r="3"/>' for _ in range(24)
    ]
    return {
        "index.html": page("Harbour", 60),
        "about.html": page("About", 12),
        "404.html": page("Not here", 1),
        "style.css": "\n".join(colours) + "\n",
        "app.js": "function start(say) {\n" + "\n".join(lines) + "\n}\n",
        "logo.svg": f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(circles)}</svg>\n',
    }


if __name__ == "__main__":
    SITE.mkdir(exist_ok=True)
    for name, text in files().items():
        content = text.encode()
        (SITE / name).write_bytes(content)
        if len(content) > 2000:
            (SITE / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))

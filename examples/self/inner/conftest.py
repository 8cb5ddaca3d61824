"""The project that a campaign inside improves: settings, scored by a function of them."""

import random
import re
from pathlib import Path

import landscapes

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
SEED = int((HERE / "seed.txt").read_text())
KNOB = re.compile(r"(\w+) = (\S+)  # autoloop: (?:int|float) (\S+)\.\.(\S+)")


@autoloop.target
def target():
    """Find settings that score better."""
    return "settings.ini"


@autoloop.metric(direction="higher")
def score(target):
    """What the settings come to, 100 at most."""
    landscape = getattr(landscapes, (HERE / "landscape.txt").read_text().strip())
    return landscape(**{found[1]: float(found[2]) for found in KNOB.finditer(target.read_text())})


@autoloop.proposer
def steps():
    """Change one setting a little, in a direction drawn at random."""

    def propose(brief):
        draw = random.Random(f"{SEED} {brief.number}")
        text = brief.source.decode()
        found = draw.choice(list(KNOB.finditer(text)))
        low, high = float(found[3]), float(found[4])
        value = float(found[2]) + draw.choice([-1, 1]) * draw.choice([0.02, 0.1]) * (high - low)
        written = f"{min(high, max(low, value)):.0f}"
        changed = text[: found.start(2)] + written + text[found.end(2) :]
        edit = autoloop.Edit(brief.target.path, changed.encode())
        return autoloop.Proposal(f"{found[1]} {found[2]} -> {written}", (edit,))

    return propose

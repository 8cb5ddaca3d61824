"""The picture itself, as matplotlib draws it and as a browser shows it."""

from __future__ import annotations

import base64
import random
import re
import struct
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.model import TIME, Effect, Experiment
from pytest_autoloop.reporting.chart.draw import CREATOR, Look, draw
from pytest_autoloop.reporting.chart.points import Chart, chart_of
from tests.reporting.html.browser import Browser
from tests.reporting.test_chart_points import header_of
from tests.reporting.test_ending import experiment, gained

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
HEADER = header_of(a=[TIME])
HOSTILE = "</text><script>alert(1)</script> & $\\frac{1}{$ ]]> \x1b[31m\u202e"
FEW = [
    replace(experiment(0, "baseline"), description="baseline"),
    experiment(1, description="cache the pattern", effect=gained(0.3)),
    experiment(2, "discard", "no-gain", effect=gained(-0.05)),
    experiment(3, "discard", "guard"),
    experiment(4, "crash", "no-verdict"),
    experiment(5, "timeout"),
    experiment(6, "discard", "no-gain", effect=gained(-9.0)),
    experiment(7, "explore", effect=gained(-0.1)),
    experiment(8, description=HOSTILE, effect=gained(0.2)),
]


def campaign(count: int) -> list[Experiment]:
    """Return a long campaign."""
    chance = random.Random(7)
    made = [FEW[0]]
    for number in range(1, count + 1):
        kind = chance.random()
        gain = chance.expovariate(10 + number / 10) + 0.01
        if kind < 0.06:
            made.append(
                experiment(number, description="an idea of some length", effect=gained(gain))
            )
        elif kind < 0.4:
            made.append(experiment(number, "crash" if kind < 0.1 else "discard", "guard"))
        else:
            made.append(experiment(number, "discard", "no-gain", effect=gained(-gain)))
    return made


def chart(experiments: list[Experiment], **more: Any) -> Chart:
    """Return the chart of a campaign."""
    return chart_of("nov20", experiments, HEADER, **more)


def texts(picture: bytes) -> list[str]:
    """Return what is written in an SVG."""
    root = ET.fromstring(picture)
    return ["".join(element.itertext()).strip() for element in root.iter(f"{SVG}text")]


def size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG, from its header."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_same_record_gives_the_same_bytes() -> None:
    """Nothing of when and where it was drawn is in them."""
    for kind in ("svg", "png"):
        first = draw(chart(FEW), kind)
        assert first == draw(chart(FEW), kind)
        assert CREATOR.encode() in first[:4096]
        assert b"date" not in first[:4096].lower()


def test_text_is_text_and_hostile_text_nothing_else() -> None:
    """A description is shown as it is, in well-formed XML without a script."""
    picture = draw(chart(FEW), "svg")
    written = texts(picture)
    assert "#1 cache the pattern" in written
    assert any(line.startswith("#8 </text><script>alert(1)</script> &") for line in written)
    assert b"<script" not in picture
    assert b"\x1b" not in picture
    assert "\u202e".encode() not in picture


def test_all_that_became_of_experiments_is_told() -> None:
    """The heading says what was won, the legend how often what happened."""
    written = texts(draw(chart(FEW, audits={"a": gained(0.4)}), "svg"))
    assert "a: 1.49× [1.48, 1.51] over the baseline, audited" in written
    for entry in ("2 kept", "best so far", "audited", "2 discarded", "off the scale", "1 explored"):
        assert entry in written
    assert {"1 not measured", "1 crashed", "1 timed out"} <= {*written}
    assert "8 experiments  ·  campaign nov20  ·  the keeps claimed 1.65× [1.63, 1.67]" in written
    without = texts(draw(chart(FEW), "svg"))
    assert "a: 1.65× [1.63, 1.67] over the baseline" in without
    assert "not audited" in " ".join(without)


@pytest.mark.parametrize(
    ("experiments", "told"),
    [
        (FEW[:1], "a: nothing was tried yet"),
        ([FEW[0], *(experiment(number, "crash") for number in range(1, 9))], "a: nothing was kept"),
        ([FEW[0], FEW[2], FEW[3]], "a: nothing was kept"),
        ([FEW[0], experiment(1, effect=Effect(900.0, -900.0, 900.0))], "e+304× [9.86e-305, "),
    ],
    ids=["baseline alone", "all crashed", "none kept", "beyond all floats"],
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_campaign_without_luck_has_a_picture(
    experiments: list[Experiment], told: str, *, dark: bool
) -> None:
    """So has one with more luck than can be."""
    assert told in " ".join(texts(draw(chart(experiments), "svg", Look(dark=dark))))


def test_a_picture_is_as_large_as_asked_for() -> None:
    """A PNG is twice as sharp; what has no room says how much it needs."""
    png = draw(chart(FEW[:2]), "png", Look(width=500, height=400))
    assert size(png) == (1000, 800)
    others = [replace(one, target=name) for name in "abc" for one in FEW[:2]]
    three = chart_of("t", others, header_of(a=[TIME], b=[TIME], c=[TIME]))
    with pytest.raises(UsageError, match=r"3 targets .* give --height (\d+)") as raised:
        draw(three, "svg", Look(width=500, height=400))
    found = re.search(r"--height (\d+)", str(raised.value))
    assert found is not None
    written = texts(draw(three, "svg", Look(width=500, height=int(found[1]))))
    assert [line[:2] for line in written if line.endswith("] over the baseline")] == [
        "a:",
        "b:",
        "c:",
    ]


def test_letters_that_the_typeface_lacks_are_no_warning() -> None:
    """Warnings are errors here."""
    chinese = replace(FEW[1], description="缓存已编译的模式 🚀")
    assert draw(chart([FEW[0], chinese]), "png").startswith(b"\x89PNG")


def test_nothing_to_draw_is_told() -> None:
    """A campaign whose baseline is still measured."""
    with pytest.raises(UsageError, match="no experiment that could be drawn"):
        draw(chart([]), "svg")


def test_a_missing_library_is_told_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'pytest-autoloop\[plot\]'"):
        draw(chart(FEW), "svg")


def test_a_thousand_experiments_fit_on_a_page(tmp_path: Path) -> None:
    """In a browser, too, no name lies over another one or over a number of the axes."""
    picture = draw(chart(campaign(1000)), "svg")
    assert len(picture) <= 300_000
    browser = Browser(tmp_path)
    try:
        browser.open("data:image/svg+xml;base64," + base64.b64encode(picture).decode())
        boxes = browser.run(
            "[...document.querySelectorAll('text')].map(text => [text.textContent.trim(),"
            " ...['left', 'right', 'top', 'bottom'].map(side =>"
            " text.getBoundingClientRect()[side])])"
        )
    finally:
        browser.close()
    names = [box for box in boxes if re.match(r"#\d+ ", box[0])]
    assert len(names) >= 10
    for name in names:
        _, left, right, top, bottom = name
        over = [
            other[0]
            for other in boxes
            if other is not name
            and left < other[2]
            and other[1] < right
            and top < other[4]
            and other[3] < bottom
        ]
        assert over == [], name

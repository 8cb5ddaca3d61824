"""Draws the progress chart with matplotlib, as SVG or PNG; the same record gives the same bytes."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.chart import headings
from pytest_autoloop.reporting.chart.page import Page, compose
from pytest_autoloop.reporting.chart.themes import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.reporting.chart.points import Chart

#: Written into each picture, so that it is known again as one of ours.
CREATOR = "pytest-autoloop plot"
#: Pixels of the page for each inch of matplotlib's, and pixels of a PNG for each of the page.
_INCH = 96
_SHARPNESS = 2
WIDTH, HEIGHT, _MORE = 1200, 675, 330
#: What a width or a height may be.
SMALLEST, LARGEST = 320, 8000
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": CREATOR,
    "font.size": 10.0,
    "axes.unicode_minus": True,
    # A dollar in a description is no formula.
    "text.parse_math": False,
    "path.simplify": False,
}
_FAMILY = "DejaVu Sans"
_MORE_CHARACTERS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "WenQuanYi Zen Hei"),
    *("Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Noto Emoji", "Segoe UI Emoji"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is drawn; sizes in pixels of the page."""

    width: int = WIDTH
    #: None gives each further panel a height of its own.
    height: int | None = None
    dark: bool = False


def draw(chart: Chart, kind: Literal["svg", "png"], look: Look | None = None) -> bytes:
    """Return a chart as a picture.

    Raises:
        UsageError: matplotlib is not installed, the height is too small, or there is no experiment.
    """
    look = look or Look()
    if not chart.panels:
        raise UsageError(f"campaign {chart.tag} holds no experiment that could be drawn yet")
    with _quiet():
        try:
            import matplotlib as mpl  # noqa: PLC0415 - takes a second, and is an extra
        except ImportError as error:
            raise UsageError(
                "a chart is drawn with matplotlib, which is not installed: "
                "pip install 'pytest-autoloop[plot]'"
            ) from error
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_SETTINGS)  # type: ignore[arg-type]
            if kind == "png":
                mpl.rcParams["font.family"] = _families()
            return _drawn(chart, kind, look)


def _drawn(chart: Chart, kind: Literal["svg", "png"], look: Look) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    theme = DARK if look.dark else LIGHT
    height = look.height or HEIGHT + _MORE * (len(chart.panels) - 1)
    figure = Figure(figsize=(look.width / _INCH, height / _INCH), dpi=_INCH)
    # It measures text, also for an SVG.
    FigureCanvasAgg(figure)
    compose(Page(figure, look.width, height, theme), chart)
    told = {"Title": headings.title(chart), "Description": headings.summary(chart)}
    own = {"Creator": CREATOR, "Date": None} if kind == "svg" else {"Software": CREATOR}
    stream = BytesIO()
    figure.savefig(
        stream,
        format=kind,
        dpi=_INCH * _SHARPNESS if kind == "png" else "figure",
        metadata={**told, **own},
        facecolor=theme.paper,
    )
    return stream.getvalue()


def _families() -> list[str]:
    """Return our typeface, and those that have more characters as far as they are installed.

    An SVG is left to whoever shows it, who has fonts of their own.
    """
    from matplotlib.font_manager import fontManager  # noqa: PLC0415 - takes a second, and an extra

    installed = set(fontManager.get_font_names())
    return [_FAMILY, *(name for name in _MORE_CHARACTERS if name in installed)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what matplotlib has to say to its developers, and of fonts.

    A character that no typeface has becomes a box.
    """
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)

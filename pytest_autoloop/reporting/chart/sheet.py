"""A panel and the axes that it is drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.reporting.chart import headings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

    from pytest_autoloop.reporting.chart.points import Panel, Point
    from pytest_autoloop.reporting.chart.themes import Theme

#: From here on points crowd, and are drawn smaller.
_CROWD = 200
#: So many are drawn one by one in an SVG; of more it holds a picture.
_ONE_BY_ONE = 3000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A panel and where it is drawn."""

    axes: Axes
    panel: Panel
    theme: Theme
    #: Number of the last experiment of the whole campaign.
    last: int
    #: Lowest and highest value that is shown.
    low: float
    high: float

    @property
    def crowded(self) -> bool:
        """Whether there are so many points that each has to be small."""
        return len(self.panel.points) > _CROWD

    @property
    def kept(self) -> list[Point]:
        """The keeps that were measured."""
        return [p for p in self.panel.points if p.status == "keep" and p.value is not None]

    def share(self, value: float) -> float:
        """Return how high a value lies, as a share of the height."""
        scaled = self.axes.transScale.transform((0.0, value))
        return float(self.axes.transLimits.transform(scaled)[1])

    def pixels(self, number: float, value: float) -> tuple[float, float]:
        """Return where on the page a point is."""
        x, y = self.axes.transData.transform((number, value))
        return float(x), float(y)

    def marks(
        self,
        numbers: Sequence[int],
        values: Sequence[float],
        marker: str,
        *,
        size: float,
        colour: str,
        share: bool = False,
        **style: object,
    ) -> Artist:
        """Draw a marker for each number; with `share` values are shares of the panel's height."""
        where: dict[str, Transform] = (
            {"transform": self.axes.get_xaxis_transform()} if share else {}
        )
        style = {"markeredgewidth": 0, "zorder": 2, **where, **style}
        many = len(self.panel.points) > _ONE_BY_ONE
        (artist,) = self.axes.plot(
            numbers,
            values,
            linestyle="",
            marker=marker,
            markersize=size,
            color=colour,
            rasterized=many,
            **style,  # type: ignore[arg-type]
        )
        return artist


def written(value: float, panel: Panel) -> str:
    """Write a value of a panel's axis."""
    if panel.axis.kind == "gain":
        return headings.factor(value)
    return text.value(value, panel.axis.unit)

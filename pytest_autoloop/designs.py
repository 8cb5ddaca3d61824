"""The archive of kept designs that a brief may show in full.

After "Automated Design of Agentic Systems" (Hu, Lu and Clune, 2024, arXiv:2408.08435): whoever is
to invent the next design sees earlier ones whole, with their scores, and not only what became of
them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.model import Design, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.history.chronicle import Chronicle
    from pytest_autoloop.model import Experiment, Metric, Target

#: Keeps that are looked at: the latest, which are the best.
_LATEST = 50
_WORD = re.compile(rb"\w+|[^\w\s]")


@dataclass(slots=True)
class Archive:
    """Chooses the kept designs of a target that a brief shows."""

    #: How many a brief shows at most; none are read where it is 0.
    count: int
    #: Returns the content of a path in a commit.
    read: Callable[[str, str], bytes]
    _known: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def designs(
        self,
        chronicle: Chronicle,
        target: Target,
        source: bytes,
        metrics: tuple[Metric, ...],
    ) -> tuple[Design, ...]:
        """Return up to `count` kept designs other than `source`, the most telling first.

        The baseline is one of them: it is what all others are compared with. See `choose` for the
        order.

        Raises:
            RepositoryError: a design's commit cannot be read.
        """
        if not self.count:
            return ()
        numbers = [
            row.number
            for row in chronicle.rows
            if row.status in {"baseline", "keep"} and row.target in {target.name, ""}
        ]
        experiments = chronicle.lean([*numbers[:1], *numbers[1:][-_LATEST:]])
        contents = [self._content(experiment, target.path) for experiment in experiments]
        return tuple(
            _design(experiments[index], contents[index], metrics)
            for index in choose(contents, source, self.count)
        )

    def _content(self, experiment: Experiment, path: str) -> bytes:
        key = experiment.commit, path
        if key not in self._known:
            self._known[key] = self.read(*key)
        return self._known[key]


def choose(contents: Sequence[bytes], present: bytes, count: int) -> list[int]:
    """Return which contents to show, as indices, the most telling first.

    `contents` are in the order in which they were kept: each was measurably better than those
    before it. One after another the content is taken whose rank in that order (1 for the last, 1/n
    for the first of n) times its distance from the nearest that is shown already, `present`
    included, is largest. The distance is Jaccard's, 1 - |A ∩ B| / |A ∪ B| of the words and signs of
    two contents; what has distance 0 shows nothing new and is never taken.
    """
    words = [_words(content) for content in contents]
    nearest = [_distance(found, _words(present)) for found in words]
    chosen: list[int] = []
    while len(chosen) < count:
        telling = [(index + 1) * distance for index, distance in enumerate(nearest)]
        best = max(telling, default=0.0)
        if best <= 0:
            break
        taken = telling.index(best)
        chosen.append(taken)
        nearest = [
            min(old, _distance(found, words[taken]))
            for old, found in zip(nearest, words, strict=True)
        ]
    return chosen


def _words(content: bytes) -> frozenset[bytes]:
    return frozenset(_WORD.findall(content))


def _distance(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    together = len(one | other)
    return 1 - len(one & other) / together if together else 0.0


def _design(experiment: Experiment, source: bytes, metrics: tuple[Metric, ...]) -> Design:
    return Design(
        number=experiment.number,
        description=experiment.description,
        source=source,
        readings=tuple(Reading(metric, experiment.metrics.get(metric.name)) for metric in metrics),
    )

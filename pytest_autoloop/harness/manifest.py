"""The manifest: what the harness is, fixed once by the baseline.

A campaign's candidates are judged in worktrees of its first commit, so the files of its harness
cannot differ from one session to the next: that commit is their hash. What can is what pytest makes
of them (the command line selects other tests, another version of a package skips some), and files
that git does not carry and that are copied beside them.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.model import TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_autoloop.model import Json, Metric

_LISTED = 5
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Manifest:
    """What every candidate must satisfy, and what scores it."""

    #: Node ids that passed in the baseline: each must pass in every candidate.
    required: frozenset[str]
    #: Node ids of the benchmarks that make the score; empty when metric fixtures do.
    benchmarks: frozenset[str]
    #: What is measured, the metric to improve first; `TIME` stands for the benchmarks.
    metrics: tuple[Metric, ...]
    #: Node ids that no proposer is told of, neither by name nor by what they say.
    hidden: frozenset[str] = frozenset()
    #: SHA-256 of the files that are copied into the worktrees, by POSIX path below the repository.
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def fixtures(self) -> tuple[Metric, ...]:
        """The metrics that a fixture returns."""
        return tuple(metric for metric in self.metrics if metric.name != TIME.name)

    @property
    def digest(self) -> str:
        """SHA-256 over everything in the manifest, to notice that a harness has changed."""
        lines = sorted(self.required) + sorted(self.benchmarks) + [repr(m) for m in self.metrics]
        lines += [f"{path} {self.files[path]}" for path in sorted(self.files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def document(self) -> dict[str, Json]:
        """Return it as plain data, to be compared with a later one by `changed`.

        Of hidden guards only digests are in it: proposers may read the records of a campaign.
        """
        guards = self.required - self.benchmarks
        return {
            "guards": [*_names(guards - self.hidden)],
            "hidden_guards": [*_secrets(guards & self.hidden)],
            "benchmarks": [*_names(self.benchmarks - self.hidden)],
            "hidden_benchmarks": [*_secrets(self.benchmarks & self.hidden)],
            "metrics": [_plain(metric) for metric in self.metrics],
            "files": dict(sorted(self.files.items())),
        }


def changed(before: Json, now: Manifest) -> list[str]:
    """Say what is another harness than the `document` of an earlier one: a phrase each.

    Empty when both are the same. What cannot be read is said to be so.
    """
    if not isinstance(before, dict) or "guards" not in before:
        return ["what it was is not recorded"]
    after = now.document()
    told = [
        phrase
        for key, what in (("guards", "guard"), ("benchmarks", "benchmark"))
        for phrase in _moved(_texts(before.get(key)), _texts(after[key]), what)
    ]
    for what in ("guard", "benchmark"):
        # Only digests of them are known, so they are counted.
        old, new = (set(_texts(one.get(f"hidden_{what}s"))) for one in (before, after))
        told += _counted(len(new - old), f"hidden {what}", "new")
        told += _counted(len(old - new), f"hidden {what}", "gone")
    told += _metrics_changed(before.get("metrics"), after["metrics"])
    files, copied = _mapping(before.get("files")), dict(now.files)
    told += _moved(list(files), list(copied), "copied file")
    both = [path for path in sorted(copied) if path in files and files[path] != copied[path]]
    return told + _counted(len(both), "copied file", "changed", both)


def _plain(metric: Metric) -> dict[str, Json]:
    return {**asdict(metric), "resources": [[*pair] for pair in metric.resources]}


def _metrics_changed(before: Json, after: Json) -> list[str]:
    """Say which metrics are new, gone, different, or in another order."""
    old, new = _by_name(before), _by_name(after)
    told = _moved(list(old), list(new), "metric")
    both = [name for name in new if name in old]
    for name in both:
        # What it says of itself changes no score; what an older version did not note is unknown.
        keys = [key for key in new[name] if key in old[name] and key != "description"]
        told += [
            f"the metric {name}: {key} was {old[name][key]!r}, is {new[name][key]!r}"
            for key in keys
            if old[name][key] != new[name][key]
        ]
    order = [name for name in old if name in new]
    if order != both:
        told.append(f"the order of the metrics was {', '.join(old)}, is {', '.join(new)}")
    return told


def _moved(before: Iterable[str], after: Iterable[str], what: str) -> list[str]:
    new, gone = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    return [*_counted(len(new), what, "new", new), *_counted(len(gone), what, "gone", gone)]


def _counted(count: int, what: str, how: str, names: Iterable[str] = ()) -> list[str]:
    """Return one phrase with a count and the first names, nothing for none."""
    if not count:
        return []
    listed = [*names][:_LISTED]
    more = f" and {count - len(listed)} more" if listed and count > len(listed) else ""
    told = f": {', '.join(listed)}{more}" if listed else ""
    is_or_are = "is" if count == 1 else "are"
    return [f"{count} {what}{'' if count == 1 else 's'} {is_or_are} {how}{told}"]


def _names(nodes: Iterable[str]) -> list[str]:
    return sorted(nodes)


def _secrets(nodes: Iterable[str]) -> list[str]:
    return sorted(hashlib.sha256(node.encode()).hexdigest()[:_DIGITS] for node in nodes)


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _by_name(value: Json) -> dict[str, dict[str, Json]]:
    found = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return {str(one.get("name")): one for one in found}

"""Finds the targets, and refuses a file that cannot be improved."""

from __future__ import annotations

import inspect
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.anchoring import SYMBOLS
from pytest_autoloop.harness.items import fixture_item, visible_parent
from pytest_autoloop.harness.symbols import locate
from pytest_autoloop.model import TIME, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.harness.specifications import TargetSpecification
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Metric

#: Shares are compared up to this much.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Leg:
    """One target's turn in a campaign: the others stand still meanwhile, as they are by then."""

    target: Target
    #: Of the target, absolute, in the user's checkout.
    path: Path
    options: TargetSpecification
    #: What scores it, the metric to improve first.
    metrics: tuple[Metric, ...]
    #: Its part of the campaign's budget; those of all legs sum to 1.
    share: float


def resolve_targets(
    session: pytest.Session,
    registry: Registry,
    metrics: tuple[Metric, ...],
    repository: Repository,
    commit: str = "HEAD",
) -> tuple[Leg, ...]:
    """Evaluate the target fixtures; return the legs in the order in which they are run.

    `metrics` are all that there are, the one to improve first at the front. `commit` is where the
    campaign begins: the symbols have to be there.

    Raises:
        UsageError: there is no target, one returns no path or one that cannot be improved, or
            what the decorators were given does not fit together.
    """
    _some(registry)
    declared = sorted(registry.targets.values(), key=lambda one: one.stage)
    shares = _shares(declared)
    legs = []
    for specification, share in zip(declared, shares, strict=True):
        path, symbol = _evaluated(session, registry, specification)
        target = Target(check_target(repository, path), specification.goal, symbol)
        if symbol:
            locate(repository.read(commit, target.path), symbol, target.path)
        scored = _metrics_of(specification, metrics, registry)
        legs.append(Leg(target, path, specification, scored, share))
    for number, leg in enumerate(legs):
        _refuse_overlap(legs[:number], leg)
    return tuple(legs)


def share_of(experiments: float, legs: Sequence[Leg]) -> list[float]:
    """Divide a number of experiments among legs by largest remainder; infinity is not divided.

    Whole numbers that sum to `experiments`; with few of them a leg may get none.
    """
    if math.isinf(experiments):
        return [experiments] * len(legs)
    exact = [experiments * leg.share for leg in legs]
    # Tiny faults of rounding must not take an experiment from a leg that it is due to.
    parts = [math.floor(part + _ROUNDING) for part in exact]
    order = sorted(range(len(legs)), key=lambda n: (round(parts[n] - exact[n], 9), n))
    for n in order[: int(experiments) - sum(parts)]:
        parts[n] += 1
    return [float(part) for part in parts]


def _some(registry: Registry) -> None:
    if not registry.targets:
        message = (
            "no target: decorate a fixture in conftest.py with @autoloop.target that returns the "
            "path of the file that may change, or name it with --autoloop-target PATH"
        )
        raise UsageError(message)


def _evaluated(
    session: pytest.Session, registry: Registry, specification: TargetSpecification
) -> tuple[Path, str]:
    """Evaluate a target fixture; return the absolute path and the symbol."""
    found: list[object] = []
    parent = visible_parent(session, session.items, registry.home_of(specification.name))
    item = fixture_item(parent, specification.name, found.append)
    try:
        try:
            item.ihook.pytest_runtest_setup(item=item)
            item.runtest()
        finally:
            item.ihook.pytest_runtest_teardown(item=item, nextitem=None)
    except UsageError:
        raise
    except (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception) as error:
        # The user's fixture, and those that it requests, may raise anything.
        message = (
            f"the target fixture {specification.name!r} ({specification.source}) gave no path: "
            f"{_told(error)}. Correct it: it returns the path of the file that may change"
        )
        raise UsageError(message) from error
    assert isinstance(found[0], Path)
    path = Path(os.path.normpath(found[0]))
    if path.exists() and path.resolve() in {file.resolve() for file in judges(session)}:
        message = (
            f"the target {path} is a conftest.py or a test module, so a candidate could rewrite "
            "its own judge: move what may change to a file of its own"
        )
        raise UsageError(message)
    return path, session.config.stash.get(SYMBOLS, {}).get(specification.source, "")


def _metrics_of(
    specification: TargetSpecification, metrics: tuple[Metric, ...], registry: Registry
) -> tuple[Metric, ...]:
    """Return what scores a target: those it names, then those that have a bound to be held.

    A target that is improved later could not begin if an earlier one broke a bound. One that names
    none is scored by those that request its fixture, then by those that request no target's.
    """
    if not specification.metrics:
        asked = {
            metric.name: registry.metrics[metric.name].requests & {*registry.targets}
            for metric in metrics
            if metric.name in registry.metrics
        }
        own = [metric for metric in metrics if specification.name in asked.get(metric.name, ())]
        free = [m for m in metrics if m not in own and (m.bounded or not asked.get(m.name))]
        return (*own, *free) or metrics
    known = {metric.name: metric for metric in metrics}
    unknown = [name for name in specification.metrics if name not in known]
    if unknown:
        what = (
            "there is no test that uses the `benchmark` fixture"
            if unknown[0] == TIME.name
            else f"there is no metric {unknown[0]!r}"
        )
        raise UsageError(
            f"{specification.source}: metrics={list(specification.metrics)!r}: {what}; there is "
            f"{', '.join(known)}"
        )
    named = [known[name] for name in specification.metrics]
    return (*named, *(metric for metric in metrics if metric.bounded and metric not in named))


def _shares(declared: Sequence[TargetSpecification]) -> list[float]:
    """Return the targets' parts of the budget, which sum to 1."""
    given = [one.share for one in declared if one.share is not None]
    rest, others = 1 - math.fsum(given), len(declared) - len(given)
    told = ", ".join(f"{one.source} share={one.share}" for one in declared if one.share is not None)
    if rest < -_ROUNDING:
        message = f"the targets' shares sum to {math.fsum(given):g} ({told}): make it at most 1"
        raise UsageError(message)
    if others and rest <= _ROUNDING:
        without = ", ".join(one.source for one in declared if one.share is None)
        raise UsageError(
            f"the targets' shares ({told}) leave nothing for {without}: lower them, or give it one"
        )
    shares = [rest / others if one.share is None else one.share for one in declared]
    # Without a target that takes the rest, they say how large they are beside each other.
    whole = math.fsum(shares)
    return [share / whole for share in shares]


def _refuse_overlap(earlier: Sequence[Leg], leg: Leg) -> None:
    """Refuse a target that another one holds, unless the narrower one is improved first."""
    for other in earlier:
        if other.target.path != leg.target.path:
            continue
        sources = f"{other.options.source} and {leg.options.source}"
        if other.target.symbol == leg.target.symbol:
            message = f"two targets are {leg.target.name} ({sources}): keep one"
            raise UsageError(message)
        if not other.target.symbol or leg.target.symbol.startswith(f"{other.target.symbol}."):
            raise UsageError(
                f"the target {other.target.name} holds the target {leg.target.name}, which it "
                f"could remove before that one is improved ({sources}): give "
                f"{other.target.name} the later stage (stage={leg.options.stage + 1})"
            )


def _told(error: BaseException) -> str:
    if isinstance(error, pytest.FixtureLookupError):
        return f"there is no fixture {error.argname!r}, which it requests"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def judges(session: pytest.Session) -> set[Path]:
    """Return conftest files and test modules; a module with doctests alone is none."""
    files = {item.path for item in session.items if isinstance(item, pytest.Function)}
    for plugin in session.config.pluginmanager.get_plugins():
        if inspect.ismodule(plugin) and Path(plugin.__file__ or "").name == "conftest.py":
            files.add(Path(plugin.__file__ or ""))
    return files


def harness_files(session: pytest.Session) -> set[Path]:
    """Return all files that judge: tests, conftest files and pytest's configuration."""
    files = {item.path for item in session.items} | judges(session)
    if session.config.inipath is not None:
        files.add(session.config.inipath)
    return files


def inside(repository: Repository, file: Path) -> str | None:
    """Return a file's POSIX path below the repository's root, None when it is outside."""
    resolved = file.resolve()
    if not resolved.is_relative_to(repository.root):
        return None
    return resolved.relative_to(repository.root).as_posix()


def check_target(repository: Repository, path: Path) -> str:
    """Return the target's POSIX path below the repository's root.

    Raises:
        UsageError: outside the repository, missing, a directory, a link, ignored or untracked.
    """
    root = repository.root
    parent = path.parent.resolve()
    place = parent / path.name
    if not place.is_relative_to(root) or place.is_relative_to(root / ".git"):
        raise UsageError(
            f"the target {path} is outside the repository {root}: only a file that "
            "git tracks here can be improved"
        )
    name = place.relative_to(root).as_posix()
    if path.is_symlink():
        raise UsageError(f"the target {name} is a symbolic link: name the file it points to")
    if path.is_dir():
        raise UsageError(f"the target {name} is a directory: name one file in it")
    if not path.exists():
        raise UsageError(
            f"the target {name} does not exist below {root}: correct the path that "
            "the target fixture returns"
        )
    if repository.is_tracked(name):
        return name
    if repository.is_ignored(name):
        raise UsageError(
            f"the target {name} is ignored by git: its history could not be kept; "
            "track it (git add -f) or choose another file"
        )
    raise UsageError(f"the target {name} is not tracked by git: git add and commit it first")

"""Finds what the decorators marked, in conftest files, plugins and test modules.

Uses public hooks only: how pytest stores fixtures changes between its minor releases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.specifications import (
    MetricSpecification,
    ProposerSpecification,
    TargetSpecification,
    specification_of,
)

if TYPE_CHECKING:
    from pytest_autoloop.harness.specifications import Specification

#: A fixture of this name gives inputs for the differential guard; it needs no decorator.
INPUTS = "autoloop_inputs"


class Registry:
    """Collects target and metric specifications while pytest loads plugins and test modules.

    Register it with the plugin manager before collection starts; `pytest_plugin_registered` is
    historic, so everything that was loaded earlier is replayed.
    """

    def __init__(self) -> None:
        self.targets: dict[str, TargetSpecification] = {}
        self.metrics: dict[str, MetricSpecification] = {}
        self.proposers: dict[str, ProposerSpecification] = {}
        self._homes: dict[str, object] = {}
        #: By name what was found on a fixture, before it had a name.
        self._found: dict[str, Specification] = {}
        #: Faults found while scanning, raised once collection is over.
        self.problems: list[str] = []

    def pytest_plugin_registered(self, plugin: object) -> None:
        """Scan a conftest module or plugin."""
        if isinstance(plugin, type(pytest)):
            for name, value in list(vars(plugin).items()):
                self._add(name, value, plugin)
                self._note_inputs(name, plugin)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Module | pytest.Class, name: str, obj: object
    ) -> None:
        """Scan every name of a test module; never makes an item itself."""
        self._note_inputs(name, collector)
        specification = specification_of(obj)
        if specification is None:
            return
        if isinstance(collector, pytest.Class):
            self.problems.append(
                f"{specification.source}: {name!r} is declared in class {collector.name}; "
                "move it to the module or to a conftest.py"
            )
            return
        self._add(name, obj, collector)

    @property
    def has_inputs(self) -> bool:
        """Whether there is a fixture `autoloop_inputs`."""
        return INPUTS in self._homes

    def _note_inputs(self, name: str, home: object) -> None:
        if name == INPUTS:
            self._homes.setdefault(name, home)

    def home_of(self, name: str) -> object:
        """Return the module or collector that declares a fixture; None for an unknown name."""
        return self._homes.get(name)

    def _add(self, attribute: str, value: object, home: object) -> None:
        found = specification_of(value)
        if found is None:
            return
        specification = found.named(attribute) if isinstance(found, MetricSpecification) else found
        name = specification.name
        earlier = self._found.get(name)
        if earlier is not None:
            if not _is_same(earlier, found):
                self.problems.append(
                    f"two fixtures are named {name!r}: {earlier.source} and "
                    f"{specification.source}; rename one (name=...)"
                )
            return
        self._found[name] = found
        if isinstance(specification, TargetSpecification):
            self.targets[name] = specification
        elif isinstance(specification, MetricSpecification):
            self.metrics[name] = specification
        else:
            self.proposers[name] = specification
        self._homes[name] = home

    def check(self) -> None:
        """Refuse what scanning found wrong; call it when all is scanned.

        A measurement then requests the target, where there is exactly one.

        Raises:
            UsageError: two metrics of one name, or a fixture declared inside a class.
        """
        if self.problems:
            raise UsageError("; ".join(self.problems))
        if len(self.targets) == 1:
            for name, found in self.metrics.items():
                if found.measured:
                    self.metrics[name] = replace(found, requests=frozenset(self.targets))


def _is_same(first: Specification, second: Specification) -> bool:
    """Tell whether two finds are one fixture: a file may be loaded twice, under two names.

    A line may hold several measurements, so those are told apart by what they are, not by where.
    """
    if first is second:
        return True
    measured = isinstance(second, MetricSpecification) and second.measured
    return not measured and first.source == second.source

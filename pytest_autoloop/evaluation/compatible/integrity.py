"""The plugin object that watches a session in which the candidate runs."""

from __future__ import annotations

import inspect
import random
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.evaluation.compatible import canaries, fingerprints, timed_canary
from pytest_autoloop.evaluation.compatible.claims import Claims
from pytest_autoloop.evaluation.compatible.current_test import hide_current_test
from pytest_autoloop.evaluation.compatible.finding import Finding
from pytest_autoloop.evaluation.compatible.leftovers import Leftovers
from pytest_autoloop.evaluation.compatible.registrations import Registrations
from pytest_autoloop.evaluation.compatible.settings import Settings
from pytest_autoloop.harness.items import uses_benchmark

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pytest_autoloop.model import Clock

_clock = time.perf_counter
#: Modules in which the child replaces something when a session begins.
_OURS = ("_pytest.runner", "pytest_benchmark.fixture", "pytest_autoloop.evaluation.imports")
#: Canaries of a guard session that must fail.
_FAILING = 2


class Integrity:
    """Notes what the harness is before anything of the project is imported, and looks again.

    Made and registered beside the child's own plugin object; `findings` is asked at the end.
    """

    def __init__(
        self,
        seed: bytes | None = None,
        *,
        measuring: bool = False,
        clock: Clock = "wall",
        hide_current_test: bool = True,
    ) -> None:
        self.hide_current_test = hide_current_test
        #: Seconds that all checks have taken.
        self.seconds = 0.0
        self.claims = Claims(clock)
        self._random = random.Random(secrets.token_bytes(16) if seed is None else seed)  # noqa: S311
        self._measuring = measuring
        self._fingerprints = fingerprints.prepare().copy()
        self._settings = Settings()
        self._leftovers = Leftovers()
        self._registrations: Registrations | None = None
        self._session: pytest.Session | None = None
        self._bodies: dict[pytest.Item, tuple[object, ...]] = {}
        self._items: list[pytest.Item] = []
        self._drawer: canaries.Drawer | None = None
        self._planned: dict[pytest.Item, list[tuple[str, str]]] = {}
        self._due: list[tuple[str, str]] = []
        self._canaries: dict[pytest.Item, canaries.Canary] = {}
        self._found: dict[str, Finding] = {}

    @property
    def claimed(self) -> dict[str, float]:
        """Seconds that each benchmark claims in total, for the parent to compare with its clock."""
        return self.claims.totals()

    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        """Take the plugins' own modules too, which are loaded now; the project's are not.

        pytest loads conftests in its own, last function of this hook, and changes classes for
        compatibility in an early one.
        """
        started = _clock()
        if self.hide_current_test:
            self.hide_current_test = hide_current_test()
        if self._measuring:
            self.claims.watch()
        # What the child itself has replaced until now is meant to be so.
        replaced = self._fingerprints.differences(_OURS if self._fingerprints.settled else None)
        self._fingerprints.take(again=fingerprints.changed(replaced))
        self._registrations = Registrations(early_config.pluginmanager)
        for name, module in self._registrations.modules():
            self._fingerprints.take_module(name, module, judge=True)
        self.seconds += _clock() - started

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the tests as they were collected, and draw where the canaries will stand."""
        started = _clock()
        self._session = session
        self._items = list(session.items)
        self._bodies = {item: _body(item) for item in session.items}
        for module in {m for item in session.items if (m := getattr(item, "module", None))}:
            if inspect.ismodule(module):
                self._fingerprints.take_module(module.__name__, module)
        self._note(self._fingerprints.differences())
        self._draw()
        self.seconds += _clock() - started

    def _draw(self) -> None:
        items = self._items
        if not items:
            return
        self._drawer = canaries.Drawer(self._random, items)
        if self._measuring:
            benchmarks = [item for item in canaries.places(items) if uses_benchmark(item)]
            if benchmarks:
                self._planned[self._random.choice(benchmarks)] = []
            return
        places = canaries.places(items)
        for form in self._drawer.forms(_FAILING):
            place = self._random.choice(places)
            self._planned.setdefault(place, []).append(form)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Let the canaries that are due go first."""
        started = _clock()
        self._due += self._planned.get(item, [])
        drawer = self._drawer
        if drawer is not None and canaries.fits(item):
            if self._measuring and item in self._planned:
                self._note(timed_canary.check(drawer, item, item))
            for body, raises in self._due:
                canary = drawer.canary(item, body, raises)
                self._canaries[canary.item] = canary
                canaries.run(canary, item)
                self._note([f for f in (canary.finding(),) if f is not None])
            self._due = []
        self.seconds += _clock() - started
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note how a canary ended."""
        report = yield
        canary = self._canaries.get(item)
        if canary is not None and call.when == "call" and call.excinfo is not None:
            canary.raised = call.excinfo.typename
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """See that a test is the one that was collected, and what a benchmark is timed with."""
        started = _clock()
        saved = self._bodies.get(item)
        timed = self._measuring and saved is not None and uses_benchmark(item)
        if saved is not None:
            self._note(_exchanged(item, saved))
        if timed:
            self._note(self._timing())
        self.seconds += _clock() - started
        try:
            return (yield)
        finally:
            started = _clock()
            if saved is not None:
                self._note(_exchanged(item, saved))
            if timed:
                self._note(self._timing())
            self.seconds += _clock() - started

    def _timing(self) -> list[Finding]:
        found = self._fingerprints.differences(fingerprints.TIMING)
        return [*found, *self._settings.timing()]

    def _note(self, found: Iterable[Finding]) -> None:
        for finding in found:
            self._found.setdefault(finding.kind, finding)

    def findings(self) -> list[Finding]:
        """Look at everything once more and return all that was found, in the order it was."""
        started = _clock()
        self._note(self._fingerprints.differences(whole=True))
        self._note(self._settings.findings(self._fingerprints.knows))
        session = self._session
        if session is not None:
            self._note(self._tests(session))
            if self._registrations is not None:
                self._note(self._registrations.findings(session.config, self._fingerprints.knows))
            self._note(self.claims.findings(session.config))
        self._note(self._leftovers.findings())
        self.seconds += _clock() - started
        return list(self._found.values())

    def _tests(self, session: pytest.Session) -> list[Finding]:
        found = []
        now: Any = session.items
        if [id(item) for item in now] != [id(item) for item in self._items]:
            found.append(Finding("items", "the list of tests was changed after collection"))
        ended = session.testsfailed or session.shouldstop or session.shouldfail
        if not self._measuring and self._items and not ended:
            silent = len([c for c in self._canaries.values() if not c.outcome])
            if self._due or len(self._canaries) <= _FAILING or silent:
                found.append(Finding("canary:missing", "not every check could be run"))
        return found


def _body(item: pytest.Item) -> tuple[object, ...]:
    """Return what is executed for an item."""
    function = getattr(item, "obj", None)
    function = getattr(function, "__func__", function)
    return type(item), function, getattr(function, "__code__", None)


def _exchanged(item: pytest.Item, saved: tuple[object, ...]) -> list[Finding]:
    now = _body(item)
    replaced = any(a is not b for a, b in zip(now, saved, strict=True))
    if replaced or {"runtest", "setup", "teardown"} & vars(item).keys():
        where = item.nodeid.partition("::")[0]
        return [Finding(f"body:{where}", f"the test {item.nodeid} was replaced after collection")]
    return []

"""A pytest session that takes the harness through all that a campaign does before its first idea.

The doctor runs it as ``pytest --autoloop 0``. A plugin takes the place of the loop: the same
functions open the repository, find the targets, make worktrees and establish the baseline, but no
campaign is begun and nothing is written into the project.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_autoloop import opening
from pytest_autoloop.baseline import establish
from pytest_autoloop.decision.rules import rule_from_spec
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.errors import AutoloopError, BaselineRed, UsageError
from pytest_autoloop.harness.hidden import hidden_nodes
from pytest_autoloop.harness.items import uses_benchmark
from pytest_autoloop.onboarding import expenses, strength
from pytest_autoloop.onboarding.children import PROGRESS, answer, wanted_here
from pytest_autoloop.outlook import Outlook, affordable
from pytest_autoloop.settings import Settings
from pytest_autoloop.targets import resolve_targets
from pytest_autoloop.workplace import set_up

if TYPE_CHECKING:
    from pytest_autoloop.baseline import Baseline
    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.targets import Leg
    from pytest_autoloop.workplace import Places, Workplace

_SESSION, _REGISTRY = "autoloop-session", "autoloop-registry"


class Checkup:
    """Runs the harness and writes down what it saw."""

    _config: pytest.Config
    _settings: Settings

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._wanted = wanted
        #: What is known so far; `problem` is what ended the checkup.
        self._found: dict[str, Any] = {"targets": [], "problem": None}
        #: The standing orders, which every model is told.
        self._directives = ""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the place of the loop, once it has read and checked its settings."""
        self._config, self._settings = config, Settings.from_config(config)
        config.pluginmanager.unregister(name=_SESSION)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Check instead of running tests."""
        try:
            _refuse_errors(session)
            self._check(session)
        except (UsageError, BaselineRed) as error:
            self._found["problem"] = {"kind": type(error).__name__, "text": str(error)}
        except AutoloopError as error:
            self._found["fault"] = str(error)
        answer(self._wanted, self._found)
        return True

    def _check(self, session: pytest.Session) -> None:
        settings, config = self._settings, self._config
        registry = cast("Registry", config.pluginmanager.get_plugin(_REGISTRY))
        benchmarks = sum(map(uses_benchmark, session.items))
        self._found |= {"guards": len(session.items) - benchmarks, "benchmarks": benchmarks}
        repository = opening.open_repository(session)
        metrics = opening.metrics_of(session, registry, settings)
        self._found["metrics"] = [metric.name for metric in metrics]
        legs = resolve_targets(session, registry, metrics, repository)
        results = opening.results_path(repository, config.rootpath, settings.results)
        program = config.rootpath / settings.program
        opening.check_program(config.rootpath, settings.program)
        self._found["program"] = program.is_file()
        if program.is_file():
            self._directives = program.read_text(encoding="utf-8", errors="replace")
        opening.check_clean(session, repository, results, program)
        self._tell("making worktrees")
        with set_up(session, settings, repository, legs, repository.head()) as places:
            self._found["sandbox"] = places.sandbox.told()
            self._found["contained"] = places.sandbox.contained
            self._found["launcher"] = places.launcher.description
            for leg in legs:
                self._found["targets"].append(self._looked_at(session, repository, places, leg))

    def _looked_at(
        self, session: pytest.Session, repository: Repository, places: Places, leg: Leg
    ) -> dict[str, Any]:
        settings, name = self._settings, leg.target.name
        self._tell(f"{name}: running the harness on the untouched file")
        workplace = places.of(leg, repository.head())
        baseline = establish(
            workplace,
            leg.metrics,
            settings.timeout,
            bounds_are_goals=settings.objective == "gated",
            hidden=hidden_nodes(session.items),
        )
        guard_seconds = self._guard_seconds(workplace, baseline)
        found = self._figures(workplace, baseline, guard_seconds)
        self._tell(f"{name}: judging mutants")
        tried = strength.measure(
            workplace,
            baseline.manifest,
            count=int(self._wanted["mutants"]),
            seconds=float(self._wanted["seconds"]),
            guard_seconds=guard_seconds,
            told=lambda line: self._tell(f"{name}: {line}"),
        )
        found["mutants"] = tried.document(workplace.source, workplace.target.path)
        found["proposers"] = [
            asdict(one)
            for one in expenses.of(
                settings, leg.target, workplace.source, leg.metrics, self._directives
            )
        ]
        return found

    @staticmethod
    def _guard_seconds(workplace: Workplace, baseline: Baseline) -> float:
        """Return what guarding a candidate that passes takes, with what follows it."""
        began = time.monotonic()
        workplace.place("candidate", workplace.source)
        report = workplace.evaluator.guard(baseline.manifest.required)
        workplace.pool.reset("candidate")
        if not report.passed:
            raise BaselineRed(
                f"{report.test or 'the harness'} passed on the untouched {workplace.target.path}, "
                f"and failed when it was run once more: {report.message}"
            )
        return time.monotonic() - began

    def _figures(
        self, workplace: Workplace, baseline: Baseline, guard_seconds: float
    ) -> dict[str, Any]:
        settings, manifest = self._settings, baseline.manifest
        rule = affordable(rule_from_spec(settings.rule, settings.min_gain), baseline.pair_seconds)
        policy = Policy(manifest.metrics, rule=rule)
        outlook = Outlook.of(policy, baseline.calibration, baseline.pair_seconds)
        return {
            "target": workplace.target.name,
            "goal": workplace.target.goal,
            "guards": len(manifest.required - manifest.benchmarks),
            "benchmarks": len(manifest.benchmarks),
            "metrics": [metric.name for metric in manifest.metrics],
            "hidden_guards": len(manifest.hidden & manifest.required),
            "assurance": workplace.evaluator.assurance,
            "not_isolated": baseline.not_isolated,
            "weak_inputs": baseline.weak,
            "order_matters": baseline.order_matters,
            "written": sorted(baseline.written),
            "noise": None if outlook.noise is None else outlook.noise.sigma,
            "smallest_gain": outlook.smallest_gain,
            "guard_seconds": guard_seconds,
            "decision_seconds": [outlook.shortest, outlook.longest],
            "baseline_seconds": baseline.seconds,
        }

    def _tell(self, line: str) -> None:
        """Tell the parent how far it is; a line of its own, which pytest does not capture here."""
        writer = self._config.get_terminal_writer()
        writer.line()
        writer.line(f"{PROGRESS}{line}")
        writer.flush()


def _refuse_errors(session: pytest.Session) -> None:
    if session.testsfailed:
        plural = "" if session.testsfailed == 1 else "s"
        raise BaselineRed(
            f"{session.testsfailed} error{plural} during collection: run pytest to see what cannot "
            "be imported"
        )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take part in the session that has loaded this module."""
    pluginmanager.register(Checkup(wanted_here()))

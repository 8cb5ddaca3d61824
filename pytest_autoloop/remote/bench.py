"""Where a worker judges candidates of one site: a clone, its checkouts, a baseline of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.baseline import establish
from pytest_autoloop.comparison import Comparison
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.scratch import scratch_directory
from pytest_autoloop.judging import Judge
from pytest_autoloop.remote.learned import Learned
from pytest_autoloop.remote.sites import unpacked

if TYPE_CHECKING:
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.model import Proposal
    from pytest_autoloop.remote.contract import Supplies
    from pytest_autoloop.remote.hosts import Host, Needs

#: What a worker's directories are called, after what is common to all of ours.
PURPOSE = "worker"


class RefusedError(UsageError):
    """The host cannot offer what the campaign needs."""


class Bench:
    """Judges one candidate at a time; to be closed.

    Raises:
        RefusedError: the host's sandbox lacks a layer, or the harness is not green here.
        AutoloopError: nothing can be set up.
    """

    def __init__(self, supplies: Supplies, host: Host, needs: Needs) -> None:
        site = supplies.site
        self.site = site
        self.host = host.kind
        #: Whether the baseline was established here; else it was learned elsewhere.
        self.anew = False
        self._first = False
        self._judge: Judge | None = None
        self._stack = ExitStack()
        try:
            directory = Path(
                self._stack.enter_context(scratch_directory(PURPOSE, ignore_errors=True))
            )
            self.workplace = self._stack.enter_context(unpacked(site, directory))
            _refuse(needs.without_layers(self.workplace.runner.sandbox.names))
            self.learned = self._learned(supplies)
            if needs.isolated and self.learned.isolation is None:
                _refuse(f"candidates cannot be isolated ({self.learned.baseline.not_isolated})")
        except BaseException:
            self._stack.close()
            raise

    def judge(self, policy: Policy) -> Judge:
        """Return the judge, who goes on learning how noisy this host is."""
        if self._judge is None:
            baseline, evaluator = self.learned.baseline, self.workplace.evaluator
            self._judge = Judge(
                self.workplace,
                baseline,
                policy,
                Comparison(
                    evaluator,
                    baseline.manifest,
                    baseline.calibration,
                    # What is known of the noise was learned on another host of this class.
                    control_first=not self._first,
                ),
                _no_veto,
                allow_imports=self.site.settings.allow_imports,
                simplify=self.site.settings.simplify,
                false_discovery_rate=self.site.settings.fdr,
            )
        self._judge.policy = policy
        return self._judge

    def close(self) -> None:
        """Remove all of it."""
        self._stack.close()

    def _learned(self, supplies: Supplies) -> Learned:
        known = supplies.learned.get(self.host)
        if known is not None:
            known.settle(self.workplace)
            return known
        self.anew = self._first = True
        site = self.site
        baseline = establish(
            self.workplace,
            site.metrics,
            site.settings.timeout,
            bounds_are_goals=site.settings.objective == "gated",
            hidden=site.hidden_nodes,
        )
        return Learned.of(self.workplace, baseline, self.host)


def _no_veto(_: Proposal) -> None:
    """Leave it to the campaign's own process, where the hooks are, before anything is sent."""


def _refuse(why: str) -> None:
    if why:
        raise RefusedError(why)

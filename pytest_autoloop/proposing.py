"""Which proposer a session has: by its specs, by a fixture, or the edit in the working tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.items import fixture_item, visible_parent
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.declared import declared
from pytest_autoloop.proposers.specs import campaign_proposer, proposer_from_spec
from pytest_autoloop.proposers.working_tree import WorkingTreeProposer
from pytest_autoloop.settings import DEFAULT_PROPOSER

if TYPE_CHECKING:
    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.model import Brief, Proposal
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.settings import Settings


class Proposers:
    """Builds the proposer: what needs no fixture at once, so that a fault costs no collection.

    Raises:
        UsageError: a proposer cannot work as configured.
    """

    def __init__(self, config: pytest.Config, settings: Settings, registry: Registry) -> None:
        self._directory = config.invocation_params.dir
        self._settings = settings
        self._registry = registry
        self._built: Proposer | None = None
        specs = (*settings.proposers, settings.model_explore, settings.model_validate)
        fixtures = any(_is_fixture(spec) for spec in specs if spec)
        if not (self._by_default or settings.attempt is not None or fixtures):
            self._built = campaign_proposer(settings, self._directory, self._unknown)

    def resolve(self, session: pytest.Session, keeper: pytest.Item) -> Proposer:
        """Return the proposer, once everything is collected.

        A fixture stays set up until the session's end: `keeper` is an item that needs no more than
        session scope, for pytest to tear down towards.

        Raises:
            UsageError: a fixture is missing or gives no proposer, or no spec names one.
        """
        settings = self._settings
        if settings.attempt is not None:
            return WorkingTreeProposer(settings.attempt, session.config.rootpath)
        if self._built is None:
            default = "fixture" if self._registry.proposers else DEFAULT_PROPOSER
            try:
                self._built = campaign_proposer(
                    settings,
                    self._directory,
                    lambda name: self._declared(session, keeper, name),
                    default,
                )
            except UsageError:
                if not self.left_to_hook(session.config) or default != DEFAULT_PROPOSER:
                    raise
                self._built = Nobody()
        return self._built

    def left_to_hook(self, config: pytest.Config) -> bool:
        """Tell whether a hook proposes and nobody is named: a default that cannot is no fault."""
        return self._by_default and bool(config.hook.pytest_autoloop_propose.get_hookimpls())

    @property
    def _by_default(self) -> bool:
        settings = self._settings
        return not (settings.proposers or settings.model_explore or settings.attempt is not None)

    def close(self) -> None:
        """Close the proposer."""
        if self._built is not None:
            self._built.close()

    def _declared(self, session: pytest.Session, keeper: pytest.Item, name: str) -> Proposer:
        known = self._registry.proposers
        if name not in known and (name or len(known) != 1):
            there = f"there are: {', '.join(known)}" if known else "there is none"
            wanted = f"fixture:{name}" if name else "fixture"
            raise UsageError(
                f"the proposer {wanted!r} asks for a fixture decorated with @autoloop.proposer; "
                f"{there}: declare it in conftest.py, or write fixture:NAME"
            )
        name = name or next(iter(known))
        source = known[name].source
        value = self._value_of(session, keeper, name, source)
        if isinstance(value, str):
            return proposer_from_spec(value, self._settings, self._directory)
        return declared(value, name, source)

    def _value_of(
        self, session: pytest.Session, keeper: pytest.Item, name: str, source: str
    ) -> object:
        found: list[object] = []
        parent = visible_parent(session, session.items, self._registry.home_of(name))
        item = fixture_item(parent, name, found.append)
        try:
            try:
                item.ihook.pytest_runtest_setup(item=item)
                item.runtest()
            finally:
                item.ihook.pytest_runtest_teardown(item=item, nextitem=keeper)
        except (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception) as error:
            # The user's fixture, and those that it requests, may raise anything.
            raise UsageError(
                f"the proposer fixture {name!r} ({source}) failed: {type(error).__name__}: {error}"
            ) from error
        return found[0]

    @staticmethod
    def _unknown(name: str) -> Proposer:
        raise AssertionError(name)  # specs of fixtures are resolved after collection


class Nobody(ProposerBase):
    """Leaves it all to the hook."""

    name = "nobody"

    def propose(self, brief: Brief) -> Proposal | None:  # noqa: ARG002 - it has nothing to say
        """Return None."""
        return None


def _is_fixture(spec: str) -> bool:
    return spec.partition(":")[0] == "fixture"

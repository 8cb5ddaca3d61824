"""Plugins that came after the harness's own, and hook functions that are not their plugins'."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.compatible.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest


class Registrations:
    """Knows the plugins that are there before anything of the project is imported."""

    def __init__(self, manager: pytest.PytestPluginManager) -> None:
        self._manager: Any = manager
        self._plugins = {id(plugin) for plugin in manager.get_plugins()}
        # Kept, so that no other object gets their number.
        self._kept = list(manager.get_plugins())
        self._execute = self._manager._inner_hookexec
        self._relay = self._manager.hook

    def modules(self) -> Iterator[tuple[str, ModuleType]]:
        """Return the modules that are plugins."""
        for plugin in self._kept:
            if isinstance(plugin, ModuleType):
                yield plugin.__name__, plugin

    def findings(self, config: pytest.Config, allowed: Callable[[object], bool]) -> list[Finding]:
        """Return what has been registered since, and what has been exchanged.

        `allowed` knows the harness's own plugins, which register others when they are configured.
        """
        manager: Any = config.pluginmanager
        found = []
        if manager is not self._manager or manager.hook is not self._relay:
            found.append(Finding("replaced:pluginmanager", "pytest's plugin manager was replaced"))
        if manager._inner_hookexec is not self._execute:
            found.append(Finding("replaced:hookexec", "the way pytest calls hooks was replaced"))
        for name, plugin in manager.list_name_plugin():
            if plugin is None or id(plugin) in self._plugins:
                continue
            if not allowed(plugin) and not allowed(type(plugin)):
                shown = _shown(name, plugin, config.rootpath)
                found.append(Finding(f"plugin:{shown}", f"the plugin {shown} was registered"))
        for caller in list(vars(manager.hook).values()):
            found += _foreign(caller)
        return found


def _foreign(caller: Any) -> Iterator[Finding]:  # noqa: ANN401 - pluggy's own
    for implementation in getattr(caller, "get_hookimpls", list)():
        plugin = implementation.plugin
        # A plugin may name the function otherwise than the hook.
        own = {getattr(plugin, caller.name, None)}
        if implementation.function not in own and not getattr(
            getattr(implementation, "opts", implementation), "specname", None
        ):
            kind = f"hook:{caller.name}"
            yield Finding(kind, f"a function of the hook {caller.name} was replaced")


def _shown(name: str, plugin: object, root: Path) -> str:
    """Return a plugin's name without what differs from run to run."""
    if re.fullmatch(r"\d+", name):
        return type(plugin).__qualname__
    path = Path(name)
    if path.is_absolute():
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return name

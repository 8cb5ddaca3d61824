"""The ready files of `conftest_templates/`, which are filled in and written into a project."""

from __future__ import annotations

from importlib.resources import files
from string import Template

_FOLDER = "conftest_templates"


def read(name: str) -> Template:
    """Return a template; what is to be filled in stands in it as ``$name``."""
    resource = files("pytest_autoloop").joinpath(_FOLDER).joinpath(f"{name}.template")
    return Template(resource.read_text(encoding="utf-8"))

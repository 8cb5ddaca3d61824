"""A host may take part when it has what the campaign's own has, and the user reads what differs."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

import pytest_autoloop
from pytest_autoloop.remote.hosts import Needs, layers_of, needs_of, this_host

PACKAGES = {"pytest": "9.0", "numpy": "2.1", "typing-extensions": "4.12", "notebook": "7.0"}
HOST = replace(this_host(), packages=PACKAGES)
#: One of each kind that names three of the four packages, the way its tool spells them.
LOCKS = {
    "uv.lock": """
version = 1
[[package]]
name = "numpy"
version = "2.1"
dependencies = [{ name = "notebook", marker = "extra == 'x'" }]

[[package]]
name = "pytest"
version = "9.0"
wheels = [{ url = "https://example.invalid/pytest-9.0.whl", hash = "sha256:00" }]

[[package]]
name = "typing-extensions"
version = "4.12"
""",
    "poetry.lock": """
[[package]]
name = "numpy"
version = "2.1"
description = ""

[package.dependencies]
notebook = "*"

[[package]]
name = "pytest"
version = "9.0"

[[package]]
name = "typing_extensions"
version = "4.12"
""",
    "pdm.lock": """
[[package]]
name = "numpy"
version = "2.1"
requires_python = ">=3.10"
dependencies = ["notebook"]

[[package]]
name = "pytest"
version = "9.0"

[[package]]
name = "typing-extensions"
version = "4.12"
""",
    "pylock.toml": """
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "2.1"

[[packages]]
name = "pytest"
version = "9.0"

[[packages]]
name = "typing-extensions"
version = "4.12"
""",
    "Pipfile.lock": """
{
    "_meta": {
        "hash": {
            "sha256": "00"
        }
    },
    "default": {
        "numpy": {
            "hashes": [
                "sha256:00"
            ],
            "version": "==2.1"
        },
        "pytest": {
            "index": "pypi",
            "version": "==9.0"
        },
        "typing-extensions": {
            "version": "==4.12"
        }
    }
}
""",
    "requirements.txt": """
# notebook==7.0
numpy==2.1 \\
    --hash=sha256:00
pytest[testing] == 9.0 ; python_version >= "3.10"
Typing.Extensions==4.12
    # via notebook
""",
}


@pytest.mark.parametrize("kind", LOCKS)
def test_what_a_lock_file_names_has_to_be_the_same(kind: str) -> None:
    """And only that: what else is installed may differ."""
    needs = needs_of(HOST, LOCKS[kind].encode(), ())
    assert set(needs.packages) == {"numpy", "pytest", "typing-extensions"}
    assert not needs.refusal(replace(HOST, packages={**PACKAGES, "notebook": "1"}))
    refusal = needs.refusal(replace(HOST, packages={**PACKAGES, "numpy": "1.26"}))
    assert "numpy" in refusal
    assert "1.26" in refusal
    assert "2.1" in refusal


def test_without_a_lock_file_all_that_is_installed_has_to_be_the_same() -> None:
    """Also a package that is missing there is named."""
    needs = needs_of(HOST, None, ())
    assert dict(needs.packages) == PACKAGES
    assert "notebook" in needs.refusal(replace(HOST, packages={"pytest": "9.0"}))
    assert not needs.refusal(HOST)


def test_versions_of_python_and_of_the_plugin_have_to_be_the_same() -> None:
    """The sentence names both: which one is there, and which the campaign has."""
    needs = needs_of(HOST, None, ())
    other = needs.refusal(replace(HOST, python="CPython 3.9.1"))
    assert other == f"Python CPython 3.9.1, the campaign has {HOST.python}"
    plugin = needs.refusal(replace(HOST, plugin="0.0.1 (abc)"))
    assert plugin == f"pytest-autoloop 0.0.1 (abc), the campaign has {HOST.plugin}"


def test_many_packages_are_counted_and_not_all_listed() -> None:
    """A refusal stays one sentence."""
    packages = {f"package-{number:02}": "1" for number in range(40)}
    needs = needs_of(replace(HOST, packages=packages), None, ())
    refusal = needs.refusal(HOST)
    assert "package-00" in refusal
    assert "package-20" not in refusal
    assert "\n" not in refusal


def test_a_sandbox_may_have_more_layers_but_not_fewer() -> None:
    """Their versions are of no account."""
    needs = Needs("", "", {}, layers_of("bwrap+landlock(4)+seccomp"))
    assert not needs.without_layers("bwrap+landlock(7)+seccomp")
    assert needs.without_layers("landlock(7)") == "its sandbox has no bwrap and no seccomp"
    assert needs.without_layers("off") == (
        "its sandbox has no bwrap and no landlock and no seccomp"
    )
    assert not Needs("", "", {}).without_layers("off")


def test_a_host_says_what_this_process_is() -> None:
    """The plugin is known by its version and its source, and not as one of the packages."""
    host = this_host()
    assert host.process == os.getpid()
    assert host.plugin.startswith(f"{pytest_autoloop.__version__} (")
    assert "pytest-autoloop" not in host.packages
    assert host.packages["pytest"] == pytest.__version__

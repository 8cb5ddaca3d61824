"""Templates and examples are the same files, and `init --template` writes them."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import pytest

import pytest_autoloop
from pytest_autoloop.cli import main
from pytest_autoloop.onboarding import domains
from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from tests.projects import Project

TEMPLATES = Path(pytest_autoloop.__file__).parent / "conftest_templates"
#: Examples that show a proposer or a kind of target, and no domain.
WITHOUT = {"ci", "any_language", "fibonacci", "prompt_rules", "block_size", "word_report"}
NAMES = [one.name for one in domains.domains()]


def test_every_example_of_a_domain_has_a_template() -> None:
    """Whoever likes an example can start from it."""
    examples = {path.parent.name for path in EXAMPLES.glob("*/conftest.py")}
    assert examples - WITHOUT == set(NAMES)
    assert {path.name for path in TEMPLATES.iterdir() if path.is_dir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_its_example(name: str) -> None:
    """Filled in with the example's target, each file is the example's, byte by byte."""
    filled = domains.filled(name, domains.domain(name).target)
    assert {"conftest.py", "program.md"} <= set(filled)
    assert any(path.startswith("tests/test_") for path in filled)
    for path, content in filled.items():
        assert content == (EXAMPLES / name / path).read_text(encoding="utf-8"), path
        if path.endswith(".py"):
            ast.parse(content)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_says_what_it_needs(name: str) -> None:
    """Its summary is a line, its target and what it needs are in the example."""
    told = json.loads((TEMPLATES / name / "about.json").read_text(encoding="utf-8"))
    assert set(told) - {"ini"} == {"summary", "target", "needs", "packages"}
    about = domains.domain(name)
    assert 0 < len(about.summary) <= 100
    assert "\n" not in about.summary
    assert not about.summary.endswith(".")
    assert (EXAMPLES / name / about.target).is_file()
    for need in domains.needs_of(about, about.target, EXAMPLES / name).files:
        assert need.present, need.what
        assert need.what.partition(": ")[2], f"{need.what} does not say what belongs into it"


@pytest.mark.parametrize("name", NAMES)
def test_no_file_of_a_template_is_taken_for_a_test(name: str) -> None:
    """Tools that walk the package see neither a conftest.py nor a test."""
    for path in (TEMPLATES / name).rglob("*"):
        assert path.is_dir() or path.suffix in {".template", ".json"}
        if path.suffix == ".template":
            text = path.read_text(encoding="utf-8")
            # Python 3.10 has no Template.get_identifiers.
            found = Template.pattern.finditer(text)
            assert {match["named"] or match["braced"] for match in found} <= {
                "target",
                "module",
                None,
            }


@pytest.mark.parametrize("name", NAMES)
def test_init_writes_it(
    name: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a project that has nothing but a file, with the path of that file filled in."""
    suffix = Path(domains.domain(name).target).suffix
    path = f"src/deep/mine{suffix}"
    project.commit({path: "1\n"})
    monkeypatch.chdir(project.root)

    assert main(["init", "--template", name, "--target", path]) == 0
    assert "what else it needs" in capsys.readouterr().out
    for file in domains.filled(name, path):
        text = (project.root / file).read_text(encoding="utf-8")
        assert "$target" not in text
        if file.endswith(".py"):
            ast.parse(text)
    assert f'return "{path}"' in (project.root / "conftest.py").read_text(encoding="utf-8")

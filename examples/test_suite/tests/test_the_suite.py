"""What must stay true of the suite, however many faults it notices."""

import ast
import re
from pathlib import Path

import pytest

OTHERS = sorted((Path(__file__).parent.parent / "held_out").glob("*.py"))
#: Names by which a test could read the source, or tell by anything but results what it runs on.
FORBIDDEN = re.compile(
    "__import__|breakpoint|compile|delattr|dir|eval|exec|exit|getattr|globals|hash|help|id|"
    "importorskip|input|locals|main|monkeypatch|open|pytestconfig|pytester|quit|request|setattr|"
    "tmp_path|vars"
)


def tree(target):
    return ast.parse(target.read_text(encoding="utf-8"))


def names(target):
    """Return every name and attribute that is written in the suite."""
    for node in ast.walk(tree(target)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")


def test_it_passes_on_the_module(run_suite, module):
    found = run_suite(module)
    assert found["code"] == 0, found["said"]


@pytest.mark.autoloop_hidden
@pytest.mark.parametrize("other", OTHERS, ids=lambda path: path.stem)
def test_it_passes_on_other_implementations_that_are_right(run_suite, other):
    found = run_suite(other)
    assert found["code"] == 0, found["said"]


def test_it_imports_nothing_but_the_module(target, allowed):
    imported = {
        module.partition(".")[0]
        for node in ast.walk(tree(target))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else ["." * node.level + (node.module or "")]
        )
    }
    assert imported <= allowed, f"it imports {sorted(imported - allowed)}"


def test_it_looks_at_behaviour_alone(target):
    used = set(names(target))
    private = {name for name in used if name.startswith("_") and name != "_"}
    assert not private, f"it uses private names: {sorted(private)}"
    forbidden = sorted(filter(FORBIDDEN.fullmatch, used))
    assert not forbidden, f"it uses {forbidden}"


def test_every_test_asserts_something(target):
    for node in tree(target).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            checks = [
                one
                for one in ast.walk(node)
                if isinstance(one, ast.Assert)
                or (isinstance(one, ast.Attribute) and one.attr == "raises")
            ]
            assert checks, f"{node.name} asserts nothing"

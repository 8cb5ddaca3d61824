"""What is learned of a harness before the first experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects import Project


def test_benchmarks_that_need_another_module_get_all_of_them(project: Project) -> None:
    """Only files that score are collected for measuring, unless that is too little."""
    project.commit(
        {
            "double.py": "def double(n):\n    return 2 * n\n",
            "registry.py": "known = []\n",
            "conftest.py": """
                import pytest_autoloop as autoloop

                @autoloop.target
                def target():
                    return "double.py"
            """,
            "test_first.py": """
                import registry
                registry.known.append(3)

                def test_first(): pass
            """,
            "test_second.py": """
                import registry
                from double import double

                def test_second(benchmark):
                    assert benchmark(double, registry.known[0]) == 6
            """,
        }
    )
    session = project.autoloop(0)
    assert session.returncode == 0, session.output
    assert [row["status"] for row in session.journal] == ["baseline"]

"""What of an environment passes to contained code."""

from __future__ import annotations

from pathlib import Path

from pytest_autoloop.evaluation.containment.environment import contained_environment

HOME = Path("home")


def test_only_what_is_known_passes() -> None:
    """A key passes under no name, and what an interpreter needs does."""
    environment = {
        "PATH": "/usr/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OPENAI_API_KEY": "key",
        "MY_COMPANYS_TOKEN": "key",
        "SSH_AUTH_SOCK": "/run/agent",
        "PYTHONSTARTUP": "/home/me/startup.py",
        "PYTEST_AUTOLOOP_BOX": "1",
    }

    assert contained_environment(environment, home=HOME) == {
        "PATH": "/usr/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), "home"),
    }


def test_a_user_adds_names() -> None:
    """A name, or a beginning with an asterisk, passes when it is allowed."""
    environment = {"MODEL": "a", "APP_ONE": "b", "APP_TWO": "c", "APPLE": "d", "TMPDIR": "/big"}
    passed = contained_environment(environment, home=HOME, allow=("MODEL", "APP_*", "TMPDIR"))

    assert {name: passed.get(name) for name in environment} == {
        **environment,
        "APPLE": None,
    }
    assert passed["HOME"] == "home"

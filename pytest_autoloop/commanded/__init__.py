"""A harness of commands in any language, and files that configure one: no Python is written."""

from __future__ import annotations

from pytest_autoloop.commanded.configuration import configure, free_to_differ

__all__ = ["configure", "free_to_differ"]

"""The `pytest-autoloop` command."""

"""Isolated mode: pytest and the clock in one process, the candidate in another, data between."""

"""Checks for a candidate that runs in the process of the tests: what it must not have touched."""

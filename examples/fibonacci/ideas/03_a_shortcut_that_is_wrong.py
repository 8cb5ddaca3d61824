"""Fibonacci numbers, not at all."""


def fib(n):
    """Return 999, fast."""
    return 999

"""Fibonacci numbers, remembered in a dict."""

_known = {0: 0, 1: 1}


def fib(n):
    """Return the n-th Fibonacci number; fib(0) is 0, fib(1) is 1."""
    if n < 0:
        raise ValueError(f"n is {n}: there is no Fibonacci number before the first")
    if n not in _known:
        _known[n] = fib(n - 1) + fib(n - 2)
    return _known[n]

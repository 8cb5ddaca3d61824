"""Fibonacci numbers, the slow way."""


def fib(n):
    """Return the n-th Fibonacci number; fib(0) is 0, fib(1) is 1."""
    if n < 0:
        raise ValueError(f"n is {n}: there is no Fibonacci number before the first")
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)

"""Fibonacci numbers, one after another."""


def fib(n):
    """Return the n-th Fibonacci number; fib(0) is 0, fib(1) is 1."""
    if n < 0:
        raise ValueError(f"n is {n}: there is no Fibonacci number before the first")
    before, number = 1, 0
    for _ in range(n):
        before, number = number, before + number
    return number

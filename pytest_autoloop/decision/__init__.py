"""Whether a candidate is better: pure functions on paired samples.

A *gain* is a log-ratio, positive where the candidate is better, whatever a metric's direction:
0.693 is twice as good, 0.01 about 1%. Nothing here reads a clock, a file or a random number.
"""

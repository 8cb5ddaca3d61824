"""The rule that says which job a machine takes next."""

import math

#: How far ahead the rule looks, in minutes, and how long a job waits for each minute of work.
HORIZON, WAIT = 32, 2


def priority(waiting, now):
    """Return a number for a step that waits: its cost of delay for each minute, turned round.

    Apparent tardiness cost (Vepsalainen and Morton, 1987): short steps first among the jobs that
    are in danger of being late.
    """
    rest = waiting.work_left - waiting.minutes
    slack = waiting.due - now - waiting.minutes - WAIT * rest
    return -math.exp(-max(0, slack) / HORIZON) / waiting.minutes

"""The rule that says which job a machine takes next."""

import itertools

_CALLS = itertools.count()


def priority(waiting, now):
    """Return a number for a step that waits: every third time the shortest step is preferred."""
    return waiting.due if next(_CALLS) % 3 else waiting.due + waiting.minutes

"""The rule that says which job a machine takes next."""


def priority(waiting, now):
    """Return a number for a step that waits: the shortest step is next."""
    return waiting.minutes

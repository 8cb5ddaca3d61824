"""The rule that says which job a machine takes next."""


def priority(waiting, now):
    """Return a number for a step that waits: what has least time to lose is next."""
    return waiting.due - now - waiting.work_left

"""The rule that says which job a machine takes next."""


def priority(waiting, now):
    """Return a number for a step that waits; the machine takes the lowest.

    `waiting` is a `shop.Waiting`, `now` the minute of the day. First come, first served.
    """
    return waiting.queued - now

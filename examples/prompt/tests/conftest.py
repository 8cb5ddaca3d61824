"""Starts the stand-in for a model where AUTOLOOP_PROMPT_MODEL names none: no network is needed.

It runs in the process that was started by hand. Sessions that judge a candidate have no network;
they find its address in their environment, and the first process asks it for them.
"""

import os

VARIABLE = "AUTOLOOP_PROMPT_MODEL"


def pytest_collection_finish(session):
    """Start it when it is known that there are tests to be run."""
    if os.environ.get(VARIABLE):
        return
    from stand_in import start  # noqa: PLC0415 - not needed with a model

    address, stop = start()
    os.environ[VARIABLE] = f"{address}#stand-in"

    def end():
        stop()
        del os.environ[VARIABLE]

    session.config.add_cleanup(end)

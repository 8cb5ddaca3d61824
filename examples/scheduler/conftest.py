"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: the shop in `shop.py`, the days that are scored and held out, and the bound. With
`autoloop_objective = "gated"` in the settings of pytest the worst delay is free as long as it is
within its bound; otherwise it may not become more than 5% worse.
"""

import pytest
from dispatch import priority
from shop import lateness, make_day, simulate

import pytest_autoloop as autoloop

#: Seeds of the days that are scored, and of those that nobody who proposes hears of.
SCORED, HELD_OUT = range(10), range(500, 520)
#: How late the latest job of a day may be, on average over the days, in minutes.
WORST = 350


@autoloop.target
def target():
    """Make jobs less late: `priority(waiting, now)` says which job a machine takes next.

    It sees what `shop.Waiting` tells, remembers nothing from call to call, and must work on days
    that nobody has seen. The latest job of a day must not be sacrificed for the others.
    """
    return "dispatch.py"


def simulated(rule, seeds):
    """Return, for each day, its jobs and what was done."""
    days = [make_day(seed) for seed in seeds]
    return [(jobs, simulate(rule, jobs)) for jobs in days]


def mean_lateness(days):
    """Return by how many minutes a job is late, on average."""
    late = [minutes for day in days for minutes in lateness(*day)]
    return sum(late) / len(late)


@pytest.fixture(scope="session")
def scored_days():
    """Return the days that are scored: jobs, and what was done."""
    return simulated(priority, SCORED)


@pytest.fixture(scope="session")
def held_out_days():
    """Return the days that are held out: jobs, and what was done."""
    return simulated(priority, HELD_OUT)


@pytest.fixture(scope="session")
def late():
    """Return the function from days to the mean lateness of their jobs."""
    return mean_lateness


@autoloop.metric(direction="lower", unit="min")
def tardiness(scored_days):
    """Minutes by which a job is late, on average; a job that is early is not late."""
    return mean_lateness(scored_days)


@autoloop.metric(direction="lower", unit="min", at_most=WORST)
def worst(scored_days):
    """Minutes by which the latest job of a day is late, on average over the days."""
    return sum(max(lateness(*day)) for day in scored_days) / len(scored_days)

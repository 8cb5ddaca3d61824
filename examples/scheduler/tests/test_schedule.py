"""What must stay true of every schedule, however punctual it is."""

import itertools
import math

import pytest
from dispatch import priority
from shop import Waiting

#: Steps that wait, some of them alike.
WAITING = [
    Waiting(minutes, released, released + wait, released + due, minutes + more, steps, ahead)
    for minutes, released, wait, due, more, steps, ahead in itertools.product(
        (2.0, 30.0), (0.0, 400.0), (0.0, 55.5), (3.0, 300.0), (0.0, 80.0), (1, 4), (0.0, 90.0)
    )
]


def test_every_job_is_done(scored_days):
    for jobs, record in scored_days:
        done = sorted((one.job, one.step) for one in record)
        assert done == [(j, s) for j, job in enumerate(jobs) for s in range(len(job.steps))]


def test_steps_follow_each_other_and_take_their_time(scored_days):
    for jobs, record in scored_days:
        ready = {number: job.released for number, job in enumerate(jobs)}
        for one in sorted(record, key=lambda one: (one.job, one.step)):
            assert one.start >= ready[one.job] - 1e-9
            assert one.end - one.start == pytest.approx(jobs[one.job].steps[one.step].minutes)
            assert one.machine == jobs[one.job].steps[one.step].machine
            ready[one.job] = one.end


def test_a_machine_does_one_thing_at_a_time(scored_days):
    for _, record in scored_days:
        steps = sorted(record, key=lambda one: (one.machine, one.start))
        for before, after in itertools.pairwise(steps):
            assert before.machine != after.machine or before.end <= after.start + 1e-9


@pytest.mark.parametrize("now", [0.0, 333.3, 2000.0])
def test_every_step_gets_a_number(now):
    numbers = [priority(waiting, now) for waiting in WAITING]
    assert all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)


def test_the_same_question_has_the_same_answer():
    """However often, and in any order: what remembers earlier calls, or draws, is no rule."""
    first = [priority(waiting, 100.0) for waiting in WAITING]
    for between in range(1, 8):
        for _ in range(between):
            priority(WAITING[0], 100.0)
        backwards = [priority(waiting, 100.0) for waiting in reversed(WAITING)]
        assert backwards[::-1] == first

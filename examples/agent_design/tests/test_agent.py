"""What must stay true of the agent, however many tasks it solves."""

import pytest
from conftest import right


def test_no_task_ends_in_an_error(run):
    assert [solved.error for solved in run if solved.error] == []


def test_the_model_is_asked_for_every_task(run):
    assert [solved.task for solved in run if not solved.calls] == []


def test_the_answers_come_from_the_model(solve, tasks):
    """Beside a model that knows nothing the agent knows nothing: it has no answers of its own."""
    lost = solve(tasks, lambda *_: "I do not know.")
    assert right(lost, tasks) == 0


@pytest.mark.autoloop_hidden
def test_tasks_that_were_never_scored_are_solved_as_well(run, solve, tasks, held_out):
    assert right(solve(held_out), held_out) >= right(run, tasks) - 15

"""A job shop, simulated: jobs arrive, and at each machine a rule says which one comes next."""

import math
import random
from dataclasses import dataclass

import simpy

#: Minutes of work in a job, on average: 4.5 steps of 16.
WORK = 72


@dataclass(frozen=True)
class Step:
    """One operation of a job."""

    machine: int
    minutes: float


@dataclass(frozen=True)
class Job:
    """What is ordered: its steps in their order, when it arrives and when it is due, in minutes."""

    released: float
    due: float
    steps: tuple


@dataclass(frozen=True)
class Waiting:
    """What a rule is told of a step that waits at a machine; times are minutes of the day."""

    #: How long the step takes.
    minutes: float
    #: When the job arrived in the shop, and at this machine.
    released: float
    queued: float
    #: When the job is due.
    due: float
    #: Work that is left, this step included: in minutes, and in steps.
    work_left: float
    steps_left: int
    #: Work that waits where the job goes next, in minutes; 0 after the last step.
    work_ahead: float


@dataclass(frozen=True)
class Done:
    """One step as it was carried out."""

    job: int
    step: int
    machine: int
    start: float
    end: float


def make_day(seed, jobs=100, machines=6, load=0.92):
    """Return the jobs of a day, the same for a seed.

    Jobs visit 3 to 6 machines in any order, arrive at random, and are due after 1.5 to 4 times the
    work that is in them: so that the busiest machines are busy for a share `load` of the time.
    """
    draw = random.Random(seed)
    found, now = [], 0.0
    for _ in range(jobs):
        route = draw.sample(range(machines), draw.randint(3, machines))
        steps = tuple(Step(one, round(draw.uniform(2, 30), 1)) for one in route)
        now += draw.expovariate(load * machines / WORK)
        work = math.fsum(step.minutes for step in steps)
        found.append(Job(round(now, 1), round(now + draw.uniform(1.5, 4) * work, 1), steps))
    return found


class Machine:
    """A machine with the steps that wait for it."""

    def __init__(self, environment):
        self.environment = environment
        self.waiting = []
        self.filled = environment.event()

    def add(self, described, finished):
        """Let a step wait; `finished` gets the time at which it began."""
        self.waiting.append((described, finished))
        if not self.filled.triggered:
            self.filled.succeed()

    def work(self, priority):
        """Carry out what waits, the lowest priority first; of equals, what came first."""
        while True:
            if not self.waiting:
                self.filled = self.environment.event()
                yield self.filled
            now = self.environment.now
            numbers = [priority(described, now) for described, _ in self.waiting]
            described, finished = self.waiting.pop(numbers.index(min(numbers)))
            yield self.environment.timeout(described.minutes)
            finished.succeed(now)

    @property
    def backlog(self):
        """Minutes of work that wait."""
        return math.fsum(described.minutes for described, _ in self.waiting)


def run(environment, machines, number, job, record):
    """Take one job through the shop."""
    yield environment.timeout(job.released)
    for index, step in enumerate(job.steps):
        later = job.steps[index:]
        ahead = machines[later[1].machine].backlog if len(later) > 1 else 0.0
        described = Waiting(
            minutes=step.minutes,
            released=job.released,
            queued=environment.now,
            due=job.due,
            work_left=math.fsum(one.minutes for one in later),
            steps_left=len(later),
            work_ahead=ahead,
        )
        finished = environment.event()
        machines[step.machine].add(described, finished)
        began = yield finished
        record.append(Done(number, index, step.machine, began, environment.now))


def simulate(priority, jobs):
    """Return what was done, with a rule `priority(waiting, now)`: the lowest number is next."""
    environment = simpy.Environment()
    count = 1 + max(step.machine for job in jobs for step in job.steps)
    machines = [Machine(environment) for _ in range(count)]
    for machine in machines:
        environment.process(machine.work(priority))
    record = []
    for number, job in enumerate(jobs):
        environment.process(run(environment, machines, number, job, record))
    environment.run()
    return record


def lateness(jobs, record):
    """Return for each job by how many minutes it was late, 0 where it was not."""
    ends = {done.job: done.end for done in record if done.step == len(jobs[done.job].steps) - 1}
    return [max(0.0, ends[number] - job.due) for number, job in enumerate(jobs)]

"""A model that is trained on a fixed budget: what may change, and how well it predicts.

The budget is a number of predicted characters, counted here, and a number of parameters, not
seconds: the loss is then the same on each machine and at each load, and is compared exactly.

To adapt: the names of the texts, the budget, the bound, the seeds. A metric with a bound has
only to hold it when pytest's ini file says `autoloop_objective = gated`; `autoloop_timeout` there
bounds the seconds. Another kind of data needs another `read` and another `stream`.
"""

import os
import runpy
from pathlib import Path

# Matrices as small as these are not worth a second thread, and sums keep their order with one.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pytest

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: What is learned from, what is scored, and what only a hidden guard sees.
TRAINING, VALIDATION, HELD_OUT = "training.txt", "validation.txt", "held_out.txt"
#: Characters that training may predict, and numbers that it may learn.
BUDGET, PARAMETERS = 40_000, 6_000
#: The longest context that a prediction may see.
LONGEST = 16
#: The loss is the mean over these seeds; a hidden guard has others.
SEEDS = (1, 2, 3)


@autoloop.target
def target():
    """Make the model predict the next character better: fewer bits for each, on text it never saw.

    `train(draw, budget, symbols, seed)` returns a dict of arrays, learned from the batches that
    `draw` hands out until it returns None. `scores(parameters, contexts)` returns a row of scores
    for each row of contexts, from that row alone. Everything in between may change: architecture,
    optimizer, schedule, sizes. All that is drawn at random comes from `seed`.
    """
    return "train.py"


def read(name):
    """Return a text."""
    path = HERE / name
    if not path.is_file():
        pytest.fail(f"{path} is missing: a plain text of 10,000 characters or more")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def texts():
    """Return the texts as arrays of symbols, and how many symbols there are."""
    found = {name: read(name) for name in (TRAINING, VALIDATION, HELD_OUT)}
    place = {symbol: number for number, symbol in enumerate(sorted(set("".join(found.values()))))}
    codes = {name: np.array([place[symbol] for symbol in text]) for name, text in found.items()}
    return codes, len(place)


@pytest.fixture(scope="session")
def stream(texts):
    """Return a function that makes a `draw`, which hands out batches until the budget is spent."""
    text = texts[0][TRAINING]

    def make(seed, budget=BUDGET):
        source, left = np.random.default_rng((seed, 7)), budget

        def draw(count, context):
            nonlocal left
            if not (count > 0 and 0 < context <= LONGEST):
                raise ValueError(f"draw({count}, {context}): a context has 1 to {LONGEST} symbols")
            if left < count:
                return None
            left -= count
            places = source.integers(LONGEST, len(text), count)
            return text[places[:, None] + np.arange(-context, 0)], text[places]

        return draw

    make.budget = BUDGET
    return make


@pytest.fixture
def program(target):
    """Return the names that the target defines; it is loaded afresh, and remembers nothing."""
    return runpy.run_path(str(target))


@pytest.fixture
def trained(program, stream, texts):
    """Return a function that trains with a seed."""
    train, symbols = program["train"], texts[1]
    return lambda seed, budget=BUDGET: train(stream(seed, budget), budget, symbols, seed)


@pytest.fixture
def bits(target, texts):
    """Return a function of parameters: the mean number of bits for each character of a text.

    What is scored in one call are places whose contexts do not overlap: the answer to one does
    not stand in the context of another.
    """

    def measure(parameters, name, scores=None):
        scores = scores or runpy.run_path(str(target))["scores"]
        text, loss = texts[0][name], 0.0
        for start in range(LONGEST, 2 * LONGEST + 1):
            places = np.arange(start, len(text), LONGEST + 1)
            found = np.asarray(scores(parameters, text[places[:, None] + np.arange(-LONGEST, 0)]))
            # Made probabilities here: scores that add up to more are no advantage.
            found = found - found.max(axis=1, keepdims=True)
            found = found - np.log(np.exp(found).sum(axis=1, keepdims=True))
            loss -= found[np.arange(len(places)), text[places]].sum()
        return loss / (len(text) - LONGEST) / np.log(2)

    return measure


@pytest.fixture(scope="session")
def models(target, stream, texts):
    """Return the parameters for each seed that is scored."""
    train = runpy.run_path(str(target))["train"]
    return [train(stream(seed), BUDGET, texts[1], seed) for seed in SEEDS]


@autoloop.metric(direction="lower", unit="bits", min_gain=0.03)
def loss(models, bits):
    """Bits for each character of the validation text, the mean over the seeds."""
    # Rounded, since the order in which a library adds up is not part of the score.
    return round(float(np.mean([bits(parameters, VALIDATION) for parameters in models])), 5)


@autoloop.metric(direction="lower", at_most=PARAMETERS)
def parameters(models):
    """Numbers that are learned: with the budget they bound what training computes."""
    arrays = models[0].values()
    if any(not isinstance(one, np.ndarray) or one.dtype.kind not in "iuf" for one in arrays):
        raise TypeError("train() has to return a dict of arrays of numbers")
    return sum(one.size for one in arrays)

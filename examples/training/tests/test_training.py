"""What must stay true of the training, however low its loss is."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_autoloop.guards import load_baseline

HERE = Path(__file__).parent.parent
#: A budget that is enough to see what training does, and seeds that are not scored.
SOME, OTHER_SEEDS = 3_000, (101, 102)
#: The text that nothing else reads, and the longest context that a prediction may see.
HELD_OUT, LONGEST = "held_out.txt", 16
#: What the loss with other seeds on that text may lose, as a share.
MAY_LOSE = 0.02


class Watch:
    """Notes which files of the project are opened, while it is on."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self._note)

    def _note(self, event, arguments):
        if self.on and event == "open" and isinstance(arguments[0], str | bytes | Path):
            path = Path(str(arguments[0])).resolve()
            if path.is_relative_to(HERE) and path.suffix not in {".py", ".pyc"}:
                self.seen.append(path.name)


@pytest.fixture(scope="session")
def watch():
    """Return what notes opened files; a hook like this cannot be taken back, so there is one."""
    return Watch()


def same(some, others):
    """Tell whether two sets of parameters are equal, number by number."""
    return some.keys() == others.keys() and all(np.array_equal(some[n], others[n]) for n in some)


def test_one_seed_gives_one_model(trained):
    assert same(trained(5, SOME), trained(5, SOME))


def test_each_seed_gives_a_model_of_its_own(program, stream, texts):
    # The batches are the same for both, so that only what the seed decides can differ.
    first, second = (program["train"](stream(5, SOME), SOME, texts[1], seed) for seed in (5, 6))
    assert not same(first, second), "the seed that train() is given makes no difference"


def test_training_reads_no_file(trained, watch):
    watch.seen.clear()
    watch.on = True
    try:
        trained(5, SOME)
    finally:
        watch.on = False
    assert watch.seen == []


def test_a_prediction_depends_on_its_own_context(target, trained, texts):
    parameters = trained(5, SOME)
    text = texts[0][HELD_OUT]
    contexts = np.lib.stride_tricks.sliding_window_view(text[:200], LONGEST).copy()
    together = runpy.run_path(str(target))["scores"](parameters, contexts)
    alone = runpy.run_path(str(target))["scores"]
    assert np.shape(together) == (len(contexts), texts[1])
    assert np.isfinite(together).all()
    for place in (0, 60, len(contexts) - 1):
        one = alone(parameters, contexts[place : place + 1])[0]
        assert np.allclose(together[place], one, rtol=1e-9, atol=1e-9)


@pytest.mark.autoloop_hidden
def test_other_seeds_and_another_text(target, trained, stream, texts, bits):
    original = load_baseline(target)
    now, before = [], []
    for seed in OTHER_SEEDS:
        now.append(bits(trained(seed), HELD_OUT))
        parameters = original.train(stream(seed), stream.budget, texts[1], seed)
        before.append(bits(parameters, HELD_OUT, original.scores))
    assert np.mean(now) <= np.mean(before) * (1 + MAY_LOSE)

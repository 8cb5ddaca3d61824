"""A small language model: which character comes next, from those before it."""

import numpy as np

CONTEXT = 4
EMBEDDING = 8
HIDDEN = 48
BATCH = 64
RATE = 0.3


def initial(symbols, seed):
    """Return the parameters that training begins with."""
    source = np.random.default_rng(42)

    def weights(rows, columns):
        return source.normal(0, rows**-0.5, (rows, columns))

    return {
        "embedding": source.normal(0, 1, (symbols, EMBEDDING)),
        "hidden": weights(CONTEXT * EMBEDDING, HIDDEN),
        "hidden_bias": np.zeros(HIDDEN),
        "output": weights(HIDDEN, symbols) * 0.1,
        "output_bias": np.zeros(symbols),
    }


def forward(parameters, contexts):
    """Return the scores of all symbols, and what the gradients need."""
    last = contexts[:, -CONTEXT:]
    inputs = parameters["embedding"][last].reshape(len(last), -1)
    hidden = np.tanh(inputs @ parameters["hidden"] + parameters["hidden_bias"])
    return hidden @ parameters["output"] + parameters["output_bias"], hidden, inputs, last


def gradients(parameters, contexts, following):
    """Return the gradient of the mean cross entropy, for each parameter."""
    scores, hidden, inputs, last = forward(parameters, contexts)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(following)), following] -= 1
    shares /= len(following)
    back = (shares @ parameters["output"].T) * (1 - hidden**2)
    embedding = np.zeros_like(parameters["embedding"])
    np.add.at(embedding, last, (back @ parameters["hidden"].T).reshape(*last.shape, -1))
    return {
        "embedding": embedding,
        "hidden": inputs.T @ back,
        "hidden_bias": back.sum(axis=0),
        "output": hidden.T @ shares,
        "output_bias": shares.sum(axis=0),
    }


def optimizer(parameters):
    """Return a function that moves the parameters, given their gradients and a rate."""

    def step(found, rate):
        for name, gradient in found.items():
            parameters[name] -= rate * gradient

    return step


def rate_after(share):
    """Return the learning rate when a share of the budget is spent."""
    return RATE if share < 1 else 0.0


def train(draw, budget, symbols, seed):
    """Return the parameters after `budget` characters were predicted.

    `draw(count, context)` returns `count` places of the text: what stands before them, an array of
    `count` x `context`, and what follows, an array of `count`. It is None when the budget is spent.
    """
    parameters = initial(symbols, seed)
    step = optimizer(parameters)
    spent = 0
    while (batch := draw(BATCH, CONTEXT)) is not None:
        step(gradients(parameters, *batch), rate_after(spent / budget))
        spent += BATCH
    return parameters


def scores(parameters, contexts):
    """Return a row of scores for each context: the higher, the likelier the symbol comes next."""
    return forward(parameters, contexts)[0]

"""What is measured and compared: the calls that users make, on inputs in their sizes."""

import random
from itertools import pairwise


def prepare(seed=5, documents=100, words=120):
    """Return documents in which words are as common as in a language: the n-th one in 1/n."""
    chance = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(1, 2001)]
    weights = [1 / number for number in range(1, 2001)]
    return [
        " ".join(chance.choices(vocabulary, weights, k=chance.randrange(words)))
        for _ in range(documents)
    ]


def work(module, prepared):
    """Use the target as its users do; what it returns is alive when blocks are counted."""
    index = module.Index()
    for text in prepared:
        index.add(text)
    index.freeze()
    answers = [len(index.find(f"w{number}")) for number in range(1, 200, 3)]
    answers += [index.phrase(f"w{number} w1 w2") for number in range(1, 40)]
    return index, answers


def held_out():
    """Return inputs that are never measured: of other contents, and above all of other sizes."""
    sizes = [(1, 3), (40, 30), (300, 3), (2, 2000)]
    return [prepare(seed, *size) for seed, size in enumerate(sizes, 100)]


def answers(module, prepared):
    """Return everything that the target can be asked."""
    index = module.Index()
    for text in prepared:
        index.add(text)
    index.freeze()
    words = index.words()
    phrases = [" ".join(pair) for pair in pairwise(words)]
    return [
        index.documents,
        words,
        [index.find(word) for word in [*words, "missing"]],
        [index.phrase(phrase) for phrase in [*phrases, ""]],
    ]

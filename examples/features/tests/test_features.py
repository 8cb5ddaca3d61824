"""What must stay true of the features, however well they score."""

import random

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

from pytest_autoloop.guards import load_baseline

#: The column that names a row.
ID = "id"
#: Rows that are looked at one by one.
SOME = 100
#: What the area under the curve on rows that are held out may lose.
MAY_LOSE = 0.005


@pytest.mark.timeout(20)
def test_a_matrix_of_finite_numbers(matrix, labelled):
    rows, _ = labelled
    found = matrix(rows)
    assert found.shape[0] == len(rows)
    assert np.isfinite(found).all()


def test_the_same_each_time(matrix, labelled):
    rows, _ = labelled
    assert np.array_equal(matrix(rows[:SOME]), matrix(rows[:SOME]))


def test_a_row_depends_on_no_other_row(matrix, labelled):
    rows, _ = labelled
    alone = [matrix([row]) for row in rows[:SOME]]
    assert np.array_equal(matrix(rows)[:SOME], np.vstack(alone))


def test_the_order_of_rows_does_not_matter(matrix, labelled):
    rows, _ = labelled
    order = random.Random(1).sample(range(len(rows)), len(rows))
    assert np.array_equal(matrix([rows[place] for place in order]), matrix(rows)[order])


def test_the_id_does_not_matter(matrix, labelled):
    rows, _ = labelled
    renamed = [{**row, ID: other[ID]} for row, other in zip(rows, reversed(rows), strict=True)]
    assert np.array_equal(matrix(rows), matrix(renamed))


def test_labels_dealt_at_random_cannot_be_told(classifier, matrix, labelled):
    rows, labels = labelled
    dealt = np.random.default_rng(1).permutation(labels)
    scores = cross_val_score(classifier(), matrix(rows), dealt, cv=5, scoring="roc_auc")
    assert abs(scores.mean() - 0.5) < 0.07


@pytest.mark.autoloop_hidden
def test_rows_that_are_held_out(target, classifier, matrix, labelled, held_out):
    def score(features):
        (rows, labels), (others, answers) = labelled, held_out
        fitted = classifier().fit(features(rows), labels)
        return roc_auc_score(answers, fitted.predict_proba(features(others))[:, 1])

    original = load_baseline(target).features
    now, before = score(matrix), score(lambda rows: np.array(original(rows), dtype=float))
    assert now >= before - MAY_LOSE, f"{now:.3f} on rows that are held out, it was {before:.3f}"

"""Features for a classifier: what may change, and how well it tells the two classes apart.

To adapt: the names of the files and of the columns, the fixture `classifier`, and the bounds. A
metric with a bound has only to hold it when pytest's ini file says `autoloop_objective = gated`.
"""

import csv
import os
import runpy
from pathlib import Path

# Matrices as small as these are not worth a second thread, and sums keep their order with one.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: Rows that are scored, and rows that only a hidden guard sees.
LABELLED, HELD_OUT = "labelled.csv", "held_out.csv"
#: The column to predict, 0 or 1, and the one that names a row and must not matter.
LABEL, ID = "label", "id"
#: Most columns that the features may have.
COLUMNS = 32


@autoloop.target
def target():
    """Write better features: `features(rows)` returns a list of numbers for each row.

    A row is a dict of texts, one for each column of the table but the label. A logistic regression
    on standardised columns must tell the two classes apart. The numbers of a row may depend
    on that row alone: not on other rows, their order, or the row's id.
    """
    return "features.py"


def read(name):
    """Return the rows of a table, without the label, and the labels."""
    path = HERE / name
    if not path.is_file():
        pytest.fail(f"{path} is missing: a CSV file with a header, and 0 or 1 in column {LABEL!r}")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return rows, np.array([int(row.pop(LABEL)) for row in rows])


@pytest.fixture(scope="session")
def labelled():
    """Rows and labels to learn from."""
    return read(LABELLED)


@pytest.fixture(scope="session")
def held_out():
    """Rows and labels that are never scored."""
    return read(HELD_OUT)


@pytest.fixture(scope="session")
def classifier():
    """Return a function that makes the classifier, which has to make do with the features."""
    return lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


@pytest.fixture
def matrix(target):
    """Return the function that makes a matrix of rows, from the target as it is now.

    It is loaded afresh, and gets copies: nothing that it remembers or changes reaches another call.
    """
    features = runpy.run_path(str(target))["features"]
    return lambda rows: np.array(features([dict(row) for row in rows]), dtype=float)


@autoloop.metric(direction="higher", min_gain=0.01)
def auc(classifier, matrix, labelled):
    """Area under the ROC curve: the mean over ten folds, which are always the same."""
    rows, labels = labelled
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    scores = cross_val_score(classifier(), matrix(rows), labels, cv=folds, scoring="roc_auc")
    # Rounded, since the order in which a library adds up is not part of the score.
    return round(float(scores.mean()), 6)


@autoloop.metric(direction="lower", at_most=COLUMNS)
def columns(matrix, labelled):
    """Columns of the matrix: a wide one learns the rows by heart."""
    rows, _ = labelled
    return matrix(rows).shape[1]

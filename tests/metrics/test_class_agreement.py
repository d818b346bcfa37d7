"""Cohen's kappa and the confusion of two sets of classes, with numbers from the literature."""

import math

import numpy as np
import pytest

from bccseg.classes import UNCLASSIFIED
from bccseg.metrics.class_agreement import class_agreement, cohens_kappa


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.6765),  # Fleiss, Levin, Paik 2003, table 18.1: 0.68
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304),  # as many agree as in the next, 60 %, but chance would do more
        ([[25, 35], [5, 35]], 0.2593),
        ([[10, 0], [0, 3]], 1.0),
        ([[0, 5], [5, 0]], -1.0),
        ([[9, 3], [3, 1]], 0.0),  # as chance has it
    ],
)
def test_kappa_is_what_is_published(table, kappa):
    assert cohens_kappa(np.array(table)) == pytest.approx(kappa, abs=5e-5)
    assert cohens_kappa(np.array(table).T) == pytest.approx(kappa, abs=5e-5), "it has no direction"


def test_kappa_is_not_defined_where_nothing_could_be_told_apart():
    assert math.isnan(cohens_kappa(np.array([[7, 0], [0, 0]])))
    assert math.isnan(cohens_kappa(np.zeros((2, 2), np.int64)))
    assert math.isnan(cohens_kappa(np.zeros((0, 0), np.int64)))


def test_confusion_has_the_order_asked_for_and_unclassified_cells_beside():
    a = ["red", "red", "red", "white", UNCLASSIFIED, "zebra", UNCLASSIFIED]
    b = ["red", "red", "white", "white", "white", UNCLASSIFIED, UNCLASSIFIED]
    found = class_agreement(a, b, order=("white", "platelet", "red"))
    assert found.names == ("white", "red", "zebra", UNCLASSIFIED)
    assert found.confusion.tolist() == [[1, 0, 0, 0], [1, 2, 0, 0], [0, 0, 0, 1], [1, 0, 0, 1]]
    assert found.classified == 4
    assert found.share == 0.75
    assert found.kappa == pytest.approx(0.5)  # of [[1, 0], [1, 2]]: p_o = 0.75, p_e = (1 * 2 + 3 * 2) / 16
    assert class_agreement(b, a, ("red",)).confusion.sum() == 7


def test_no_cells_and_none_classified():
    none = class_agreement([], [])
    assert (none.names, none.classified) == ((), 0)
    assert math.isnan(none.share)
    unknown = class_agreement([UNCLASSIFIED] * 3, [UNCLASSIFIED] * 3)
    assert unknown.confusion.tolist() == [[3]]
    assert math.isnan(unknown.kappa)

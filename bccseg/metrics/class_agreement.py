"""How much two sets of classes for the same cells agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import UNCLASSIFIED


@dataclass(frozen=True)
class ClassAgreement:
    """Of the classes b with the classes a of N cells that both have."""

    names: tuple[str, ...]  # of the K classes that any of the cells has, UNCLASSIFIED last
    confusion: NDArray[np.int64]  # (K, K): cells of class row in a and of class column in b
    kappa: float  # Cohen's, of the cells that both classify; NaN where it is not defined
    share: float  # of those cells, that have the same class in both, 0 to 1; NaN without any
    classified: int  # number of those cells


def class_agreement(a: Sequence[str], b: Sequence[str], order: Sequence[str] = ()) -> ClassAgreement:
    """Agreement of the classes a and b, (N,) each, of the same N cells; UNCLASSIFIED where nothing is known.

    order: of the names that are known; others follow in the order of the alphabet.
    """
    there = {*a, *b}
    names = [name for name in dict.fromkeys([*order, *sorted(there)]) if name in there and name != UNCLASSIFIED]
    rows = {name: k for k, name in enumerate([*names, *({UNCLASSIFIED} & there)])}
    confusion = np.zeros((len(rows), len(rows)), np.int64)
    for one, other in zip(a, b, strict=True):
        confusion[rows[one], rows[other]] += 1
    known = confusion[: len(names), : len(names)]
    total = int(known.sum())
    share = float(np.trace(known) / total) if total else float("nan")
    return ClassAgreement(tuple(rows), confusion, cohens_kappa(known), share, total)


def cohens_kappa(confusion: NDArray[np.integer]) -> float:
    """Agreement beyond chance from a table (K, K) of counts: 1 is perfect, 0 is chance, below that is worse.

    (p_o - p_e) / (1 - p_e), with p_o the share on the diagonal, and p_e the share expected there from the totals of
    rows and columns (Cohen 1960, doi 10.1177/001316446002000104, eq. 1). NaN without cells, and where both sides have
    all in one class: nothing could have been told apart.
    """
    total = float(confusion.sum())
    if not total:
        return float("nan")
    observed = float(np.trace(confusion)) / total
    expected = float(confusion.sum(axis=1) @ confusion.sum(axis=0)) / total**2
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")

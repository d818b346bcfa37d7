"""The rule of `imaging.cell_head`, learned from the features of marked cells, and what it gets right on others."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bccseg.classes import CellClass
from bccseg.errors import DataError
from bccseg.imaging.cell_features import LOOKS
from bccseg.imaging.cell_head import LEAST_SEEN, CellHead, softmax, standardise
from bccseg.model.weights import CellHeadConfig

LEAST_CELLS = 5  # of a class, below which it is not learned
ENOUGH_CELLS = 20  # below which a class is told to have too few
DECODER_SHARE = 0.3  # weight of a number of the decoder beside one of the look: there are five times as many
STRENGTHS = (0.3, 0.1, 0.03, 0.01)  # of the pull of the weights to zero, that are tried ...
USUAL_STRENGTH = 0.03
MANY_CELLS = 800  # ... unless there are so many cells, where it matters little and takes long
FOLDS = 5
EXPECTATIONS = 50
MOST_STEPS, TOLERANCE = 50, 1e-3
LARGEST_SHIFT = 20.0  # of what is expected of a class, from equal shares


@dataclass(frozen=True, eq=False)
class FieldCells:
    """All cells of some fields."""

    features: NDArray[np.float32]  # (N, F)
    names: list[str]  # (N,): class, "" for cells that are not marked
    field: NDArray[np.intp]  # (N,): number of the field
    told: NDArray[np.int16]  # (N,): class by the network's own maps, a row of `told_names`; -1 without one
    told_names: tuple[str, ...]


@dataclass(frozen=True)
class LearnedHead:
    """A head, and what is known of it."""

    head: CellHead
    about: CellHeadConfig


def learn_cell_head(cells: FieldCells, classes: Iterable[CellClass]) -> LearnedHead:
    """Learn the classes of which there are LEAST_CELLS, in the order of `classes`.

    Logistic regression with every class as heavy as the others; then how often each is to be expected is taken from all
    cells of the fields (Saerens et al. 2002, doi 10.1162/089976602753284446), so that rare ones are not found
    everywhere. What is said of its accuracy is from cells that were held out. Raises DataError for fewer than two
    classes.
    """
    counts = Counter(name for name in cells.names if name)
    chosen = [one for one in classes if not one.small and one.counted and counts[one.name] >= LEAST_CELLS]
    if len(chosen) < 2:
        raise DataError(
            f"There must be at least two classes with {LEAST_CELLS} marked cells each; {ENOUGH_CELLS} are better. "
            "Mark more cells first."
        )
    row = {one.name: k for k, one in enumerate(chosen)}
    marked = np.array([k for k, name in enumerate(cells.names) if name in row], np.intp)
    target = np.array([row[cells.names[k]] for k in marked], np.intp)
    mean = cells.features[marked].mean(axis=0)
    scale = cells.features[marked].std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1).astype(np.float32)
    part = np.ones(len(mean))
    part[LOOKS:] = DECODER_SHARE

    x = standardise(cells.features, mean, scale) * part
    _, _, basis = np.linalg.svd(x[marked], full_matrices=False)  # the marked cells differ in these directions only ...
    z = x[marked] @ basis.T  # ... so that a rule in them is the same, and learned faster
    folds = _folds_by_cell(target)
    strength, outside = _choose_strength(z, target, folds, len(chosen))
    weight = fit_rule(z, target, len(chosen), strength)
    groups = cells.field[marked]
    by_image = _folds_by_image(groups, target)
    if by_image is not None:
        outside = _held_out(z, target, by_image, len(chosen), (strength,))[0]

    seen = np.array([(cells.told[marked] == k).mean() for k in range(len(cells.told_names))], np.float32)
    all_cells = tell(weight, x @ basis.T)
    all_cells[marked] = outside
    expected = _expected_shares(all_cells, marked, target, ~_stays(cells, seen, set(row)))
    shift = np.clip(np.log(len(chosen) * expected), -np.log(LARGEST_SHIFT), np.log(LARGEST_SHIFT))
    confusion = np.zeros((len(chosen), len(chosen)), int)
    np.add.at(confusion, (target, (np.log(outside + 1e-12) + shift).argmax(axis=1)), 1)
    head = CellHead(
        tuple(row), mean.astype(np.float32), scale, (weight[:, :-1] @ basis * part).astype(np.float32),
        (weight[:, -1] + shift).astype(np.float32), seen,
    )  # fmt: skip
    about = CellHeadConfig(
        classes=tuple(chosen), cells={one.name: counts[one.name] for one in chosen}, images=len(set(groups.tolist())),
        confusion=tuple(map(tuple, confusion.tolist())),
        expected=dict(zip(row, np.round(expected, 4).tolist(), strict=True)),
        held_out="cells" if by_image is None else "images",
    )  # fmt: skip
    return LearnedHead(head, about)


def fit_rule(z: NDArray, target: NDArray, classes: int, strength: float, start: NDArray | None = None) -> NDArray:
    """Weights, and in the last column biases, (K, R + 1), of cells (N, R) of the classes `target` (N,), 0 to K - 1.

    Every class is as heavy as the others. strength: of the pull of the weights to zero.
    """
    n, r = z.shape
    share = 1 / (classes * np.bincount(target, minlength=classes)[target])
    is_class = np.eye(classes)[target]

    def told(values: NDArray) -> tuple[NDArray, NDArray]:
        weight = values.reshape(classes, r + 1)
        return weight[:, :r], softmax(z @ weight[:, :r].T + weight[:, r])

    def joined(per_cell: NDArray, pull: NDArray) -> NDArray:
        return np.column_stack([per_cell.T @ z + strength * pull, per_cell.sum(axis=0)]).ravel()

    def loss(values: NDArray) -> tuple[float, NDArray]:
        weight, p = told(values)
        value = -share @ np.log(np.maximum(p[np.arange(n), target], 1e-30)) + strength / 2 * (weight**2).sum()
        return value, joined((p - is_class) * share[:, None], weight)

    def curvature(values: NDArray, step: NDArray) -> NDArray:
        _, p = told(values)
        way = step.reshape(classes, r + 1)
        moved = z @ way[:, :r].T + way[:, r]
        return joined(p * (moved - (p * moved).sum(axis=1, keepdims=True)) * share[:, None], way[:, :r])

    # Convex and smooth, so that a few steps are enough; L-BFGS takes ten times as long where other programs work too.
    begin = np.zeros(classes * (r + 1)) if start is None else start.ravel()
    options = {"maxiter": MOST_STEPS, "xtol": TOLERANCE}
    found = minimize(loss, begin, jac=True, hessp=curvature, method="Newton-CG", options=options)
    return found.x.reshape(classes, r + 1)


def tell(weight: NDArray, z: NDArray) -> NDArray[np.float64]:
    """Probabilities (N, K) of cells (N, R)."""
    return softmax(z @ weight[:, :-1].T + weight[:, -1])


def _held_out(
    z: NDArray, target: NDArray, folds: NDArray, classes: int, strengths: tuple[float, ...]
) -> NDArray[np.float64]:
    """Probabilities (S, N, K) of each cell by rules that were learned without its fold, for each of S strengths."""
    out = np.zeros((len(strengths), len(z), classes))
    for fold in np.unique(folds):
        test, weight = folds == fold, None
        for k, strength in enumerate(strengths):
            weight = fit_rule(z[~test], target[~test], classes, strength, weight)
            out[k, test] = tell(weight, z[test])
    return out


def _choose_strength(z: NDArray, target: NDArray, folds: NDArray, classes: int) -> tuple[float, NDArray[np.float64]]:
    """The strength that tells held out cells best, and their probabilities (N, K) by it."""
    strengths = STRENGTHS if len(z) <= MANY_CELLS else (USUAL_STRENGTH,)
    found = _held_out(z, target, folds, classes, strengths)
    share = 1 / np.bincount(target, minlength=classes)[target]
    loss = [float(-share @ np.log(np.maximum(p[np.arange(len(z)), target], 1e-6))) for p in found]
    best = int(np.argmin(loss))
    return strengths[best], found[best]


def _folds_by_cell(target: NDArray) -> NDArray[np.intp]:
    """Fold of each cell, (N,): every class in every fold, as far as may be."""
    folds, random = np.zeros(len(target), np.intp), np.random.default_rng(0)
    for k in np.unique(target):
        own = np.flatnonzero(target == k)
        folds[random.permutation(own)] = np.arange(len(own)) % FOLDS
    return folds


def _folds_by_image(field: NDArray, target: NDArray) -> NDArray[np.intp] | None:
    """Fold of each cell, (N,), with the cells of an image in one; None where some class would not be learned then."""
    images, which = np.unique(field, return_inverse=True)
    if len(images) < 3:
        return None
    order = np.random.default_rng(0).permutation(len(images))
    folds = order[which] % FOLDS
    for fold in np.unique(folds):
        left = np.bincount(target[folds != fold], minlength=target.max() + 1)
        if left.min() < LEAST_CELLS:
            return None
    return folds


def _stays(cells: FieldCells, seen: NDArray, names: set[str]) -> NDArray[np.bool_]:
    """Cells (N,) that keep the class that the network told; see `CellHead.classify`."""
    if not len(seen):
        return np.zeros(len(cells.told), bool)
    kept = np.array([seen[k] < LEAST_SEEN and name not in names for k, name in enumerate(cells.told_names)])
    return (cells.told >= 0) & kept[cells.told]


def _expected_shares(p: NDArray, marked: NDArray, target: NDArray, ours: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each class (K,) in the fields: marked cells as they are, the others by expectation and maximisation.

    p: (N, K), of all cells, by a rule that expects all classes equally often. ours: (N,), cells that have one of them.
    """
    free = ours.copy()
    free[marked] = False
    fixed = np.bincount(target, minlength=p.shape[1]) + 1.0
    share = np.full(p.shape[1], 1 / p.shape[1])
    for _ in range(EXPECTATIONS):
        likely = p[free] * share
        share = fixed + (likely / np.maximum(likely.sum(axis=1, keepdims=True), 1e-12)).sum(axis=0)
        share /= share.sum()
    return share

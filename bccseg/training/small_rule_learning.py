"""The rule of `imaging.small_rule`, learned from boxes of small cells: which candidates fit one, and which fit none."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.errors import DataError
from bccseg.imaging.normalise import white_level
from bccseg.imaging.resize import resize
from bccseg.imaging.small_cells import COVERED, LEAST_CANDIDATE, find_small_cells
from bccseg.imaging.small_rule import LIMIT, SmallRule, small_looks
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.metrics.boxes import label_boxes, match_boxes, off_border
from bccseg.training.cell_head_learning import fit_rule, tell

STRENGTH = 0.005  # of the pull of the weights to zero
FOLDS = 8
LEAST_CANDIDATES = 50  # of small cells, and of others


@dataclass(frozen=True, eq=False)
class SmallCandidates:
    """What might be a small cell, in some images."""

    looks: NDArray[np.float32]  # (K, F), see `small_looks`
    true: NDArray[np.bool_]  # (K,): fits a box
    image: NDArray[np.intp]  # (K,): number of the image
    cut: NDArray[np.bool_]  # (K,): by the border of the image
    missed: int  # boxes off the border that no candidate fits

    def scores(self, told: NDArray[np.floating], threshold: float) -> tuple[float, float, float]:
        """F1, precision and recall if those are taken that `told` (K,) says are above a threshold."""
        taken = told > threshold
        right, wrong = int((taken & self.true).sum()), int((taken & ~self.true & ~self.cut).sum())
        left_out = self.missed + int((~taken & self.true & ~self.cut).sum())
        return (
            2 * right / max(1, 2 * right + wrong + left_out), right / max(1, right + wrong),
            right / max(1, right + left_out),
        )  # fmt: skip


def find_candidates(
    predictor: Predictor, images: Iterable[tuple[NDArray[np.uint8], NDArray[np.floating]]]
) -> SmallCandidates:
    """The candidates of images uint8 (H, W, 3), each with the boxes (N, 4) of all its small cells: x0, y0, x1, y1, px.

    What `segment` would leave out as a part of another cell is none.
    """
    config = predictor.config.replace(small_rule=None)
    looks, true, image_of, cut, missed = [], [], [], [], 0
    for number, (image, boxes) in enumerate(images):
        found = segment(image, predictor, SegmentSettings(small_threshold=0.99))
        factor, white = config.diameter_px / found.diameter_px, white_level(image)
        view = resize(image, factor)
        maps = predictor(view, white)
        if maps.classes is None:
            raise DataError("These weights tell no classes.")
        pieces, kinds = find_small_cells(
            maps.classes, config.classes, image.shape[:2], found.diameter_px, LEAST_CANDIDATE
        )  # fmt: skip
        seen = small_looks(pieces, found.labels, kinds.score, view, white, maps, config.diameter_px)
        size = np.maximum(np.bincount(pieces.ravel(), minlength=len(kinds) + 1), 1)
        free = np.where(found.labels > 0, 0, pieces)
        beside = np.bincount(free.ravel(), minlength=len(kinds) + 1) > (1 - COVERED) * size
        ids, own = label_boxes(np.where(beside[free], free, 0))
        fits, hit = match_boxes(own, boxes) if len(own) and len(boxes) else ((), ())
        fit = np.zeros(len(ids), bool)
        fit[list(fits)] = True
        missed += int((off_border(boxes, image.shape) & ~np.isin(np.arange(len(boxes)), hit)).sum())
        looks.append(seen[ids - 1])
        true.append(fit)
        image_of.append(np.full(len(ids), number))
        cut.append(~off_border(own, image.shape))
    return SmallCandidates(*(np.concatenate(p) for p in (looks, true, image_of, cut)), missed)


def learn_small_rule(found: SmallCandidates, learned_from: str = "") -> tuple[SmallRule, NDArray[np.float64]]:
    """The rule, and what rules that have not seen its image say of each candidate, (K,), 0 to 1. Raises DataError."""
    if min(found.true.sum(), (~found.true).sum()) < LEAST_CANDIDATES:
        raise DataError(f"{LEAST_CANDIDATES} small cells and as many things that are none are needed.")
    mean, scale = found.looks.mean(axis=0), np.maximum(found.looks.std(axis=0), 1e-6)
    x = np.clip((found.looks - mean) / scale, -LIMIT, LIMIT).astype(np.float64)
    target, held_out = found.true.astype(np.intp), np.zeros(len(x))
    folds = np.random.default_rng(0).permutation(found.image.max() + 1)[found.image] % FOLDS
    for fold in np.unique(folds):
        rule = fit_rule(x[folds != fold], target[folds != fold], 2, STRENGTH)
        held_out[folds == fold] = tell(rule, x[folds == fold])[:, 1]
    weight = fit_rule(x, target, 2, STRENGTH)
    difference = weight[1] - weight[0]
    expected = np.log(target.mean() / (1 - target.mean()))  # `fit_rule` takes both for equally frequent
    held_out = 1 / (1 + np.exp(-(np.log(held_out / (1 - held_out)) + expected)))
    mean, scale, weight = (
        tuple(round(float(v), 5) for v in values) for values in (found.looks.mean(axis=0), scale, difference[:-1])
    )
    bias = round(float(difference[-1] + expected), 5)
    return SmallRule(mean=mean, scale=scale, weight=weight, bias=bias, learned_from=learned_from), held_out

"""How well predicted cells match true ones. numpy and scipy only.

Rules: a predicted cell matches a true one at IoU >= 0.5 (unless asked otherwise), one to one. A cell of either side
that touches the image border counts neither as missed nor as false, because annotators disagree there.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.config import MIN_TRUE_AREA_PX
from bccseg.imaging.label_image import Labels, Mask, border_ids, label_mask

IOU_THRESHOLD = 0.5


@dataclass(frozen=True)
class ImageScore:
    """Counts of one image at one IoU threshold; `summarise_scores` makes metrics of them."""

    tp: int  # true positives: predicted cells that match a true one
    fp: int  # false positives: predicted cells off the border without a partner
    fn: int  # false negatives: true cells off the border without a partner
    true_inside: int  # cells off the border
    predicted_inside: int
    pixels: tuple[int, int, int] = (0, 0, 0)  # cell pixels of both sides, of the prediction, of the truth
    dice: float = 0.0
    dice_inner: float = 0.0  # without the pieces of either side that touch the border
    iou_sum: float = 0.0  # of the matched pairs
    boundary_px: list[float] = field(default_factory=list)  # outline distance of each matched pair


def overlaps(truth: Labels, predicted: Labels) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Every pair of a true and a predicted cell that share pixels: their ids and their IoU, three arrays (K,)."""
    m = int(predicted.max(initial=0)) + 1
    keys, shared = np.unique(truth.ravel().astype(np.int64) * m + predicted.ravel(), return_counts=True)
    t, p = keys // m, keys % m
    union = np.bincount(truth.ravel())[t] + np.bincount(predicted.ravel())[p] - shared
    cells = (t > 0) & (p > 0)
    return t[cells], p[cells], (shared / union)[cells]


def match(truth: Labels, predicted: Labels, iou_threshold: float = IOU_THRESHOLD) -> list[tuple[int, int, float]]:
    """Pairs (true id, predicted id, IoU) of at least `iou_threshold` (0.5 and up), best first, each cell once.

    Below 0.5 a cell may have several partners; the best one is taken first (greedy).
    """
    true_ids, ids, iou = overlaps(truth, predicted)
    seen_true: set[int] = set()
    seen_predicted: set[int] = set()
    pairs = []
    for k in np.argsort(-iou, kind="stable"):
        t, p = int(true_ids[k]), int(ids[k])
        if iou[k] < iou_threshold:
            break
        if t not in seen_true and p not in seen_predicted:  # at 0.5 only exact ties can meet twice
            seen_true.add(t)
            seen_predicted.add(p)
            pairs.append((t, p, float(iou[k])))
    return pairs


def outline_distance(a: Mask, b: Mask) -> float:
    """Mean distance in px between the outlines of two masks, both ways."""
    edge_a, edge_b = a & ~ndi.binary_erosion(a), b & ~ndi.binary_erosion(b)
    to_a, to_b = ndi.distance_transform_edt(~edge_a), ndi.distance_transform_edt(~edge_b)
    return float(to_b[edge_a].mean() + to_a[edge_b].mean()) / 2


def dice(a: Mask, b: Mask) -> float:
    """2 |a and b| / (|a| + |b|); 0 if both are empty."""
    return 2 * int((a & b).sum()) / max(1, int(a.sum()) + int(b.sum()))


def score_mask(predicted: Labels, mask: Mask, iou_threshold: float = IOU_THRESHOLD) -> ImageScore:
    """Score labels (H, W) against a binary mask (H, W), whose 4-connected pieces are the true cells."""
    marked, truth = label_mask(mask), label_mask(mask, MIN_TRUE_AREA_PX)
    return _score(predicted, truth, mask, np.isin(marked, border_ids(marked)), iou_threshold)


def score_labels(predicted: Labels, truth: Labels, iou_threshold: float = IOU_THRESHOLD) -> ImageScore:
    """Score labels (H, W) against true labels (H, W): each id is a cell, overlapping ones are two."""
    return _score(predicted, truth, truth > 0, np.isin(truth, border_ids(truth)), iou_threshold)


def _score(predicted: Labels, truth: Labels, mask: Mask, cut: Mask, iou_threshold: float) -> ImageScore:
    """mask: all that is marked; cut: what of it belongs to pieces at the image border."""
    cut = cut | np.isin(predicted, border_ids(predicted))
    pairs = match(truth, predicted, iou_threshold)
    true_boxes, boxes = ndi.find_objects(truth), ndi.find_objects(predicted)
    distances = []
    for t, p, _ in pairs:
        window = tuple(
            slice(max(0, min(u.start, v.start) - 1), max(u.stop, v.stop) + 1)
            for u, v in zip(true_boxes[t - 1], boxes[p - 1], strict=True)
        )
        distances.append(outline_distance(truth[window] == t, predicted[window] == p))
    true_border, border = set(border_ids(truth).tolist()), set(border_ids(predicted).tolist())
    true_ids, ids = set(range(1, int(truth.max(initial=0)) + 1)), set(np.unique(predicted).tolist()) - {0}
    return ImageScore(
        tp=len(pairs),
        fp=len(ids - border - {p for _, p, _ in pairs}),
        fn=len(true_ids - true_border - {t for t, _, _ in pairs}),
        true_inside=len(true_ids - true_border),
        predicted_inside=len(ids - border),
        pixels=(int(((predicted > 0) & mask).sum()), int((predicted > 0).sum()), int(mask.sum())),
        dice=dice(predicted > 0, mask),
        dice_inner=dice((predicted > 0) & ~cut, mask & ~cut),
        iou_sum=sum(iou for _, _, iou in pairs),
        boundary_px=distances,
    )


def score_points(predicted: Labels, points: NDArray[np.float64]) -> ImageScore:
    """Score labels (H, W) against one point (x, y) a cell: (N, 2).

    The first point in a predicted cell is a hit, each further one a missed cell; a predicted cell without
    a point is false unless it touches the border.
    """
    height, width = predicted.shape
    rows = np.clip(np.round(points[:, 1]).astype(int), 0, height - 1)
    cols = np.clip(np.round(points[:, 0]).astype(int), 0, width - 1)
    under = predicted[rows, cols]
    held = set(under.tolist()) - {0}
    border = set(border_ids(predicted).tolist())
    ids = set(np.unique(predicted).tolist()) - {0}
    return ImageScore(
        tp=len(held),
        fp=len(ids - held - border),
        fn=len(points) - len(held),
        true_inside=int((~np.isin(under, list(border))).sum()),
        predicted_inside=len(ids - border),
    )


def summarise_scores(scores: list[ImageScore]) -> dict[str, float | int | None]:
    """Metrics of a set of images; those of pixels and outlines are None where the truth is points.

    F1 = 2TP / (2TP + FP + FN); AP50 = TP / (TP + FP + FN) (Schmidt et al. 2018, doi
    10.1007/978-3-030-00934-2_30); PQ = sum of matched IoU / (TP + FP/2 + FN/2) (Kirillov et al. 2019, Eq. 1,
    doi 10.1109/CVPR.2019.00963). Dice and IoU: mean over images, and of all pixels together (pooled). Count error:
    mean over images of |predicted - true| / true off the border; bias: the sum of predicted - true over all true.
    """
    tp, fp, fn = (sum(getattr(s, name) for s in scores) for name in ("tp", "fp", "fn"))
    errors = [abs(s.predicted_inside - s.true_inside) / max(1, s.true_inside) for s in scores]
    gained, true = sum(s.predicted_inside - s.true_inside for s in scores), sum(s.true_inside for s in scores)
    return {
        "images": len(scores),
        "cells": tp + fn,
        "f1": 2 * tp / max(1, 2 * tp + fp + fn),
        "ap50": tp / max(1, tp + fp + fn),
        "precision": tp / max(1, tp + fp),
        "recall": tp / max(1, tp + fn),
        **_pixel_metrics(scores, tp + fp / 2 + fn / 2),
        "count_error": float(np.mean(errors)) if errors else 0.0,
        "count_bias": gained / max(1, true),
    }


def _pixel_metrics(scores: list[ImageScore], cells: float) -> dict[str, float | None]:
    names = ("pq", "dice", "dice_inner", "iou", "dice_pooled", "iou_pooled", "boundary_px")
    if not any(sum(s.pixels) for s in scores):
        return dict.fromkeys(names)
    inter, predicted, true = (sum(s.pixels[k] for s in scores) for k in range(3))
    ious = [s.pixels[0] / max(1, s.pixels[1] + s.pixels[2] - s.pixels[0]) for s in scores]
    distances = [d for s in scores for d in s.boundary_px]
    values = (
        sum(s.iou_sum for s in scores) / max(1, cells), np.mean([s.dice for s in scores]),
        np.mean([s.dice_inner for s in scores]), np.mean(ious), 2 * inter / max(1, predicted + true),
        inter / max(1, predicted + true - inter), np.mean(distances) if distances else None,
    )  # fmt: skip
    return {name: None if value is None else float(value) for name, value in zip(names, values, strict=True)}

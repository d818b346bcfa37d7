"""Scores against one box a cell."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from scipy.optimize import linear_sum_assignment

from bccseg.imaging.label_image import Labels
from bccseg.metrics.matching import IOU_THRESHOLD, ImageScore

NEAR_BORDER_PX = 4  # boxes so near to the image border count neither as missed nor as false


def label_boxes(labels: Labels) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Ids of the cells, int (N,), and their bounding boxes, float64 (N, 4): left, top, right, bottom in px."""
    found = [(k, box) for k, box in enumerate(ndi.find_objects(labels), start=1) if box is not None]
    boxes = [(x.start, y.start, x.stop, y.stop) for _, (y, x) in found]
    return np.array([k for k, _ in found], np.intp), np.array(boxes, np.float64).reshape(-1, 4)


def box_iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each box of `a` (N, 4) with each of `b` (M, 4): float64 (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b))
    return inter / np.maximum(area_a[:, None] + area_b[None] - inter, 1e-9)


def match_boxes(
    found: NDArray[np.float64], true: NDArray[np.float64], iou_threshold: float = IOU_THRESHOLD
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of `found` and `true` that belong together, one to one, with the largest sum of IoU (Kuhn 1955,
    doi 10.1002/nav.3800020109) and each at `iou_threshold` or more: int (K,) each.
    """
    iou = box_iou(found, true)
    rows, cols = linear_sum_assignment(-iou)
    hit = iou[rows, cols] >= iou_threshold
    return rows[hit], cols[hit]


def off_border(boxes: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which boxes (N, 4) lie more than NEAR_BORDER_PX inside of an image (H, W, ...)."""
    far = np.array([shape[1], shape[0]]) - NEAR_BORDER_PX
    return (boxes[:, :2] > NEAR_BORDER_PX).all(axis=1) & (boxes[:, 2:] < far).all(axis=1)


def score_boxes(predicted: Labels, true: NDArray[np.float64], iou_threshold: float = IOU_THRESHOLD) -> ImageScore:
    """Score labels (H, W) against boxes (M, 4) by the bounding box of each predicted cell."""
    _, found = label_boxes(predicted)
    rows, cols = match_boxes(found, true, iou_threshold)
    lone, missed = off_border(found, predicted.shape), off_border(true, predicted.shape)
    lone[rows], missed[cols] = False, False
    return ImageScore(
        tp=len(rows), fp=int(lone.sum()), fn=int(missed.sum()),
        true_inside=int(off_border(true, predicted.shape).sum()),
        predicted_inside=int(off_border(found, predicted.shape).sum()),
    )  # fmt: skip

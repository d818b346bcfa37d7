"""What accuracy is measured against: masks, labels, boxes or points, and composites made of labelled images."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from debris import read_soiled
from numpy.typing import NDArray

from bccseg.config import MIN_TRUE_AREA_PX, OverlapConfig, TrainConfig
from bccseg.imaging.label_image import Labels, label_mask
from bccseg.io.box_files import read_boxes
from bccseg.io.images import SUFFIXES, read_image, read_mask
from bccseg.io.label_files import read_labels
from bccseg.metrics.boxes import label_boxes, match_boxes, score_boxes
from bccseg.metrics.matching import ImageScore, match, score_labels, score_mask, score_points
from bccseg.training.overlap import add_overlaps
from bccseg.training.training_image import load_training_image

CROWD = OverlapConfig(share=1, cells=60, transmission_min=0.1)  # laid cells of a composite: 1 to 60


@dataclass(frozen=True)
class Case:
    """An image with its truth."""

    name: str
    image: NDArray[np.uint8]
    score: Callable[[Labels], ImageScore]
    matched: Callable[[Labels], set[int]] | None  # ids of the predicted cells that are right; None: not told
    labels: Labels | None  # true cells, where they are outlined


def cases(
    images: Path, kind: str, truth: Path, *, debris: int = 0, composites: bool = False, no_cells: tuple[int, ...] = ()
) -> Iterator[Case]:
    """The images of a folder that have a truth of that kind: masks, labels, boxes (folders) or points (a JSON file).

    debris: layers of it that are drawn on the images (masks only). composites: cells of each image are laid over
    others of it (labels only). no_cells: classes of boxes that are left out.
    """
    points = json.loads(truth.read_text(encoding="utf-8")) if kind == "points" else {}
    for path in sorted(images.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if kind == "points":
            if path.name in points:
                yield _points(path, np.array([p[:2] for p in points[path.name]], float).reshape(-1, 2))
            continue
        told = truth / f"{path.stem}.{'txt' if kind == 'boxes' else 'png'}"
        if not told.exists():
            continue
        if kind == "boxes":
            yield _boxes(path, told, no_cells)
        elif kind == "masks":
            yield _mask(path, told, debris)
        else:
            yield _composite(path, told) if composites else _labels(path.name, read_image(path), told.read_bytes())


def _points(path: Path, points: NDArray[np.float64]) -> Case:
    return Case(path.name, read_image(path), lambda found: score_points(found, points), None, None)


def _boxes(path: Path, told: Path, no_cells: tuple[int, ...]) -> Case:
    image = read_image(path)
    classes, boxes = read_boxes(told, image.shape[:2])
    boxes = boxes[~np.isin(classes, no_cells)]

    def matched(found: Labels) -> set[int]:
        ids, of = label_boxes(found)
        return set(ids[match_boxes(of, boxes)[0]].tolist())

    return Case(path.name, image, lambda found: score_boxes(found, boxes), matched, None)


def _mask(path: Path, told: Path, debris: int) -> Case:
    mask = read_mask(told)
    image = read_soiled(path, told, debris) if debris else read_image(path)
    labels = label_mask(mask, MIN_TRUE_AREA_PX)
    return Case(path.name, image, lambda found: score_mask(found, mask), _matcher(labels), labels)


def _labels(name: str, image: NDArray[np.uint8], data: bytes) -> Case:
    labels = read_labels(data, image.shape[:2], split_pieces=False)
    return Case(name, image, lambda found: score_labels(found, labels), _matcher(labels), labels)


def _composite(path: Path, told: Path) -> Case:
    """At 1.5 times the size that networks see, the same each time."""
    plain = load_training_image(path, told, TrainConfig())
    crowd = add_overlaps(plain, plain, CROWD, np.random.default_rng([0, *path.stem.encode()]))
    labels = crowd.labels
    return Case(path.name, crowd.image, lambda found: score_labels(found, labels), _matcher(labels), labels)


def _matcher(labels: Labels) -> Callable[[Labels], set[int]]:
    return lambda found: {cell for _, cell, _ in match(labels, found)}

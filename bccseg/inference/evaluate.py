"""How good weights are on images with masks or labels: metrics with intervals, and each image by itself."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import UNCLASSIFIED
from bccseg.imaging.label_image import Labels, Mask
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.io.images import read_image, read_mask
from bccseg.io.truth import LABELS, read_classes, read_truth
from bccseg.metrics.bootstrap import Intervals, bootstrap
from bccseg.metrics.class_agreement import ClassAgreement, class_agreement
from bccseg.metrics.class_scores import class_scores
from bccseg.metrics.error_types import count_errors
from bccseg.metrics.matching import ImageScore, match, score_labels, score_mask, summarise_scores
from bccseg.report.error_picture import draw_errors


@dataclass(frozen=True)
class Evaluation:
    """Scores of one predictor on a set of images, in the order of the set."""

    names: list[str]
    pairs: list[tuple[Path, Path]]
    scores: list[ImageScore]
    metrics: dict[str, float | int | None]  # of the whole set; see `summarise_scores`
    intervals: Intervals  # 95 %, by metric
    error_counts: list[Counter[str]]  # of each image, by kind; see `metrics.error_types`
    true_classes: list[str] = field(default_factory=list)  # of all cells that were found and whose class is known
    told_classes: list[str] = field(default_factory=list)  # what those were told to be

    def classes(self, order: Sequence[str] = ()) -> ClassAgreement | None:
        """Rows are what cells are, columns what they were told to be; None where no cell's class is known."""
        return class_agreement(self.true_classes, self.told_classes, order) if self.true_classes else None

    def each(self) -> list[dict[str, Any]]:
        """A row an image, worst F1 first."""
        rows = [
            {"image": name, **summarise_scores([score]), "mistakes": dict(kinds)}
            for name, score, kinds in zip(self.names, self.scores, self.error_counts, strict=True)
        ]
        return [rows[k] for k in self._worst_first()]

    def pictures(
        self, predictor: Predictor, count: int = 10, longest: int = 1000
    ) -> Iterator[tuple[str, Counter[str], NDArray[np.uint8]]]:
        """Of the worst images: name, mistakes of this evaluation, and what `predictor` makes of it, drawn."""
        for k in self._worst_first()[:count]:
            image, truth, _ = _read(*self.pairs[k])
            found = segment(image, predictor).labels
            yield self.names[k], self.error_counts[k], draw_errors(image, truth, found, longest)

    def _worst_first(self) -> list[int]:
        each = [summarise_scores([score]) for score in self.scores]
        return sorted(range(len(each)), key=lambda k: (each[k]["f1"], each[k]["pq"] or 0))

    def summary(self) -> dict[str, Any]:
        """Metrics and their intervals, JSON-ready."""
        return {**self.metrics, "intervals": {name: list(pair) for name, pair in self.intervals.items()}}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        told = self.classes()
        classes = class_scores(told.names, told.confusion) if told else []
        return {
            **self.summary(),
            "classes": {one.name: asdict(one) for one in classes if one.cells},
            "mistakes": dict(sum(self.error_counts, Counter())),
            "each": self.each(),
        }


def evaluate(
    predictor: Predictor, pairs: list[tuple[Path, Path]], on_image: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Segment every image with one fixed setting, the diameter found by the program, and score it against its truth.

    pairs: image and truth files (`io.truth`). `on_image(done, all)` is called after each; it may raise Stopped.

    Examples
    --------
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> image, truth = bccseg.draw_smear((300, 400), cells=12, diameter_px=50, seed=2, touching=False)
    >>> Image.fromarray(image).save("smear.png")
    >>> Image.fromarray(truth > 0).save("mask.png")
    >>> found = bccseg.evaluate(bccseg.load_predictor(), [(Path("smear.png"), Path("mask.png"))])
    >>> found.metrics["images"], found.metrics["f1"] > 0.9
    (1, True)
    """
    names, scores, kinds = [], [], []
    true, told = [], []
    for k, pair in enumerate(pairs, start=1):
        names.append(pair[0].name)
        image, truth, mask = _read(*pair)
        found = segment(image, predictor)
        scores.append(score_labels(found.labels, truth) if mask is None else score_mask(found.labels, mask))
        kinds.append(count_errors(truth, found.labels))
        known = read_classes(pair[1]).cells
        names_told = found.classes.name_of_each() if found.classes is not None else [UNCLASSIFIED] * len(found.scores)
        for cell, twin, _ in match(truth, found.labels) if known else ():
            if cell in known:
                true.append(known[cell])
                told.append(names_told[twin - 1])
        if on_image:
            on_image(k, len(pairs))
    return Evaluation(names, list(pairs), scores, summarise_scores(scores), bootstrap(scores), kinds, true, told)


def _read(image_path: Path, truth_path: Path) -> tuple[NDArray[np.uint8], Labels, Mask | None]:
    """Image and true cells; and the mask they come from, whose specks count as pixels, where it is one."""
    image = read_image(image_path)
    truth, _ = read_truth(truth_path, image, image_path.name)
    return image, truth, None if truth_path.parent.name == LABELS else read_mask(truth_path)

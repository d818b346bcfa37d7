"""How good weights are on images with masks: metrics with intervals, and each image by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bccseg.imaging.bootstrap import Intervals, bootstrap
from bccseg.imaging.decode import read_image, read_mask
from bccseg.imaging.matching import ImageScore, score_mask, summarise_scores
from bccseg.model.predict import Predictor
from bccseg.model.segment import segment


@dataclass(frozen=True)
class Evaluation:
    """Scores of one predictor on a set of images, in the order of the set."""

    names: list[str]
    scores: list[ImageScore]
    metrics: dict[str, float | int | None]  # of the whole set; see `summarise_scores`
    intervals: Intervals  # 95 %, by metric

    def each(self) -> list[dict[str, Any]]:
        """A row an image, worst F1 first."""
        rows = [{"image": n, **summarise_scores([s])} for n, s in zip(self.names, self.scores, strict=True)]
        return sorted(rows, key=lambda row: (row["f1"], row["pq"] or 0))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            **self.metrics,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "each": self.each(),
        }


def evaluate(
    predictor: Predictor, pairs: list[tuple[Path, Path]], on_image: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Segment every image with one fixed setting, the diameter found by the program, and score it against its mask.

    pairs: image and mask files. `on_image(done, all)` is told after each; it may raise Stopped.
    """
    names, scores = [], []
    for k, (image, mask) in enumerate(pairs, start=1):
        names.append(image.name)
        scores.append(score_mask(segment(read_image(image), predictor).labels, read_mask(mask)))
        if on_image:
            on_image(k, len(pairs))
    return Evaluation(names, scores, summarise_scores(scores), bootstrap(scores))

"""How well the whole area of cells that others hide in part is estimated, on composites, whose truth is exact.

    python benchmarks/whole_areas.py DATA [--weights W]      DATA: original/ and labels/, as training reads them

Uses the images that training would hold out. Two groups: cells of which more than 3 % is hidden, and the cells for
which the program offers a whole area.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numpy.typing import NDArray
from truths import CROWD

from bccseg.config import TrainConfig
from bccseg.imaging.cell_shape import ellipse_area
from bccseg.imaging.full_outline import hidden_in_part
from bccseg.inference.predictor import Predictor, load_predictor
from bccseg.metrics.matching import match
from bccseg.training.overlap import add_overlaps
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.training_image import load_training_image

HIDDEN = 0.97  # visible share below which a cell counts as hidden


def cells_of(pair: tuple[Path, Path], number: int, predictor: Predictor) -> list[tuple[float, ...]]:
    """For each matched whole cell of a composite: visible share, estimate and visible area over truth, whether the
    estimate is offered, its error.
    """
    plain = load_training_image(*pair, TrainConfig())
    crowd = add_overlaps(plain, plain, CROWD, np.random.default_rng([0, number]))
    true = ellipse_area(crowd.shapes.spread)
    there = np.bincount(plain.labels.ravel())
    true[: len(there)] = there  # of cells that were there before, the pixels are known
    visible = np.bincount(crowd.labels.ravel(), minlength=len(true))
    found = predictor.segment(crowd.image)
    seen = np.bincount(found.labels.ravel(), minlength=len(found.scores) + 1)
    offered = hidden_in_part(found.labels, found.whole, seen[1:])
    return [
        (
            visible[t] / true[t],
            found.whole.area[p - 1] / true[t],
            seen[p] / true[t],
            offered[p - 1],
            found.whole.error[p - 1],
        )
        for t, p, _ in match(crowd.labels, found.labels)
        if crowd.shapes.whole[t]
    ]


def line(name: str, cells: NDArray[np.float64]) -> str:
    """A row of the table."""
    off, without = np.abs(cells[:, 1] - 1), np.abs(cells[:, 2] - 1)
    within = np.mean(np.abs(np.log(cells[:, 1])) < cells[:, 4])
    return f"| {name} | {len(cells)} | {np.median(off):.3f} | {np.median(without):.3f} | {within:.2f} |"


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("data", type=Path)
    ask.add_argument("--weights", default="unet-bbbc041seg")
    args = ask.parse_args()
    predictor = load_predictor(args.weights)
    _, held_out = split_pairs(find_pairs(args.data), TrainConfig().validation_share)
    cells = np.array([row for k, pair in enumerate(held_out) for row in cells_of(pair, k, predictor)], float)
    print("| cells | n | median error of the whole area | of the visible area | within the error given |")
    print("|---|---|---|---|---|")
    print(line("more than 3 % hidden", cells[cells[:, 0] < HIDDEN]))
    print(line("offered", cells[cells[:, 3] > 0]))


if __name__ == "__main__":
    main()

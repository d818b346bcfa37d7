"""Find training labels that hold several cells, by a network that saw many overlaps, and take them out of the training.

    python benchmarks/joined_labels.py DATA

DATA is a folder of original/ and labels/. A label in which the network is sure of two or more cells, which together
fill it, is marked in unknown/: neither of them is believed. What is there already stays marked.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from bccseg.imaging.label_image import Labels, Mask, areas
from bccseg.inference.predictor import load_predictor
from bccseg.inference.segment import Segmentation, segment
from bccseg.io.images import read_image
from bccseg.io.truth import UNKNOWN, read_truth
from bccseg.training.pairs import find_pairs

LEAST_SCORE = 0.6
INSIDE, PART, FILLED = 0.8, 0.25, 0.75  # shares: of a found cell in the label, of the label in it, and in all of them


def joined_labels(labels: Labels, found: Segmentation) -> list[int]:
    """Ids of the labels that are several cells to the network."""
    pairs, counts = np.unique(np.stack([labels.ravel(), found.labels.ravel()]), axis=1, return_counts=True)
    label_area, found_area = areas(labels), areas(found.labels)
    parts: dict[int, list[float]] = {}
    for (label, cell), n in zip(pairs.T, counts, strict=True):
        sure = label and cell and found.scores[cell - 1] >= LEAST_SCORE
        if sure and n >= INSIDE * found_area[cell] and n >= PART * label_area[label]:
            parts.setdefault(int(label), []).append(n / label_area[label])
    return [label for label, shares in parts.items() if len(shares) > 1 and sum(shares) >= FILLED]


def main() -> None:
    """Write unknown/."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("data", type=Path)
    ap.add_argument("--weights", default="unet-bbbc041seg")
    args = ap.parse_args()
    predictor = load_predictor(args.weights)
    (args.data / UNKNOWN).mkdir(exist_ok=True)
    joined = total = 0
    for image_path, truth_path in find_pairs(args.data):
        image = read_image(image_path)
        labels, unknown = read_truth(truth_path, image, image_path.name)
        doubtful = joined_labels(labels, segment(image, predictor))
        marked: Mask = unknown | np.isin(labels, doubtful)
        Image.fromarray(marked).save(args.data / UNKNOWN / f"{image_path.stem}.png")
        joined, total = joined + len(doubtful), total + int(labels.max())
    print(f"{joined} of {total} labels are several cells to {args.weights}")


if __name__ == "__main__":
    main()

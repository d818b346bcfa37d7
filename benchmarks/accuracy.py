"""Accuracy of weights on labelled images, with one setting for all and the diameter found by the program.

    python benchmarks/accuracy.py IMAGES --masks MASKS [--weights W ...]     masks: <stem>.png
    python benchmarks/accuracy.py IMAGES --points POINTS.json [--weights W ...]   {"name": [[x, y, ...], ...]}

The figures of the README: BBBC041Seg (Kaggle: "BCCD Dataset with mask") and the fields of Chula RBC-12.
The rules stand in bccseg/imaging/matching.py.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bccseg.imaging.decode import SUFFIXES, read_image, read_mask
from bccseg.imaging.matching import ImageScore, score_mask, score_points, summarise_scores
from bccseg.model.predict import Predictor
from bccseg.model.segment import segment
from bccseg.model.sources import locate, shipped_names
from bccseg.model.weights import load_weights


def score(path: Path, args: argparse.Namespace, points: dict[str, list], predictor: Predictor) -> ImageScore | None:
    """Score of one image; None if it has no truth."""
    mask = args.masks and args.masks / f"{path.stem}.png"
    if (args.masks and not mask.exists()) or (args.points and path.name not in points):
        return None
    labels = segment(read_image(path), predictor).labels
    if args.masks:
        return score_mask(labels, read_mask(mask))
    return score_points(labels, np.array([p[:2] for p in points[path.name]], float).reshape(-1, 2))


def main() -> None:
    """Print a line for each weights."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("images", type=Path)
    truth = ask.add_mutually_exclusive_group(required=True)
    truth.add_argument("--masks", type=Path)
    truth.add_argument("--points", type=Path)
    ask.add_argument("--weights", nargs="+", default=shipped_names())
    ask.add_argument("--json", action="store_true")
    args = ask.parse_args()
    points = json.loads(args.points.read_text()) if args.points else {}
    paths = [p for p in sorted(args.images.iterdir()) if p.suffix.lower() in SUFFIXES]
    for name in args.weights:
        predictor = Predictor(load_weights(*locate(name)))
        scores = [s for p in paths if (s := score(p, args, points, predictor))]
        result = summarise_scores(scores)
        if args.json:
            print(json.dumps({"weights": name, **result}))
            continue
        known = {k: v for k, v in result.items() if v is not None}
        numbers = "  ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in known.items())
        print(f"{name} on {predictor.device} ({predictor.dtype}, torch {torch.__version__}): {numbers}")


if __name__ == "__main__":
    main()

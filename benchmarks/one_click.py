"""How good the outline is that one click gives: each cell of a labelled set is taken away and clicked again.

    python benchmarks/one_click.py DATA [--negative] [--every N]

DATA is a folder of original/ and labels/. The click lies at random within a quarter of the diameter around the cell's
innermost point. With --negative the images are inverted, as if seen in a dark field: no network has seen such a thing.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from scipy import ndimage as ndi

from bccseg.config import SegmentSettings
from bccseg.imaging.label_image import border_ids, median_diameter
from bccseg.imaging.one_click import click_window, propose_cell
from bccseg.inference.click_view import ClickView
from bccseg.inference.predictor import load_predictor
from bccseg.io.images import read_image
from bccseg.io.truth import read_truth
from bccseg.training.pairs import find_pairs

JITTER = 0.25  # diameters


def main() -> None:
    """Print the mean overlap (IoU) and the time of a click."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("data", type=Path)
    ap.add_argument("--weights", default="unet-bbbc041seg")
    ap.add_argument("--negative", action="store_true")
    ap.add_argument("--colours", action="store_true", help="GrabCut alone")
    ap.add_argument(
        "--windows", action="store_true", help="as in images of several tiles: the network looks at each click"
    )
    ap.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th cell")
    args = ap.parse_args()
    predictor = load_predictor(args.weights)
    thresholds = SegmentSettings().thresholds(predictor.config.thresholds)
    rng = np.random.default_rng(0)
    overlaps, seconds = [], []
    for image_path, truth_path in find_pairs(args.data):
        image = read_image(image_path)
        truth, _ = read_truth(truth_path, image, image_path.name)
        image = 255 - image if args.negative else image
        diameter, cut = median_diameter(truth), set(border_ids(truth).tolist())
        view = ClickView(predictor, image, diameter)
        if not args.windows:
            view.look()
        for cell, box in enumerate(ndi.find_objects(truth), start=1):
            if cell in cut or cell % args.every:
                continue
            own = np.pad(truth[box] == cell, 1).astype(np.uint8)
            depth = cv2.distanceTransform(own, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
            row, col = np.unravel_index(depth.argmax(), depth.shape)
            middle = np.array([col + box[1].start, row + box[0].start], float)
            while True:
                x, y = middle + rng.uniform(-1, 1, 2) * JITTER * diameter
                if 0 <= y < len(truth) and 0 <= x < truth.shape[1] and truth[int(y), int(x)] == cell:
                    break
            labels = np.where(truth == cell, 0, truth)
            started = time.perf_counter()
            if args.colours:
                window = click_window(truth.shape, (x, y), diameter)
                click = x - window[1].start, y - window[0].start
                found = propose_cell(image[window], labels[window], None, thresholds, click, diameter, 1.0)
            else:
                window, found = view.propose(labels, (x, y))
            seconds.append(time.perf_counter() - started)
            own = truth[window] == cell
            overlaps.append(0.0 if found is None else (found & own).sum() / max(1, (found | own).sum()))
    overlaps = np.array(overlaps)
    print(f"{len(overlaps)} cells: mean IoU {overlaps.mean():.3f}, median {np.median(overlaps):.3f}, "
          f"below 0.5: {(overlaps < 0.5).mean():.1%}; a click takes {1000 * np.median(seconds):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()

"""Training labels of pictures that mark one white cell each and nothing else, such as BCISC.

    python benchmarks/white_cell_labels.py IMAGES MASKS --out DIR

The outline of the white cell is given. Red cells around it are outlined by a network: they tell the size to look
at, are no truth, and lie under unknown/ with all the rest but a ring of background around the white cell. Pictures
without two whole red cells are left out.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage as ndi

from bccseg.imaging.label_image import Labels, Mask, border_ids
from bccseg.inference.predictor import Predictor, load_predictor
from bccseg.inference.segment import segment
from bccseg.io.images import SUFFIXES, read_image, read_mask

RING = 0.12  # width of the background that is trusted, in diameters of the white cell
LEAST_SCORE, MOST_SHARED = 0.5, 0.1  # of a red cell: of its score, and of its share on the white cell
LEAST_RED = 2  # whole red cells that tell the size


def white_cell_labels(image: NDArray[np.uint8], white: Mask, predictor: Predictor) -> tuple[Labels, Mask, int]:
    """Labels (the white cell is 1), what is unknown, and how many whole red cells there are."""
    found = segment(image, predictor)
    cut = set(border_ids(found.labels).tolist())
    labels, whole = white.astype(np.int32), 0
    for cell, score in enumerate(found.scores, start=1):
        own = found.labels == cell
        if score < LEAST_SCORE or (own & white).sum() > MOST_SHARED * own.sum():
            continue
        labels[own & ~white] = labels.max() + 1
        whole += cell not in cut
    distance = cv2.distanceTransform((~white).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ring = distance < max(3, RING * np.sqrt(4 * white.sum() / np.pi))
    others = ndi.binary_dilation(((found.labels > 0) | (labels > 1)) & ~white, iterations=3)
    return labels, ~(white | (ring & ~others)), whole


def main() -> None:
    """Write original/, labels/ and unknown/."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("images", type=Path)
    ap.add_argument("masks", type=Path)
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--weights", default="unet-bbbc041seg")
    args = ap.parse_args()
    predictor = load_predictor(args.weights)
    for name in ("original", "labels", "unknown"):
        (args.out / name).mkdir(parents=True, exist_ok=True)
    written = 0
    for path in sorted(p for p in args.images.iterdir() if p.suffix.lower() in SUFFIXES):
        image = read_image(path)
        labels, unknown, whole = white_cell_labels(image, read_mask(args.masks / f"{path.stem}.png"), predictor)
        if whole < LEAST_RED:
            continue
        (args.out / "original" / path.name).write_bytes(path.read_bytes())
        Image.fromarray(labels.astype(np.uint16)).save(args.out / "labels" / f"{path.stem}.png")
        Image.fromarray(unknown).save(args.out / "unknown" / f"{path.stem}.png")
        written += 1
    print(f"{written} pictures")


if __name__ == "__main__":
    main()

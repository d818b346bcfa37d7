"""What others would do: Otsu's threshold with a watershed, and the seed recipe. For benchmarks/accuracy.py."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.color import rgb2gray
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label
from skimage.morphology import disk, opening, remove_small_holes, remove_small_objects
from skimage.segmentation import watershed

from bccseg.config import MIN_TRUE_AREA_PX, SEED_RECIPE, SegmentSettings
from bccseg.imaging.label_image import label_mask, median_diameter
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.io.images import read_mask
from bccseg.model.weights import load_weights
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import load_training_image
from bccseg.training.weight_export import export_run

SPACING = 0.35  # least distance of two cell centres, in typical diameters
Found = tuple[NDArray[np.int32], NDArray[np.float32] | None]  # labels, and the score of each cell
Method = Callable[[NDArray[np.uint8]], Found]


def otsu_watershed(image: NDArray[np.uint8]) -> Found:
    """Cells darker than Otsu's threshold (Otsu 1979, doi 10.1109/TSMC.1979.4310076), separated by a watershed of the
    distance to their edge; the spacing of the seeds follows the median size of what was found.
    """
    grey = gaussian(rgb2gray(image), 1)
    mask = opening(grey < threshold_otsu(grey), disk(2))
    pieces = label(mask, connectivity=1)
    diameter = median_diameter(remove_small_objects(pieces, max_size=100).astype(np.int32)) or 20.0
    area = np.pi * (diameter / 2) ** 2
    mask = remove_small_holes(remove_small_objects(mask, max_size=int(0.1 * area)), max_size=int(0.3 * area))
    distance = gaussian(ndi.distance_transform_edt(mask), 0.03 * diameter)
    peaks = peak_local_max(distance, min_distance=max(1, round(SPACING * diameter)), labels=label(mask, connectivity=1),
                           exclude_border=False)  # fmt: skip
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, seeds, mask=mask).astype(np.int32)
    return labels, None


def by_weights(predictor: Predictor, diameter_px: float | None = None) -> Method:
    """What the app does with these weights; the cell diameter is found by the program where none is given."""
    settings = SegmentSettings(diameter_px=diameter_px)

    def method(image: NDArray[np.uint8]) -> Found:
        found = segment(image, predictor, settings)
        return found.labels, found.scores

    return method


def seed_recipe(data: Path, run: Path) -> dict[str, Method]:
    """The plain binary U-Net, 100 epochs, batch 4, Adam at 0.0001, random flips; trained into `run`, or resumed.

    Once as the app uses it, and once with all cells taken to be as large as those it was trained on: it has no map
    that separates touching cells, and so their size is not found in every image.
    """
    pairs = find_pairs(data)
    learn, check = split_pairs(pairs, SEED_RECIPE.validation_share)
    images = [[load_training_image(*pair, SEED_RECIPE) for pair in pairs] for pairs in (learn, check)]
    for report in Trainer(*images, SEED_RECIPE, run).run():
        print(f"\rseed recipe: epoch {report.epoch} of {SEED_RECIPE.epochs}", end="", file=sys.stderr)
    predictor = Predictor(load_weights(export_run(run)))
    usual = float(np.median([median_diameter(label_mask(read_mask(mask), MIN_TRUE_AREA_PX)) for _, mask in pairs]))
    return {
        "seed recipe": by_weights(predictor),
        f"seed recipe, cells {usual:.0f} px wide": by_weights(predictor, usual),
    }

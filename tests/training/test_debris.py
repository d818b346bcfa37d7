"""What is drawn on crops and is no cell."""

import cv2
import numpy as np
import pytest

from bccseg.config import AugmentConfig, NetworkConfig, TrainConfig
from bccseg.training.crops import CropDataset
from bccseg.training.debris import LAYERS, add_debris
from bccseg.training.pairs import find_pairs
from bccseg.training.training_image import load_training_image

DIAMETER = 40.0
SHAPE = (160, 200)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_stays_in_its_range_and_depends_on_its_seed_alone(kind):
    drawn = [LAYERS[kind](SHAPE, DIAMETER, np.random.default_rng(s)) for s in (*range(20), 3)]
    assert all(layer.shape == SHAPE and layer.dtype == np.float32 for layer in drawn)
    assert min(layer.min() for layer in drawn) >= 0
    assert 0.5 < max(layer.max() for layer in drawn) <= 1.5
    assert (drawn[3] == drawn[-1]).all()
    assert (drawn[3] != drawn[4]).any()


def test_grains_are_smaller_than_cells_and_smudges_have_soft_edges():
    for seed in range(20):
        dots = LAYERS["grains"](SHAPE, DIAMETER, np.random.default_rng(seed)) > 0.15
        deepest = cv2.distanceTransform(dots.astype(np.uint8), cv2.DIST_L2, 5).max()
        assert deepest < 0.25 * DIAMETER  # even where dots meet
        smudge = LAYERS["smudge"]((640, 800), 4 * DIAMETER, np.random.default_rng(seed))
        steepest = max(abs(np.diff(smudge, axis=a)).max() for a in (0, 1))
        assert steepest < 0.25 * max(0.1, smudge.max())  # a cell's rim would be near 1


def test_debris_only_takes_light_and_spares_cells_under_a_smudge():
    white, nowhere, everywhere = np.ones((*SHAPE, 3), np.float32), np.zeros(SHAPE), np.ones(SHAPE, np.float32)
    for seed in range(20):
        empty = add_debris(white, nowhere.astype(np.float32), DIAMETER, np.random.default_rng(seed))
        covered = add_debris(white, everywhere, DIAMETER, np.random.default_rng(seed))
        assert empty.dtype == np.float32
        assert (empty <= 1).all()
        assert empty.min() > 0
        assert (covered >= empty - 1e-6).all()


def test_debris_changes_the_picture_and_not_the_truth(drawn_dataset):
    def crops(share):
        look = AugmentConfig(
            stain=0, illumination=0, veil=0, blur=0, noise=0, jpeg=False, low_resolution=False, grey=0,
            debris_share=share, flip=False, rotate90=False,
        )  # fmt: skip
        config = TrainConfig(
            network=NetworkConfig(width=4, depth=2), augment=look, crop_px=96, steps_per_epoch=5, batch_size=2
        )
        images = [load_training_image(*pair, config) for pair in find_pairs(drawn_dataset)]
        return [CropDataset(images, config)[0, k] for k in range(10)]

    for clean, dirty in zip(crops(0), crops(1), strict=True):
        assert (clean[0] != dirty[0]).any()
        assert (clean[1] == dirty[1]).all()
        assert (clean[2] == dirty[2]).all()

"""Store what the shipped weights answer to a small drawn smear: run this when weights are exchanged.

python tests/model/make_answers.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.normalise import white_level
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.model.weight_sources import SHIPPED, shipped_names
from bccseg.model.weights import load_weights


def stacked(maps: ProbabilityMaps) -> NDArray[np.float32]:
    """All maps of a network: float32 (C, H, W)."""
    return np.concatenate([values.reshape(-1, *maps.cell.shape) for values in maps if values is not None])


def main() -> None:
    """Write answers.npz: image, white, and the float32 maps of each network by name."""
    image = draw_smear((64, 64), cells=2, diameter_px=40, seed=2)[0]
    white = white_level(image)
    answers = {
        name: stacked(Predictor(load_weights(SHIPPED / name), "cpu", optimise=False)(image, white))
        for name in shipped_names()
    }
    np.savez_compressed(Path(__file__).with_name("answers.npz"), image=image, white=white, **answers)


if __name__ == "__main__":
    main()

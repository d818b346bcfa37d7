"""Class maps with known regions."""

import numpy as np


def maps_of(shape, *regions):
    """Class maps (none, red, white, platelet) that say "none" but in regions (rows, columns, probabilities)."""
    maps = np.zeros((4, *shape), np.float32)
    maps[0] = 1
    for rows, cols, probability in regions:
        maps[:, rows, cols] = np.array(probability, np.float32)[:, None, None]
    return maps

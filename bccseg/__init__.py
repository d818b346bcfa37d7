"""Blood-cell segmentation: find, outline, count and measure the cells of a smear.

The floors of this library, lowest first: `imaging` (arrays, no torch), `model` (networks, weights,
inference), `train` (the training loop) and `cli`. Importing `bccseg` imports none of them, so that the
first page of the app shows at once.
"""

__version__ = "0.1.0"

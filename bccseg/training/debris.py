"""Training augmentation: what lies on a smear and is no cell.

Platelets and stain deposits (grains), smudged bodies (soft, ragged patches) and threads are laid over a crop in
optical density, where dyes add up. Their truth is that nothing changes: a cell under a smudge is still a cell, and a
smudge on the empty background is none. Everything is sized by the cell diameter; edges of smudges are soft, since a
sharp, round body is a cell, whatever its colour.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.float32]  # (H, W), 0 to 1

PURPLE = np.array([0.65, 1.0, 0.45], np.float32)  # optical density of azure-eosin stain in R, G, B, largest 1
UNDER_CELL = 0.4  # smudges are this much fainter where a cell is, so that the cell can still be seen


def add_debris(crop: NDArray[np.float32], cells: Layer, diameter_px: float, rng: np.random.Generator) -> Layer:
    """A crop with 1 to 4 kinds of debris on it: float32 (H, W, 3), white = 1.

    crop: float32 (H, W, 3), white = 1. cells: float32 (H, W), 1 inside cells. diameter_px: of a cell in this crop.
    """
    density = np.zeros(crop.shape, np.float32)
    for _ in range(rng.integers(1, 5)):
        tint = PURPLE * np.exp(rng.normal(0, 0.3, 3)).astype(np.float32)
        kind = rng.choice(["grains", "smudge", "thread"], p=[0.45, 0.45, 0.1])
        layer = LAYERS[kind](cells.shape, diameter_px, rng)
        if kind == "smudge":
            layer = layer * (1 - (1 - UNDER_CELL) * cells)
        density += layer[..., None] * tint
    return crop * np.exp(-density)


def grains(shape: tuple[int, int], diameter_px: float, rng: np.random.Generator) -> Layer:
    """Platelets or stain deposits: dots of 0.05 to 0.3 cell diameters, scattered or in a clump."""
    h, w = shape
    out = np.zeros(shape, np.float32)
    spread = diameter_px * rng.choice([0.2, 0.5, 4.0])
    middle = rng.uniform((0, 0), (w, h))
    for _ in range(rng.integers(1, 13)):
        x, y = middle + rng.normal(0, spread, 2)
        radius = diameter_px * rng.uniform(0.025, 0.15)
        dot = np.zeros(shape, np.float32)
        axes = (max(1, round(radius)), max(1, round(radius * rng.uniform(0.6, 1))))
        cv2.ellipse(dot, (round(x), round(y)), axes, rng.uniform(0, 180), 0, 360, float(rng.uniform(0.3, 1.5)), -1)
        out = np.maximum(out, dot)
    return cv2.GaussianBlur(out, (0, 0), max(0.4, 0.02 * diameter_px))


def smudge(shape: tuple[int, int], diameter_px: float, rng: np.random.Generator) -> Layer:
    """A burst cell or a patch of stain: 0.5 to 3 cell diameters, soft and ragged, uneven inside."""
    h, w = shape
    radius = diameter_px * np.exp(rng.uniform(np.log(0.25), np.log(1.5)))
    angle, squeeze = rng.uniform(0, np.pi), rng.uniform(1, 2.5)
    y, x = np.mgrid[:h, :w].astype(np.float32)
    x, y = x - rng.uniform(0, w), y - rng.uniform(0, h)
    along, across = (
        x * np.cos(angle) + y * np.sin(angle),
        (y * np.cos(angle) - x * np.sin(angle)) * squeeze,
    )
    ragged = 0.45 * cloud(shape, 0.4 * diameter_px, rng) + 0.25 * cloud(shape, 0.12 * diameter_px, rng)
    edge = (np.hypot(along, across) / radius - 1 + ragged) / rng.uniform(0.12, 0.5)
    texture = np.clip(0.7 + 0.4 * cloud(shape, 0.15 * diameter_px, rng), 0.1, 1.5)
    return (rng.uniform(0.15, 1.0) * texture / (1 + np.exp(np.clip(edge, -30, 30)))).astype(np.float32)


def thread(shape: tuple[int, int], diameter_px: float, rng: np.random.Generator) -> Layer:
    """A fibre or a scratch that holds stain: a bent line of 0.03 to 0.1 cell diameters."""
    h, w = shape
    ends = rng.uniform((0, 0), (w, h), (3, 2))
    t = np.linspace(0, 1, 24)[:, None]
    curve = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
    out = np.zeros(shape, np.float32)
    width = max(1, round(diameter_px * rng.uniform(0.03, 0.1)))
    cv2.polylines(out, [np.round(curve).astype(np.int32)], False, float(rng.uniform(0.1, 0.6)), width)
    return cv2.GaussianBlur(out, (0, 0), max(0.4, 0.02 * diameter_px))


def cloud(shape: tuple[int, int], grain_px: float, rng: np.random.Generator) -> Layer:
    """Smooth noise of mean 0 and spread about 1, its lumps about `grain_px` wide."""
    h, w = shape
    small = rng.standard_normal((int(h / grain_px) + 3, int(w / grain_px) + 3), np.float32)
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC)


LAYERS = {"grains": grains, "smudge": smudge, "thread": thread}

"""Synthetic smears: drawn cells with exact truth, for the example in the app and for tests."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, areas, relabel


@dataclass(frozen=True)
class Stain:
    """Colours of a drawn smear: light let through, 0 to 1, in RGB."""

    background: tuple[float, float, float] = (0.93, 0.91, 0.92)
    cell: tuple[float, float, float] = (0.80, 0.55, 0.62)
    white_cell: tuple[tuple[float, float, float], tuple[float, float, float]] = ((0.80, 0.66, 0.82), (0.55, 0.38, 0.68))


def draw_smear(
    shape: tuple[int, int] = (600, 800),
    cells: int = 70,
    diameter_px: float = 64.0,
    seed: int = 1,
    stain: Stain | None = None,
    *,
    touching: bool = True,
) -> tuple[NDArray[np.uint8], Labels]:
    """A smear that was drawn, not photographed: RGB uint8 (H, W, 3) and its labels int32 (H, W).

    Discs and ellipses with pale centres, some touching or cut by the border, a white cell, platelets,
    uneven light, blur and noise. The same arguments give the same smear.

    Examples
    --------
    >>> image, labels = bccseg.draw_smear((300, 400), cells=12, diameter_px=50, seed=2)
    >>> image.shape, image.dtype, int(labels.max())
    ((300, 400, 3), dtype('uint8'), 12)
    """
    rng, stain = np.random.default_rng(seed), stain or Stain()
    labels = np.zeros(shape, np.int32)
    density = np.zeros((*shape, 3), np.float32)
    red, lilac, blue = (-np.log(np.array(c, np.float32) / stain.background) for c in (stain.cell, *stain.white_cell))
    placed: list[tuple[float, float, float]] = []
    for _ in range(cells * 40):
        if len(placed) == cells:
            break
        white_cell = not placed  # the first, while there is room
        radius = diameter_px / 2 * (1.5 if white_cell else rng.normal(1, 0.07))
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        if white_cell:
            x, y = shape[1] * rng.uniform(0.3, 0.7), shape[0] * rng.uniform(0.3, 0.7)
        nearest = min((np.hypot(x - a, y - b) - c - radius for a, b, c in placed), default=np.inf)
        if nearest < (-0.06 * diameter_px if touching else 3):
            continue
        placed.append((x, y, radius))
        outline, depth = _cell_profile(shape, x, y, radius, rng, pale=not white_cell)
        own = outline & (labels == 0)
        labels[own] = len(placed)
        density[own] += depth[own, None] * (lilac if white_cell else red)
        if white_cell:
            _draw_nucleus(density, own, (x, y, radius), blue, rng)
    _draw_platelets(density, labels, blue, diameter_px, rng)
    light = _render(density, stain, diameter_px, rng)
    return light, relabel(labels, areas(labels) >= 0.02 * diameter_px**2)


def _cell_profile(
    shape: tuple[int, int], x: float, y: float, radius: float, rng: np.random.Generator, *, pale: bool
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Where a cell lies, and how much stain it holds: thick rim and pale centre, as red cells have."""
    yy, xx = np.ogrid[: shape[0], : shape[1]]
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.18)
    u = (np.cos(angle) * (xx - x) + np.sin(angle) * (yy - y)) * stretch
    v = (-np.sin(angle) * (xx - x) + np.cos(angle) * (yy - y)) / stretch
    r = np.hypot(u, v).astype(np.float32) / radius
    pallor = rng.uniform(0.35, 0.75) if pale else 0.0
    depth = rng.uniform(0.85, 1.15) * (1 - pallor * np.exp(-((r / 0.42) ** 2)))
    return r <= 1, depth.astype(np.float32)


def _draw_nucleus(
    density: NDArray[np.float32],
    inside: NDArray[np.bool_],
    cell: tuple[float, float, float],
    stain: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """Three lobes, as neutrophils have, within the cell at (x, y, radius)."""
    x, y, radius = cell
    lobes = np.zeros(inside.shape, bool)
    start = rng.uniform(0, 2 * np.pi)
    for angle in start + np.array([0.0, 1.7, 3.4]):
        u, v = x + 0.4 * radius * np.cos(angle), y + 0.4 * radius * np.sin(angle)
        lobes |= _cell_profile(inside.shape, u, v, 0.42 * radius, rng, pale=False)[0]
    grain = cv2.GaussianBlur(rng.normal(0, 1, inside.shape).astype(np.float32), (0, 0), radius / 8)
    grain = 1 + 0.15 * grain / grain.std()  # clumps of chromatin
    density[lobes & inside] += grain[lobes & inside, None] * stain


def _draw_platelets(
    density: NDArray[np.float32],
    labels: Labels,
    stain: NDArray[np.float32],
    diameter_px: float,
    rng: np.random.Generator,
) -> None:
    shape = labels.shape
    for _ in range(max(1, shape[0] * shape[1] // int(12 * diameter_px**2))):
        x, y, radius = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), diameter_px * rng.uniform(0.06, 0.11)
        spot, _ = _cell_profile(shape, x, y, radius, rng, pale=False)
        if not labels[spot].any():
            density[spot] += stain * 0.5


def _render(
    density: NDArray[np.float32], stain: Stain, diameter_px: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    h, w = density.shape[:2]
    density = cv2.GaussianBlur(density, (0, 0), max(0.6, diameter_px / 60))
    x = np.linspace(-1, 1, w, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None, None]
    lamp = 1 - 0.05 * (x * x + y * y) + 0.02 * x
    light = np.exp(-density) * np.array(stain.background, np.float32) * lamp
    light += rng.normal(0, 0.008, light.shape).astype(np.float32)
    return np.clip(light * 255 + 0.5, 0, 255).astype(np.uint8)

"""A drawn smear that looks like a stained one at the microscope; its truth is exact. For the example of the app.

Light goes by Beer and Lambert: what stain lies over a pixel adds up as optical density, so that both outlines of an
overlap are seen. `synthetic.draw_smear` is the plain one, for tests that ask for certain numbers.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, areas, relabel

# Light let through where the stain is as thick as it gets, red, green, blue: Giemsa on a lamp that is a little warm
BACKGROUND = (0.925, 0.905, 0.885)
PINK, GREY_BLUE = (0.80, 0.585, 0.605), (0.72, 0.57, 0.665)  # red cells, the young ones bluer
CYTOPLASM, LYMPH, NUCLEUS = (0.86, 0.76, 0.84), (0.66, 0.70, 0.86), (0.36, 0.19, 0.50)
PLATELET, GRAIN = (0.58, 0.40, 0.66), (0.22, 0.12, 0.28)
OVERLAPS = 0.16  # share of red cells that lie partly over the one before


@dataclass(frozen=True)
class StainedSmear:
    """A drawn field and what is in it."""

    image: NDArray[np.uint8]  # (H, W, 3)
    labels: Labels  # int32 (H, W); the white cells come first
    white_cells: int
    platelets: NDArray[np.float32]  # (N, 3): x, y, radius in px


def draw_stained_smear(
    shape: tuple[int, int] = (900, 1200), red_cells: int = 70, diameter_px: float = 88.0, seed: int = 7
) -> StainedSmear:
    """A field of red cells, a neutrophil, a lymphocyte, platelets and stain grains; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    field = _Field(shape, diameter_px, rng)
    field.film()
    field.neutrophil()
    field.lymphocyte()
    field.red_cells(red_cells)
    platelets = field.platelets(count=max(1, round(10 * shape[0] * shape[1] / (900 * 1200))))
    field.grains()
    labels = relabel(field.labels, areas(field.labels) >= 0.02 * diameter_px**2)
    return StainedSmear(field.photograph(), labels, 2, np.array(platelets, np.float32).reshape(-1, 3))


def _density(light: tuple[float, float, float]) -> NDArray[np.float32]:
    return -np.log(np.array(light, np.float32))


class _Field:
    """Stain on a slide, laid down bit by bit."""

    def __init__(self, shape: tuple[int, int], diameter_px: float, rng: np.random.Generator) -> None:
        self.shape, self.d, self.rng = shape, diameter_px, rng
        self.density = np.zeros((*shape, 3), np.float32)
        self.labels = np.zeros(shape, np.int32)
        self.placed: list[tuple[float, float, float]] = []  # x, y, radius

    def clouds(self, shape: tuple[int, ...], size_px: float) -> NDArray[np.float32]:
        """Smooth noise of mean 0 and spread 1 over (H, W), whose spots are about `size_px` wide."""
        step = max(1, int(size_px / 4))
        small = self.rng.normal(0, 1, (shape[0] // step + 3, shape[1] // step + 3)).astype(np.float32)
        small = cv2.GaussianBlur(small, (0, 0), max(0.5, size_px / 2 / step))
        wide = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        return (wide - wide.mean()) / (wide.std() + 1e-6)

    def film(self) -> None:
        """Plasma that took a little stain, unevenly."""
        tint = _density((0.955, 0.94, 0.96))
        cover = 0.55 + 0.25 * self.clouds(self.shape, 5 * self.d) + 0.06 * self.clouds(self.shape, 0.35 * self.d)
        self.density += np.clip(cover, 0, None)[..., None] * tint

    # --- shapes

    def outline(self, x: float, y: float, radius: float, wobble: float, stretch: float) -> "_Shape":
        """Distance from the middle, 1 at the edge, in a window around a body that is not quite round."""
        reach = int(radius * 1.5) + 3
        x0, x1 = max(0, int(x) - reach), min(self.shape[1], int(x) + reach + 1)
        y0, y1 = max(0, int(y) - reach), min(self.shape[0], int(y) + reach + 1)
        v, u = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        u, v = u - x, v - y
        turn = self.rng.uniform(0, np.pi)
        a = (np.cos(turn) * u + np.sin(turn) * v) * stretch
        b = (-np.sin(turn) * u + np.cos(turn) * v) / stretch
        angle, edge = np.arctan2(b, a), np.ones_like(a)
        for k in range(2, 7):
            edge += wobble / k * self.rng.normal() * np.cos(k * angle + self.rng.uniform(0, 2 * np.pi))
        return _Shape((slice(y0, y1), slice(x0, x1)), (np.hypot(a, b) / (radius * edge)).astype(np.float32), u, v)

    def claim(self, shape: "_Shape") -> NDArray[np.bool_]:
        """Give a body its number, where no other lies already; returns its pixels in the window."""
        inside = shape.r <= 1
        window = self.labels[shape.window]
        window[inside & (window == 0)] = len(self.placed)
        return inside

    def room(self, x: float, y: float, radius: float, gap: float) -> bool:
        """Whether a body keeps `gap` px from all others."""
        return all(np.hypot(x - a, y - b) - c - radius >= gap for a, b, c in self.placed)

    # --- cells

    def red_cells(self, count: int) -> None:
        rng, d, (height, width) = self.rng, self.d, self.shape
        last = len(self.placed) + count
        for _ in range(400 * count):
            if len(self.placed) == last:
                return
            radius = d / 2 * rng.normal(1, 0.055)
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            gap = rng.choice([1.0, 0.12 * d])
            if len(self.placed) > 4 and rng.random() < OVERLAPS:  # over one of those that lie alone
                a, b, c = self.placed[rng.integers(2, len(self.placed))]
                turn, far = rng.uniform(0, 2 * np.pi), (c + radius) * rng.uniform(0.76, 0.92)
                x, y = a + far * np.cos(turn), b + far * np.sin(turn)
                others = [one for one in self.placed if one != (a, b, c)]
                if not (0 < x < width and 0 < y < height):
                    continue
                if any(np.hypot(x - p, y - q) - s - radius < 2 for p, q, s in others):
                    continue
            elif not self.room(x, y, radius, gap):
                continue
            self.placed.append((x, y, radius))
            self.red_cell(x, y, radius)

    def red_cell(self, x: float, y: float, radius: float) -> None:
        """A disc with a thick rim and a thin middle, dried flat. Alive: Evans and Fung 1972, doi
        10.1016/0026-2862(72)90069-6.
        """
        rng = self.rng
        shape = self.outline(x, y, radius, 0.025, 1 + abs(rng.normal(0, 0.045)))
        self.claim(shape)
        off = rng.normal(0, 0.06 * radius, 2)
        middle = np.hypot(shape.u - off[0], shape.v - off[1]) / radius
        pallor, wide = rng.uniform(0.55, 0.95), rng.uniform(0.40, 0.52)
        thick = 1 - pallor * np.exp(-((middle / wide) ** 2.2))
        thick += 0.12 * np.exp(-(((shape.r - 0.78) / 0.16) ** 2))  # the rim
        thick *= np.clip((1 - shape.r) * radius / 2.2 + 0.5, 0, 1) * rng.normal(1, 0.06)
        thick += 0.05 * self.clouds(shape.r.shape, 0.25 * self.d) * (shape.r < 1)
        blue = rng.uniform(0.35, 0.6) if rng.random() < 0.05 else rng.uniform(0, 0.16)
        stain = (1 - blue) * _density(PINK) + blue * _density(GREY_BLUE)
        self.density[shape.window] += np.clip(thick, 0, None)[..., None] * stain
        self.glare(shape, radius)

    def glare(self, shape: "_Shape", radius: float) -> None:
        """An edge bends light: a dark line on it, a bright one outside."""
        far = (shape.r - 1) * radius / self.d * 88  # px at the example's size
        line = 0.055 * np.exp(-((far / 1.6) ** 2)) - 0.030 * np.exp(-(((far - 4.5) / 2.4) ** 2))
        self.density[shape.window] += line[..., None]

    def white_cell(self, x: float, y: float, radius: float, stain: NDArray[np.float32], grain: float) -> "_Shape":
        shape = self.outline(x, y, radius, 0.045, 1.03)
        self.placed.append((x, y, radius))
        self.claim(shape)
        edge = np.clip((1 - shape.r) * radius / 3 + 0.5, 0, 1)
        body = (1 + grain * self.clouds(shape.r.shape, 0.05 * self.d)) * (0.85 + 0.3 * shape.r**2)
        self.density[shape.window] += (np.clip(body, 0.2, None) * edge)[..., None] * stain
        self.glare(shape, radius)
        return shape

    def nucleus(self, shape: "_Shape", heap: NDArray[np.float32], strength: float = 1.0) -> None:
        """Chromatin where `heap` is above 1, in clumps."""
        body = np.clip((heap - 1) * 7 + 0.5, 0, 1) * (shape.r < 0.95)
        clumps = 1 + 0.20 * self.clouds(heap.shape, 0.16 * self.d) + 0.10 * self.clouds(heap.shape, 0.05 * self.d)
        self.density[shape.window] += (body * np.clip(clumps, 0.4, 1.5))[..., None] * _density(NUCLEUS) * strength

    def neutrophil(self) -> None:
        """Fine granules, and a nucleus of lobes that hang together by threads."""
        rng, (height, width) = self.rng, self.shape
        radius = 0.74 * self.d
        x, y = width * rng.uniform(0.56, 0.66), height * rng.uniform(0.36, 0.5)
        shape = self.white_cell(x, y, radius, _density(CYTOPLASM), 0.30)
        start, heap = rng.uniform(0, 2 * np.pi), np.zeros_like(shape.r)
        places = []
        for k in range(4):
            angle, far = start + k * rng.uniform(1.05, 1.35), radius * rng.uniform(0.44, 0.54)
            places.append((far * np.cos(angle), far * np.sin(angle)))
        for u, v in places:
            lobe = radius * rng.uniform(0.235, 0.29)
            heap += np.exp(-0.5 * (((shape.u - u) ** 2 + (shape.v - v) ** 2) / lobe**2) ** 1.6) * 1.65
        for (a, b), (p, q) in pairwise(places):
            for t in np.linspace(0.2, 0.8, 9):
                far2 = (shape.u - a - t * (p - a)) ** 2 + (shape.v - b - t * (q - b)) ** 2
                heap = np.maximum(heap, 1.25 * np.exp(-0.5 * far2 / (0.085 * radius) ** 2))
        self.nucleus(shape, heap)

    def lymphocyte(self) -> None:
        """A round dense nucleus, and a narrow blue rim beside it."""
        rng, (height, width) = self.rng, self.shape
        radius = 0.60 * self.d
        x, y = width * rng.uniform(0.18, 0.26), height * rng.uniform(0.62, 0.74)
        shape = self.white_cell(x, y, radius, _density(LYMPH), 0.10)
        off = 0.10 * radius * np.array([np.cos(2.0), np.sin(2.0)])
        heap = 2 - np.hypot(shape.u - off[0], shape.v - off[1]) / (0.80 * radius)
        self.nucleus(shape, heap.astype(np.float32), 0.92)

    # --- what is no cell

    def platelets(self, count: int) -> list[tuple[float, float, float]]:
        rng, out = self.rng, []
        heap = None
        for _ in range(400):
            if len(out) == count:
                break
            radius = self.d * rng.uniform(0.14, 0.20)
            x, y = rng.uniform(0.02, 0.98) * self.shape[1], rng.uniform(0.02, 0.98) * self.shape[0]
            if heap is not None and rng.random() < 0.3:  # they like to lie together
                turn, far = rng.uniform(0, 2 * np.pi), self.d * rng.uniform(0.3, 0.5)
                x, y = heap[0] + far * np.cos(turn), heap[1] + far * np.sin(turn)
            apart = all(np.hypot(x - a, y - b) > 1.2 * (radius + c) for a, b, c in out)
            if not (apart and self.room(x, y, radius, 0.06 * self.d)):
                continue
            out.append((x, y, radius))
            heap = heap or (x, y)
            shape = self.outline(x, y, radius, 0.16, rng.uniform(1, 1.2))
            body = np.clip((1 - shape.r) * 2.2, 0, 1) * 0.7 + 0.75 * np.exp(-((shape.r / 0.5) ** 2))
            body *= np.clip(1 + 0.35 * self.clouds(shape.r.shape, 0.05 * self.d), 0, None)
            self.density[shape.window] += body[..., None] * _density(PLATELET)
        return out

    def grains(self) -> None:
        """Stain that fell out: small, sharp, almost black, in sprinkles."""
        rng, (height, width) = self.rng, self.shape
        for _ in range(max(1, round(7 * height * width / (900 * 1200)))):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            for _ in range(rng.integers(1, 5)):
                a, b = x + rng.normal(0, 0.16 * self.d), y + rng.normal(0, 0.16 * self.d)
                if not (0 <= a < width and 0 <= b < height):
                    continue
                shape = self.outline(a, b, self.d * rng.uniform(0.010, 0.026), 0.2, 1.1)
                self.density[shape.window] += np.clip(2.4 * (1.2 - shape.r), 0, 1)[..., None] * _density(GRAIN)

    # --- the microscope

    def photograph(self) -> NDArray[np.uint8]:
        """uint8 (H, W, 3): focus that is not the same everywhere, a lamp with a vignette, a camera that has noise."""
        rng, (height, width) = self.rng, self.shape
        sharp = cv2.GaussianBlur(self.density, (0, 0), self.d / 88)
        soft = cv2.GaussianBlur(self.density, (0, 0), 2.6 * self.d / 88)
        blurred = np.clip(0.30 + 0.22 * self.clouds(self.shape, 6 * self.d), 0, 0.8)[..., None]
        density = (1 - blurred) * sharp + blurred * soft
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] - 0.06
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None] + 0.04
        far2 = (x * x + 0.8 * y * y) / 1.8
        colour = np.array([0.9, 1.0, 1.15], np.float32)  # a vignette is a little warm
        lamp = 1 - colour * (0.11 * far2 + 0.10 * far2 * far2) + 0.015 * x - 0.01 * y
        light = np.exp(-density) * np.array(BACKGROUND, np.float32) * lamp
        for channel, grow in ((0, 1.0006), (2, 0.9994)):  # the lens bends red less than blue
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), 0, grow)
            light[..., channel] = cv2.warpAffine(
                np.ascontiguousarray(light[..., channel]), turn, (width, height), borderMode=cv2.BORDER_REPLICATE
            )
        noise = rng.normal(0, 1, light.shape).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * 2.0  # neighbours share the camera's colour filters
        light += noise * 0.011 * np.sqrt(np.clip(light, 0, 1))
        return np.clip(light * 255 + 0.5, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class _Shape:
    """A body in a window of the field."""

    window: tuple[slice, slice]
    r: NDArray[np.float32]  # (h, w), 1 at its edge
    u: NDArray[np.float32]  # px right of its middle
    v: NDArray[np.float32]  # px below it

"""Whole slides: cells lost or doubled at seams, cost a megapixel, peak memory.

    python benchmarks/slide.py [--sides 4000 10000] [--diameter 105] [--keep DIR]

Each slide is drawn on disk (BigTIFF, JPEG tiles, a smaller level) and its truth is exact: a field that continues at
its opposite edges is repeated, so that cells lie across every edge, and the truth of any window follows from its place.
Camera noise differs from tile to tile. Then `python -m bccseg slide --regions all` runs as a process of its own, and
its labels are matched to the truth window by window (IoU 0.5). "At a seam": the middle of the true cell is within
SEAM_CELLS of a line where the core of a block ends. Cells that the edge of the slide cuts are left out.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.report.run_record import versions
from bccseg.slides.job import JobFolder
from bccseg.slides.label_store import SlideLabels
from bccseg.slides.segmenting import LABELS, plan

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
TILE, TILES, NOISES = 512, 3, 4  # px of a TIFF tile; tiles along the field that repeats; tiles with other noise
FIELD = TILE * TILES
SMALLER = 4  # downsample of the second level
SEAM_CELLS = 0.75  # diameters
WINDOW = 2048  # px, matched at once
PIXEL_UM = 0.07
LIGHT = np.array((0.93, 0.91, 0.92), np.float32)
RED, WHITE, NUCLEUS = (np.array(c, np.float32) for c in ((0.80, 0.55, 0.62), (0.80, 0.66, 0.82), (0.55, 0.38, 0.68)))


@dataclass(frozen=True)
class DrawnField:
    """A field whose opposite edges continue each other."""

    picture: NDArray[np.uint8]  # (FIELD, FIELD, 3)
    labels: Labels  # (FIELD, FIELD): cells 1..N
    turn: NDArray[
        np.int8
    ]  # (2, FIELD, FIELD): the field, -1, 0 or 1 away, in which the middle of the pixel's cell lies


def draw_field(diameter: float, seed: int = 1) -> DrawnField:
    """Red cells, some touching, and a white one, as in `imaging.synthetic`."""
    rng = np.random.default_rng(seed)
    labels, turn = np.zeros((FIELD, FIELD), np.int32), np.zeros((2, FIELD, FIELD), np.int8)
    density = np.zeros((FIELD, FIELD, 3), np.float32)
    placed: list[tuple[float, float, float]] = []
    for _ in range(40_000):
        if len(placed) >= 0.35 * FIELD**2 / diameter**2:
            break
        white = not placed
        radius = diameter / 2 * (1.5 if white else rng.normal(1, 0.07))
        x, y = rng.uniform(0, FIELD, 2)
        apart = [
            np.hypot(*(((d + FIELD / 2) % FIELD) - FIELD / 2 for d in (x - a, y - b))) - c - radius
            for a, b, c in placed
        ]
        if min(apart, default=0.0) < -0.06 * diameter:
            continue
        placed.append((x, y, radius))
        reach = int(radius * 1.3) + 2
        rows, columns = (np.arange(int(at) - reach, int(at) + reach + 1) for at in (y, x))
        u, v = columns[None] - x, rows[:, None] - y
        angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.12)
        r = (
            np.hypot(
                (np.cos(angle) * u + np.sin(angle) * v) * stretch, (np.cos(angle) * v - np.sin(angle) * u) / stretch
            )
            / radius
        )
        at = np.ix_(rows % FIELD, columns % FIELD)
        own = (r <= 1) & (labels[at] == 0)
        labels[at] = np.where(own, len(placed), labels[at])
        for k, outside in enumerate((rows[:, None] // FIELD, columns[None] // FIELD)):
            turn[k][at] = np.where(own, -outside, turn[k][at])
        pallor = 0 if white else rng.uniform(0.35, 0.75)
        depth = rng.uniform(0.85, 1.15) * (1 - pallor * np.exp(-((r / 0.42) ** 2)))
        stain = -np.log((WHITE if white else RED) / LIGHT)
        added = own[..., None] * depth[..., None] * stain
        if white:
            added += (own & (r < 0.6))[..., None] * -np.log(NUCLEUS / LIGHT)
        density[at] += added.astype(np.float32)
    pad = 16
    blurred = cv2.GaussianBlur(np.pad(density, ((pad, pad), (pad, pad), (0, 0)), mode="wrap"), (0, 0), diameter / 60)
    light = np.exp(-blurred[pad:-pad, pad:-pad]) * LIGHT
    return DrawnField((light * 255 + 0.5).astype(np.uint8), labels, turn)


def write_slide(path: Path, field: DrawnField, side: int) -> None:
    """A square slide of `side` px."""
    rng = np.random.default_rng(side)

    def packed(picture: NDArray[np.uint8]) -> bytes:
        noisy = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        return imagecodecs.jpeg8_encode(noisy, level=90, colorspace="RGB", outcolorspace="YCBCR", subsampling="444")

    def tiles(picture: NDArray[np.uint8], length: int) -> Iterator[bytes]:
        across = picture.shape[0] // TILE
        kinds = {}
        for i in range(across):
            for j in range(across):
                part = picture[i * TILE : (i + 1) * TILE, j * TILE : (j + 1) * TILE]
                kinds[i, j] = [packed(part) for _ in range(NOISES)]
        count = -(-length // TILE)
        for i in range(count):
            for j in range(count):
                yield kinds[i % across, j % across][rng.integers(NOISES)]

    options = {
        "tile": (TILE, TILE), "dtype": np.uint8, "photometric": "ycbcr", "subsampling": (1, 1), "compression": "jpeg",
        "metadata": None, "resolutionunit": "CENTIMETER",
    }  # fmt: skip
    small = cv2.resize(np.tile(field.picture, (4, 4, 1)), (FIELD, FIELD), interpolation=cv2.INTER_AREA)
    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        for k, picture in enumerate((field.picture, small)):
            length, factor = -(-side // SMALLER**k), SMALLER**k
            tif.write(
                tiles(picture, length), shape=(length, length, 3), subifds=1 - k, subfiletype=k,
                resolution=(1e4 / PIXEL_UM / factor,) * 2, **options,
            )  # fmt: skip


def truth_of(field: DrawnField, rows: slice, columns: slice, side: int) -> NDArray[np.int64]:
    """Numbers of the true cells in a window, unlike for each copy; 0 is background."""
    y, x = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
    at = np.ix_(y % FIELD, x % FIELD)
    labels = field.labels[at].astype(np.int64)
    down = y[:, None] // FIELD + field.turn[0][at] + 1
    right = x[None] // FIELD + field.turn[1][at] + 1
    copies = side // FIELD + 3
    return np.where(labels > 0, (down * copies + right) * (int(field.labels.max()) + 1) + labels, 0)


@dataclass(frozen=True)
class SeamScore:
    """True cells, at seams and elsewhere, and what became of them."""

    cells: tuple[int, int]  # at seams, elsewhere
    lost: tuple[int, int]
    doubled: tuple[int, int]
    false: int


def score(field: DrawnField, side: int, folder: Path, diameter: float) -> SeamScore:
    """Match the labels of a slide to its truth."""
    job = JobFolder(folder).job()
    assert job is not None
    lines = [sorted({block.core[axis].start for block in plan(job)} - {0}) for axis in (0, 1)]
    store = SlideLabels(folder / LABELS, (side, side))
    found: list[NDArray[np.int64]] = []  # rows of true cell, predicted cell, pixels
    places: list[NDArray[np.float64]] = []  # rows of true cell, pixels, sums of y and x, whether it is cut
    for top in range(0, side, WINDOW):
        for left in range(0, side, WINDOW):
            rows, columns = slice(top, min(side, top + WINDOW)), slice(left, min(side, left + WINDOW))
            true, predicted = truth_of(field, rows, columns, side).ravel(), store.read((rows, columns)).ravel()
            keys, n = np.unique(true << 24 | predicted, return_counts=True)
            found.append(np.stack([keys >> 24, keys & (2**24 - 1), n]))
            at = np.flatnonzero(true)
            cells, of = np.unique(true[at], return_inverse=True)
            y, x = (v + o for v, o in zip(np.divmod(at, columns.stop - left), (top, left), strict=True))
            edge = (y == 0) | (x == 0) | (y == side - 1) | (x == side - 1)
            places.append(
                np.stack([cells, *(np.bincount(of, weights=w, minlength=len(cells)) for w in (None, y, x, edge))])
            )
    pairs, shared = _sum_by(np.concatenate(found, axis=1))
    cells, totals = _sum_by(np.concatenate(places, axis=1), keys=1)
    size, middle, cut = totals[0], totals[1:3] / totals[0], totals[3] > 0
    ids, areas = np.unique(pairs[1], return_inverse=True)
    area = np.bincount(areas, weights=shared[0])[areas]
    both = (pairs[0] > 0) & (pairs[1] > 0)
    row = np.searchsorted(cells[0], pairs[0])
    row[~both] = 0
    iou = np.where(both, shared[0] / (size[row] + area - shared[0]), 0)
    hit = np.bincount(row[both & (iou >= 0.5)], minlength=len(size)) > 0
    parts = np.bincount(row[both & (shared[0] > 0.5 * area) & (shared[0] > 0.2 * size[row])], minlength=len(size))
    reach = SEAM_CELLS * diameter
    near = np.zeros(len(size), bool)
    for axis in (0, 1):
        if lines[axis]:
            near |= np.abs(middle[axis][:, None] - np.array(lines[axis])).min(axis=1) < reach
    whole = ~cut
    matched = np.unique(pairs[1][both & (iou >= 0.5)])
    touching = np.unique(pairs[1][both & cut[row]])
    false = len(set(ids.tolist()) - {0} - set(matched.tolist()) - set(touching.tolist()))

    def split(which: NDArray[np.bool_]) -> tuple[int, int]:
        return int((which & whole & near).sum()), int((which & whole & ~near).sum())

    return SeamScore(split(np.ones(len(size), bool)), split(~hit), split(parts > 1), false)


def _sum_by(table: NDArray, keys: int = 2) -> tuple[NDArray, NDArray]:
    """Columns with the same first `keys` rows added up."""
    names, of = np.unique(table[:keys].astype(np.int64), axis=1, return_inverse=True)
    of = of.ravel()
    return names, np.stack([np.bincount(of, weights=row.astype(float)) for row in table[keys:]])


def main() -> None:
    """Print a line for each side."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--sides", type=int, nargs="+", default=[1448, 4000, 10_000])  # 1448: two megapixels
    ask.add_argument("--diameter", type=float, default=105.0)
    ask.add_argument("--keep", type=Path, help="folder for slides and results; a run that was cut off goes on there")
    args = ask.parse_args()
    print(versions())
    field = draw_field(args.diameter)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for side in args.sides:
            path, out = folder / f"slide{side}.tif", folder / f"slide{side}"
            if not path.exists():
                write_slide(path, field, side)
            begun = time.perf_counter()
            command = ["slide", str(path), "--out", str(out), "--regions", "all", "--device", "cpu"]
            subprocess.run([sys.executable, "-m", "bccseg", *command], check=True, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - begun
            records, job = JobFolder(out).done(), JobFolder(out).job()
            wall, cpu = (sum(getattr(one, name) for one in records) for name in ("seconds", "cpu_seconds"))
            megapixels = side**2 / 1e6
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * PEAK_UNIT / 1e9
            found = score(field, side, out, args.diameter)
            assert job is not None
            size = f"{side} x {side} px ({megapixels:.0f} megapixels), {len(records)} blocks"
            looked_at = sum(np.prod([s.stop - s.start for s in block.window]) for block in plan(job)) / side**2
            cost = (
                f"{seconds:.0f} s in all; blocks {wall / megapixels:.3f} s and {cpu / megapixels:.3f} CPU s a megapixel"
            )
            at, elsewhere = (
                f"{found.cells[k]} cells, {found.lost[k]} lost, {found.doubled[k]} doubled" for k in (0, 1)
            )
            print(f"{size}, cells of {job.diameter_px:.0f} px: {cost}, {looked_at:.2f} px looked at a px")
            print(f"    peak memory so far {peak:.2f} GB")
            print(f"    at seams: {at}; elsewhere: {elsewhere}; false {found.false}", flush=True)


if __name__ == "__main__":
    main()

"""Where the time goes from file bytes to labels and table, and what care buys over a plain version.

    python benchmarks/speed.py [IMAGE ...] [--repeat 7] [--weights W]

Without images, on a drawn 1600 x 1200 smear. Medians after a warm-up, all cores, CPU. The plain version
is the same network in float32 and PyTorch's default layout without folded batch norm, and scikit-image's
regionprops for the measures; it is given the same diameter, and both label images are compared cell by cell.
"""

import argparse
import io
import platform
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import skimage
import torch
from PIL import Image
from skimage.measure import regionprops_table

from bccseg import __version__
from bccseg.config import SegmentSettings
from bccseg.imaging.measure import measure_cells
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.io.images import decode
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights

PROPERTIES = (
    "label", "area", "centroid", "perimeter", "equivalent_diameter_area", "axis_major_length", "axis_minor_length",
    "eccentricity", "solidity", "intensity_mean",
)  # fmt: skip
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def careful(data: bytes, predictor: Predictor) -> tuple[dict[str, float], np.ndarray, float]:
    """Seconds by stage, labels and diameter of the way bccseg goes."""
    start = time.perf_counter()
    image = decode(data)[0].image
    decoded = time.perf_counter()
    found = segment(image, predictor)
    segmented = time.perf_counter()
    measure_cells(found.labels, image, found.scores)
    seconds = {"decode": decoded - start, **found.seconds, "measures": time.perf_counter() - segmented}
    seconds["total"] = time.perf_counter() - start
    return seconds, found.labels, found.diameter_px


def plain(data: bytes, predictor: Predictor, diameter_px: float | None) -> tuple[float, np.ndarray]:
    """Seconds and labels of the plain way."""
    start = time.perf_counter()
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    settings = SegmentSettings(diameter_px=diameter_px)
    labels = segment(image, predictor, settings).labels
    regionprops_table(labels, image, properties=PROPERTIES)
    return time.perf_counter() - start, labels


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """F1 at IoU 0.5 between two label images."""
    n, m = int(a.max()), int(b.max())
    both = np.bincount(a.ravel().astype(np.int64) * (m + 1) + b.ravel(), minlength=(n + 1) * (m + 1))
    both = both.reshape(n + 1, m + 1)
    union = both.sum(1)[1:, None] + both.sum(0)[None, 1:] - both[1:, 1:]
    return 2 * int((both[1:, 1:] / np.maximum(1, union) >= 0.5).sum()) / max(1, n + m)


def example() -> bytes:
    """A drawn smear of the usual size, as PNG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(draw_smear((1200, 1600), cells=110, diameter_px=105)[0]).save(buffer, "PNG")
    return buffer.getvalue()


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("images", nargs="*", type=Path)
    ask.add_argument("--repeat", type=int, default=7)
    ask.add_argument("--weights")
    args = ask.parse_args()
    files = {p.name: p.read_bytes() for p in args.images} or {"drawn smear 1600 x 1200": example()}
    weights = load_weights(*locate(args.weights))
    fast, slow = Predictor(weights, "cpu"), Predictor(weights, "cpu", optimise=False)

    careful(next(iter(files.values())), fast)  # warm-up
    stages = [careful(data, fast)[0] for data in files.values() for _ in range(args.repeat)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e9
    typical = {name: statistics.median(s[name] for s in stages) for name in stages[0]}

    plain(next(iter(files.values())), slow, None)
    rounds = [plain(data, slow, None)[0] for data in files.values() for _ in range(max(1, args.repeat // 2))]
    same = []
    for data in files.values():
        _, labels, diameter = careful(data, fast)
        same.append(agreement(labels, plain(data, slow, diameter)[1]))

    print(f"bccseg {__version__}, {weights.source}; torch {torch.__version__}, scikit-image {skimage.__version__}, "
          f"numpy {np.__version__}; Python {platform.python_version()}, {torch.get_num_threads()} cores, "
          f"{platform.machine()}; {fast.dtype}; {len(files)} image(s) x {args.repeat}, medians")  # fmt: skip
    for name, seconds in typical.items():
        print(f"  {name:10} {seconds:6.3f} s  {100 * seconds / typical['total']:5.1f} %")
    print(f"  slowest    {max(s['total'] for s in stages):6.3f} s")
    baseline = statistics.median(rounds)
    print(f"  plain      {baseline:6.3f} s, {baseline / typical['total']:.1f} times as long")
    print(f"  same cells: F1 {min(same):.4f} (lowest of {len(same)})")
    print(f"  peak memory before the plain version: {peak:.2f} GB")


if __name__ == "__main__":
    main()

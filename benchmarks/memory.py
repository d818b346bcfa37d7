"""Peak memory and time for a very large image.

    python benchmarks/memory.py [--side 10000] [--diameter 105]

A drawn smear is repeated to fill a square image; the peak is that of the whole process, image included.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bccseg.imaging.measure import measure_cells
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Print one line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--side", type=int, default=10_000)
    ask.add_argument("--diameter", type=float, default=105.0)
    args = ask.parse_args()
    one, _ = draw_smear((1000, 1000), cells=int(0.35 * 1e6 / args.diameter**2), diameter_px=args.diameter)
    times = -(-args.side // 1000)
    image = np.ascontiguousarray(np.tile(one, (times, times, 1))[: args.side, : args.side])
    predictor = Predictor(load_weights(*locate()), "cpu")
    start = time.perf_counter()
    found = segment(image, predictor)
    segmented = time.perf_counter()
    table = measure_cells(found.labels, image, found.scores)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e9
    print(
        f"{args.side} x {args.side} px, {len(table)} cells of {found.diameter_px:.0f} px: "
        f"{segmented - start:.0f} s to labels, {end - segmented:.0f} s to the table, peak memory {peak:.2f} GB"
    )


if __name__ == "__main__":
    main()

"""Fields a second of a batch: one after the other in one process, and through the pipeline of processes.

    python benchmarks/throughput.py [IMAGE ...] [--fields 12] [--rounds 3] [--processes N] [--one-magnification]

Without images, drawn smears of 1600 x 1200 px. Both ways are given the same files in one run, turn by turn; the
networks are loaded and warm before the clock starts, results are taken with their pixels, nothing is written. Labels
are compared pixel by pixel, and cell by cell at IoU 0.5 where they differ. Then a single core is timed with a network
that costs nothing (its maps are kept from the first pass): cores times that rate is what as many cores could do beside
a GPU that is never waited for. That is an estimate, no measurement.
"""

import argparse
import io
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bccseg import __version__
from bccseg.config import SegmentSettings
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.batch import Failure, segment_entries
from bccseg.inference.pipeline import Pipeline, usable_cores
from bccseg.inference.predictor import Predictor
from bccseg.io.archive import Entry
from bccseg.metrics.matching import match
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights


def draw(count: int) -> Iterator[Entry]:
    """Smears of the usual size, as PNG files."""
    for seed in range(count):
        buffer = io.BytesIO()
        Image.fromarray(draw_smear((1200, 1600), cells=110, diameter_px=105, seed=seed)[0]).save(buffer, "PNG")
        yield Entry(f"drawn {seed}.png", buffer.getvalue())


class Remembered:
    """A network whose answers are kept, so that the second time they cost next to nothing."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.kept = predictor, {}
        self.config, self.cell_head = predictor.config, predictor.cell_head
        self.source, self.device, self.dtype = predictor.source, predictor.device, predictor.dtype

    def __call__(self, image: NDArray[np.uint8], white: NDArray[np.float32], **asked: bool) -> ProbabilityMaps:
        """As a `Predictor`."""
        key = (image.shape, hash(image[::7, ::7].tobytes()), *sorted(asked.items()))
        if key not in self.kept:
            self.kept[key] = self.predictor(image, white, **asked)
        return self.kept[key]


def labels_of(outcome: object) -> NDArray[np.int32]:
    """Raises SystemExit for a failure."""
    if isinstance(outcome, Failure):
        raise SystemExit(f"{outcome.name}: {outcome.reason}")
    return outcome.labels  # type: ignore[attr-defined]


def cpu_name() -> str:
    """As the system calls it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def single_core_rate(predictor: Predictor, fields: list[Entry]) -> float:
    """Fields a second of one core for which the network is free."""
    free, taken = Remembered(predictor), []
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for entry in fields:
        for _ in range(3):
            start = time.process_time()
            list(segment_entries([entry], free, SegmentSettings()))  # type: ignore[arg-type]
            last = time.process_time() - start
        taken.append(last)
        free.kept.clear()
    return 1 / statistics.median(taken)


def main() -> None:
    """Print the comparison."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("images", nargs="*", type=Path)
    ask.add_argument("--fields", type=int, default=12)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--processes", type=int, default=usable_cores())
    ask.add_argument("--one-magnification", action="store_true")
    ask.add_argument("--device", default="cpu")
    args = ask.parse_args()
    fields = [Entry(p.name, p.read_bytes()) for p in args.images] or list(draw(args.fields))
    weights = locate()
    predictor = Predictor(load_weights(*weights), args.device)
    loop, pipe, ratios = [], [], []
    with Pipeline(
        *weights, SegmentSettings(), processes=args.processes, device=args.device,
        one_magnification=args.one_magnification,
    ) as pipeline:  # fmt: skip
        list(pipeline(fields[:1] * 2 * args.processes))
        list(segment_entries(fields[:1], predictor, SegmentSettings()))
        for _ in range(args.rounds):
            start = time.perf_counter()
            alone = [labels_of(found) for found in segment_entries(fields, predictor, SegmentSettings())]
            half = time.perf_counter()
            both = [labels_of(found) for _, found in pipeline(fields)]
            loop.append(half - start)
            pipe.append(time.perf_counter() - half)
            ratios.append(loop[-1] / pipe[-1])
    differ = [float((a != b).mean()) for a, b in zip(alone, both, strict=True)]
    f1 = [2 * len(match(a, b)) / max(1, int(a.max()) + int(b.max())) for a, b in zip(alone, both, strict=True)]
    rate = single_core_rate(predictor, fields[:4])
    print(f"bccseg {__version__}, {predictor.source} on {args.device}; torch {torch.__version__}, OpenCV "
          f"{cv2.__version__}, numpy {np.__version__}, Python {platform.python_version()}; {usable_cores()} "
          f"cores ({cpu_name()}), load {os.getloadavg()[0]:.1f}; {len(fields)} fields x {args.rounds} rounds, "
          "medians")  # fmt: skip
    print(f"  one by one                    {len(fields) / statistics.median(loop):6.2f} fields a second")
    print(f"  pipeline, {args.processes:2} processes        {len(fields) / statistics.median(pipe):6.2f} fields a "
          f"second, {statistics.median(ratios):.2f} x as many")  # fmt: skip
    print(f"  labels: {sum(d == 0 for d in differ)} of {len(fields)} the same pixel by pixel; at most "
          f"{100 * max(differ):.2f} % of the pixels differ, lowest F1 between both {min(f1):.4f}")  # fmt: skip
    print(f"  one core, network for nothing {rate:6.2f} fields a second; 0.85 x 16 cores of that would be "
          f"{0.85 * 16 * rate:.0f} (an estimate)")  # fmt: skip


if __name__ == "__main__":
    main()

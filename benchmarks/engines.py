"""Whether another engine runs the network faster than PyTorch on this CPU, and whether the cells stay the same.

    python benchmarks/engines.py [--weights W] [--shape H W] [--rounds 7] [--threads N]

The same drawn smear through PyTorch as bccseg runs it (white, padding, network, maps: `Predictor`), and through the
exported graph (white inside) in onnxruntime and, where it is installed, OpenVINO. Rounds are interleaved, so that what
else the machine does slows all of them; medians, and the median of the ratios of each round. Cells are made of the
maps by bccseg's own steps and compared at IoU 0.5.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from bccseg.config import Thresholds
from bccseg.imaging.instances import ProbabilityMaps, separate_cells
from bccseg.imaging.normalise import white_level
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.metrics.matching import match
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.portable.engines import onnx
from bccseg.portable.graph import PortableNetwork

Engine = Callable[[NDArray[np.uint8]], ProbabilityMaps]


def as_maps(stack: NDArray[np.float32]) -> ProbabilityMaps:
    """Exported channels (C, H, W) of a network with the head `cell_shape`, by name."""
    return ProbabilityMaps(stack[0], stack[1], stack[2:4], stack[4:7], stack[7:] if len(stack) > 7 else None)


def as_input(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) as (1, 3, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)


def engines(graph: bytes, predictor: Predictor, threads: int) -> dict[str, Engine]:
    """What is installed here, PyTorch first."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to whose turn it is
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    there: dict[str, Engine] = {
        f"PyTorch {torch.__version__}": lambda image: predictor(image, white_level(image)),
        f"onnxruntime {onnxruntime.__version__}": lambda image: as_maps(
            session.run(None, {"rgb": as_input(image)})[0][0]
        ),
    }
    try:
        import openvino
    except ImportError:
        return there
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(core.read_model(graph), "CPU", settings)
    there[f"OpenVINO {openvino.__version__.split('-')[0]}"] = lambda image: as_maps(compiled([as_input(image)])[0][0])
    return there


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--weights")
    ask.add_argument("--shape", nargs=2, type=int, default=(544, 736), help="a 1600 x 1200 field at 48 px a cell")
    ask.add_argument("--rounds", type=int, default=7)
    ask.add_argument("--threads", type=int, default=os.cpu_count())
    args = ask.parse_args()
    torch.set_num_threads(args.threads)
    weights = load_weights(*locate(args.weights))
    predictor = Predictor(weights, "cpu")
    image = draw_smear(tuple(args.shape), cells=100, diameter_px=48, seed=5)[0]
    there = engines(onnx(PortableNetwork(weights), {}), predictor, args.threads)

    thresholds = Thresholds(**weights.config.thresholds)
    maps = {name: engine(image) for name, engine in there.items()}  # warm-up
    labels = {name: separate_cells(m, thresholds, 48.0, image.shape[:2])[0] for name, m in maps.items()}
    first = next(iter(there))
    wall: dict[str, list[float]] = {name: [] for name in there}
    work: dict[str, list[float]] = {name: [] for name in there}  # seconds of all cores together
    for _ in range(args.rounds):
        for name, engine in there.items():
            start, begun = time.perf_counter(), time.process_time()
            engine(image)
            wall[name].append(time.perf_counter() - start)
            work[name].append(time.process_time() - begun)

    print(f"{weights.source}, {image.shape[1]} x {image.shape[0]} px, {args.rounds} interleaved rounds, {args.threads} "
          f"threads of {os.cpu_count()} cores ({platform.machine()}, load {os.getloadavg()[0]:.0f}), PyTorch in "
          f"{predictor.dtype}, Python {platform.python_version()}; medians")  # fmt: skip
    for name, taken in wall.items():
        ratio = statistics.median(a / b for a, b in zip(wall[first], taken, strict=True))
        cpu = statistics.median(a / b for a, b in zip(work[first], work[name], strict=True))
        same = 2 * len(match(labels[first], labels[name])) / max(1, int(labels[first].max()) + int(labels[name].max()))
        print(f"  {name:24} {statistics.median(taken):6.3f} s (best {min(taken):.3f}), {ratio:4.2f} x as fast; "
              f"{statistics.median(work[name]):6.3f} core seconds, {cpu:4.2f} x as few; F1 {same:.4f}, cell map "
              f"{np.abs(maps[first].cell - maps[name].cell).max():.0e} apart")  # fmt: skip


if __name__ == "__main__":
    main()

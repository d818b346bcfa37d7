"""Accuracy of weights, and of two baselines, on labelled images, with one setting for all.

    python benchmarks/accuracy.py IMAGES --labels DIR      <stem>.png, one number a cell; overlapping cells are two
    python benchmarks/accuracy.py IMAGES --boxes DIR       <stem>.txt, a line "class cx cy w h" a cell
    python benchmarks/accuracy.py IMAGES --masks DIR       <stem>.png, each piece a cell
    python benchmarks/accuracy.py IMAGES --points JSON     {"name": [[x, y, ...], ...]}
    add --composites (with --labels) to lay cells of each image over others of it, so that overlaps have exact truth
    add --debris 6 (with --masks) to draw debris on the images: platelets, stain deposits, smudges, threads
    add --no-cells 2 (with --boxes) to leave out classes that are no cells, such as platelets
    add --baselines TRAIN for Otsu + watershed, and the seed recipe trained on TRAIN (original/, mask/; half an hour)
    add --weights W ... to choose; --out DIR for the table, pictures of the ten worst images, reliability of the scores

The diameter is found by the program. The rules stand in bccseg/metrics; intervals are bootstrapped over images.
"""

import argparse
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from baselines import Method, by_weights, otsu_watershed, seed_recipe
from numpy.typing import NDArray
from truths import Case, cases

from bccseg import __version__
from bccseg.imaging.label_image import border_ids
from bccseg.inference.predictor import Predictor
from bccseg.io.encode import jpeg
from bccseg.metrics.bootstrap import bootstrap
from bccseg.metrics.calibration import calibration_error
from bccseg.metrics.error_types import count_errors
from bccseg.metrics.matching import ImageScore, summarise_scores
from bccseg.model.weight_sources import locate, shipped_names
from bccseg.model.weights import load_weights
from bccseg.report.error_picture import draw_errors

COLUMNS = {
    "dice": "Dice", "dice_inner": "Dice off the border", "f1": "F1@0.5", "recall": "recall", "pq": "PQ",
    "boundary_px": "boundary px", "count_error": "count error", "count_bias": "count bias",
}  # fmt: skip
KINDS = ("labels", "boxes", "masks", "points")
PERCENT = ("count_error", "count_bias")
WORST, PICTURE_PX = 10, 1200


@dataclass
class Result:
    """What one method made of all images."""

    names: list[str] = field(default_factory=list)
    scores: list[ImageScore] = field(default_factory=list)
    labels: list[NDArray[np.uint16]] = field(default_factory=list)
    probability: list[float] = field(default_factory=list)  # score of every cell off the border ...
    right: list[bool] = field(default_factory=list)  # ... and whether it matches a true one


def run(method: Method, wanted: list[Case]) -> Result:
    """Segment and score every image."""
    result = Result()
    for case in wanted:
        labels, scores = method(case.image)
        result.scores.append(case.score(labels))
        if case.matched and scores is not None:
            right = case.matched(labels)
            inside = sorted(set(range(1, len(scores) + 1)) - set(border_ids(labels).tolist()))
            result.probability += [float(scores[cell - 1]) for cell in inside]
            result.right += [cell in right for cell in inside]
        result.names.append(case.name)
        result.labels.append(labels.astype(np.uint16))
    return result


def number(name: str, value: float) -> str:
    """As printed: shares of a count in percent, lengths with two digits, others with four."""
    return f"{100 * value:.1f} %" if name in PERCENT else f"{value:.2f}" if name == "boundary_px" else f"{value:.4f}"


def row(name: str, result: Result) -> str:
    """A line of the table: each metric with its 95 % interval."""
    metrics, spread, cells = summarise_scores(result.scores), bootstrap(result.scores), []
    for key in COLUMNS:
        if (value := metrics[key]) is None:
            cells.append("")
            continue
        low, high = spread[key]
        cells.append(f"{number(key, value)} ({number(key, low)} to {number(key, high)})")
    ece = f"{calibration_error(np.array(result.probability), np.array(result.right)):.3f}" if result.right else ""
    return f"| {name} | {' | '.join(cells)} | {ece} |"


def write_worst(result: Result, wanted: list[Case], out: Path) -> list[str]:
    """Pictures of the worst images, and a line on each with its mistakes by kind where the cells are outlined."""
    each = [summarise_scores([s]) for s in result.scores]
    worst = sorted(range(len(each)), key=lambda k: (each[k]["f1"], each[k]["pq"] or 0))[:WORST]
    lines = ["| image | F1 | PQ | count error | mistakes |", "|---|---|---|---|---|"]
    (out / "worst").mkdir(parents=True, exist_ok=True)
    for rank, k in enumerate(worst, start=1):
        case, labels, stem = wanted[k], result.labels[k].astype(np.int32), Path(wanted[k].name).stem
        truth = case.labels if case.labels is not None else labels
        picture = draw_errors(case.image, truth, labels, PICTURE_PX)
        (out / "worst" / f"{rank:02}_{stem}.jpg").write_bytes(jpeg(picture))
        kinds = ", ".join(f"{n} {kind}" for kind, n in count_errors(truth, labels).most_common())
        f1, error = each[k]["f1"], each[k]["count_error"]
        pq = "" if each[k]["pq"] is None else f"{each[k]['pq']:.3f}"
        lines.append(f"| {stem} | {f1:.3f} | {pq} | {100 * error:.1f} % | {kinds} |")
    return lines


def draw_reliability(results: dict[str, Result], out: Path) -> None:
    """reliability.svg: of the cells with such a score, how many are right. Dots are as large as there are cells."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color="#999999", linewidth=1)
    for name, result in results.items():
        score, right = np.array(result.probability), np.array(result.right, float)
        which = np.clip((score * 10).astype(int), 0, 9)
        size = np.bincount(which, minlength=10)
        there = size > 0
        means = [np.bincount(which, values, 10)[there] / size[there] for values in (score, right)]
        axes.plot(*means, "-", linewidth=1, label=name)
        axes.scatter(*means, s=10 + 60 * np.sqrt(size[there] / size.max()))
    axes.set(xlabel="score", ylabel="share of cells that match a true one", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(frameon=False)
    figure.savefig(out / "reliability.svg", metadata={"Date": None})


def main() -> None:
    """Print the table; with --out write it, the pictures and the plot."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("images", type=Path)
    truth = ask.add_mutually_exclusive_group(required=True)
    for kind in KINDS:
        truth.add_argument(f"--{kind}", type=Path)
    ask.add_argument("--composites", action="store_true", help="lay cells over others")
    ask.add_argument("--debris", type=int, default=0, metavar="LAYERS", help="debris drawn on each image")
    ask.add_argument("--no-cells", type=int, nargs="*", default=(), metavar="CLASS", help="of boxes")
    ask.add_argument("--weights", nargs="*", default=shipped_names())
    ask.add_argument("--baselines", type=Path, metavar="TRAIN")
    ask.add_argument("--seed-run", type=Path, default=Path("runs/seed-recipe"), help="where the seed recipe is trained")
    ask.add_argument("--out", type=Path)
    args = ask.parse_args()
    kind = next(kind for kind in KINDS if getattr(args, kind))
    if (args.debris and kind != "masks") or (args.composites and kind != "labels"):
        ask.error("--debris needs --masks, --composites needs --labels: they go by the cells' size and place")
    wanted = list(cases(
        args.images, kind, getattr(args, kind), debris=args.debris, composites=args.composites,
        no_cells=tuple(args.no_cells),
    ))  # fmt: skip
    methods: dict[str, Method] = {name: by_weights(Predictor(load_weights(*locate(name)))) for name in args.weights}
    if args.baselines:
        methods["Otsu + watershed"] = otsu_watershed
        methods |= seed_recipe(args.baselines, args.seed_run)
    results = {name: run(method, wanted) for name, method in methods.items()}
    cells = sum(s.tp + s.fn for s in next(iter(results.values())).scores)
    versions = f"bccseg {__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    lines = [
        f"{len(wanted)} images, about {cells} cells. {versions}, {platform.machine()}.",
        "", f"| method | {' | '.join(COLUMNS.values())} | ECE |", "|---" * (len(COLUMNS) + 2) + "|",
        *(row(name, result) for name, result in results.items()),
    ]  # fmt: skip
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    if args.out and kind != "points":
        first = next(iter(results))
        lines += ["", f"The worst images of {first}:", "", *write_worst(results[first], wanted, args.out)]
        draw_reliability({name: results[name] for name in args.weights}, args.out)
    print("\n".join(lines))
    if args.out:
        (args.out / "accuracy.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What correcting a few fields of a new laboratory buys, and what it costs on the old ones.

    python benchmarks/few_corrections.py --pool DIR --images DIR --points POINTS.json --base DIR --old DIR --out DIR

pool: corrected fields of the new laboratory (original/, mask/). images, points: its fields with a point a cell,
{"name": [[x, y, ...], ...]}; those of the pool are left out. base: the training set of the weights (original/, mask/),
mixed in. old: images with masks like it, never learned from (original/, mask/).

For every seed the pool is shuffled; the quick fine-tune of the Train page learns from its first 1, 2, 5 and 10
fields, from the shipped weights each time. Rows are kept in DIR/rows.jsonl, so that a broken run goes on; at the end
the medians are written to DIR as few_corrections.md and few_corrections.svg.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bccseg import __version__
from bccseg.config import QUICK_FINE_TUNE, TrainConfig
from bccseg.inference.evaluate import evaluate
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.io.images import read_image
from bccseg.metrics.matching import score_points, summarise_scores
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import TrainingImage, load_training_image
from bccseg.training.weight_export import export_run

Pairs = list[tuple[Path, Path]]


def score(folder: Path, args: argparse.Namespace, pool: set[str]) -> dict[str, float]:
    """F1 and count error on the new laboratory's other fields, and F1 on the old images."""
    predictor = Predictor(load_weights(folder))
    points = json.loads(args.points.read_text(encoding="utf-8"))
    scores = []
    for name, marks in sorted(points.items()):
        if Path(name).stem not in pool:
            labels = segment(read_image(args.images / name), predictor).labels
            scores.append(score_points(labels, np.array([m[:2] for m in marks], float)))
    new, old = summarise_scores(scores), evaluate(predictor, find_pairs(args.old)).metrics
    return {"f1": new["f1"], "count_error": new["count_error"], "old_f1": old["f1"], "old_count": old["count_error"]}


def tune(
    pairs: Pairs, base: tuple[list[TrainingImage], list[TrainingImage]], config: TrainConfig, run: Path
) -> tuple[Path, float]:
    """Fine-tune on corrected fields as the Train page does; the weights and the seconds, reading images aside."""
    images = [load_training_image(*pair, config) for pair in pairs]
    started = time.monotonic()
    monitored = images + base[1][: len(images)]  # too few to hold one out; see `sources.TrainingData.monitored`
    for _ in Trainer(images, monitored, config, run, base=base[0]).run():
        pass
    return export_run(run), time.monotonic() - started


def measure(args: argparse.Namespace) -> list[dict[str, float]]:
    """A row for the shipped weights and for every size and seed; those in rows.jsonl are not made again."""
    kept = args.out / "rows.jsonl"
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(row["fields"], row["seed"]) for row in rows}
    pool = find_pairs(args.pool)
    stems, config = {image.stem for image, _ in pool}, QUICK_FINE_TUNE

    def keep(row: dict[str, float]) -> None:
        rows.append(row)
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)

    if (0, 0) not in done:
        keep({"fields": 0, "seed": 0, "seconds": 0.0, **score(locate(config.base_weights)[0], args, stems)})
    wanted = [(n, s) for s in range(args.seeds) for n in args.sizes if (n, s) not in done]
    if not wanted:
        return rows
    learned, check = split_pairs(find_pairs(args.base), config.validation_share)
    base = tuple([load_training_image(*pair, config) for pair in pairs] for pairs in (learned, check))
    for count, seed in wanted:
        order = np.random.default_rng(seed).permutation(len(pool))
        chosen = [pool[k] for k in order[:count]]
        with tempfile.TemporaryDirectory() as folder:
            weights, seconds = tune(chosen, base, config.replace(seed=seed), Path(folder) / "run")
            keep({"fields": count, "seed": seed, "seconds": seconds, **score(weights, args, stems)})
    return rows


def medians(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """The median over the seeds for each number of fields."""
    sizes = sorted({row["fields"] for row in rows})
    return [
        {name: statistics.median(row[name] for row in rows if row["fields"] == n) for name in rows[0] if name != "seed"}
        for n in sizes
    ]


def write_table(rows: list[dict[str, float]], seeds: int, out: Path) -> None:
    """few_corrections.md."""
    head = (f"bccseg {__version__}, torch {torch.__version__}, Python {platform.python_version()}, "
            f"{torch.get_num_threads()} cores, {platform.machine()}. Medians of {seeds} seeds.")  # fmt: skip
    titles = ("corrected fields", "F1, new laboratory", "error 1 - F1", "count error", "F1, old images", "minutes")
    lines = [head, "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    lines += [
        f"| {r['images']} | {r['f1']:.4f} | {1 - r['f1']:.4f} | {100 * r['count_error']:.1f} % | {r['old_f1']:.4f} | "
        f"{r['seconds'] / 60:.1f} |" for r in rows
    ]  # fmt: skip
    (out / "few_corrections.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def draw(rows: list[dict[str, float]], typical: list[dict[str, float]], out: Path) -> None:
    """few_corrections.svg."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    titles = (("f1", "Error on the new laboratory (1 - F1)"), ("old_f1", "Error on the old images (1 - F1)"))
    for axes, (name, title) in zip(figure.subplots(1, 2), titles, strict=True):
        axes.plot([r["fields"] for r in rows], [1 - r[name] for r in rows], "o", color="#999999", markersize=4)
        axes.plot([r["fields"] for r in typical], [1 - r[name] for r in typical], "-", color="#b03a48")
        axes.set(title=title, xlabel="corrected fields", xticks=[r["fields"] for r in typical], ylim=(0, None))
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out / "few_corrections.svg", metadata={"Date": None})


def main() -> None:
    """Measure what is missing, then write table and plot."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("pool", "images", "points", "base", "old", "out"):
        ask.add_argument(f"--{name}", type=Path, required=True)
    ask.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 5, 10])
    ask.add_argument("--seeds", type=int, default=3)
    args = ask.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = measure(args)
    typical = medians(rows)
    write_table(typical, args.seeds, args.out)
    draw(rows, typical, args.out)


if __name__ == "__main__":
    main()

"""Classes from a few marked cells: seconds to learn, and how many of the cells that were not marked are told right.

    python -m benchmarks.few_labels DATA [--cells 20] [--seeds 5] [--weights W]

DATA holds chula/ (Chula RBC-12: a point and a class for each red cell) and txl_pbc/ (boxes of white and red cells).
Cells are those that the weights find; the class of each is that of the one point, or of the one box that it fits. Some
cells a class are drawn by chance, as if a person had clicked them; all others test the rule. "same images": the others
of the images that were clicked in. "other images": those of images nobody clicked in. Balanced: mean of the classes'
recalls.
"""

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bccseg.classes import DEFAULT_CLASSES, MORPHOLOGY_CLASSES, CellClass
from bccseg.imaging.label_image import Labels
from bccseg.inference.predictor import Predictor, load_predictor
from bccseg.io.images import read_image
from bccseg.metrics.calibration import calibration_error
from bccseg.metrics.class_scores import accuracy
from bccseg.training.cell_head_learning import FieldCells, learn_cell_head
from bccseg.training.few_labels import LabelledField, describe_cells
from bccseg.training.few_labels_export import held_out_accuracy

LEAST_TEST = 7  # cells of a class that must be left for a test


@dataclass(frozen=True)
class Task:
    """Fields with every cell's class, and what they are of."""

    title: str
    fields: list[LabelledField]
    classes: tuple[CellClass, ...]


def main() -> None:
    """Print a row for each task."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--weights")
    args = parser.parse_args()
    predictor = load_predictor(args.weights, "cpu")
    print(
        "| task | classes | images | cells tested | accuracy (95 %) | balanced | calibration error | look s | learn s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for task in tasks(predictor, args.data):
        started = time.perf_counter()
        cells = describe_cells(predictor, task.fields, lambda _share, _what: None)
        seconds = time.perf_counter() - started
        counts = Counter(name for name in cells.names if name)
        known = [one for one in task.classes if counts[one.name] >= args.cells + LEAST_TEST]
        for elsewhere in (False, True):
            if elsewhere and len(task.fields) < 6:
                continue
            tests = [test(cells, known, args.cells, seed, elsewhere=elsewhere) for seed in range(args.seeds)]
            print(row(task, known, tests, seconds, elsewhere=elsewhere), flush=True)


def test(cells: FieldCells, classes: list[CellClass], count: int, seed: int, *, elsewhere: bool) -> dict:
    """Learn from `count` cells a class, drawn by chance, and tell the others. elsewhere: those of other images."""
    random, names = np.random.default_rng(seed), np.array(cells.names)
    images = random.permutation(np.unique(cells.field))
    clicked = np.isin(cells.field, images[: len(images) // 2]) if elsewhere else np.ones(len(names), bool)
    drawn = np.concatenate([
        random.permutation(np.flatnonzero(clicked & (names == one.name)))[:count] for one in classes
    ])  # fmt: skip
    marked = np.full(len(names), "", names.dtype)
    marked[drawn] = names[drawn]
    seen = replace(
        cells, features=cells.features[clicked], names=marked[clicked].tolist(), field=cells.field[clicked],
        told=cells.told[clicked],
    )  # fmt: skip
    started = time.perf_counter()
    learned = learn_cell_head(seen, classes)
    seconds = time.perf_counter() - started
    order = {name: k for k, name in enumerate(learned.head.names)}
    rest = np.isin(names, list(order)) & (~clicked if elsewhere else marked == "")
    p, true = learned.head(cells.features[rest]), np.array([order[name] for name in names[rest]])
    confusion = np.zeros((len(order), len(order)), int)
    np.add.at(confusion, (true, p.argmax(axis=1)), 1)
    own = held_out_accuracy(learned.about)
    return {
        "confusion": confusion, "ece": calibration_error(p.max(axis=1), p.argmax(axis=1) == true), "s": seconds,
        "own": own.value, "names": learned.head.names,
    }  # fmt: skip


def row(task: Task, known: list[CellClass], tests: list[dict], seconds: float, *, elsewhere: bool) -> str:
    """A line of the table: means over the seeds; the interval is of one seed's number of cells."""
    accuracies = [accuracy(one["confusion"]) for one in tests]
    balanced = []
    for one in tests:
        total = one["confusion"].sum(axis=1)
        balanced.append(np.mean(np.diag(one["confusion"])[total > 0] / total[total > 0]))
    low, high = (np.mean([getattr(one, end) for one in accuracies]) for end in ("low", "high"))
    cells = round(np.mean([one.cells for one in accuracies]))
    where = "other images" if elsewhere else "same images"
    return (
        f"| {task.title}, {where} | {', '.join(one.name for one in known)} | {len(task.fields)} | {cells} | "
        f"{np.mean([one.value for one in accuracies]):.3f} ({low:.3f} to {high:.3f}; said when learning: "
        f"{np.mean([one['own'] for one in tests]):.3f}) | {np.mean(balanced):.3f} | "
        f"{np.mean([one['ece'] for one in tests]):.3f} | {seconds:.1f} | {np.mean([one['s'] for one in tests]):.2f} |"
    )


def tasks(predictor: Predictor, data: Path) -> list[Task]:
    """What is learned."""
    points = json.loads((data / "chula" / "points.json").read_text())
    shapes = [
        found
        for name in points
        if (found := by_points(predictor, data / "chula" / "images" / name, points[name])) is not None
    ]
    one_field = [Task(f"Chula {field.name}", [field], MORPHOLOGY_CLASSES) for field in shapes]
    out = [
        one
        for one in one_field
        if sum(n >= 20 + LEAST_TEST for n in Counter(one.fields[0].classes.values()).values()) > 1
    ]
    out.append(Task("Chula", shapes, MORPHOLOGY_CLASSES))
    kinds = [by_boxes(predictor, path) for path in sorted((data / "txl_pbc" / "val" / "images").iterdir())[::3]]
    out.append(Task("TXL-PBC val", kinds, DEFAULT_CLASSES))
    return out


def by_points(predictor: Predictor, path: Path, points: list) -> LabelledField | None:
    """A field of Chula RBC-12. The classes of the points are those of MORPHOLOGY_CLASSES, by their number."""
    image = read_image(path)
    labels = predictor.segment(image).labels
    under: dict[int, list[str]] = {}
    for x, y, kind in points:
        cell = labels[min(round(y), labels.shape[0] - 1), min(round(x), labels.shape[1] - 1)]
        under.setdefault(int(cell), []).append(MORPHOLOGY_CLASSES[int(kind)].name)
    return _field(path.name, image, labels, under)


def by_boxes(predictor: Predictor, path: Path) -> LabelledField:
    """A field of TXL-PBC: boxes "class cx cy w h" in shares of the image; 0 white, 1 red, 2 platelet."""
    image = read_image(path)
    labels = predictor.segment(image).labels
    height, width = labels.shape
    under: dict[int, list[str]] = {}
    for line in (path.parent.with_name("labels") / f"{path.stem}.txt").read_text().split("\n"):
        if not line.strip():
            continue
        kind, cx, cy, w, h = map(float, line.split())
        x0, x1, y0, y1 = (cx - w / 2) * width, (cx + w / 2) * width, (cy - h / 2) * height, (cy + h / 2) * height
        inside = labels[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1]
        count = np.bincount(inside[inside > 0], minlength=1)
        cell = int(count.argmax())
        if kind == 2 or not count[cell] or abs(np.log((labels == cell).sum() / (w * h * width * height * 0.785))) > 0.4:
            continue  # it fits no cell
        under.setdefault(cell, []).append("white" if kind == 0 else "red")
    return _field(path.name, image, labels, under)


def _field(name: str, image: np.ndarray, labels: Labels, under: dict[int, list[str]]) -> LabelledField:
    return LabelledField(name, image, labels, {c: found[0] for c, found in under.items() if c and len(found) == 1})


if __name__ == "__main__":
    main()

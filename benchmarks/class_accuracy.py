"""How well classes are told, with intervals and confusion, against boxes with classes.

    python -m bccseg segment IMAGES --out PRED --classes
    python -m benchmarks.class_accuracy PRED --boxes DIR --classes white,red,platelet

DIR holds <stem>.txt, a line "class cx cy w h" an object, in shares of the image; --classes names the classes in order.
An object counts as right where box (IoU 0.5) and class fit. Those within 4 px of the border count neither as missed nor
as false. Intervals are 95 % bootstrap intervals, images drawn with replacement.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.io.box_files import read_boxes
from bccseg.metrics.boxes import label_boxes, match_boxes, off_border

NOTHING, MISSED, ROUNDS = "nothing", "missed", 2000


def main() -> None:
    """Print F1 of each class and the confusion."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predicted", type=Path)
    parser.add_argument("--boxes", type=Path, required=True)
    parser.add_argument("--classes", required=True)
    args = parser.parse_args()
    names = args.classes.split(",")
    found = np.array([
        confusion(path, args.boxes / f"{path.name.removesuffix('_labels.png')}.txt", names)
        for path in sorted(args.predicted.glob("*_labels.png"))
    ])  # fmt: skip
    total, random = found.sum(axis=0), np.random.default_rng(0)
    drawn = [found[random.integers(len(found), size=len(found))].sum(axis=0) for _ in range(ROUNDS)]
    print("| class | boxes off the border | F1 (95 %) | precision | recall |\n|---|---|---|---|---|")
    for k, name in enumerate(names):
        f1, precision, recall = scores(total, k)
        low, high = np.percentile([scores(one, k)[0] for one in drawn], [2.5, 97.5])
        print(f"| {name} | {total[k].sum()} | {f1:.3f} ({low:.3f} to {high:.3f}) | {precision:.3f} | {recall:.3f} |")
    print("\n| is \\ called | " + " | ".join([*names, MISSED]) + " |\n|" + "---|" * (len(names) + 2))
    for name, row in zip([*names, NOTHING], total, strict=True):
        print(f"| {name} | " + " | ".join(str(n) for n in row) + " |")


def confusion(labels_path: Path, boxes_path: Path, names: list[str]) -> NDArray[np.intp]:
    """Counts (K + 1, K + 1) of one image: what is there (the last row: nothing) by what was told (the last: missed)."""
    labels = cv2.imread(str(labels_path), cv2.IMREAD_UNCHANGED).astype(np.int32)
    table = pd.read_csv(labels_path.with_name(labels_path.name.replace("_labels.png", "_cells.csv")))
    said = dict(zip(table["cell_id"], table["class"], strict=True))
    ids, found = label_boxes(labels)
    kinds, true = read_boxes(boxes_path, labels.shape)
    out = np.zeros((len(names) + 1, len(names) + 1), np.intp)
    column = {name: k for k, name in enumerate(names)}
    rows, cols = match_boxes(found, true)
    lone, missed = off_border(found, labels.shape), off_border(true, labels.shape)
    lone[rows], missed[cols] = False, False
    for i, j in zip(rows, cols, strict=True):
        if said.get(ids[i]) in column:
            out[kinds[j], column[said[ids[i]]]] += 1
    for j in np.flatnonzero(missed):
        out[kinds[j], -1] += 1
    for i in np.flatnonzero(lone):
        if said.get(ids[i]) in column:
            out[-1, column[said[ids[i]]]] += 1
    return out


def scores(table: NDArray[np.intp], k: int) -> tuple[float, float, float]:
    """F1, precision and recall of a class."""
    right, told, are = table[k, k], table[:, k].sum(), table[k].sum()
    return 2 * right / max(1, told + are), right / max(1, told), right / max(1, are)


if __name__ == "__main__":
    main()

"""How often one click with Cut parts a pair as its labels do: touching cells of a labelled set are joined, and parted.

    python benchmarks/parting.py DATA

DATA is a folder of original/ and labels/. A pair counts as parted if both halves have an overlap (IoU) of 0.8 or more
with the labels. Pairs that the image border cuts are left out.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy import ndimage as ndi

from bccseg.annotation.edits import Edit, apply_edit
from bccseg.errors import EditError
from bccseg.imaging.label_image import Labels, Mask, border_ids
from bccseg.imaging.split_lines import Line, split_lines
from bccseg.io.images import read_image
from bccseg.io.truth import read_truth
from bccseg.training.pairs import find_pairs

PARTED, MARGIN_PX, LINES = 0.8, 3, 3


def touching_pairs(labels: Labels) -> set[tuple[int, int]]:
    """Ids of cells that share an edge, smaller first."""
    found: set[tuple[int, int]] = set()
    for a, b in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        meet = (a != b) & (a > 0) & (b > 0)
        found |= {(int(low), int(high)) for low, high in np.unique(np.sort([a[meet], b[meet]], axis=0), axis=1).T}
    return found


def worse_half(line: Line, one: Mask, other: Mask) -> float:
    """The lower of the overlaps of both halves with the cells that they should be."""
    joined = (one | other).astype(np.int32)
    try:
        apply_edit(joined, Edit(kind="cut", points=line), 2)
    except EditError:
        return 0.0
    halves = [joined == k for k in np.unique(joined) if k]
    return min(max(float((half & cell).sum() / (half | cell).sum()) for half in halves) for cell in (one, other))


def main() -> None:
    """Print the shares."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("data", type=Path)
    best, seconds = [], []
    for image_path, truth_path in find_pairs(ap.parse_args().data):
        labels, _ = read_truth(truth_path, read_image(image_path), image_path.name)
        cut = set(border_ids(labels).tolist())
        for pair in sorted(touching_pairs(labels)):
            rows, cols = np.nonzero(np.isin(labels, pair))
            window = np.s_[max(0, rows.min() - MARGIN_PX) : rows.max() + MARGIN_PX + 1,
                           max(0, cols.min() - MARGIN_PX) : cols.max() + MARGIN_PX + 1]  # fmt: skip
            one, other = (labels[window] == k for k in pair)
            if cut & set(pair) or ndi.label(one | other)[1] > 1:
                continue
            started = time.perf_counter()
            lines = split_lines(one | other, LINES)
            seconds.append(time.perf_counter() - started)
            best.append(np.maximum.accumulate([worse_half(line, one, other) for line in lines] or [0.0]))
    first, last = (np.array([scores[k] for scores in best]) for k in (0, -1))
    print(f"{len(best)} pairs: parted by the first line {(first >= PARTED).mean():.0%}, by one of the first {LINES} "
          f"{(last >= PARTED).mean():.0%}; a click takes {1000 * np.median(seconds):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()

"""Where a prediction and the truth differ, by kind of mistake, as numbers and as a picture."""

from collections import Counter

import numpy as np

from bccseg.imaging.label_image import Labels, border_ids
from bccseg.metrics.matching import match

MOSTLY = 0.5  # of its pixels: a cell that lies mostly in another
KINDS = ("missed", "false", "joined", "split", "loose outline")


def classify_errors(truth: Labels, predicted: Labels) -> tuple[dict[int, str], dict[int, str]]:
    """Kind of mistake of each true and each predicted cell without a partner at IoU 0.5, border cells aside.

    True cells: "joined" (mostly within a predicted cell that also holds most of another), "split" (mostly covered,
    by several), "loose outline" (covered by one that fits badly), or "missed". Predicted cells: "joined", "split"
    (mostly within a true cell), "loose outline", or "false".
    """
    pairs = match(truth, predicted)
    n, m = int(truth.max(initial=0)) + 1, int(predicted.max(initial=0)) + 1
    shared = np.bincount(truth.ravel().astype(np.int64) * m + predicted.ravel(), minlength=n * m).reshape(n, m)
    area_true, area = shared.sum(1), shared.sum(0)
    shared[0], shared[:, 0] = 0, 0
    within = shared >= MOSTLY * np.maximum(1, area_true)[:, None]  # true cell mostly in the predicted one
    holds = within.sum(0)  # true cells in each predicted one
    inside = (shared >= MOSTLY * np.maximum(1, area)[None, :]) & (shared > 0)  # predicted cell mostly in the true one
    within &= shared > 0
    covered = shared.sum(1) >= MOSTLY * np.maximum(1, area_true)

    missed, extra = {}, {}
    skip = {t for t, _, _ in pairs} | set(border_ids(truth).tolist())
    for t in (t for t in np.unique(truth) if t and t not in skip):
        if (within[t] & (holds > 1)).any():
            missed[int(t)] = "joined"
        elif covered[t]:
            missed[int(t)] = "split" if inside[t].sum() > 1 else "loose outline"
        else:
            missed[int(t)] = "missed"
    skip = {p for _, p, _ in pairs} | set(border_ids(predicted).tolist())
    for p in (p for p in np.unique(predicted) if p and p not in skip):
        if holds[p] > 1:
            extra[int(p)] = "joined"
        elif inside[:, p].any():
            extra[int(p)] = "split"
        else:
            extra[int(p)] = "loose outline" if holds[p] else "false"
    return missed, extra


def count_errors(truth: Labels, predicted: Labels) -> Counter[str]:
    """How many mistakes of each kind: what is missed, joined or loosely outlined counts by true cells, what is false or
    split by predicted ones.
    """
    missed, extra = classify_errors(truth, predicted)
    counts = Counter(kind for kind in missed.values() if kind != "split")
    return counts + Counter(kind for kind in extra.values() if kind in ("false", "split"))

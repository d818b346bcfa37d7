"""What a reader must know before believing a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from bccseg.statistics.compare import FEW, FEWEST, LEVEL, Comparison
from bccseg.statistics.measures import sorted_only
from bccseg.statistics.tables import NO_GROUP, StudyTables

Kind = Literal[
    "too_few", "few", "p_bound", "crowded", "flags_differ", "one_image", "no_scale", "some_scale", "unsorted"
]  # fmt: skip
CROWDED = 0.25  # share of a group's images from which on crowded fields are said to dominate
FLAGS_APART = 0.1  # difference of the groups' shares of flagged cells


@dataclass(frozen=True)
class Concern:
    """One thing to know; `report.texts` has the words for each kind, filled in with `values`."""

    kind: Kind
    serious: bool  # shown as a warning, not as a remark
    values: dict[str, str | int | float] = field(default_factory=dict)


def concerns(
    tables: StudyTables, values: pd.DataFrame, groups: Sequence[str], comparisons: Sequence[Comparison]
) -> list[Concern]:
    """What there is to know of a comparison of `sample_values` between groups, the most serious first."""
    out: list[Concern] = []
    rows = values[values["group"].isin(groups) & (values["images"] > 0)]
    n = rows.groupby("group").size().reindex(list(groups), fill_value=0)
    if len(groups) > 1:
        out += _of_numbers(n, comparisons)
    sums = rows.groupby("group")[["images", "images_crowded", "cells", "cells_flagged", "images_without_scale"]].sum()
    for name, row in sums.iterrows():
        if row["images_crowded"] >= CROWDED * row["images"] and row["images_crowded"]:
            share = 100 * row["images_crowded"] / row["images"]
            out.append(Concern("crowded", True, {"group": str(name), "percent": float(share)}))
    flagged = sums["cells_flagged"] / sums["cells"].where(sums["cells"] > 0)
    if flagged.notna().sum() > 1 and flagged.max() - flagged.min() > FLAGS_APART:
        high, low = str(flagged.idxmax()), str(flagged.idxmin())
        shares = {"percent": float(100 * flagged.max()), "other_percent": float(100 * flagged.min())}
        out.append(Concern("flags_differ", True, {"group": high, "other": low, **shares}))
    images, without = int(sums["images"].sum()), int(sums["images_without_scale"].sum())
    if without and without == images:
        out.append(Concern("no_scale", False))
    elif without:
        out.append(Concern("some_scale", True, {"count": without, "images": images}))
    if len(rows) and (rows["images"] == 1).all():
        out.append(Concern("one_image", False))
    left = len(tables.images) - len(sorted_only(tables.images))
    left += int((sorted_only(tables.images)["group"] == NO_GROUP).sum())
    if left:
        out.append(Concern("unsorted", True, {"count": left}))
    return sorted(out, key=lambda one: not one.serious)


def _of_numbers(n: pd.Series, comparisons: Sequence[Comparison]) -> list[Concern]:
    fewest = int(n.min())
    if fewest < FEWEST:
        return [Concern("too_few", True, {"group": str(n.idxmin()), "n": fewest, "needed": FEWEST})]
    out = []
    smallest = [one.smallest_p for one in comparisons if np.isfinite(one.smallest_p)]
    tested = sum(one.tested for one in comparisons)
    if fewest < FEW:
        out.append(Concern("few", True, {"group": str(n.idxmin()), "n": fewest}))
    if smallest and tested * min(smallest) >= LEVEL:
        out.append(Concern("p_bound", True, {"p": float(min(smallest)), "tested": tested}))
    return out

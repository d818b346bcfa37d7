"""How the cells of groups are spread, thinned so that a chart stays small."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.statistics.measures import Measure

MOST_VALUES = 1000  # of a group; more than a chart can show


def spread_of_groups(cells: pd.DataFrame, measure: Measure, groups: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Values of each group's cells, at most MOST_VALUES: evenly spaced quantiles, so that the shape stays.

    cells: `measures.counted_cells`. Sizes and shapes are of cells off the border. What cells do not have
    gives nothing.
    """
    if not measure.column or measure.column not in cells:
        return {name: np.zeros(0) for name in groups}
    if measure.kind != "colour":
        cells = cells[~cells["touches_border"].astype(bool)]
    out = {}
    for name in groups:
        values = cells.loc[cells["group"] == name, measure.column].dropna().to_numpy(np.float64)
        if len(values) > MOST_VALUES:
            values = np.quantile(values, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
        out[name] = values
    return out

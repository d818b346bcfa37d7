"""The frames that every number of a study comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

KEYS = ["group", "sample", "image"]  # in front of every frame that has them
NO_GROUP, NO_SAMPLE = "", ""  # of images that nobody has sorted yet


@dataclass(frozen=True, eq=False)
class StudyTables:
    """What a study knows, as three frames. Names are text, and "" where nobody gave one.

    cells: a row a cell: `group`, `sample`, `image`, and the columns of `report.tables.cell_table`. Cells of small
    classes, such as platelets, are not among them; `images` counts those.
    images: a row an image: `group`, `sample`, `image`, and the columns of `report.tables.summary_table` (cell_count,
    cell_count_in_frame, flagged_count, too_crowded, width_px, height_px, pixel_size_um, count_red, ...). Where a part
    of the image was counted, `counted_px` is its area in px²; else the whole image was.
    samples: a row a sample, also one without cells: `group`, `sample`, and free columns, such as age or stain.
    """

    cells: pd.DataFrame
    images: pd.DataFrame
    samples: pd.DataFrame

    def groups(self) -> list[str]:
        """Names of the groups that samples have, in the order of the samples; "" is left out."""
        return [name for name in dict.fromkeys(self.samples["group"]) if name != NO_GROUP]

    def of_groups(self, groups: Sequence[str]) -> "StudyTables":
        """The same of some groups alone."""
        return StudyTables(*(frame[frame["group"].isin(groups)] for frame in (self.cells, self.images, self.samples)))

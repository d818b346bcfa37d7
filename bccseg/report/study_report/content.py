"""What a report says, before it is laid out."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from bccseg.classes import UNCLASSIFIED, ClassSet, words
from bccseg.report.run_record import RunRecord
from bccseg.statistics.compare import Comparison, Test, compare_groups
from bccseg.statistics.concerns import Concern, concerns
from bccseg.statistics.measures import Measure, counted_cells, sample_values, sorted_only, study_measures
from bccseg.statistics.shares import Share, share_of_group
from bccseg.statistics.tables import StudyTables

MANY_FLAGGED = 0.15  # share of a field's cells from which on it is named


@dataclass(frozen=True)
class ReportPicture:
    """A field with its cells outlined and a scale bar."""

    name: str
    sample: str
    group: str
    jpeg: bytes
    cells: int
    flagged: int
    crowded: bool
    edits: int = 0
    note: str = ""


@dataclass(frozen=True)
class ClassRow:
    """Cells of one class in one group; `share` is None for those that are no part of the cells, such as platelets."""

    name: str
    group: str
    count: int
    share: Share | None


@dataclass(frozen=True, eq=False)
class ReportContent:
    """A study as it is reported."""

    title: str
    tables: StudyTables
    record: RunRecord
    made: datetime
    author: str = ""
    note: str = ""
    failed: tuple[tuple[str, str], ...] = ()  # images without a result, and why
    without_flagged: bool = False
    test: Test = "rank"
    tested: tuple[str, ...] = ()  # keys of the measures that are tested together; (): numbers, sizes and shapes
    pictures_of: str = "all"  # what is said of the pictures: all, first (of each sample) or none

    @cached_property
    def groups(self) -> list[str]:
        """Groups that have images."""
        there = set(sorted_only(self.tables.images)["group"])
        return [name for name in self.tables.groups() if name in there]

    @cached_property
    def values(self) -> pd.DataFrame:
        """`sample_values`."""
        return sample_values(self.tables, without_flagged=self.without_flagged)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The cells that the values go by."""
        return counted_cells(self.tables, without_flagged=self.without_flagged)

    @cached_property
    def measures(self) -> list[Measure]:
        """Measures that are reported and tested."""
        known = study_measures(self.tables)
        if self.tested:
            return [one for one in known if one.key in self.tested]
        return [one for one in known if one.kind in ("number", "size", "shape")]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """One a measure; with one group, or none, they describe."""
        return compare_groups(self.values, self.measures, self.groups, self.test) if self.groups else []

    @cached_property
    def concerns(self) -> list[Concern]:
        """What to know."""
        return concerns(self.tables, self.values, self.groups, self.comparisons) if self.groups else []

    @cached_property
    def classes(self) -> list[ClassRow]:
        """Counts of classes by group; all images together under "" where there are no groups."""
        images = self.tables.images
        names = [name for name in images if name.startswith("count_")]
        if not names or not len(images):
            return []
        small = {f"count_{one.name}" for one in ClassSet().classes if one.small}
        rows = []
        for group in self.groups or [""]:
            of = sorted_only(images)[lambda t, g=group: t["group"] == g] if group else images
            sums = of.groupby("sample" if group else "image")[[*names, "cell_count"]].sum()
            for name in names:
                count = int(sums[name].sum())
                share = None if name in small else share_of_group(sums[name], sums["cell_count"])
                title = name.removeprefix("count_").replace("_", " ")
                rows.append(ClassRow("" if title == UNCLASSIFIED else words(title), group, count, share))
        told = dict.fromkeys(row.name for row in rows if row.count)
        return [row for name in told for row in rows if row.name == name]

    @cached_property
    def doubtful(self) -> pd.DataFrame:
        """Images that are crowded or have many flagged cells: group, sample, image, cell_count, flagged_count, ..."""
        images = self.tables.images
        if not len(images):
            return images
        many = images["flagged_count"] > MANY_FLAGGED * images["cell_count"]
        return images[images["too_crowded"].astype(bool) | many]

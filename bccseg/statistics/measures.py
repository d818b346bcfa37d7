"""Which numbers of a study are compared, and what each is of one sample."""

from dataclasses import dataclass

import pandas as pd

from bccseg.statistics.tables import StudyTables


@dataclass(frozen=True)
class Measure:
    """A number that each sample has."""

    key: str  # column of `sample_values`, such as "diameter_um"
    title: str
    unit: str  # "" where it has none


def study_measures(tables: StudyTables) -> list[Measure]:
    """The measures that a study has, in order: count, density, sizes, shapes, colours, classes."""
    raise NotImplementedError


def sample_values(tables: StudyTables, *, without_flagged: bool = False) -> pd.DataFrame:
    """A row a sample with every measure; the images of a sample are pooled. This is what `samples.csv` holds."""
    raise NotImplementedError

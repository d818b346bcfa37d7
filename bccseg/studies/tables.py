"""The frames of a study, from its catalogue and results."""

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

import pandas as pd

from bccseg.errors import StoreError
from bccseg.report.recount import with_pixel_size
from bccseg.report.result import MeasuredImage
from bccseg.report.tables import cell_table, summary_table
from bccseg.statistics.tables import KEYS, StudyTables
from bccseg.studies.records import Sample, StudyImage

if TYPE_CHECKING:
    from bccseg.studies.study import Study

MOST_KEPT = 1000  # frames of images, for all studies together
Frames = tuple[pd.DataFrame, pd.DataFrame]  # cells of an image, and its row
_kept: "OrderedDict[tuple[object, ...], Frames]" = OrderedDict()
_lock = Lock()


def study_tables(study: "Study") -> tuple[StudyTables, list[tuple[StudyImage, str]]]:
    """The frames, and the images whose results cannot be read, with the reason, which are left out.

    Images are those that have a result and were not removed. One image is in memory at a time, and its frames.
    """
    samples = study.samples.all()
    cells, rows, damaged = [], [], []
    for image in study.images.all():
        if not image.result:
            continue
        try:
            of_cells, row = _frames(study, image)
        except StoreError as error:
            damaged.append((image, str(error)))
            continue
        place = {"group": image.group, "sample": image.sample, "image": image.name}
        cells.append(of_cells.assign(**place))
        rows.append(row.assign(**place, note=image.note, pixel_size_from=image.pixel_size_from))
    free = {s.name: s.free for s in samples}
    images = _keys_first(pd.concat(rows, ignore_index=True)) if rows else pd.DataFrame(columns=KEYS)
    for name in study.samples.columns():
        images[name] = _numbers([free.get(sample, {}).get(name, "") for sample in images["sample"]])
    together = _keys_first(pd.concat(cells, ignore_index=True)) if cells else pd.DataFrame(columns=KEYS)
    return StudyTables(together, images, sample_table(samples, study.samples.columns())), damaged


def sample_table(samples: list[Sample], columns: list[str]) -> pd.DataFrame:
    """A row a sample: `group`, `sample`, and the free columns; those of which all that is said are numbers are such."""
    table = pd.DataFrame({"group": [s.group for s in samples], "sample": [s.name for s in samples]}, dtype=object)
    for name in columns:
        table[name] = _numbers([s.free.get(name, "") for s in samples])
    return table


def _frames(study: "Study", image: StudyImage) -> Frames:
    """Kept for the next draw: results never change."""
    key = (str(study.folder), image.result, image.pixel_size_um, image.regions)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    measured = counted(study.results.measured(image.result), image)
    frames = cell_table(measured), summary_table([measured]).drop(columns=["image", "files"])
    with _lock:
        _kept[key] = frames
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return frames


def counted(measured: MeasuredImage, image: StudyImage) -> MeasuredImage:
    """What counts of a result: in the pixel size of the image."""
    return with_pixel_size(replace(measured, name=image.name), image.pixel_size_um)


def _keys_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[[*KEYS, *(name for name in table if name not in KEYS)]]


def _numbers(values: list[str]) -> pd.Series:
    """Numbers, if all that is said are some; a decimal comma counts."""
    column = pd.Series(values, dtype=object)
    said = column[column != ""]
    numbers = pd.to_numeric(said.astype(str).str.replace(",", ".", regex=False), errors="coerce")
    if not len(said) or numbers.isna().any():
        return column
    return numbers.reindex(column.index)

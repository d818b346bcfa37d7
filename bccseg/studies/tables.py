"""The frames of a study, from its catalogue and results."""

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bccseg.errors import BccsegError
from bccseg.statistics.tables import KEYS, StudyTables
from bccseg.studies.counting import counted, frames_in_regions, frames_of
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
    samples, columns = study.samples.all(), study.samples.columns()
    images, cells, rows, damaged = [], [], [], []
    for image in study.images.all():
        if not image.result:
            continue
        try:
            of_cells, row = _frames(study, image)
        except BccsegError as error:
            damaged.append((image, str(error)))
            continue
        images.append(image)
        cells.append(of_cells)
        rows.append(row)
    of_images = _with_keys(rows, images)
    of_images["note"] = [image.note for image in images]
    free = {s.name: s.free for s in samples}
    for name in columns:
        shown = name if name not in of_images else f"{name} (of the sample)"
        of_images[shown] = _numbers([free.get(image.sample, {}).get(name, "") for image in images])
    return StudyTables(_with_keys(cells, images), of_images, sample_table(samples, columns)), damaged


def _with_keys(frames: list[pd.DataFrame], images: list[StudyImage]) -> pd.DataFrame:
    """The frames of these images as one, with KEYS in front."""
    if not frames:
        return pd.DataFrame(columns=KEYS)
    table = pd.concat(frames, ignore_index=True)
    times = [len(frame) for frame in frames]
    for place, name in enumerate(KEYS):
        of_each = [image.name if name == "image" else getattr(image, name) for image in images]
        table.insert(place, name, np.repeat(np.array(of_each, dtype=object), times))
    return table


def sample_table(samples: list[Sample], columns: list[str]) -> pd.DataFrame:
    """A row a sample: `group`, `sample`, and the free columns; those of which all that is said are numbers are such."""
    table = pd.DataFrame({"group": [s.group for s in samples], "sample": [s.name for s in samples]}, dtype=object)
    for name in columns:
        table[name] = _numbers([s.free.get(name, "") for s in samples])
    return table


def _frames(study: "Study", image: StudyImage) -> Frames:
    """Kept for the next draw: results never change."""
    key = (str(study.folder), image.result, image.pixel_size_um, image.pixel_size_from, image.regions)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    if image.regions and (stored := study.stored(image)):
        frames = frames_in_regions(stored.unpack())
    else:
        frames = frames_of(counted(study.results.measured(image.result), image))
    with _lock:
        _kept[key] = frames
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return frames


def _numbers(values: list[str]) -> pd.Series:
    """Numbers, if all that is said are some; a decimal comma counts."""
    column = pd.Series(values, dtype=object)
    said = column[column != ""]
    numbers = pd.to_numeric(said.astype(str).str.replace(",", ".", regex=False), errors="coerce")
    if not len(said) or numbers.isna().any():
        return column
    return numbers.reindex(column.index)

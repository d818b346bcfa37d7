"""Cells as ImageJ ROI sets."""

import io
import re
import zipfile
from collections.abc import Sequence

import roifile
from numpy.typing import NDArray

from bccseg.classes import CellClass, ClassSet
from bccseg.imaging.outlines import cell_outlines
from bccseg.imaging.regions import Region
from bccseg.io.archive import unique
from bccseg.report.cell_marks import labels_and_marks
from bccseg.report.class_colours import rgb
from bccseg.report.region_drawing import region_colour
from bccseg.report.result import ImageResult

LONGEST_NAME = 40


def imagej_rois(result: ImageResult, classes: Sequence[CellClass] | None = None) -> bytes:
    """Zip of ImageJ polygon ROIs, one a cell, for ImageJ's and Fiji's ROI Manager.

    A cell of a known class is called after it, white-00007, has its colour and, as group, the number of the class in
    its set, from 1; others are cell-00001 in no group. Platelets and the like follow the cells. Cells that others hide
    in part have a second one, cell-00001-whole: the estimated whole outline. Regions follow, region-frame-NAME a
    rectangle of the same pixels, others polygons. classes: None for the default set.
    """
    labels, marks = labels_and_marks(result)
    known = ClassSet() if classes is None else ClassSet.model_construct(classes=tuple(classes))
    group = {one.name: k for k, one in enumerate(known.known(mark.name for mark in marks.values()), start=1)}
    colour = {one.name: one.colour for one in known.known(group)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for cell, ring in cell_outlines(labels):
            of = marks[cell].name if cell in marks else ""
            name = f"{_file_name(of) or 'cell'}-{cell:05d}"
            look = (min(group[of], 255), bytes([255, *rgb(colour[of])])) if of else (0, None)
            archive.writestr(f"{name}.roi", _roi(ring, name, *look))
            if cell in result.hidden:
                archive.writestr(f"{name}-whole.roi", _roi(result.hidden[cell], f"{name}-whole", *look))
        taken: set[str] = set()
        for region in result.regions:
            name = unique(f"region-{region.kind}-{_file_name(region.name)}", taken)
            archive.writestr(f"{name}.roi", _region(region, name, result.shape))
    return buffer.getvalue()


def _file_name(name: str) -> str:
    """Letters, digits, - and _ alone: a class from elsewhere may be called anything."""
    return re.sub(r"[^\w-]+", "_", name)[:LONGEST_NAME]


def _region(region: Region, name: str, shape: tuple[int, int]) -> bytes:
    roi = roifile.ImagejRoi.frompoints(region.outline, name=name)
    if region.kind == "frame":
        (rows, columns), _ = region.pixels(shape)
        roi = roifile.ImagejRoi(
            roitype=roifile.ROI_TYPE.RECT, name=name, top=rows.start, bottom=rows.stop, left=columns.start,
            right=columns.stop, version=roi.version,
        )  # fmt: skip
    roi.stroke_color = bytes([255, *region_colour(region)])
    return roi.tobytes()


def _roi(ring: NDArray, name: str, group: int, colour: bytes | None) -> bytes:
    """A polygon; colour: alpha, red, green, blue."""
    roi = roifile.ImagejRoi.frompoints(ring, name=name)
    roi.group = group
    if colour is not None:
        roi.stroke_color = colour
    return roi.tobytes()

"""Pictures of a report: a field, its cells outlined, a scale bar; small enough that hundreds fit one file."""

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.classes import UNCLASSIFIED
from bccseg.imaging.resize import resize, resize_labels
from bccseg.report.class_numbers import RED
from bccseg.report.overlay import cell_edges, class_colours
from bccseg.report.region_drawing import draw_regions
from bccseg.report.result import ImageResult
from bccseg.report.scale_bar import draw_scale_bar
from bccseg.report.study_report.content import ReportPicture

SIDE_PX = 560  # three in a row of A4 are printed at 240 dots an inch
QUALITY = 82
PRINTED_SMALL = 1.8  # text of the scale bar is then as large as the caption
OUTLINE = (0, 200, 90)


def report_picture(result: ImageResult, sample: str = "", group: str = "", note: str = "") -> ReportPicture:
    """The picture of one result with its regions, at most SIDE_PX wide and high.

    Outlines are green for red cells and those without a class, whose own colours are hard to see on stained cells when
    they are printed small; other classes have their colours.
    """
    scale = min(1.0, SIDE_PX / max(result.shape))
    picture = resize(result.image, scale).copy()
    labels = resize_labels(result.labels, (picture.shape[1], picture.shape[0]))
    edges = cell_edges(labels)
    picture[edges] = _outline_colours(result)[labels[edges]]
    picture = draw_regions(picture, result.regions, scale)
    picture = draw_scale_bar(picture, result.pixel_size_um and result.pixel_size_um / scale, PRINTED_SMALL)
    s = result.summary
    return ReportPicture(
        result.name, sample, group, as_jpeg(picture), s.cell_count, s.flagged_count, s.too_crowded,
        result.correction.edits if result.correction else 0, note,
    )  # fmt: skip


def _outline_colours(result: ImageResult) -> NDArray[np.uint8]:
    """By cell id, uint8 (N + 1, 3)."""
    count = int(result.labels.max(initial=0))
    names = [UNCLASSIFIED] * count if result.classes is None else result.classes.name_of_each()
    colours = class_colours(names)
    colours[1:][[name in (RED, UNCLASSIFIED) for name in names]] = OUTLINE
    return colours


def as_jpeg(picture: np.ndarray) -> bytes:
    """A picture uint8 (H, W, 3) as JPEG, smaller than `io.encode.jpeg` makes it."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

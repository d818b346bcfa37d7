"""Pictures of a report: a field, its cells outlined, a scale bar; small enough that hundreds fit one file."""

import cv2
import numpy as np

from bccseg.imaging.resize import resize, resize_labels
from bccseg.report.overlay import cell_edges, class_colours
from bccseg.report.result import ImageResult
from bccseg.report.scale_bar import draw_scale_bar
from bccseg.report.study_report.content import ReportPicture

SIDE_PX = 560  # three in a row of A4 are printed at 240 dots an inch
QUALITY = 82
PRINTED_SMALL = 1.8  # text of the scale bar is then as large as the caption
OUTLINE = (0, 200, 90)


def report_picture(result: ImageResult, sample: str = "", group: str = "", note: str = "") -> ReportPicture:
    """The picture of one result, at most SIDE_PX wide and high. Outlines have the colours of the classes, if known."""
    scale = min(1.0, SIDE_PX / max(result.shape))
    picture = resize(result.image, scale).copy()
    labels = resize_labels(result.labels, (picture.shape[1], picture.shape[0]))
    edges = cell_edges(labels)
    if result.classes is None or (result.classes.number < 0).all():
        picture[edges] = OUTLINE
    else:
        picture[edges] = class_colours(result.classes.name_of_each())[labels[edges]]
    picture = draw_scale_bar(picture, result.pixel_size_um and result.pixel_size_um / scale, PRINTED_SMALL)
    s = result.summary
    return ReportPicture(
        result.name, sample, group, as_jpeg(picture), s.cell_count, s.flagged_count, s.too_crowded,
        result.correction.edits if result.correction else 0, note,
    )  # fmt: skip


def as_jpeg(picture: np.ndarray) -> bytes:
    """A picture uint8 (H, W, 3) as JPEG, smaller than `io.encode.jpeg` makes it."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

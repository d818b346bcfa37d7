"""Cells as ImageJ ROI sets."""

import io
import zipfile

import roifile

from bccseg.imaging.outlines import cell_outlines
from bccseg.report.result import ImageResult


def imagej_rois(result: ImageResult) -> bytes:
    """Zip of ImageJ polygon ROIs, one a cell, for ImageJ's and Fiji's ROI Manager.

    Cells that others hide in part have a second one, cell-00001-whole: the estimated whole outline.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for cell, ring in cell_outlines(result.labels):
            name = f"cell-{cell:05d}"
            roi = roifile.ImagejRoi.frompoints(ring, name=name)
            archive.writestr(f"{name}.roi", roi.tobytes())
            if cell in result.hidden:
                roi = roifile.ImagejRoi.frompoints(result.hidden[cell], name=f"{name}-whole")
                archive.writestr(f"{name}-whole.roi", roi.tobytes())
    return buffer.getvalue()

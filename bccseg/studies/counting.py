"""What counts of a result, as the catalogue of its study says."""

from dataclasses import replace

from bccseg.report.recount import with_pixel_size
from bccseg.report.result import MeasuredImage
from bccseg.studies.records import StudyImage


def counted(measured: MeasuredImage, image: StudyImage) -> MeasuredImage:
    """The result by the name of its image and in its pixel size."""
    size = image.pixel_size_um
    typed = None if size == measured.stated_pixel_size_um else size
    if size != measured.pixel_size_um or (image.calibrated and image.pixel_size_from != measured.pixel_size_source):
        measured = with_pixel_size(measured, typed, image.pixel_size_from)
    return replace(measured, name=image.name)

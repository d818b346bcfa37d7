"""Pictures of a study's images for its report: made when an image is segmented, and again if they are lost."""

import logging
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from bccseg.errors import StoreError
from bccseg.files import write_atomically
from bccseg.imaging.regions import read_regions
from bccseg.report.result import ImageResult
from bccseg.report.study_report.pictures import report_picture
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study

log = logging.getLogger("bccseg")

PICTURES = "pictures"  # folder of a study


def picture(study: Study, image: StudyImage) -> bytes:
    """JPEG of an image with its outlines, regions and scale bar. Raises StoreError, ImageError."""
    try:
        return _path(study, image).read_bytes()
    except OSError:
        pass
    stored = study.stored(image)
    if stored is None:
        raise StoreError(f"'{image.name}' has no result yet.")
    return keep_picture(study, image, stored.unpack())


def keep_picture(study: Study, image: StudyImage, result: ImageResult) -> bytes:
    """Draw and keep the picture of an image from its result."""
    result = replace(result, regions=read_regions(image.regions))  # drawn before it was segmented
    jpeg, path = report_picture(result).jpeg, _path(study, image)
    try:
        path.parent.mkdir(exist_ok=True)
        for older in path.parent.glob(f"{image.id}-*.jpg"):
            older.unlink(missing_ok=True)
        write_atomically(path, jpeg)
    except OSError as error:  # a full disk: the picture is shown all the same
        log.warning("the picture could not be kept: %s", error)
    return jpeg


def _path(study: Study, image: StudyImage) -> Path:
    """Another one for another result, pixel size or regions, so that none is out of date."""
    size = f"{image.pixel_size_um:.6g}" if image.pixel_size_um else "px"
    regions = f"-{sha256(image.regions.encode()).hexdigest()[:12]}" if image.regions else ""
    return study.folder / PICTURES / f"{image.id}-{image.result}-{size}{regions}.jpg"

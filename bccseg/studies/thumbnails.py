"""Small pictures of a study's images: made once, and again if they are lost."""

import logging

import numpy as np
from numpy.typing import NDArray

from bccseg.errors import BccsegError
from bccseg.files import write_atomically
from bccseg.imaging.resize import resize
from bccseg.io.encode import jpeg
from bccseg.io.images import decode
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study

log = logging.getLogger("bccseg")

SIDE_PX = 240  # twice what is shown, for sharp screens
GREY = 200


def make_thumbnail(study: Study, image: int, pixels: NDArray[np.uint8]) -> bytes:
    """Keep the small picture of pixels uint8 (H, W, 3): JPEG."""
    data = jpeg(resize(pixels, min(1.0, SIDE_PX / max(pixels.shape[:2]))))
    try:
        (study.folder / "thumbnails").mkdir(exist_ok=True)
        write_atomically(study.folder / "thumbnails" / f"{image}.jpg", data)
    except OSError as error:  # a full disk: the picture is shown all the same
        log.warning("the thumbnail could not be kept: %s", error)
    return data


def thumbnail(study: Study, image: StudyImage) -> bytes:
    """JPEG of an image, at most SIDE_PX wide and high; grey if it cannot be read."""
    try:
        return (study.folder / "thumbnails" / f"{image.id}.jpg").read_bytes()
    except OSError:
        pass
    try:
        return make_thumbnail(study, image.id, decode(study.images.file(image), image.page)[0].image)
    except BccsegError as error:  # one damaged file must not hide the others
        log.warning("no thumbnail: %s", error)
        return jpeg(np.full((SIDE_PX * 3 // 4, SIDE_PX, 3), GREY, np.uint8))

"""Segmenting the images of a study that wait, one after the other, until none is left or somebody stops it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from bccseg.errors import BccsegError, ImageError, Stopped
from bccseg.inference.batch import Failure, segment_page
from bccseg.inference.predictor import Predictor
from bccseg.io.images import decode
from bccseg.studies.pictures import keep_picture
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study
from bccseg.studies.thumbnails import make_thumbnail

log = logging.getLogger("bccseg")

MOST_ATTEMPTS = 3  # of an image with which the process ended, before it counts as failed
ENDED = "The program ended several times while it looked at this image. It may be too large for this computer: crop it."
NEXT = "SELECT id FROM image WHERE state = 'waiting' AND removed = '' ORDER BY id LIMIT 1"
WAITING = "SELECT count(*) FROM image WHERE state = 'waiting' AND removed = ''"


@dataclass(frozen=True)
class Step:
    """How far it is."""

    done: int  # images since it began
    waiting: int  # with the one under way
    current: str = ""  # name of that one
    share: float = 0.0  # of that one, 0 to 1


def segment_study(
    study: Study, predictor: Predictor, on_step: Callable[[Step], None], stop: Event | None = None
) -> int:
    """Segment what waits, also what is added meanwhile; how many images were done.

    on_step: called often; it may raise Stopped. stop: once it is set, Stopped is raised within a tile. The image under
    way then waits again. Settings are read anew for each image.
    """
    stop, done = stop or Event(), 0
    while image := next_waiting(study):
        waiting = count_waiting(study)

        def tell(share: float, image: StudyImage = image, step: Step = Step(done, waiting, image.name)) -> None:
            if stop.is_set():
                raise Stopped("Stopped.")
            on_step(Step(step.done, step.waiting, image.name, share))

        if not _begin(study, image):
            continue
        try:
            tell(0.0)
            _segment(study, image, predictor, tell)
        except Stopped:
            study.images.change(image.id, attempts=0)
            raise
        done += 1
    on_step(Step(done, 0))
    return done


def next_waiting(study: Study) -> StudyImage | None:
    """The image that is to be segmented next."""
    with study.catalogue.read() as db:
        row = db.execute(NEXT).fetchone()
    return study.images.get(row["id"]) if row else None


def count_waiting(study: Study) -> int:
    """How many images wait."""
    with study.catalogue.read() as db:
        return int(db.execute(WAITING).fetchone()[0])


def _begin(study: Study, image: StudyImage) -> bool:
    """Note that an image is begun; False if it ended the process too often, and has failed."""
    with study.catalogue.write() as db:
        db.execute("UPDATE image SET attempts = attempts + 1 WHERE id = ?", [image.id])
        attempts = db.execute("SELECT attempts FROM image WHERE id = ?", [image.id]).fetchone()[0]
    if attempts > MOST_ATTEMPTS:
        study.images.change(image.id, state="failed", reason=ENDED)
        return False
    return True


def _segment(study: Study, image: StudyImage, predictor: Predictor, tell: Callable[[float], None]) -> None:
    started, settings = time.monotonic(), study.settings
    size = image.pixel_size_um if image.calibrated else settings.pixel_size_um
    try:
        pages = decode(study.images.file(image), image.page)
        if image.page is None:
            study.images.add_pages(image, pages[0].count)
            image = study.images.get(image.id) or image
        outcome = segment_page(image.name, pages[0], predictor, settings.segment, size, tell, set(), image.sha256)
    except Stopped:
        raise
    except (ImageError, BccsegError) as error:
        outcome = Failure(image.name, str(error))
    except MemoryError:
        outcome = Failure(image.name, "The memory of this computer is too small for this picture. Crop it.")
    if isinstance(outcome, Failure):
        study.images.change(image.id, state="failed", reason=outcome.reason, attempts=0)
        return
    study.keep(image, outcome)
    make_thumbnail(study, image.id, outcome.image)
    if kept := study.images.get(image.id):
        keep_picture(study, kept, outcome)
    log.info("%s: %d cells, %.1f s", image.name, outcome.summary.cell_count, time.monotonic() - started)

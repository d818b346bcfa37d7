"""Corrections of a study's images: a draft is begun from one, and its numbers follow what is done on Correct."""

import threading
from collections.abc import Iterable

from bccseg.annotation.drafts import Draft, log_size, open_draft
from bccseg.errors import StoreError
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study
from ui.shared.account import author
from ui.shared.storage import store, studies
from ui.shared.stored_drafts import begin_draft, corrected

_beginning = threading.Lock()


def draft_of_study_image(study: Study, image: int) -> Draft:
    """The draft that was begun from an image that is segmented, or a new one. Raises StoreError.

    Two clicks, or two people, at once begin one.
    """
    with _beginning:
        found = study.images.get(image)
        if found is None or not found.result:
            raise StoreError("This image is not segmented yet.")
        return _draft_of(study, found)


def _draft_of(study: Study, image: StudyImage) -> Draft:
    if image.draft:
        try:
            return open_draft(store(), image.draft)
        except StoreError:
            pass  # submitted or discarded since: begin anew from the cells as they are
    stored = study.stored(image)
    if stored is None:
        raise StoreError("This image is not segmented yet.")
    draft, edits = begin_draft(stored, study.id, image.id)
    study.images.change(image.id, draft=draft.id, draft_size=0, edits_before=edits)
    return draft


def take_up_study(study: Study, images: Iterable[StudyImage]) -> None:
    """Measure the images of a study anew whose drafts were worked on since, wherever that was. Raises StoreError."""
    changed = [(i, size) for i in images if i.draft and (size := log_size(store(), i.draft)) != i.draft_size]
    for image, size in changed:
        if size is None:  # submitted
            study.images.change(image.id, draft="", draft_size=0, edits_before=0)
        else:
            _take_up(study, image, open_draft(store(), image.draft), author())


def take_up_study_draft(draft: Draft, author: str) -> None:
    """The same for a draft that is open here; nothing where it is of no study, or of one that is gone."""
    found = _image_of(draft)
    if found and found[1].draft_size != draft.size:
        _take_up(*found, draft, author)


def forget_study_draft(draft: Draft) -> None:
    """Before a draft is discarded: its image is again what the network found."""
    found = _image_of(draft)
    if found:
        study, image = found
        study.keep_found(image)
        study.images.change(image.id, draft="", draft_size=0, edits_before=0)


def _take_up(study: Study, image: StudyImage, draft: Draft, author: str) -> None:
    stored = study.stored(image)
    if stored is None:
        return
    new = corrected(stored, draft, author)
    if new.found is None:  # everything was undone
        study.keep_found(image)
    else:
        study.keep_corrected(image, new)
    study.images.change(image.id, draft_size=draft.size)


def _image_of(draft: Draft) -> tuple[Study, StudyImage] | None:
    if not draft.info.study:
        return None
    try:
        study = studies().open(draft.info.study)
    except StoreError:  # removed meanwhile
        return None
    image = study.images.get(draft.info.study_image)
    return (study, image) if image and image.draft == draft.id else None

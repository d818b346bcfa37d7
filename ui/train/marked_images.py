"""Images with cells whose class somebody marked: versions of the collection, and the open drafts of this browser."""

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from bccseg.annotation.drafts import log_size, open_draft
from bccseg.annotation.records import image_id
from bccseg.annotation.review import items
from bccseg.annotation.store import LabelStore
from bccseg.classes import ClassSet
from bccseg.errors import StoreError
from bccseg.training.few_labels import LabelledField, marked_classes, marked_field
from ui.shared.handover import known_drafts
from ui.shared.session import visitor_state
from ui.shared.storage import store

log = logging.getLogger("bccseg")
WHERE = {"draft": "your draft", "accepted": "accepted", "submitted": "waits for review"}


@dataclass(frozen=True)
class MarkedImage:
    """An image with marked cells, not read yet."""

    name: str
    where: Literal["draft", "accepted", "submitted"]
    image: str  # its id
    source: str  # id of the draft or version
    size: int  # of a draft's log, which grows with every edit
    counts: Counter[str]  # marked cells by class

    @property
    def words(self) -> str:
        """For a list."""
        return f"{self.name} ({WHERE[self.where]}, {sum(self.counts.values())} cells)"

    def read(self, collection: LabelStore, classes: ClassSet) -> LabelledField:
        """Image, labels and classes. Raises StoreError."""
        if self.where == "draft":
            draft = open_draft(collection, self.source)
            return marked_field(self.name, draft.image, draft.labels, draft.marks, classes.classes)
        version = collection.version(self.image, self.source)
        return marked_field(
            self.name, collection.image(self.image), collection.labels(version), collection.marks(version),
            classes.classes, by_person=self.where != "accepted",
        )  # fmt: skip


def marked_images(classes: ClassSet) -> list[MarkedImage]:
    """All of them: drafts first, then what was changed last. A draft stands for the versions of its image.

    What a network proposed counts only in accepted versions, where somebody has looked at it.
    """
    collection, found = store(), []
    for draft in known_drafts(visitor_state()):
        size = log_size(collection, draft)
        if size is not None and (one := _of_draft(collection, str(collection.root), draft, size, classes)):
            found.append(one)
    drawn = {one.image for one in found}
    for item in reversed(items(collection)):
        version = item.best
        if version is None or version.status == "proposal" or item.info.id in drawn:
            continue
        counts = _of_version(collection, version.id, item.info.id, version.status, classes)
        if counts:
            found.append(MarkedImage(item.info.name, version.status, item.info.id, version.id, 0, counts))
    return found


@st.cache_data(show_spinner=False, max_entries=200)
def _of_draft(_store: LabelStore, root: str, draft: str, size: int, classes: ClassSet) -> MarkedImage | None:
    del root
    try:
        found = open_draft(_store, draft)
    except StoreError as error:  # one that is damaged must not hide the others
        log.warning("no classes of a draft: %s", error)
        return None
    counts = Counter(marked_classes(found.marks, classes.classes).values())
    return MarkedImage(found.info.name, "draft", image_id(found.image), draft, size, counts) if counts else None


@st.cache_data(show_spinner=False, max_entries=5000)
def _of_version(_store: LabelStore, version: str, image: str, status: str, classes: ClassSet) -> Counter[str]:
    marks = _store.marks(_store.version(image, version))
    return Counter(marked_classes(marks, classes.classes, by_person=status != "accepted").values())

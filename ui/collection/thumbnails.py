"""Small pictures of the collection's images: made once, kept beside the collection, and made again if they are lost."""

import logging

import numpy as np
import streamlit as st

from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from bccseg.errors import StoreError
from bccseg.files import write_atomically
from bccseg.io.encode import jpeg
from bccseg.report.viewport import overview

log = logging.getLogger("bccseg")

SIDE_PX = 96
GREY = 128


def thumbnail(store: LabelStore, item: Item) -> bytes:
    """JPEG of an image with the cells tinted of the version that stands for it; grey if it cannot be read."""
    version = item.best.id if item.best else "none"
    return _thumbnail(str(store.root), item.info.id, version, store, item)


@st.cache_data(show_spinner=False, max_entries=5000)
def _thumbnail(root: str, image: str, version: str, _store: LabelStore, _item: Item) -> bytes:
    """Versions never change, so neither does their picture."""
    del root
    path = _store.root / "thumbnails" / f"{image[:16]}_{version}.jpg"
    if path.exists():
        return path.read_bytes()
    try:
        pixels = _store.image(image)
        labels = _store.labels(_item.best) if _item.best else np.zeros(pixels.shape[:2], np.int32)
    except StoreError as error:  # one damaged file must not hide the others
        log.warning("no thumbnail: %s", error)
        return jpeg(np.full((SIDE_PX, SIDE_PX, 3), GREY, np.uint8))
    data = jpeg(overview(pixels, labels, SIDE_PX))
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, data)
    except OSError as error:  # a full disk: the picture is shown all the same
        log.warning("the thumbnail could not be kept: %s", error)
    return data

"""Correct an image from a file, with a mask, labels or annotations of another program."""

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from bccseg.accounts.roles import Action
from bccseg.annotation.class_mapping import map_classes
from bccseg.annotation.drafts import DraftInfo, create_draft
from bccseg.annotation.import_parts import Truth
from bccseg.annotation.import_sources import truth_of
from bccseg.imaging.label_image import median_diameter, without
from bccseg.io.images import decode
from ui.correct.session import open_session
from ui.shared.account import acting, allowed
from ui.shared.class_mapping import ask_for_classes
from ui.shared.clicks import clicked
from ui.shared.errors import show_errors
from ui.shared.storage import store

IMAGES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"]
LABELS = ["png", "tif", "tiff", "bmp", "json", "geojson", "txt"]
LABELS_HELP = (
    "White cells on black, or labels with a number for each cell (8, 16 or 32 bit). Or annotations with their classes: "
    "COCO, GeoJSON (QuPath), LabelMe, Label Studio or YOLO; boxes become ellipses. Without one you start with no cells."
)


def ask_for_pair() -> None:
    """An image, and what is known of its cells; opens a draft."""
    left, right = st.columns(2)
    image = left.file_uploader("Image", IMAGES, key="pair_image", help="The photograph of the smear.")
    mask = right.file_uploader("Mask or labels", LABELS, key="pair_mask", help=LABELS_HELP)
    if image is None:
        return
    with show_errors():
        read, chosen, counts, definitions = (lambda _image: None), {}, {}, {}
        if mask is not None:
            read, about = truth_of(mask.getvalue(), mask.name, image.name)
            counts, definitions = about.class_counts, about.classes
            chosen = ask_for_classes(about, store().class_set(), f"pair_class_{mask.file_id}")
        if clicked("Open", type="primary", key="open_pair"):
            page = decode(image.getvalue())[0]
            truth = read(page.image) or Truth(np.zeros(page.image.shape[:2], np.int32), {})
            collection = store()
            mapped = map_classes(counts, collection.class_set(), chosen, definitions)
            if mapped.classes != collection.class_set() and allowed(Action.EDIT_CLASSES):  # else cells keep the names
                with acting(Action.EDIT_CLASSES, mask.name if mask else "") as note:
                    note.text = ", ".join(one.name for one in mapped.classes.classes)
                    collection.save_class_set(mapped.classes)
            if not truth.certain:
                st.toast("These outlines stand for boxes, or are a network's: look at each.", icon=":material/draw:")
            _open(image, page.image, page.pixel_size_um, Truth(truth.labels, mapped.marks(truth.marks)))


def _open(file: UploadedFile, image: np.ndarray, pixel_size_um: float | None, truth: Truth) -> None:
    cells = without(truth.labels, store().class_set().uncounted(truth.marks))
    diameter = median_diameter(cells) or min(image.shape[:2]) / 20
    info = DraftInfo(name=file.name, pixel_size_um=pixel_size_um, diameter_px=diameter, cells=truth.marks)
    open_session(create_draft(store(), image, truth.labels, info))
    st.rerun()

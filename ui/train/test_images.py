"""Keeping images for comparing: where too few are in the test split, the page offers to move some into it."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.dataset_export import chosen_versions
from bccseg.annotation.records import Split
from bccseg.annotation.review import Item, items
from bccseg.annotation.store import LabelStore
from bccseg.errors import BccsegError
from ui.shared.account import acting, allowed, author
from ui.shared.background_sync import saved
from ui.shared.clicks import clicked
from ui.shared.errors import plain, show_errors
from ui.shared.storage import store
from ui.train.comparison import MIN_IMAGES

SAID = "test_images_said"  # what was done last: where, text, and the splits from before, by image
SHARE = 1 / 3  # of the images to learn from that the page suggests to keep, at most
REASON = "kept for comparing"
HELP = (
    "They go into the test split for good: no run that starts from now on learns from them. Runs and promoted weights "
    "that have learned from them already should be trained anew before they are compared on them."
)


def offer_test_images(key: str) -> None:
    """Where the collection keeps too few accepted images for comparing: say so, and offer to keep some."""
    collection = store()
    found = [item for item, _ in chosen_versions(items(collection))]
    kept = sum(item.info.split == "test" for item in found)
    _show_said(collection, key)
    if kept >= MIN_IMAGES or not found or not allowed(Action.TRAIN):
        return
    rest = [item for item in found if item.info.split != "test"]
    others = sorted(rest, key=lambda item: (item.info.split != "train", item.info.id))  # by the pixels: at random
    st.markdown(f":orange[:material/balance:] {too_few(kept)}")
    spare = min(MIN_IMAGES - kept, int(len(others) * SHARE))
    if not spare:
        st.caption("Collect more images first; nearly all there are is needed to learn from.")
        return
    with st.popover("Keep images for comparing", icon=":material/balance:"):
        st.markdown(f"{spare} picked at random; choose others if you like.")
        picked = st.multiselect("Images", range(len(others)), default=range(spare), key=f"apart_{key}_{len(others)}",
                                format_func=lambda k: f"{others[k].info.name} ({others[k].info.split})")  # fmt: skip
        st.caption(HELP)
        if clicked("Keep them for comparing", type="primary", disabled=not picked, key=f"keep_{key}"):
            with show_errors():
                _keep(collection, [others[k] for k in picked], key)
            st.rerun()


def too_few(kept: int) -> str:
    """That there are too few images for a comparison."""
    number = "No image is" if kept == 0 else "Only 1 image is" if kept == 1 else f"Only {kept} images are"
    return f"{number} kept for comparing (test). From {MIN_IMAGES} on, a comparison can tell better from worse."


def _keep(collection: LabelStore, chosen: list[Item], key: str) -> None:
    before: dict[str, Split] = {item.info.id: item.info.split for item in chosen}
    by = author() or "anonymous"
    with acting(Action.TRAIN, f"{len(before)} images") as note:
        note.text = "kept for comparing"
        for image in before:
            collection.set_split(image, "test", by, REASON)
    saved(collection)
    names = ", ".join(plain(item.info.name) for item in chosen)
    st.session_state[SAID] = (key, f"Kept for comparing: {names}.", before)


def _show_said(collection: LabelStore, key: str) -> None:
    where, text, before = st.session_state.get(SAID, ("", "", {}))
    if where == key:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(text)
            if before:
                st.button("Undo", icon=":material/undo:", key=f"apart_undo_{key}", on_click=_undo,
                          args=(collection, before, key))  # fmt: skip


def _undo(collection: LabelStore, before: dict[str, Split], key: str) -> None:
    try:
        by = author() or "anonymous"
        with acting(Action.TRAIN, f"{len(before)} images") as note:
            note.text = "no longer kept for comparing"
            for image, split in before.items():
                collection.set_split(image, split, by, "undone")
        saved(collection)
        st.session_state[SAID] = (key, "They are where they were before.", {})
    except BccsegError as error:
        st.session_state[SAID] = (key, plain(str(error), 600), {})

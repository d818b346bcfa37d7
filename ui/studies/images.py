"""The tab Images of a study: search, a strip of small pictures, and the image that is chosen."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import streamlit as st

from bccseg.studies.image_list import find
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study
from bccseg.studies.thumbnails import thumbnail
from ui.components.thumbnails import FAILED, Thumbnail, remarks, thumbnails
from ui.shared.clicks import clicked
from ui.shared.handover import CHOSEN_IN_STUDY
from ui.studies.adding import ADD, ask_for_images
from ui.studies.list import count
from ui.studies.one_image import show_image
from ui.studies.opened import REMOVED, change, images_of, remove, say

MOVED = "study_image_moved"  # whether the strip chose another image
JOIN_SECONDS = 2.0
MOST_IN_STRIP = 1000
LONGEST_NAME = 15


def show_images(study: Study, images: Sequence[StudyImage], *, busy: bool) -> None:
    """Everything of the tab. busy: whether images are on their way, which join the strip as they come."""
    if not images:
        ask_for_images(study)
        _show_removed(study)
        return
    found = _search(study, images)
    if st.session_state.get(ADD):
        with st.container(border=True, key="study_add"):
            ask_for_images(study)
    if not found:
        st.info("No image has this in its name, sample, group or note.")
        return
    ids = [image.id for image in found]
    if st.session_state.get(CHOSEN_IN_STUDY) not in ids:
        st.session_state[CHOSEN_IN_STUDY] = next((i.id for i in found if i.result), ids[0])
    chosen = next(image for image in found if image.id == st.session_state[CHOSEN_IN_STUDY])
    st.fragment(_strip, run_every=JOIN_SECONDS if busy else None)(study, ids, chosen)
    show_image(study, chosen)


def _search(study: Study, images: Sequence[StudyImage]) -> list[StudyImage]:
    with st.container(horizontal=True, vertical_alignment="center", key="study_search"):
        words = st.text_input("Search images", placeholder="Name, sample, group or note", key="study_words",
                              label_visibility="collapsed", icon=":material/search:", width=320)  # fmt: skip
        found = find(images, words or "")
        if words and found:
            with st.popover(f"All {count(len(found), 'image')} found", icon=":material/checklist:"):
                _change_all(study, [image.id for image in found])
        adding = bool(st.session_state.get(ADD))
        st.button("Close" if adding else "Add images", key="more_study_images", on_click=_fold, args=(not adding,),
                  icon=":material/close:" if adding else ":material/add_photo_alternate:")  # fmt: skip
        _show_removed(study)
    return found


def _fold(show: bool) -> None:  # noqa: FBT001, a callback
    st.session_state[ADD] = show


def _change_all(study: Study, found: list[int]) -> None:
    names = [sample.name for sample in study.samples.all()]
    sample = st.selectbox("Put them into the sample", names, None, accept_new_options=True, key="all_into_sample",
                          placeholder="Choose or type a name")  # fmt: skip
    if clicked("Put into sample", disabled=not sample, key="put_all"):
        change(study, study.images.put_into_sample, found, sample or "")
        st.rerun()
    st.button("Remove them", icon=":material/delete:", key="remove_all", on_click=remove, args=(study, found))


def _show_removed(study: Study) -> None:
    last = st.session_state.get(REMOVED)
    if last and last[0] == study.id:
        with st.container(horizontal=True, vertical_alignment="center", key="study_undo"):
            st.info(f"{count(len(last[1]), 'image')} removed.", icon=":material/delete:")
            st.button("Undo", on_click=_bring_back, args=(study, last[1]), icon=":material/undo:", key="undo_remove")
        return
    removed = study.images.all(removed=True)
    if removed:
        with st.popover(f"Removed images ({len(removed)})", icon=":material/delete:", type="tertiary"):
            names = {image.id: image.name for image in removed}
            wanted = st.multiselect("Bring back", list(names), format_func=names.__getitem__, key="removed_images")
            st.button("Bring back", on_click=_bring_back, args=(study, wanted), disabled=not wanted, key="bring_back",
                      icon=":material/undo:")  # fmt: skip


def _bring_back(study: Study, images: list[int]) -> None:
    if change(study, study.images.restore, images):
        st.session_state.pop(REMOVED, None)
        say(f"{count(len(images), 'image')} brought back.")


def _strip(study: Study, ids: list[int], shown: StudyImage) -> None:
    """Read anew, because it is drawn again by itself while images are segmented. shown: the image below it, as it was
    when the page was drawn.
    """
    if st.session_state.pop(MOVED, False):
        st.rerun()  # the whole page: it shows another image
    wanted = set(ids)
    if any(image.id == shown.id and image.result != shown.result for image in images_of(study)):
        st.rerun()  # it has its cells now
    images = [image for image in images_of(study) if image.id in wanted]
    images.sort(key=lambda image: image.state == "failed")  # they come last, and cannot be chosen here
    at = next((k for k, image in enumerate(images) if image.id == st.session_state.get(CHOSEN_IN_STUDY)), 0)
    start = max(0, min(at - MOST_IN_STRIP // 2, len(images) - MOST_IN_STRIP))
    images = images[start : start + MOST_IN_STRIP]
    by_key = {_key(image): image for image in images}

    def choose(place: int) -> None:
        st.session_state[CHOSEN_IN_STUDY] = images[place].id
        st.session_state[MOVED] = True

    thumbnails(
        f"study_strip_{study.id}", [_thumbnail(image) for image in images], at - start,
        lambda keys: {key: thumbnail(study, by_key[key]) for key in keys}, choose,
        ".st-key-study_failures",
    )  # fmt: skip
    if start or len(ids) > start + MOST_IN_STRIP:
        st.caption(f"{MOST_IN_STRIP:,} of {len(ids):,} images are shown here. Search to find others.")


def _key(image: StudyImage) -> str:
    return f"{image.id} {image.sha256[:16]}"


def _thumbnail(image: StudyImage) -> Thumbnail:
    name = str(PurePosixPath(image.name).with_suffix("")) if "." in image.name else image.name
    words, marks = [image.name], []
    if image.sample:
        words.append(image.sample + (f", {image.group}" if image.group else ""))
    if image.result:
        words.append(count(image.cell_count or 0, "cell"))
    if image.state == "waiting":
        words.append("waits to be segmented")
    if image.state == "failed":
        words.append(image.reason)
        marks.append(FAILED)
    more = remarks(too_crowded=bool(image.too_crowded), flagged=image.flagged_count or 0, corrected=bool(image.edits))
    words += more[0]
    marks += more[1]
    if image.note:
        words.append(image.note)
    short = name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME:]}"
    return Thumbnail(_key(image), short, "\n".join(words), image.cell_count, tuple(marks))

"""One image of a study: the picture with its cells, what is known of it, and what can be done with it."""

import zlib
from typing import Any

import streamlit as st

from bccseg.errors import BccsegError, SettingsError, StoreError
from bccseg.imaging.pixel_size import read_pixel_size
from bccseg.io.encode import jpeg
from bccseg.io.images import decode
from bccseg.report.result import TYPED, ImageResult
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study
from ui.components.viewer import picture_data, viewer
from ui.shared.calibrations import calibrations
from ui.shared.class_looks import classes_of
from ui.shared.clicks import leads_on
from ui.shared.errors import plain
from ui.shared.handover import CORRECT_PAGE, hand_over
from ui.shared.session import visitor_state
from ui.shared.study_drafts import draft_of_study_image
from ui.studies.opened import change, images_of, remove, segment_again
from ui.studies.regions import show_regions

VIEWER, PICTURE, OPEN = "study_viewer", "study_picture", "study_result"
HIDDEN, SELECTED = "study_hidden", "study_cell"
CELLS, REGIONS = "Cells", "Regions"
NO_SAMPLE = "of no sample yet"


def show_image(study: Study, image: StudyImage) -> None:
    """Picture on the left, facts on the right; below each other on a narrow screen."""
    with st.container(key="study_image"):
        with st.container(key="study_picture_place"):
            _show_picture(study, image)
        with st.container(key="study_facts"):
            _show_facts(study, image)


def _show_picture(study: Study, image: StudyImage) -> None:
    if image.state == "failed":
        st.error(plain(f"{image.name}: {image.reason}", 400), icon=":material/error:")
    try:
        picture = _picture(study, image)
    except StoreError as error:
        st.error(plain(str(error), 400), icon=":material/error:")
        if image.result:
            st.button("Segment it again", on_click=segment_again, args=(study, [image.id]), icon=":material/refresh:",
                      key="mend_image")  # fmt: skip
        return
    if picture is None:
        if image.state == "waiting":
            st.caption(f":material/hourglass_top: {plain(image.name)} waits to be segmented.")
        _show_plain(study, image)
        return

    drawing = st.segmented_control("Show", [CELLS, REGIONS], default=CELLS, key="study_view", required=True,
                                   label_visibility="collapsed")  # fmt: skip
    if drawing == REGIONS:
        show_regions(study, image, _result(study, image))
        return

    def select() -> None:
        st.session_state[SELECTED] = (image.id, st.session_state[VIEWER]["selected"] or 0)

    def hide() -> None:
        st.session_state[HIDDEN] = [str(name) for name in st.session_state[VIEWER]["hidden"] or []]

    name, cell = st.session_state.get(SELECTED, (0, 0))
    known = {one["name"] for one in picture.get("classes", [])}
    hidden = [name for name in st.session_state.get(HIDDEN, []) if name in known]
    viewer(
        f"{image.id}:{image.result}:{image.pixel_size_um}:{image.regions}",
        picture,
        cell if name == image.id else 0,
        select,
        VIEWER,
        hidden,
        hide,
    )
    st.caption("Scroll or pinch to zoom, drag to move, point at a cell for its size.")


def _result(study: Study, image: StudyImage) -> ImageResult:
    """The unpacked result; the last one is kept."""
    key = (study.id, image.id, image.result, image.pixel_size_um, image.name, image.regions)
    kept = st.session_state.get(OPEN)
    if kept is None or kept[0] != key:
        stored = study.stored(image)
        if stored is None:
            raise StoreError("This image is not segmented yet.")
        kept = st.session_state[OPEN] = (key, stored.unpack())
    return kept[1]


def _picture(study: Study, image: StudyImage) -> dict[str, Any] | None:
    """What the viewer shows; the last one is kept, because every click asks for it again."""
    key = (study.id, image.id, image.result, image.pixel_size_um, image.name, image.regions)
    kept = st.session_state.get(PICTURE)
    if kept is None or kept[0] != key:
        result = _result(study, image) if image.result else None
        picture = picture_data(result, [*classes_of(result).values()]) if result else None
        kept = st.session_state[PICTURE] = (key, picture)
    return kept[1]


def _show_plain(study: Study, image: StudyImage) -> None:
    try:
        st.image(jpeg(decode(study.images.file(image), image.page)[0].image))
    except BccsegError:
        st.caption("There is no picture that could be shown.")


def _show_facts(study: Study, image: StudyImage) -> None:
    key = f"{study.id}_{image.id}"
    _ask_name(study, image, key)
    _ask_sample(study, image, key)
    _say_facts(image)
    _ask_pixel_size(study, image, key)
    _ask_note(study, image, key)
    if image.result and leads_on(
        "Continue correcting" if image.draft else "Correct this image", icon=":material/draw:", key=f"correct_{key}",
        help="Mend by hand what the network got wrong, on the Correct page. The study's numbers follow.",
    ):  # fmt: skip
        draft = draft_of_study_image(study, image.id)
        visitor_state().note_draft(draft.id)
        hand_over(draft)
        st.switch_page(CORRECT_PAGE, query_params={})
    with st.container(horizontal=True):
        st.button("Remove", on_click=remove, args=(study, [image.id]), icon=":material/delete:", key=f"remove_{key}",
                  help="Out of the study, and out of all its numbers. It can be brought back.")  # fmt: skip
        if image.state != "waiting":
            st.button("Segment again", on_click=segment_again, args=(study, [image.id]), icon=":material/refresh:",
                      key=f"again_{key}", help="With the settings the study has now.")  # fmt: skip


def _say_facts(image: StudyImage) -> None:
    """What was found, and what is known of the picture."""
    if image.result:
        numbers = [("Cells", f"{image.cell_count:,}"), ("To look at", f"{image.flagged_count:,}")]
        with st.container(horizontal=True, key="study_numbers"):
            for label, value in numbers:
                st.metric(label, value, width="content")
        if image.too_crowded:
            st.warning("Too crowded to be counted.", icon=":material/groups:")
    size = f"{image.pixel_size_um:.4g} µm a pixel ({plain(image.pixel_size_from)})" if image.pixel_size_um else \
        "pixel size not known"  # fmt: skip
    facts = [f"{image.width} × {image.height} px"] if image.width else []
    facts += [size] if image.result else []
    if image.edits:
        facts.append(f"corrected by hand, {image.edits} edits")
    if image.added_by:
        facts.append(f"added by {plain(image.added_by, 40)}")
    if image.regions:
        facts.append("in the study its regions count")
    if facts:
        st.caption(" · ".join(facts))


def _ask_pixel_size(study: Study, image: StudyImage, key: str) -> None:
    with st.popover("Pixel size …", icon=":material/straighten:", help="Width of one pixel on the slide, in µm."):
        kept = {one.name: one for one in calibrations().all()}
        name, known = None, image.pixel_size_um
        if kept:
            name = st.selectbox("Calibration", list(kept), None, key=f"kept_size_{key}", placeholder="Choose one",
                                help="Kept by name on this server; new ones are made on Segment.")  # fmt: skip
            known = kept[name].pixel_size_um if name else known
        text = st.text_input("Pixel size (µm)", f"{known:.6g}" if known else "", key=f"size_{key}_{name}",
                             placeholder="0.065")  # fmt: skip
        try:
            typed = read_pixel_size(text or "")
        except SettingsError as error:
            st.error(plain(str(error), 200))
            return
        source = kept[name].source if name and typed == kept[name].pixel_size_um else TYPED
        every = [one.id for one in images_of(study)]
        st.button("This image", on_click=change, args=(study, study.images.calibrate, [image.id], typed, source),
                  key=f"size_one_{key}", help="Without a size: as its file states it.")  # fmt: skip
        st.button(f"All {len(every):,} images", on_click=change, key=f"size_all_{key}",
                  args=(study, study.images.calibrate, every, typed, source))  # fmt: skip


def _field(what: str, key: str, value: str) -> str:
    """Key of a widget that begins with a value: another one for another value, so that what somebody else has changed
    is shown, and nothing that a browser still holds of the one before is taken for an answer.
    """
    return f"{what}_{key}_{zlib.crc32(value.encode()):08x}"


def _ask_name(study: Study, image: StudyImage, key: str) -> None:
    field = _field("name", key, image.name)

    def rename() -> None:
        change(study, study.images.rename, image.id, st.session_state[field])

    st.text_input("Name", image.name, key=field, max_chars=200, on_change=rename)


def _ask_note(study: Study, image: StudyImage, key: str) -> None:
    field = _field("note", key, image.note)

    def write() -> None:
        change(study, study.images.write_note, image.id, st.session_state[field] or "")

    st.text_area("Note", image.note, key=field, max_chars=2000, height=80, on_change=write,
                 placeholder="Blurred at the edge, another stain batch …")  # fmt: skip


def _ask_sample(study: Study, image: StudyImage, key: str) -> None:
    samples = {sample.name: sample.group for sample in study.samples.all()}
    field, names = _field("sample", key, image.sample), list(samples)

    def put() -> None:
        change(study, study.images.put_into_sample, [image.id], st.session_state[field] or "")

    st.selectbox(
        "Sample", ["", *names], names.index(image.sample) + 1 if image.sample in samples else 0, key=field,
        on_change=put, accept_new_options=True, help="Choose one, or type a new name.",
        format_func=lambda name: f"{name} ({samples[name]})" if samples.get(name) else name or NO_SAMPLE,
    )  # fmt: skip

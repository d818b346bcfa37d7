"""Ways onto the Correct page: a result of this visit, a file with its mask, a draft; and leaving it by submitting."""

import numpy as np
import streamlit as st

from bccseg.errors import StoreError
from bccseg.imaging.decode import decode
from bccseg.imaging.labels import median_diameter
from bccseg.labels.drafts import DraftInfo, create_draft, draft_name, open_draft
from bccseg.labels.importing import read_labels
from ui.bench import Bench, bench, clear_bench, put_on_bench
from ui.collection import store
from ui.desk import browser_memory, remember, remembered
from ui.errors import plain, shown
from ui.hub_sync import saved
from ui.results import StoredResult
from ui.session import session

LICENCES = ("CC BY 4.0", "CC0 1.0", "CC BY-NC-SA 4.0", "Only for this laboratory")
CORRECT_PAGE = "pages/correct.py"


def correct_result(stored: StoredResult) -> None:
    """Open a result of the Segment page. A callback of its button; the page then switches."""
    result = stored.unpack()
    info = DraftInfo(
        result.name, pixel_size_um=result.pixel_size_um, diameter_px=result.diameter_px, weights=result.weights,
        scores=[round(float(s), 4) for s in result.scores],
        places=[[round(float(v), 2) for v in place] for place in result.places],
    )  # fmt: skip
    put_on_bench(create_draft(store(), result.image, result.labels, info))


def reopen_from_address() -> None:
    """After a reload: open the draft that the address names. Otherwise let the address name the one that is open."""
    named, work = st.query_params.get("draft"), bench()
    if work is not None:
        st.query_params["draft"] = work.draft.id
    elif named:
        try:
            put_on_bench(open_draft(store(), named))
        except StoreError as error:
            clear_bench()
            st.warning(plain(str(error), 300))


def keep_in_browser(open_draft_id: str = "") -> None:
    """Let this browser know its person's name and drafts, so that a closed tab loses neither."""
    told = {"drafts": open_draft_id} if open_draft_id else {}
    if author := remembered("author"):
        told |= {"author": author}
    browser_memory("memory", told)


def _offer_drafts() -> None:
    """Drafts that this browser began and that are still there."""
    found = [(draft, name) for draft in remembered("drafts").split(",") if (name := draft_name(store(), draft))]
    for draft, name in found:
        st.button(f"Go on with {plain(name, 60)}", icon=":material/history:", key=f"draft_{draft}",
                  on_click=lambda draft=draft: put_on_bench(open_draft(store(), draft)))  # fmt: skip


def ask_what_to_correct() -> None:
    """Nothing is open yet: offer what there is."""
    keep_in_browser()
    results = session().results
    st.subheader("Correct an image", anchor=False)
    _offer_drafts()
    if results:
        names = [f"{k}. {stored.slim.name}" for k, stored in enumerate(results, start=1)]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            pick = st.selectbox("A result of this visit", range(len(names)), format_func=names.__getitem__, width=420)
            if st.button("Correct it", type="primary", icon=":material/draw:"):
                correct_result(results[pick or 0])
                st.rerun()
    else:
        st.info("Segment a smear first; then mend here what the network got wrong.", icon=":material/biotech:")
        st.page_link("pages/segment.py", label="Go to Segment", icon=":material/arrow_forward:")
    with st.expander("An image with its mask from a file", expanded=not results, icon=":material/upload_file:"):
        _ask_for_pair()


def _ask_for_pair() -> None:
    left, right = st.columns(2)
    kinds = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"]
    image = left.file_uploader("Image", kinds, key="pair_image", help="The photograph of the smear.")
    mask = right.file_uploader(
        "Mask or labels", ["png", "tif", "tiff", "bmp"], key="pair_mask",
        help="White cells on black, or labels with a number for each cell (8, 16 or 32 bit). Without one you begin "
             "with no cells.",
    )  # fmt: skip
    if image is None:
        return
    if st.button("Open", type="primary", key="open_pair"):
        page = decode(image.getvalue())[0]
        shape = page.image.shape[:2]
        labels = np.zeros(shape, np.int32) if mask is None else read_labels(mask.getvalue(), shape)
        diameter = median_diameter(labels) or min(shape) / 20
        info = DraftInfo(image.name, pixel_size_um=page.pixel_size_um, diameter_px=diameter)
        put_on_bench(create_draft(store(), page.image, labels, info))
        st.rerun()


def show_heading(work: Bench) -> None:
    """What is open, and the way out."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(work.draft.info.name)}**", width="stretch")
        st.button("Close", icon=":material/close:", on_click=clear_bench, key="close_bench",
                  help="The draft stays; this browser remembers it.")  # fmt: skip
        with st.popover("Discard", icon=":material/delete_forever:"):
            st.markdown("Forget this draft and all its edits? This cannot be undone.")
            st.button("Discard the draft", on_click=_discard, args=(work,), type="primary", key="discard_bench")
    keep_in_browser(work.draft.id)


def _discard(work: Bench) -> None:
    work.draft.discard()
    clear_bench()


def ask_to_submit(work: Bench) -> None:
    """The form at the end: who, what, and consent."""
    st.subheader("Submit", anchor=False)
    with st.form("submit_form", border=True):
        left, right = st.columns(2)
        known = remembered("author")
        author = left.text_input("Your name", value=known, max_chars=80, key=f"author_{known}",
                                 help="Stands beside your labels. This browser remembers it.")  # fmt: skip
        licence = right.selectbox(
            "Licence of this image and your labels", LICENCES, help="What others may do with them."
        )
        comment = st.text_area("Comment", max_chars=2000, height=80, placeholder="What the reviewer should know")
        consent = st.checkbox("I may share this image, and I agree that it and my labels join the collection under "
                              "this licence.")  # fmt: skip
        sent = st.form_submit_button("Submit for review", type="primary", icon=":material/send:")
    if not sent:
        return
    if not author.strip():
        st.error("Please give your name.")
    elif not consent:
        st.error("Please tick that the image may join the collection.")
    else:
        _submit(work, author.strip(), comment, licence)


def _submit(work: Bench, author: str, comment: str, licence: str) -> None:
    with shown():
        version = work.draft.submit(store(), author, comment, licence)
        saved(store())
        remember("author", author)
        clear_bench()
        st.session_state["submitted"] = (version.cells, version.edit_count)
        st.rerun()


def tell_submitted() -> None:
    """After a submission: thanks, and where it went."""
    if done := st.session_state.get("submitted"):
        cells, edits = done
        st.success(f"Submitted: {cells:,} cells, {edits:,} edits. It waits for review in the collection.",
                   icon=":material/check_circle:")  # fmt: skip
        st.page_link("pages/collection.py", label="Go to the collection", icon=":material/arrow_forward:")

"""Segment: images in, cells outlined, counted, measured and plotted."""

import streamlit as st

from ui.segment.batch_view import offer_everything, show_batch
from ui.segment.corrected import choose_version
from ui.segment.gallery_view import ask_view, choose_gallery, take_moves
from ui.segment.image_view import show_image
from ui.segment.kept import short_kept_words, show_kept
from ui.segment.progress import show_progress
from ui.segment.recount import recount_others, recount_shown
from ui.segment.thumbnails import show_thumbnails
from ui.segment.uploads import ask_for_images, show_failures
from ui.shared.clicks import leads_on
from ui.shared.errors import plain, show_errors
from ui.shared.given_images import are_given, take_given
from ui.shared.handover import CHOSEN, CORRECT_PAGE, draft_of_result, hand_over, take_up_corrections
from ui.shared.page import open_page
from ui.shared.session import note_settings, visitor_state
from ui.shared.settings import settings_sidebar

open_page("pages/segment.py")  # the heading shares its line with the uploader
state = visitor_state()
with show_errors():
    heading = st.container()
    chosen = settings_sidebar()
    note_settings(state)
    take_moves()
    take_up_corrections(state)
    busy = state.busy  # asked once: the job may end while the page is drawn
    if are_given():
        state.start(take_given(), chosen)
        st.rerun()
    with heading:
        ask_for_images(state, busy=busy)

    show_progress(state, busy=busy)
    show_kept(state, chosen, busy=busy)
    if not state.results:
        show_failures(state)
        st.stop()

    if not busy and (state.used is None or state.used.outlining != chosen.outlining):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info("The settings have changed since these images were segmented.")
            st.button("Segment again", type="primary", on_click=state.again, args=(chosen,), icon=":material/refresh:")
    names = [f"{k}. {stored.measured.name}" for k, stored in enumerate(state.results, start=1)]
    index = 0
    show_thumbnails(state, st.session_state.get(CHOSEN) or 0, busy=busy)
    with st.container(horizontal=True, vertical_alignment="center", key="image_head"):
        if len(names) > 1:
            pick = st.selectbox("Image", range(len(names)), format_func=names.__getitem__, key=CHOSEN,
                                label_visibility="collapsed")  # fmt: skip
            index = pick or 0
        else:
            st.markdown(f"##### {plain(state.results[0].measured.name)}", width="stretch")
        gallery = ask_view()
        title = "Continue correcting" if state.results[index].draft else "Correct this image"
        if leads_on(title, icon=":material/draw:", disabled=busy, key="correct_image",
                     help="Mend by hand what the network got wrong, on the Correct page."):  # fmt: skip
            hand_over(draft_of_result(state, index))
            st.switch_page(CORRECT_PAGE)
    kept = recount_shown(state, index, chosen)
    shown = choose_version(kept)
    gallery_shown = choose_gallery(state, index, shown, wanted=gallery, editable=shown is kept and not busy)
    alone = len(names) == 1  # then the files of all images are those of this one
    show_image(shown, kept, gallery_shown, lambda: offer_everything(state, chosen) if alone else None)
    show_failures(state)
    recount_others(state, chosen)
    show_batch(state, chosen)
    st.caption(f":material/save: {short_kept_words()}")

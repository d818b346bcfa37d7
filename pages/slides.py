"""Slides: whole slides and very large fields, counted region by region."""

import streamlit as st

from ui.shared.errors import show_errors
from ui.shared.page import open_page
from ui.shared.settings import settings_sidebar
from ui.slides.begin import ask_to_begin
from ui.slides.choose import choose_count, choose_slide, show_facts
from ui.slides.drawing import show_drawing
from ui.slides.library import library
from ui.slides.looking import look_at_slide
from ui.slides.progress import show_progress
from ui.slides.results import show_pictures, show_results

open_page("pages/slides.py", "Whole slides and very large fields, counted region by region.")
with show_errors():
    slides = library()
    name = choose_slide(slides)
    if name is None:
        st.stop()
    chosen = settings_sidebar()
    look = look_at_slide(slides.path(name))
    if look is None:
        st.stop()
    show_facts(look)
    count = choose_count(slides, name)
    with st.container(key="slide"):  # beside one another where there is room: see page.css
        with st.container(key="slide_picture"):
            if count and count.progress.finished:
                show_pictures(count)
            else:
                show_drawing(slides, name, look, count)
        with st.container(key="slide_side"):
            if count is None:
                ask_to_begin(slides, name, look, chosen)
            else:
                show_progress(count)
    if count:
        show_results(count)

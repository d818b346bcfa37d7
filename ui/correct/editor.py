"""The Correct page with a correction open: toolbar, canvas, overview, numbers, submit."""

import streamlit as st

from bccseg.imaging.label_image import count_cells
from bccseg.imaging.measure import measure_cells, summarise
from bccseg.io.encode import jpeg
from bccseg.report import charts
from bccseg.report.viewport import View, draw_view, overview
from ui.components.draw_surface import commands_since, draw_surface
from ui.components.hotkeys import hotkeys
from ui.components.overview import overview_map
from ui.correct.session import MOST_BRUSH_PX, CorrectionSession
from ui.correct.tools import HOTKEYS, SHOWS, TOOLS
from ui.shared.errors import plain

WIDE = 760  # px; from here on the overview stands beside the canvas
MAX_HEIGHT = 720
SIDE_SHARE = 0.24
OVERVIEW_PX = 260
HINTS = (
    "**A P E C M D F S H** choose a tool · **Z** undo · **Y** redo · **+ − 0** zoom · **arrows** move · "
    "**N** next place to check, **B** the one before · **[ ]** or Ctrl + wheel brush size · **V** what is shown · "
    "wheel zooms at the pointer · space + drag or the middle button moves · right click deletes a cell · "
    "**Esc** leaves an outline"
)


@st.fragment
def show_editor(session: CorrectionSession) -> None:
    """Toolbar, canvas and numbers. A fragment: a stroke redraws this and nothing else of the page."""
    width = hotkeys("hotkeys", HOTKEYS, session.handle_hotkey)
    if not width:  # the browser sends it at once; a canvas drawn before would be moved, and may not survive that
        st.caption("Opening the image …")
        return
    session.take(commands_since(session.surface_key, session.done))
    wide = width >= WIDE
    view = session.make_view((int(width * (1 - SIDE_SHARE)) - 16 if wide else width, MAX_HEIGHT))
    _toolbar(session, view)
    left, right = st.columns([1 - SIDE_SHARE, SIDE_SHARE], gap="small") if wide else (st.container(), st.container())
    with left:
        _canvas(session, view)
    with right:
        _side(session, view, wide=wide)
    st.caption(HINTS)


def _toolbar(session: CorrectionSession, view: View) -> None:
    st.session_state["correct_tool"] = session.tool

    def chosen() -> None:
        session.handle_hotkey(f"tool:{st.session_state['correct_tool'] or session.tool}")

    st.segmented_control(
        "Tool", list(TOOLS), format_func=lambda name: f"{TOOLS[name].icon} {TOOLS[name].title}", key="correct_tool",
        on_change=chosen, label_visibility="collapsed",
    )  # fmt: skip
    tool = TOOLS[session.tool]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        history = session.draft.history
        st.button("Undo", icon=":material/undo:", on_click=session.undo, disabled=not history.can_undo, shortcut="Z")
        st.button("Redo", icon=":material/redo:", on_click=session.redo, disabled=not history.can_redo, shortcut="Y")
        st.button(
            "", icon=":material/zoom_out:", on_click=session.zoom_by, args=(-1,), help="Zoom out (−)", key="zoom_out"
        )
        st.button("", icon=":material/zoom_in:", on_click=session.zoom_by, args=(1,), help="Zoom in (+)", key="zoom_in")
        st.button(
            "Whole image",
            icon=":material/fit_screen:",
            on_click=session.zoom_by,
            args=(0,),
            shortcut="0",
            key="zoom_fit",
        )
        uncertain = len(session.uncertain_places)
        st.button(
            "Next to check",
            icon=":material/help_center:",
            on_click=session.next_uncertain_place,
            disabled=not uncertain,
            shortcut="N",
            help=f"One by one to {uncertain} places: cells that may be several or are out of focus, then what the "
            "network was least sure of.",
        )
        if tool.brush:
            st.session_state["correct_brush"] = session.brush_px
            st.slider("Brush", 1, MOST_BRUSH_PX, key="correct_brush", width=180,
                      help="Diameter in px of the image ([ and ], Ctrl + wheel).",
                      on_change=lambda: setattr(session, "brush_px", st.session_state["correct_brush"]))  # fmt: skip
        if session.tool == "add":
            st.session_state["correct_corners"] = session.corners
            st.toggle("By corners", key="correct_corners",
                      help="Click corner after corner; a double click or the first one again closes, Esc leaves it. "
                           "Off: draw around the cell in one go.",
                      on_change=lambda: setattr(session, "corners", st.session_state["correct_corners"]))  # fmt: skip
        st.markdown(f":gray[{100 * view.zoom[0]:.0f} %]", width="content")
    kind, text = session.message
    if not text:
        st.markdown(f":gray[**{tool.title}**: {tool.help}]")
    else:
        st.markdown(f":orange[:material/warning: {plain(text, 300)}]" if kind == "warning" else plain(text, 300))


def _canvas(session: CorrectionSession, view: View) -> None:
    draft, tool = session.draft, TOOLS[session.tool]
    base = draft.proposal if session.show == "proposal" else draft.base
    picture = draw_view(view, draft.image, draft.labels, base, session.show, session.opacity, session.ring)
    draw_surface(
        session.surface_key, jpeg(picture), view, session.done, tool=tool.name, colour=tool.colour,
        brush_px=session.brush_px if tool.brush else 0, corners=session.corners, adjust=session.clicks.circle(view),
    )  # fmt: skip


def _side(session: CorrectionSession, view: View, *, wide: bool) -> None:
    draft = session.draft
    cells = measure_cells(draft.labels, draft.image, pixel_size_um=draft.info.pixel_size_um)
    summary = summarise(cells, draft.labels.shape, draft.info.pixel_size_um)
    change = summary.cell_count - count_cells(draft.proposal)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Cells", f"{summary.cell_count:,}", delta=f"{change:+d} since the proposal" if change else None,
                  delta_color="off", width="content")  # fmt: skip
        size = "–" if summary.median_diameter_px is None else f"{summary.median_diameter_px:.1f} px"
        st.metric("Median diameter", size, width="content")
        st.metric("Edits", f"{len(draft.history.edits):,}", width="content")
    columns = [st.container(), st.container()] if wide else st.columns(2)
    with columns[0]:
        marks = [(s.x, s.y) for s in session.uncertain_places]
        picture = jpeg(overview(draft.image, draft.labels, OVERVIEW_PX))
        overview_map("overview", picture, view, draft.labels.shape, marks, session.go_to)
        st.session_state["correct_show"] = session.show
        st.selectbox("Show", list(SHOWS), format_func=SHOWS.__getitem__, key="correct_show", help="V",
                     on_change=lambda: setattr(session, "show", st.session_state["correct_show"]))  # fmt: skip
        st.session_state["correct_opacity"] = session.opacity
        st.slider("Opacity", 0.1, 1.0, step=0.05, key="correct_opacity",
                  on_change=lambda: setattr(session, "opacity", st.session_state["correct_opacity"]))  # fmt: skip
    with columns[1]:
        figure = charts.histogram(cells, "equivalent_diameter").update_layout(height=220)
        st.plotly_chart(figure, key="correct_histogram", config={"displayModeBar": False})

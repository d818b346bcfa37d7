"""The Correct page with a correction open: toolbar, canvas, overview, numbers, submit."""

import streamlit as st

from bccseg.imaging import charts
from bccseg.imaging.labels import count_cells
from bccseg.imaging.measure import measure_cells, summarise
from bccseg.imaging.view import View, draw_view, jpeg, overview
from ui.bench import KEYS, SHOWS, TOOLS, Bench
from ui.desk import desk
from ui.errors import plain
from ui.overview import overview_map

WIDE = 760  # px; from here on the overview stands beside the canvas
MAX_HEIGHT = 720
SIDE_SHARE = 0.24
OVERVIEW_PX = 260
HINTS = (
    "**A P E C M D F S H** choose a tool · **Z** undo · **Y** redo · **+ − 0** zoom · **arrows** move · "
    "**N** next doubtful place, **B** the one before · **[ ]** brush size · **V** what is shown"
)


@st.fragment
def show_bench(work: Bench) -> None:
    """The whole desk. A fragment: a stroke draws this anew and nothing else of the page."""
    width = desk("desk", KEYS, work.press)
    if not width:  # the browser tells it at once; a canvas drawn before would be moved, and may not survive that
        st.caption("Opening the image …")
        return
    wide = width >= WIDE
    view = work.make_view((int(width * (1 - SIDE_SHARE)) - 16 if wide else width, MAX_HEIGHT))
    _toolbar(work, view)
    left, right = st.columns([1 - SIDE_SHARE, SIDE_SHARE], gap="small") if wide else (st.container(), st.container())
    with left:
        _canvas(work, view)
    with right:
        _side(work, view, wide=wide)
    st.caption(HINTS)


def _toolbar(work: Bench, view: View) -> None:
    st.session_state["bench_tool"] = work.tool

    def chosen() -> None:
        work.press(f"tool:{st.session_state['bench_tool'] or work.tool}")

    st.segmented_control(
        "Tool", list(TOOLS), format_func=lambda name: f"{TOOLS[name].icon} {TOOLS[name].title}", key="bench_tool",
        on_change=chosen, label_visibility="collapsed",
    )  # fmt: skip
    tool = TOOLS[work.tool]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Undo", icon=":material/undo:", on_click=work.undo, disabled=not work.draft.history.can_undo, help="Z"
        )
        st.button(
            "Redo", icon=":material/redo:", on_click=work.redo, disabled=not work.draft.history.can_redo, help="Y"
        )
        st.button(
            "", icon=":material/zoom_out:", on_click=work.zoom_by, args=(-1,), help="Zoom out (−)", key="zoom_out"
        )
        st.button("", icon=":material/zoom_in:", on_click=work.zoom_by, args=(1,), help="Zoom in (+)", key="zoom_in")
        st.button(
            "Whole image", icon=":material/fit_screen:", on_click=work.zoom_by, args=(0,), help="0", key="zoom_fit"
        )
        unsure = len(work.spots)
        st.button("Next doubtful", icon=":material/help_center:", on_click=work.next_spot, disabled=not unsure,
                  help=f"One by one to the {unsure} cells and places the network was least sure of (N).")  # fmt: skip
        if tool.brush:
            st.session_state["bench_brush"] = work.brush_px
            st.slider("Brush", 1, 200, key="bench_brush", width=180, help="Diameter in px of the image ([ and ]).",
                      on_change=lambda: setattr(work, "brush_px", st.session_state["bench_brush"]))  # fmt: skip
        if work.tool == "add":
            st.session_state["bench_corners"] = work.corners
            st.toggle("By corners", key="bench_corners", help="Click corner after corner, and the first one again to "
                      "close: easier with a trackpad. Off: draw around the cell in one go.",
                      on_change=lambda: setattr(work, "corners", st.session_state["bench_corners"]))  # fmt: skip
        st.markdown(f":gray[{100 * view.zoom[0]:.0f} %]", width="content")
    kind, text = work.said
    if not text:
        st.markdown(f":gray[**{tool.title}**: {tool.help}]")
    else:
        st.markdown(f":orange[:material/warning: {plain(text, 300)}]" if kind == "warning" else plain(text, 300))


def _canvas(work: Bench, view: View) -> None:
    from streamlit_drawable_canvas import st_canvas  # registers itself with the running server

    draft, tool = work.draft, TOOLS[work.tool]
    base = draft.proposal if work.show == "proposal" else draft.base
    picture = draw_view(view, draft.image, draft.labels, base, work.show, work.opacity, work.ring)
    revision = work.revision
    key = f"canvas_{draft.id}_{revision}"

    def drawn() -> None:
        if work.revision != revision:  # the browser may tell of one stroke twice
            return
        drawing = (st.session_state.get(key) or {}).get("drawing") or {}
        work.drawn((drawing.get("raw") or {}).get("objects") or [])

    st_canvas(
        stroke_width=max(2, round(work.brush_px * view.zoom[0])) if tool.brush else 3,
        stroke_color=tool.colour,
        fill_color="rgba(0,200,90,0.2)",
        background_image=jpeg(picture),
        width=view.screen_width,
        height=view.screen_height,
        drawing_mode="polygon" if work.tool == "add" and work.corners else "freedraw",
        key=key,
        on_change=drawn,
    )


def _side(work: Bench, view: View, *, wide: bool) -> None:
    draft = work.draft
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
        marks = [(s.x, s.y) for s in work.spots]
        picture = jpeg(overview(draft.image, draft.labels, OVERVIEW_PX))
        overview_map("overview", picture, view, draft.labels.shape, marks, work.go_to)
        st.session_state["bench_show"] = work.show
        st.selectbox("Show", list(SHOWS), format_func=SHOWS.__getitem__, key="bench_show", help="V",
                     on_change=lambda: setattr(work, "show", st.session_state["bench_show"]))  # fmt: skip
        st.session_state["bench_opacity"] = work.opacity
        st.slider("Opacity", 0.1, 1.0, step=0.05, key="bench_opacity",
                  on_change=lambda: setattr(work, "opacity", st.session_state["bench_opacity"]))  # fmt: skip
    with columns[1]:
        figure = charts.histogram(cells, "equivalent_diameter").update_layout(height=220)
        st.plotly_chart(figure, key="bench_histogram", config={"displayModeBar": False})

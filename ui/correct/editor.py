"""The Correct page with a correction open: tools, picture, overview, numbers."""

import streamlit as st

from bccseg.io.encode import jpeg, palette_png
from bccseg.report.class_colours import class_colours
from bccseg.report.viewport import View, draw_marks, draw_photograph, overview
from ui.components.draw_surface import commands_since, draw_surface
from ui.components.hotkeys import hotkeys
from ui.components.overview import overview_map
from ui.correct.keys import show_keys
from ui.correct.legend import show_legend
from ui.correct.session import MOST_BRUSH_PX, CorrectionSession
from ui.correct.tools import HOTKEYS, SHOWS, TOOLS
from ui.shared.class_keys import NEXT_DOUBTFUL
from ui.shared.errors import BANNER, plain
from ui.shared.storage import store

WIDE = 760  # px; from here on controls and overview stand beside the picture, else below the tools
MAX_HEIGHT = 720
SIDE_SHARE = 0.26
OVERVIEW_PX = 280
STILL = (  # the tools stay in sight, no message moves the picture, and the empty bar above takes no room
    "<style>.st-key-correct_bar { position: sticky; top: 0; z-index: 9; backdrop-filter: blur(12px); gap: 0.4rem; } "
    "@media (max-width: 900px) { .st-key-correct_bar { top: 2.75rem; } } "
    ":is(.st-key-correct_message, .st-key-correct_head [data-testid=stMarkdown]) p { "
    "white-space: nowrap; overflow: hidden; text-overflow: ellipsis; } "
    ".st-key-correct_setting { min-height: 4rem; } .st-key-hotkeys { margin-bottom: -1rem; } "
    "[data-testid=stHeader] { background: transparent; pointer-events: none; } "
    "[data-testid=stHeader] * { pointer-events: auto; }</style>"
)
# On narrow screens the picture would begin below the fold: words of buttons are there for screen readers only, and what
# the tool in hand can be set to has one line, whatever it is.
NARROW = (
    "<style>:is(.st-key-correct_head, .st-key-correct_controls) .stButton button [data-testid=stMarkdownContainer], "
    ".st-key-correct_head [data-testid=stPopoverButton] [data-testid=stMarkdownContainer] { "
    "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } "
    ":is(.st-key-correct_head, .st-key-correct_controls) :is(.stButton, .stPopover) button { "
    "padding: 0.25rem 0.55rem; min-height: 2.25rem; min-width: 2.25rem; } "
    ".st-key-correct_head { flex-wrap: nowrap; gap: 0.5rem; } .st-key-correct_head > div { min-width: 2.25rem; } "
    ".st-key-correct_controls kbd, .st-key-correct_head button div[aria-hidden] { display: none; } "
    ".st-key-correct_tool button { padding: 0 0.3rem; } .st-key-correct_tool button p { font-size: 0.8rem; } "
    ".st-key-correct_setting { min-height: 2.25rem; justify-content: center; } "
    "@media (max-width: 800px) { .st-key-correct_tool button { padding: 0 0.1rem; } } "  # all tools in one line
    "@media (min-width: 641px) and (max-width: 690px) { "
    ".st-key-correct_tool button span:has(> [data-testid=stIconMaterial]) { display: none; } } "
    "@media (max-width: 640px) { .st-key-correct_tool button { padding: 0 0.5rem; } "
    ".st-key-correct_tool button [data-testid=stMarkdownContainer] { position: absolute; width: 1px; height: 1px; "
    "overflow: hidden; clip-path: inset(50%); } "
    ".st-key-correct_message { min-height: 3rem; } .st-key-correct_message [data-testid=stMarkdown] p { "
    "white-space: normal; "
    "display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; } }</style>"
)


@st.fragment
def show_editor(session: CorrectionSession) -> None:
    """Tools, picture and numbers. A fragment: what is done here redraws this and nothing else of the page."""
    width = hotkeys("hotkeys", HOTKEYS, lambda action: session.in_turn(session.handle_hotkey, action))
    if not width:  # the browser sends it at once; a canvas drawn before would be moved, and may not survive that
        st.caption("Opening the image …")
        return
    wide = width >= WIDE
    st.html(STILL if wide else STILL + NARROW)  # fixed text; one element, so that the one before is replaced
    session.classing.use(store().class_set())
    session.take(commands_since(session.surface_key, session.done))
    view = session.make_view((int(width * (1 - SIDE_SHARE)) - 16 if wide else width, MAX_HEIGHT))
    bar = st.container(key="correct_bar")
    left, right = st.columns([1 - SIDE_SHARE, SIDE_SHARE], gap="small") if wide else (st.container(), st.container())
    with left:  # sent before all else: it is what a hand waits for
        _picture(session)
        st.caption(f"Press **?** for all keys. Every stroke is saved as you go. {BANNER}")
    with bar:
        _tools(session)
        if not wide:
            _controls(session, view, rows=1)
            if session.tool == "class":
                show_legend(session, editable=False)
        _message(session)
    with right:
        if wide:
            _controls(session, view, rows=3)
        _side(session, view, legend=session.classes_matter and (wide or session.tool != "class"))
    if session.classes_matter:
        st.caption(f"To be submitted: {session.in_words()}.")
    if session.ask_for_keys():
        show_keys(session.classing)


def _tools(session: CorrectionSession) -> None:
    st.session_state["correct_tool"] = session.tool

    def chosen() -> None:
        session.handle_hotkey(f"tool:{st.session_state['correct_tool'] or session.tool}")

    st.segmented_control(
        "Tool", list(TOOLS), format_func=lambda name: f"{TOOLS[name].icon} {TOOLS[name].title}", key="correct_tool",
        on_change=chosen, label_visibility="collapsed",
    )  # fmt: skip


def _message(session: CorrectionSession) -> None:
    tool, (kind, text) = TOOLS[session.tool], session.message
    with st.container(key="correct_message"):
        if not text:
            st.markdown(f":gray[**{tool.title}**: {tool.help}]")
        else:
            st.markdown(f":orange[:material/warning: {plain(text, 300)}]" if kind == "warning" else plain(text, 300))


def _controls(session: CorrectionSession, view: View, rows: int) -> None:
    """Undo, zoom, what is to be checked, and what the tool in hand can be set to."""
    history, uncertain = session.draft.history, len(session.uncertain_places)
    wide = rows > 1
    with st.container(key="correct_controls", gap="small"):
        gap = "small" if wide else "xsmall"
        lines = [st.container(horizontal=True, vertical_alignment="center", gap=gap) for _ in range(rows - 1)]
        lines.append(st.container(horizontal=True, vertical_alignment="center", gap="xsmall"))
    with lines[0]:
        st.button("Undo", icon=":material/undo:", on_click=session.in_turn, args=(session.undo,),
                  disabled=not history.can_undo, shortcut="Z")  # fmt: skip
        st.button("Redo", icon=":material/redo:", on_click=session.in_turn, args=(session.redo,),
                  disabled=not history.can_redo, shortcut="Y")  # fmt: skip
    with lines[min(1, rows - 1)]:
        st.button("", icon=":material/zoom_out:", on_click=session.zoom_by, args=(-1,), help="Zoom out (−, wheel)",
                  key="zoom_out")  # fmt: skip
        st.button("", icon=":material/zoom_in:", on_click=session.zoom_by, args=(1,), help="Zoom in (+, wheel)",
                  key="zoom_in")  # fmt: skip
        st.button("All", icon=":material/fit_screen:", on_click=session.zoom_by, args=(0,), shortcut="0",
                  key="zoom_fit", help="The whole image")  # fmt: skip
        st.markdown(f":gray[{100 * view.zoom[0]:.0f} %]", width="content")
    with lines[-1]:
        st.button(
            "Next to check", icon=":material/help_center:", on_click=session.next_uncertain_place,
            disabled=not uncertain, shortcut="N",
            help=f"One by one to {uncertain} places: cells that may be several or are out of focus, then what the "
            "network was least sure of. B goes back.",
        )  # fmt: skip
        if session.classes_matter:
            st.button(
                f"Next class\u2002:gray[{NEXT_DOUBTFUL.upper()}]", icon=":material/label_important:",
                on_click=session.in_turn, args=(session.next_doubtful_class,), key="correct_next_class",
                help="Cell by cell to those whose class no person has given, the network's most doubtful first. "
                "The key of a class gives it and goes on; B goes back.",
            )  # fmt: skip
    with st.container() if wide else lines[0], st.container(key="correct_setting", width="stretch" if wide else 170):
        _setting(session, wide=wide)


def _setting(session: CorrectionSession, *, wide: bool) -> None:
    """What the tool in hand can be set to. Its place is as high for every tool, so that nothing moves."""
    if TOOLS[session.tool].brush:
        st.session_state["correct_brush"] = session.brush_px
        st.slider("Brush, px", 1, MOST_BRUSH_PX, key="correct_brush",
                  label_visibility="visible" if wide else "collapsed",
                  help="Diameter in px of the image ([ and ], Ctrl + wheel).",
                  on_change=lambda: setattr(session, "brush_px", st.session_state["correct_brush"]))  # fmt: skip
    if session.tool == "add":
        st.session_state["correct_corners"] = session.corners
        st.toggle("By corners", key="correct_corners",
                  help="Click corner after corner; a double click or the first one again closes, Esc leaves it. "
                       "Off: click on the cell, or draw around it in one go.",
                  on_change=lambda: setattr(session, "corners", st.session_state["correct_corners"]))  # fmt: skip


@st.fragment
def _picture(session: CorrectionSession) -> None:
    """A fragment of its own: after a stroke the browser waits for this alone. What stands around it follows when the
    hand rests; see `hotkeys`.
    """
    session.take(commands_since(session.surface_key, session.done))
    view = session.make_view(session.room)
    draft, tool = session.draft, TOOLS[session.tool]
    base = draft.proposal if session.show == "proposal" else draft.base
    hand = session.classing
    colours = class_colours(hand.classes, draft.marks)
    marks = draw_marks(view, draft.labels, base, session.show, session.opacity, colours)
    draw_surface(
        session.surface_key, lambda: jpeg(draw_photograph(view, draft.image)),
        palette_png(marks.index, marks.colours), view, session.done, tool=tool.name, colour=tool.colour,
        ring=session.ring(view),
        brush_px=session.brush_px if tool.brush else 0, corners=session.corners, adjust=session.clicks.circle(view),
        keys={t.key: (t.name, t.colour, session.brush_px if t.brush else 0) for t in TOOLS.values()},
        classes=hand.by_key(), hand=(hand.name, hand.colour(hand.name) if hand.name else ""),
        place=session.places_seen, next_key=NEXT_DOUBTFUL,
    )  # fmt: skip


def _side(session: CorrectionSession, view: View, *, legend: bool) -> None:
    """Numbers, what is shown where, and how."""
    draft = session.draft
    with st.container(horizontal=True, gap="medium"):
        change = session.cells - session.cells_proposed
        st.metric("Cells", f"{session.cells:,}", delta=f"{change:+d}" if change else "±0", delta_color="off",
                  delta_arrow="off", width="content",
                  help="Below: since the proposal. Platelets and what is no cell are not counted.")  # fmt: skip
        diameter, per_px = session.median_diameter(), draft.info.pixel_size_um
        size = f"{diameter:.1f} px" if diameter and not per_px else f"{diameter * per_px:.1f} µm" if diameter else "–"
        st.metric("Median diameter", size, width="content")
        st.metric("Edits", f"{len(draft.history.edits):,}", width="content")
    if beside := session.classing.beside():
        st.caption(f"Beside them, in no number of cells: {plain(beside, 300)}.")
    if legend:
        show_legend(session)
    marks = [(s.x, s.y) for s in session.uncertain_places]
    picture = jpeg(overview(draft.image, draft.labels, OVERVIEW_PX))
    overview_map("overview", picture, view, draft.labels.shape, marks, session.go_to)
    st.session_state["correct_show"] = session.show
    st.selectbox("Show", list(SHOWS), format_func=SHOWS.__getitem__, key="correct_show", help="V",
                 on_change=lambda: setattr(session, "show", st.session_state["correct_show"]))  # fmt: skip
    st.session_state["correct_opacity"] = session.opacity
    st.slider("Opacity", 0.1, 1.0, step=0.05, key="correct_opacity",
              on_change=lambda: setattr(session, "opacity", st.session_state["correct_opacity"]))  # fmt: skip

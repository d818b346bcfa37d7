"""The whole image, small, with the window that is shown large; a click moves it."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from bccseg.report.viewport import View

HERE = Path(__file__).parent
NAME = "bccseg_overview"


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css, js = ((HERE / f"overview.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(NAME, html=html, css=css, js=js)


def overview_map(
    key: str,
    picture: bytes,
    view: View,
    shape: tuple[int, int],
    marks: Sequence[tuple[float, float]],
    on_goto: Callable[[float, float], None],
) -> None:
    """Show a JPEG of an image (H, W) with the window of `view`; `on_goto(x, y)` gets the image px that were clicked.

    marks: points (x, y) in image px that deserve a look.
    """
    height, width = shape

    def clicked() -> None:
        if at := st.session_state[key].get("goto"):
            on_goto(float(at[0]) * width, float(at[1]) * height)

    window = [view.left / width, view.top / height, view.width / width, view.height / height]
    _component()(
        key=key,
        data={
            "image": f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}", "window": window,
            "marks": [[x / width, y / height] for x, y in marks],
        },
        on_goto_change=clicked,
    )  # fmt: skip

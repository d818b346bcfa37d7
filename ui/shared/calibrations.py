"""Pixel sizes that this server keeps by name."""

from collections.abc import Callable

import streamlit as st

from bccseg.folders import collection_folder
from bccseg.io.calibrations import Calibrations
from ui.shared.errors import plain


def calibrations() -> Calibrations:
    """Those of this server's microscopes."""
    return Calibrations(collection_folder() / "calibrations")


def offer_calibrations(source: str, use: Callable[[float, str], None]) -> None:
    """One click to take one. source: where the pixel size in use comes from, "" if typed. use: takes a size in µm
    and where it comes from.
    """
    if source:
        st.caption(f":material/straighten: {plain(source, 200)}")
    if kept := calibrations().all():
        with st.popover("Calibrations", icon=":material/straighten:", width="stretch",
                        help="Kept on this server by name. New ones are made on Segment, in the tab "
                             "*Calibration* below the picture."):  # fmt: skip
            for one in kept:
                st.button(f"{plain(one.name)} · {one.pixel_size_um:.4g} µm", key=f"calibration {one.name}",
                          on_click=use, args=(one.pixel_size_um, one.source), width="stretch",
                          help=plain(one.source, 200))  # fmt: skip

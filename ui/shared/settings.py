"""The sidebar: weights, device and how cells are found; and which of them are in use."""

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.config import SegmentSettings
from bccseg.errors import HubError, SettingsError
from bccseg.imaging.pixel_size import LEAST_UM, MOST_UM, read_pixel_size
from bccseg.model.weight_sources import HUB_PREFIX, default_name, shipped_names
from bccseg.report.result import TYPED
from ui.shared.account import allowed
from ui.shared.calibrations import offer_calibrations
from ui.shared.errors import plain
from ui.shared.predictors import predictor_cache
from ui.shared.promoted import promoted, weights_title
from ui.shared.widget_state import reset, restore, save

ALL_COUNT = {"min_cell_percent": 0.0, "drop_border_cells": False}
FROM_HUB = "From the Hugging Face Hub…"
DEVICE_TITLES = {"auto": "Automatic", "cpu": "CPU", "cuda": "NVIDIA GPU", "mps": "Apple GPU"}
DEFAULTS: dict[str, Any] = {
    "set_weights": None,  # see defaults()
    "set_hub": "",
    "set_device": "auto",
    "set_auto": True,
    "set_diameter": 50.0,
    "set_pixel_size": "",  # as typed
    "set_pixel_from": "",  # where it comes from, if it was not typed
    "set_min_cell": SegmentSettings().min_cell_percent,
    "set_drop_border": SegmentSettings().drop_border_cells,
}


@dataclass(frozen=True)
class Chosen:
    """What the person has set."""

    settings: SegmentSettings
    pixel_size_um: float | None  # None: as the file states it
    weights: str
    device: str
    pixel_size_from: str = TYPED

    @property
    def outlining(self) -> "Chosen":
        """The same without what applies to results that are there: pixel size, and which outlined cells count."""
        return replace(self, settings=self.settings.replace(**ALL_COUNT), pixel_size_um=None, pixel_size_from=TYPED)


def defaults() -> dict[str, Any]:
    """Default of every widget of the sidebar, by key."""
    return {**DEFAULTS, "set_weights": weight_choices()[0]}


def settings_sidebar() -> Chosen:
    """Ask for the settings in the sidebar, and show what is in use."""
    for key, default in defaults().items():
        restore(key, default)
    with st.sidebar:
        st.subheader("Settings", anchor=False)
        weights = _ask_weights()
        pixel_size = _ask_pixel_size()
        with st.popover("More settings", icon=":material/tune:", width="stretch"):
            st.selectbox("Device", list(DEVICE_TITLES), format_func=DEVICE_TITLES.__getitem__, key="set_device",
                         help="Where the network runs. Automatic takes a graphics card if there is one.")  # fmt: skip
            st.toggle("Find the cell diameter automatically", key="set_auto",
                      help="The network looks at the image at several magnifications and measures the cells. "
                           "Switch this off if it is misled, and type the diameter.")  # fmt: skip
            if not st.session_state["set_auto"]:
                st.number_input("Cell diameter (px)", 3.0, 5000.0, step=1.0, key="set_diameter",
                                help="Diameter of a typical red cell in pixels of your image.")  # fmt: skip
            st.slider("Smallest cell, compared with the typical diameter", 0.0, 100.0, step=5.0, key="set_min_cell",
                      format="%d %%",
                      help="Anything narrower is taken for a speck or a platelet and left out. Applies at once; cells "
                           "that somebody drew or kept on Correct count at any size.")  # fmt: skip
            st.toggle("Leave out cells cut by the border", key="set_drop_border",
                      help="Their size is not known. Sizes and histograms never use them; this leaves them out of "
                           "the count too, at once. The density does not change: it has its own rule.")  # fmt: skip
            st.button("Reset settings", on_click=reset, args=(defaults(),), icon=":material/restart_alt:",
                      width="stretch")  # fmt: skip
    value = {key: save(key) for key in DEFAULTS}
    settings = SegmentSettings(
        diameter_px=None if value["set_auto"] else float(value["set_diameter"]),
        min_cell_percent=float(value["set_min_cell"]),
        drop_border_cells=bool(value["set_drop_border"]),
    )
    show_predictor(weights, value["set_device"])
    return Chosen(settings, pixel_size, weights, value["set_device"], value["set_pixel_from"] or TYPED)


def set_pixel_size(pixel_size_um: float, source: str = "") -> None:
    """Type a pixel size into the sidebar; for use as a button's callback. source: where it comes from, for tables."""
    text = f"{min(max(pixel_size_um, LEAST_UM), MOST_UM):.4g}"
    reset({"set_pixel_size": text, "set_pixel_from": source})


def choose_weights(name: str) -> None:
    """Choose weights in the sidebar of this tab, before it is drawn."""
    reset({"set_weights": name})


def _ask_pixel_size() -> float | None:
    """A text, because a field for numbers takes no decimal comma."""
    text = st.text_input("Pixel size (µm)", key="set_pixel_size", on_change=reset, args=({"set_pixel_from": ""},),
                         placeholder="from the file, if it says",
                         help="Width of one pixel on the slide, such as 0.065 or 0,065. With it, sizes are also given "
                              "in µm and the density in cells per mm². Applies at once. TIFF files often state "
                              "it.")  # fmt: skip
    offer_calibrations(st.session_state["set_pixel_from"], set_pixel_size)
    try:
        return read_pixel_size(text or "")
    except SettingsError as error:
        st.error(f"{plain(str(error), 200)} Until then the files' own pixel size counts, where they state one.")
        return None


def weight_choices() -> list[str]:
    """What the weights menu offers, the one in use without a choice first."""
    own = promoted()
    names = dict.fromkeys([own.current, default_name(), *shipped_names(), *own.names])  # each once, in this order
    return [*names, FROM_HUB] if allowed(Action.HUB_WEIGHTS) else [*names]


def _ask_weights() -> str:
    choice = st.selectbox("Weights", weight_choices(), key="set_weights", format_func=weights_title,
                          help="The trained network. See the Weights page for what each was trained on.")  # fmt: skip
    if choice != FROM_HUB:
        return choice
    if not allowed(Action.HUB_WEIGHTS):  # chosen before the role was taken away
        return promoted().current
    spec = st.text_input("Repository", key="set_hub", placeholder="hf://owner/repo",
                         help="hf://owner/repo, or hf://owner/repo@revision for a certain version. "
                              "For private ones the server needs HF_TOKEN.").strip()  # fmt: skip
    if not spec:
        return promoted().current
    from bccseg.hub import parse_spec

    try:
        parse_spec(spec if spec.startswith(HUB_PREFIX) else HUB_PREFIX + spec)
    except HubError as error:
        st.error(plain(str(error), 300))
        return promoted().current
    return spec if spec.startswith(HUB_PREFIX) else HUB_PREFIX + spec


@st.fragment(run_every=1.0)
def _loading(weights: str, device: str) -> None:
    future = predictor_cache().peek(weights, device)
    if future is None or not future.done():
        st.caption(f":material/hourglass_top: Preparing **{plain(weights_title(weights))}** …")
        return
    st.rerun()


def show_predictor(weights: str, device: str) -> None:
    """Which weights run on which device; loads them beside the page if that is still to be done."""
    future = predictor_cache().peek(weights, device) or predictor_cache().request(weights, device)
    if not future.done():
        with st.sidebar:
            _loading(weights, device)
        return
    if error := future.exception():
        st.error(plain(str(error), 300))
        return
    loaded = future.result()
    if loaded.trouble:
        st.warning(plain(loaded.trouble, 600))
    name = plain(weights_title(loaded.source))
    # In the sidebar, beside what was chosen: the picture comes first on the page
    st.sidebar.caption(f":material/memory: In use: **{name}** on **{plain(loaded.device)}**")

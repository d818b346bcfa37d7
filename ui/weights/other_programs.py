"""Weights as a download for other programs, made when somebody asks for it."""

import functools
import threading
from pathlib import Path

import streamlit as st

from bccseg.portable.formats import FORMATS, can_write_onnx

READ_BY = {
    "bioimageio": "A package as in the BioImage Model Zoo: the network with a description that programs read.",
    "onnx": "For ONNX Runtime, OpenVINO and what is built on them.",
    "torchscript": "For PyTorch and LibTorch.",
}
_one_at_a_time = threading.Lock()  # PyTorch's tracing is not made for several threads


def offer_export(folder: Path, name: str, key: str) -> None:
    """A menu that hands out the weights in `folder` as a zip, called after `name`. key: of its widgets."""
    with st.popover("For other programs", icon=":material/output:", key=f"export_{key}"):
        forms = [form for form in FORMATS if form != "onnx" or can_write_onnx()]
        form = st.radio("Format", forms, format_func=FORMATS.get, captions=[READ_BY[form] for form in forms],
                        key=f"export_format_{key}")  # fmt: skip
        stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:60] or "weights"
        st.download_button(
            "Download (zip)", functools.partial(made, str(folder), form), f"{stem}_{form}.zip", "application/zip",
            on_click="ignore", icon=":material/download:", type="primary", key=f"export_zip_{key}",
            help="Made at the first click, which takes up to a minute. With model card, licence, test tensors and "
            "checksums.",
        )  # fmt: skip
        st.caption(
            "The network takes a photograph as it is and gives maps. Cells are made of them by the other "
            "program, so its counts are its own."
            + ("" if can_write_onnx() else " ONNX can be written where the package extra `bccseg[onnx]` is installed.")
        )


def made(folder: str, form: str) -> bytes:
    """The zip; clicks that come while it is being made wait for it."""
    with _one_at_a_time:
        return _made(folder, form)


@functools.lru_cache(maxsize=2)  # a weight folder never changes; a zip has about 15 MB
def _made(folder: str, form: str) -> bytes:
    from bccseg.model.weights import CARD_FILE, load_weights
    from bccseg.portable.export import portable_files, zipped

    card = Path(folder) / CARD_FILE
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    return zipped(portable_files(load_weights(Path(folder)), form, text))

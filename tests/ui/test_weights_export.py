"""Weights for other programs, from the Weights page."""

import io
import threading
import zipfile

from streamlit.testing.v1 import AppTest

from tests.ui.test_pages import APP
from ui.weights import other_programs


def test_every_shipped_network_can_be_downloaded(monkeypatch):
    asked = []
    monkeypatch.setattr(other_programs, "_made", lambda *what: asked.append(what) or b"")
    at = AppTest.from_file(APP, default_timeout=60).switch_page("pages/weights.py").run()
    at.radio(key="export_format_resunet-bbbc041seg").set_value("torchscript").run()
    assert not at.exception
    assert at.radio(key="export_format_unet-bbbc041seg").value == "bioimageio"
    assert [b.label for b in at.get("download_button")] == ["Download (zip)"] * 2
    assert asked == [], "nothing is made before a click"


def test_without_the_extra_onnx_is_not_offered(monkeypatch):
    monkeypatch.setattr(other_programs, "can_write_onnx", lambda: False)
    at = AppTest.from_file(APP, default_timeout=60).switch_page("pages/weights.py").run()
    assert at.radio(key="export_format_unet-bbbc041seg").options == ["BioImage.IO package", "TorchScript"]
    assert any("bccseg[onnx]" in c.value for c in at.caption)


def test_hurried_clicks_make_one_file(tiny_weights):
    folder = str(tiny_weights[0])
    before = other_programs._made.cache_info().misses
    got = []
    hands = [threading.Thread(target=lambda: got.append(other_programs.made(folder, "torchscript"))) for _ in range(3)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert other_programs._made.cache_info().misses == before + 1
    assert got[0] == got[1] == got[2]
    with zipfile.ZipFile(io.BytesIO(got[0])) as archive:
        assert {"model.torchscript.pt", "README.md", "SHA256SUMS"} <= set(archive.namelist())

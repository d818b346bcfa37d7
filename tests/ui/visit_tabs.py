"""Tabs of a browser whose visit is kept, and a server that starts anew."""

import numpy as np
from streamlit.testing.v1 import AppTest

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from bccseg.report.result import ImageResult
from bccseg.report.stored_result import StoredResult
from tests.odd_files import odd_files
from tests.ui.test_pages import APP
from ui.shared import visits as visits_module
from ui.shared.visit_record import Visit
from ui.shared.visits import visits

PNG = odd_files()["no suffix"][0]


def result(seed=1, **facts):
    image, labels = draw_smear((96, 128), cells=5, diameter_px=26, seed=seed)
    scores = np.linspace(0.5, 0.9, labels.max(), dtype=np.float32)
    values = {"name": f"smear {seed}.png", "stem": f"smear {seed}", "diameter_px": 26.0, "notes": ("a", "b")} | facts
    measured = ImageResult.measure(image, labels, scores, 0.25, **values)
    return StoredResult.pack(measured, png(image))


def visit_of(*results):
    return Visit([Entry(r.measured.name, r.source) for r in results], [], list(results))


def open_tab(token):
    at = AppTest.from_file(APP, default_timeout=60)
    at.session_state["remembered_visitor"] = token
    at.switch_page("pages/segment.py").run()
    assert not at.exception
    return at


def restart():
    """As if the server was started again: nothing is in memory."""
    visits().flush()
    visits_module._visits.clear()


# --- packing

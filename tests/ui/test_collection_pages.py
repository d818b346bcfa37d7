"""Correct and Collection through Streamlit's AppTest: empty, loaded, import, review. The canvas needs a browser."""

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.errors import ImageError
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.images import decode
from bccseg.report.viewport import draw_view
from tests.odd_files import odd_files
from tests.ui.test_pages import APP, button
from ui.components.draw_surface import Command
from ui.correct.session import CorrectionSession
from ui.shared.background_sync import Syncer


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    return LabelStore(tmp_path)


def page(name):
    at = AppTest.from_file(APP, default_timeout=60).run().switch_page(f"pages/{name}.py").run()
    assert not at.exception
    return at


def submit(store, seed=1, author="Ana"):
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=seed)
    info = DraftInfo(
        name=f"smear <b>{seed}</b>.png", diameter_px=30, weights="unet", scores=[0.5 + seed / 10] * int(labels.max())
    )
    draft = create_draft(store, image, labels, info)
    y, x = np.argwhere(labels == 1).mean(axis=0)
    draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    return draft.submit(store, author, "look here", "CC BY 4.0")


def as_file(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def test_nothing_to_correct_yet(store):
    at = page("correct")
    assert "Segment a smear first" in at.info[0].value
    assert [u.label for u in at.get("file_uploader")] == ["Image", "Mask or labels"]


def test_an_empty_collection_shows_what_to_do_and_can_import(store):
    at = page("collection")
    assert "Nothing is collected yet" in at.info[0].value
    assert [tab.label for tab in at.tabs] == ["Import", "Hub"]
    assert any("BCCSEG_DATASET" in i.value for i in at.info)


def test_a_zip_joins_the_collection(store):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        image, labels = draw_smear((96, 128), cells=5, diameter_px=26, seed=9)
        archive.writestr("x/test/original/1.png", as_file(image))
        archive.writestr("x/test/mask/1.png", as_file(separated_mask(labels)))
        archive.writestr("x/test/original/alone.png", as_file(image))
    at = page("collection")
    at.get("file_uploader")[0].set_value([("data.zip", buffer.getvalue(), "application/zip")])
    button(at, "Import").click().run()
    assert not at.exception
    assert "1 images" in at.success[0].value
    assert any("alone.png" in m.value for m in at.markdown)
    assert [(i.split, v.status) for i, v in zip(store.images(), store.versions(), strict=True)] == [
        ("test", "accepted")
    ]
    button(at, "Import").click().run()
    assert any("Choose a zip first" in w.value for w in at.warning)


def test_the_queue_is_ordered_by_uncertainty_and_reviewed(store):
    for seed in (3, 1, 2):  # 1 is the most uncertain
        submit(store, seed)
    at = page("collection")
    metrics = {m.label: m.value for m in at.metric}
    assert (metrics["Images"], metrics["Waiting"], metrics["Accepted"]) == ("3", "3", "0")
    queue = next(s for s in at.selectbox if s.label == "In the queue")
    assert [option.split(". ")[1] for option in queue.options] == [f"smear <b>{k}</b>.png" for k in (1, 2, 3)]
    assert any("\\<b\\>1" in s.value for s in at.subheader)  # shown as it is, not as HTML
    button(at, "Reject").click().run()
    assert any("Please give the reason" in w.value for w in at.warning)
    button(at, "Accept").click().run()
    assert any("give your name" in w.value for w in at.warning)
    next(t for t in at.text_input if t.label == "Your name").set_value("Ben").run()
    button(at, "Accept").click().run()
    assert not at.exception
    assert sorted(v.status for v in store.versions() if v.status != "proposal") == [
        "accepted",
        "submitted",
        "submitted",
    ]
    assert next(v for v in store.versions() if v.status == "accepted").reviewer == "Ben"
    assert {m.label: m.value for m in at.metric}["Waiting"] == "2"


def test_filters(store):
    for seed, author in ((1, "Ana"), (2, "Ben")):
        submit(store, seed, author)
    at = page("collection")
    assert len(at.dataframe[0].value) == 2
    next(m for m in at.multiselect if m.label == "Person").set_value(["Ben"]).run()
    assert at.dataframe[0].value["people"].tolist() == ["Ben"]
    next(t for t in at.text_input if t.label == "Name contains").set_value("nowhere").run()
    assert any("No image fits" in i.value for i in at.info)


def test_the_session_zooms_moves_and_goes_to_the_uncertain(store):
    image, labels = draw_smear((600, 800), cells=40, diameter_px=60, seed=5)
    scores = [0.95] * int(labels.max())
    scores[4] = 0.3
    session = CorrectionSession(
        create_draft(
            store, image, labels, DraftInfo(name="a.png", diameter_px=60, scores=scores, rejected=[[700.0, 40.0, 0.45]])
        )
    )
    assert [round(s.uncertainty, 2) for s in session.uncertain_places] == [0.7, 0.45, 0.05, 0.05, 0.05, 0.05]
    room = (800, 600)
    assert session.make_view(room).zoom == (1, 1)
    session.next_uncertain_place()
    view = session.make_view(room)
    y, x = np.argwhere(labels == 5).mean(axis=0)
    assert view.left <= x <= view.left + view.width
    assert view.top <= y <= view.top + view.height
    assert view.width < 800
    session.handle_hotkey("zoom:in")
    assert session.make_view(room).width < view.width
    left = session.view.left
    session.handle_hotkey("pan:-1,0")
    assert session.make_view(room).left < left
    session.handle_hotkey("zoom:fit")
    assert session.make_view(room).width == 800
    session.handle_hotkey("tool:cut")
    session.handle_hotkey("tool:nonsense")
    assert session.tool == "cut"
    for _ in range(30):
        session.handle_hotkey("brush:+")
    assert session.brush_px == 200
    session.apply_stroke(Command(1, "draw", session.view, ((1.0, 1.0),), "star"))
    assert session.message[0] == "warning"


def test_syncing_goes_on_beside_the_pages(hub, store, monkeypatch):
    monkeypatch.setattr("ui.shared.background_sync.SETTLE_SECONDS", 0.05)
    monkeypatch.setattr("ui.shared.background_sync.RETRY_SECONDS", (0.2,))
    submit(store, 1)
    hub.fail_when = lambda _, path: 403 if "commit" in path else None
    one = Syncer(store, "lab/smears", None)

    def wait_for(kind):
        end = time.monotonic() + 20
        while one.state.kind != kind:
            assert time.monotonic() < end, one.state
            time.sleep(0.02)

    wait_for("failed")
    assert "HF_TOKEN" in one.state.text
    hub.fail_when = lambda *_: None
    wait_for("done")
    first = one.state.report.commit
    submit(store, 2)
    one.request()
    end = time.monotonic() + 20
    while one.state.report.commit == first:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert len(hub.repos["datasets/lab/smears"].messages) == 2
    assert Path(store.root / "images").is_dir()


def test_one_damaged_image_does_not_hide_the_others(store):
    first, second = submit(store, 1), submit(store, 2)
    (store.root / "images" / f"{first.image}.png").write_bytes(b"gone")
    at = page("collection")
    pictures = at.dataframe[0].value["picture"].tolist()
    assert len(set(pictures)) == 2
    assert len(list((store.root / "thumbnails").iterdir())) == 1
    assert second.id in next((store.root / "thumbnails").iterdir()).name


def test_every_odd_image_can_be_opened_for_correction(store):
    """Whatever the Segment page can read, the Correct page can show, also one px or five thousand wide."""
    opened = 0
    for name, (data, _) in odd_files().items():
        try:
            image = decode(data)[0].image
        except ImageError:
            continue
        if image.size > 30_000_000:
            continue
        labels = np.zeros(image.shape[:2], np.int32)
        draft = create_draft(store, image, labels, DraftInfo(name=name, diameter_px=30))
        session = CorrectionSession(draft)
        view = session.make_view((640, 480))
        draw_view(view, draft.image, draft.labels, draft.base)
        session.next_uncertain_place()
        for key in ("zoom:in", "zoom:in", "pan:1,0", "zoom:out", "zoom:fit"):
            session.handle_hotkey(key)
            session.make_view((640, 480))
        assert (open_draft(store, draft.id).image == image).all()
        draft.discard()
        opened += 1
    assert opened > 15

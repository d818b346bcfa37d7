"""Correct and Collection through Streamlit's AppTest: empty, loaded, import, review. The canvas needs a browser."""

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from bccseg.annotation.drafts import DraftInfo, create_draft, draft_from_version, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.errors import ImageError
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.images import decode
from bccseg.report.viewport import draw_marks, draw_photograph
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
    assert [u.label for u in at.get("file_uploader")] == ["Dataset (zip)"]
    open_part(at, "Hub")
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
    assert at.session_state["part"] == "Import"  # also when there is more to see now
    button(at, "Import").click().run()
    assert any("Choose a zip first" in w.value for w in at.warning)


def open_part(at, name):
    at.session_state["part"] = name
    at.run()
    assert not at.exception
    return at


def box(at, label):
    return next(s for s in at.selectbox if s.label == label)


def queued(at):
    return [option.split(". ")[1] for option in box(at, "Waits for review").options]


def said(at, words):
    return any(words in m.value and m.value.startswith(":") for m in at.markdown)


def test_the_queue_is_ordered_by_uncertainty_and_reviewed(store):
    for seed in (3, 1, 2):  # 1 is the most uncertain
        submit(store, seed)
    at = page("collection")
    metrics = {m.label: m.value for m in at.metric}
    assert (metrics["Images"], metrics["Waiting"], metrics["Accepted"]) == ("3", "3", "0")
    open_part(at, "Review")
    assert queued(at) == [f"smear <b>{k}</b>.png" for k in (1, 2, 3)]
    assert any("**smear \\<b\\>1" in m.value for m in at.markdown)  # shown as it is, not as HTML
    button(at, "Accept").click().run()
    assert said(at, "give your name")
    next(t for t in at.text_input if t.label == "Your name").set_value("Ben").run()
    button(at, "Reject\u2002:gray[R]").click().run()
    assert said(at, "Please give the reason")
    box(at, "Reason").set_value("Outlines are off").run()
    button(at, "Reject\u2002:gray[R]").click().run()
    assert said(at, "is rejected")
    assert any("**smear \\<b\\>2" in m.value for m in at.markdown)  # the next one
    assert box(at, "Reason").value is None  # of the other one
    button(at, "Accept").click().run()
    assert not at.exception
    assert queued(at) == ["smear <b>3</b>.png"]
    decided = {v.status: (v.reviewer, v.reason) for v in store.versions() if v.status in ("accepted", "rejected")}
    assert decided == {"rejected": ("Ben", "Outlines are off"), "accepted": ("Ben", "")}
    open_part(at, "Images")
    assert {m.label: m.value for m in at.metric}["Waiting"] == "1"


def test_decisions_are_undone_one_after_the_other_and_the_reviewer_stays(store):
    for seed in (1, 2):
        submit(store, seed)
    at = open_part(page("collection"), "Review")
    next(t for t in at.text_input if t.label == "Your name").set_value("Ben").run()
    for _ in range(2):
        button(at, "Accept").click().run()
    assert any("Nothing waits" in i.value for i in at.info)
    button(at, "Undo").click().run()
    assert queued(at) == ["smear <b>2</b>.png"]
    assert said(at, "waits for review again")
    button(at, "Undo").click().run()
    assert queued(at) == ["smear <b>1</b>.png", "smear <b>2</b>.png"]
    assert any("**smear \\<b\\>1" in m.value for m in at.markdown)
    assert not [b for b in at.button if b.label == "Undo"]
    button(at, "Next").click().run()
    assert any("**smear \\<b\\>2" in m.value for m in at.markdown)
    assert button(at, "Next").disabled
    button(at, "Previous").click().run()
    assert any("**smear \\<b\\>1" in m.value for m in at.markdown)


def test_what_another_reviewer_decided_meanwhile_stays(store):
    version = submit(store, 1)
    at = open_part(page("collection"), "Review")
    store.review(version, "rejected", "Cy", "blurred")
    next(t for t in at.text_input if t.label == "Your name").set_value("Ben")
    button(at, "Accept").click().run()
    assert said(at, "Cy has rejected")
    assert [v.status for v in store.versions() if v.status != "proposal"] == ["rejected"]


def test_numbers_and_pictures_are_of_the_same_two_versions(store):
    first = submit(store, 1)
    draft = draft_from_version(store, first)
    y, x = np.argwhere(draft.labels == 2).mean(axis=0)
    draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    draft.submit(store, "Ben", "", "CC BY 4.0")
    at = open_part(page("collection"), "Review")

    def told():
        return next(m.value.split("  \n")[1] for m in at.markdown if "  \nCompared with" in m.value)

    assert told().startswith("Compared with the proposal")  # what it began with, not its parent
    assert "2 removed, 0 added, 0 with another outline, 4 the same · 4 cells, 6 before · F1 0.800" in told()
    box(at, "Compared with").set_value(1).run()
    assert "1 removed" in told()
    assert "Ana" in told()


def test_an_image_is_taken_out_with_a_reason_and_back_in(store):
    image = submit(store, 1).image
    submit(store, 2)
    at = page("collection")
    at.session_state["collection_table_2"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    at.text_input(key=f"who_{image[:12]}").set_value("Cy")
    button(at, "Withdraw").click().run()
    assert any("who you are and why" in e.value for e in at.error)
    assert len(store.images()) == 2
    next(t for t in at.text_input if t.label == "Why").set_value("no consent")
    button(at, "Withdraw").click().run()
    assert not at.exception
    assert image not in {i.id for i in store.images()}
    assert any("is withdrawn" in s.value for s in at.success)
    assert [(w.tombstone.by, w.tombstone.reason) for w in store.withdrawn()] == [("Cy", "no consent")]
    assert at.dataframe[-1].value[["How", "Who", "Why"]].values.tolist() == [["withdrawn", "Cy", "no consent"]]
    button(at, "Undo").click().run()
    assert len(store.images()) == 2
    assert any("in the collection again" in s.value for s in at.success)


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
        draw_photograph(view, draft.image)
        draw_marks(view, draft.labels, draft.base)
        session.next_uncertain_place()
        for key in ("zoom:in", "zoom:in", "pan:1,0", "zoom:out", "zoom:fit"):
            session.handle_hotkey(key)
            session.make_view((640, 480))
        assert (open_draft(store, draft.id).image == image).all()
        draft.discard()
        opened += 1
    assert opened > 15


def test_the_list_of_drafts_tells_two_of_one_image_apart(store):
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=1)
    drafts = [create_draft(store, image, labels, DraftInfo(name="smear <b>.png")) for _ in range(2)]
    y, x = np.argwhere(labels == 1).mean(axis=0)
    drafts[1].apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    at = AppTest.from_file(APP, default_timeout=60)
    at.session_state["remembered_drafts"] = ",".join([drafts[0].id, drafts[1].id, "0" * 32, "../x"])
    at.run().switch_page("pages/correct.py").run()
    assert not at.exception
    rows = [m.value for m in at.markdown if m.value.startswith("**smear \\<b\\>.png**")]
    assert len(rows) == 2
    cells = int(labels.max())
    assert f"1 edit · {cells - 1} cells (−1)" in rows[0], "the one that was changed last comes first"
    assert f"no edits yet · {cells} cells" in rows[1]
    dates = [c.value for c in at.caption if c.value.startswith("Begun today")]
    assert ["last edit" in date for date in dates] == [True, False]
    assert all("one of 2 drafts of this image" in date for date in dates)
    at.button(key=f"discard_{drafts[0].id}").click().run()
    assert not drafts[0].folder.exists()
    assert not any("drafts of this image" in c.value for c in at.caption)
    at.button(key=f"draft_{drafts[1].id}").click().run()
    assert at.session_state["correction_session"].draft.id == drafts[1].id


def test_a_listed_draft_that_was_discarded_in_another_tab_is_no_error(store):
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=1)
    draft = create_draft(store, image, labels, DraftInfo(name="smear.png"))
    at = AppTest.from_file(APP, default_timeout=60)
    at.session_state["remembered_drafts"] = draft.id
    at.run().switch_page("pages/correct.py").run()
    draft.discard()
    at.button(key=f"draft_{draft.id}").click().run()
    assert not at.exception
    assert not [b for b in at.button if b.label == "Go on"]


def test_measures_of_what_was_accepted_can_be_downloaded(store):
    first, second = submit(store, 1), submit(store, 2)
    store.review(first, "accepted", "Eva")
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.session_state["part"] = "Export"
    at.switch_page("pages/collection.py").run()
    assert not at.exception
    assert [s.value for s in at.subheader] == ["Dataset", "Measures"]
    assert any(c.value.startswith(f"{first.cells} cells of 1 image:") for c in at.caption)
    at.toggle(key="export_all").set_value(True).run()
    assert any(c.value.startswith(f"{first.cells + second.cells} cells of 2 images:") for c in at.caption)

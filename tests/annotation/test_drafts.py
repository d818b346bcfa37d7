"""Drafts: every stroke is on disk, a killed process loses at most the last, undo reaches back over a reload."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bccseg import files
from bccseg.annotation import drafts
from bccseg.annotation.drafts import DraftInfo, create_draft, draft_from_version, draft_info, log_size, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.review import annotator_agreement, items
from bccseg.annotation.store import LabelStore
from bccseg.errors import EditError, StoreError
from tests.annotation.replay import replay


def middle(labels, cell):
    y, x = np.argwhere(labels == cell).mean(axis=0)
    return float(x) + 0.5, float(y) + 0.5


@pytest.fixture
def draft(store, field):
    return create_draft(store, *field, DraftInfo(name="smear.png", diameter_px=30))


def test_a_reload_finds_every_edit_and_can_undo_it(store, draft):
    for cell in (1, 2, 3):
        draft.apply(Edit(kind="delete", points=(middle(draft.base, cell),)))
    draft.undo()
    again = open_draft(store, draft.id)
    assert (again.labels == draft.labels).all()
    assert (again.image == draft.image).all()
    again.redo()
    assert 3 not in again.labels
    for _ in range(3):
        again.undo()
    assert (open_draft(store, draft.id).labels == draft.base).all()


def test_a_half_written_line_is_left_out_and_work_goes_on(store, draft):
    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    with (draft.folder / "log.jsonl").open("ab") as log:
        log.write(b'{"edit": {"kind": "del')
    again = open_draft(store, draft.id)
    again.apply(Edit(kind="delete", points=(middle(draft.base, 2),)))
    last = open_draft(store, draft.id)
    assert len(last.history.edits) == 2
    assert not np.isin(last.labels, [1, 2]).any()


def test_two_windows_do_not_overwrite_each_other(store, draft):
    other = open_draft(store, draft.id)
    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    with pytest.raises(StoreError, match="another window"):
        other.apply(Edit(kind="delete", points=(middle(draft.base, 2),)))
    assert (other.labels == other.base).all()


def test_of_two_windows_only_the_one_that_knows_every_edit_submits_and_once(store, draft):
    other = open_draft(store, draft.id)
    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    with pytest.raises(StoreError, match="another window"):
        other.submit(store, "Ana", "", "CC0")
    assert not store.versions()
    assert len(open_draft(store, draft.id).history.edits) == 1
    draft.submit(store, "Ana", "", "CC0")
    with pytest.raises(StoreError, match="not here any more"):
        other.submit(store, "Ana", "", "CC0")
    assert [v.edit_count for v in store.versions() if v.status == "submitted"] == [1]


def test_a_full_disk_takes_the_stroke_back(store, draft, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    before = draft.labels.copy()
    monkeypatch.setattr(drafts.os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        draft.apply(Edit(kind="delete", points=(middle(draft.base, 2),)))
    with pytest.raises(StoreError, match="disk is full"):
        draft.undo()
    monkeypatch.undo()
    assert (draft.labels == before).all()
    assert (open_draft(store, draft.id).labels == before).all()


def test_submitting_keeps_proposal_correction_and_commands(submitted):
    store, version = submitted
    proposal, correction = store.versions(version.image)
    assert (proposal.status, correction.status) == ("proposal", "submitted")
    assert (correction.parent, correction.author, correction.edit_count) == (proposal.id, "Ana", 1)
    assert proposal.uncertainty == pytest.approx((0.1 * (proposal.cells - 1) + 0.6 + 0.5) / (proposal.cells + 1))
    assert correction.agreement["count_difference"] == -1
    edits = [Edit.from_dict(values) for values in store.details(correction).edits]
    assert (replay(store.labels(proposal), edits) == store.labels(correction)).all()
    assert list((store.root / "drafts").iterdir()) == []


def test_the_same_proposal_is_kept_once(store, field):
    image, labels = field
    for author in ("Ana", "Ben"):
        draft = create_draft(
            store, image, labels, DraftInfo(name="a.png", weights="unet", scores=[0.9] * int(labels.max()))
        )
        draft.apply(Edit(kind="delete", points=(middle(labels, 1),)))
        draft.submit(store, author, "", "CC0 1.0")
    assert [v.status for v in store.versions()] == ["proposal", "submitted", "submitted"]


def test_a_failed_submission_keeps_the_draft(store, draft, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError):
        draft.submit(store, "Ana", "", "CC0 1.0")
    monkeypatch.undo()
    assert store.versions() == []
    again = open_draft(store, draft.id)
    assert again.submit(store, "Ana", "", "CC0 1.0").edit_count == 1


class Killed(BaseException):
    """The process is gone."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=st.lists(st.integers(1, 16), max_size=3), more=st.booleans())
def test_a_submission_that_was_killed_anywhere_is_there_once(tmp_path_factory, field, kills, more):
    """Killed before or after any file is renamed, and before the draft's folder is gone; then submitted again."""
    store = LabelStore(tmp_path_factory.mktemp("killed"))
    draft = create_draft(store, *field, DraftInfo(name="smear.png", weights="unet", scores=[0.9] * int(field[1].max())))
    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    for kill in kills:
        with pytest.MonkeyPatch.context() as patch:
            left = [kill]

            def killed_at(step, left=left):
                def run(*values, **named):
                    left[0] -= 1
                    if left[0] == 0:
                        raise Killed
                    return step(*values, **named)

                return run

            patch.setattr(files, "flush_folder", killed_at(files.flush_folder))
            patch.setattr(files.os, "fsync", killed_at(files.os.fsync))
            patch.setattr(drafts.shutil, "rmtree", killed_at(drafts.shutil.rmtree))
            with contextlib.suppress(Killed, StoreError):
                open_draft(store, draft.id).submit(store, "Ana", "", "CC0")
    edits = 1
    if draft_info(store, draft.id):
        again = open_draft(store, draft.id)
        if more and not LabelStore(store.root).versions():  # something was added before the next attempt
            again.apply(Edit(kind="delete", points=(middle(draft.base, 2),)))
            edits = 2
        again.submit(store, "Ana", "", "CC0")
    found = LabelStore(store.root).versions()
    assert [(v.status, v.edit_count) for v in found] == [("proposal", 0), ("submitted", edits)]
    made = [Edit.from_dict(values) for values in store.details(found[1]).edits]
    assert (replay(store.labels(found[0]), made) == store.labels(found[1])).all()


def test_going_on_from_a_version(submitted):
    store, version = submitted
    draft = draft_from_version(store, version)
    assert (draft.base == store.labels(version)).all()
    assert (draft.proposal == store.labels(store.versions(version.image)[0])).all()
    assert draft.info.rejected == [[5.0, 5.0, 0.5]]
    draft.apply(Edit(kind="delete", points=(middle(draft.base, 2),)))
    assert (open_draft(store, draft.id).proposal == draft.proposal).all()
    second = draft.submit(store, "Ben", "", "CC BY 4.0")
    assert second.parent == version.id
    assert len(store.versions(version.image)) == 3


@pytest.mark.parametrize("name", ["", "..", "a" * 31, "../" + "a" * 32, "A" * 32])
def test_drafts_are_opened_by_id_only(store, name):
    with pytest.raises(StoreError):
        open_draft(store, name)


@pytest.mark.parametrize("damage", ["draft.json", "base.png", "image.png", "log.jsonl"])
def test_a_damaged_draft_is_reported(store, draft, damage):
    draft.apply(Edit(kind="delete", points=(middle(draft.base, 1),)))
    (draft.folder / damage).write_bytes(b"[]\n")
    with pytest.raises(StoreError, match=rf"cannot be opened.*{damage}.*(JSON object|missing or damaged)"):
        open_draft(store, draft.id)


step = st.one_of(
    st.sampled_from(["undo", "redo", "reload"]),
    st.builds(
        Edit,
        kind=st.sampled_from(["add", "paint", "erase", "cut", "merge", "delete", "fill", "smooth"]),
        points=st.lists(
            st.tuples(st.floats(0, 160, width=32), st.floats(0, 120, width=32)), min_size=1, max_size=5
        ).map(tuple),
        radius_px=st.floats(1, 10, width=16),
    ),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(step, max_size=15))
def test_any_work_survives_a_reload_at_any_point(store, field, steps):
    draft = create_draft(store, *field, DraftInfo(name="smear.png", diameter_px=30))
    for what in steps:
        try:
            if what == "reload":
                before = draft
                draft = open_draft(store, draft.id)
                assert (draft.labels == before.labels).all()
                assert draft.history.edits == before.history.edits
                assert draft.history.can_redo == before.history.can_redo
                assert draft.history.next_id == before.history.next_id
            elif isinstance(what, str):
                getattr(draft, what)()
            else:
                draft.apply(what)
        except EditError:
            continue
    lines = (draft.folder / "log.jsonl").read_text().splitlines() if (draft.folder / "log.jsonl").exists() else []
    assert all(json.loads(line) for line in lines)
    draft.discard()


def test_disagreement_of_two_people_is_kept(store, field):
    image, labels = field
    info = DraftInfo(name="a.png", weights="unet", scores=[0.9] * int(labels.max()))
    for author, gone in (("Ana", (1,)), ("Ben", (2, 3))):
        draft = create_draft(store, image, labels, info)
        for cell in gone:
            draft.apply(Edit(kind="delete", points=(middle(labels, cell),)))
        version = draft.submit(store, author, "", "CC0 1.0")
    n = int(labels.max())
    assert version.disagreement == pytest.approx(1 - 2 * (n - 3) / (2 * n - 3))
    item = items(store)[0]
    assert item.disagreement == version.disagreement
    assert item.change == pytest.approx(1 - 2 * (n - 2) / (2 * n - 2))
    assert item.priority == pytest.approx(item.uncertainty + item.disagreement)
    one, other, found = annotator_agreement(store, item)[0]
    assert (one.author, other.author, found.count_difference) == ("Ana", "Ben", -1)


def test_facts_of_drafts(store, draft):
    assert draft_info(store, draft.id).name == "smear.png"
    assert log_size(store, draft.id) == draft.size == 0
    assert draft_info(store, "0" * 32) is draft_info(store, "../x") is log_size(store, "../x") is None

"""Drafts at a glance."""

import os
import time

import numpy as np

from bccseg.annotation.draft_list import summarise_draft, sweep_drafts
from bccseg.annotation.drafts import DraftInfo, create_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore


def test_a_draft_at_a_glance(store, field):
    image, labels = field
    draft = create_draft(store, image, labels, DraftInfo(name="smear 1.png"))
    before = summarise_draft(store, draft.id, 80)
    assert (before.name, before.edits, before.cells, before.change) == ("smear 1.png", 0, labels.max(), 0)
    assert before.picture.shape == (60, 80, 3)
    for cell in (1, 2, 3):
        y, x = np.argwhere(labels == cell).mean(axis=0)
        draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    draft.undo()
    after = summarise_draft(store, draft.id, 80)
    assert (after.edits, after.cells, after.change) == (2, labels.max() - 2, -2)
    assert after.changed >= after.begun == before.begun
    assert (after.picture != before.picture).any(), "the cells as they are now"


def test_two_drafts_of_one_image_have_the_same_image_and_another_image_has_not(store, field):
    image, labels = field
    one, two = (create_draft(store, image, labels, DraftInfo(name=name)) for name in ("a.png", "b.png"))
    other = create_draft(store, image[::-1].copy(), labels[::-1].copy(), DraftInfo(name="a.png"))
    images = [summarise_draft(store, draft.id).image for draft in (one, two, other)]
    assert images[0] == images[1] != images[2]


def test_old_drafts_are_swept_and_others_stay(tmp_path, discs):
    store = LabelStore(tmp_path)
    image = np.zeros((*discs.shape, 3), np.uint8)
    old, edited, new = (create_draft(store, image, discs, DraftInfo(name=name)) for name in "abc")
    for draft in (old, edited):
        os.utime(draft.folder / "draft.json", (0, time.time() - 91 * 86400))
    (edited.folder / "log.jsonl").write_text("")  # as of a day ago
    os.utime(edited.folder / "log.jsonl", (0, time.time() - 86400))
    assert sweep_drafts(store, 90) == 1
    assert [draft.folder.exists() for draft in (old, edited, new)] == [False, True, True]

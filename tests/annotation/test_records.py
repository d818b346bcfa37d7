"""Records on disk: each is read as it was written, later fields are ignored, damage is named with its file."""

import json

import pytest

from bccseg.annotation.disk import read_record
from bccseg.annotation.drafts import DraftInfo, LogLine, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.records import Details, ImageInfo, Review, Version, VersionFile
from bccseg.annotation.store import LabelStore
from bccseg.errors import EditError, StoreError

EDIT = {
    "kind": "paint", "points": [[1.25, 2.0], [3.0, 4.0]], "radius_px": 5.5, "cell_class": "white", "more": [[7.0, 8.0]],
}  # fmt: skip
CELLS = {"2": {"name": "white", "by": "network", "score": 0.75}, "5": {"name": "red", "by": "person", "score": None}}
DETAILS = {"edits": [EDIT], "scores": [0.5, 0.75], "places": [[1.0, 2.0, 0.3]], "cells": CELLS}
LATER = {"cells", "cell_class", "class_counts", "more"}  # fields that version 0.1.0 did not write
# Every field with a value of its own.
WRITTEN = {
    ImageInfo: {
        "id": "a" * 64, "name": "smear.png", "height": 600, "width": 800, "split": "validation",
        "pixel_size_um": 0.1, "added": "2026-01-02T03:04:05+00:00", "added_by": "Ünal", "licence": "CC0 1.0",
    },
    Version: {
        "id": "20260102T030405000006Z-0123456789ab", "image": "a" * 64, "author": "Ana",
        "time": "2026-01-02T03:04:05+00:00", "status": "submitted", "cells": 7, "class_counts": {"red": 6, "white": 1},
        "sha256": "b" * 64,
        "parent": "20260101T030405000006Z-0123456789ab", "weights": "unet", "comment": "hard", "licence": "CC BY 4.0",
        "edit_count": 3, "doubt": 0.25, "agreement": {"dice": 0.9, "f1": 0.8, "count_difference": -1},
        "disagreement": 0.125, "reviewer": "Ben", "reason": "blurred", "account": "0123456789abcdef",
    },
    Details: DETAILS,
    VersionFile: {"details": DETAILS},
    Review: {"status": "rejected", "reviewer": "Ben", "reason": "blurred", "time": "2026-01-02T03:04:05+00:00",
             "account": "0123456789abcdef"},
    DraftInfo: {
        "name": "smear.png", "created": "2026-01-02T03:04:05+00:00", "pixel_size_um": 0.1, "diameter_px": 31.5,
        "weights": "unet", "image": "a" * 64, "parent": "20260101T030405000006Z-0123456789ab",
        "scores": [0.5, 0.75], "places": [[1.0, 2.0, 0.3]], "cells": CELLS,
        "study": "0123456789abcdef", "study_image": 7,
    },
    Edit: EDIT,
}  # fmt: skip
every_record = pytest.mark.parametrize(("kind", "values"), WRITTEN.items(), ids=lambda v: getattr(v, "__name__", ""))


@every_record
def test_a_record_is_read_as_it_was_written(kind, values):
    record = kind.from_json(json.dumps(values))
    assert json.loads(record.to_json()) == values == record.to_dict()
    assert kind.from_json(record.to_json()) == record
    assert set(values) == {field.alias or name for name, field in kind.model_fields.items()}


@pytest.mark.parametrize(("kind", "values"), [(Edit, EDIT), (Details, DETAILS), (DraftInfo, WRITTEN[DraftInfo])])
def test_a_record_from_before_there_were_classes_is_read(kind, values):
    record = kind.from_json(json.dumps({name: value for name, value in values.items() if name not in LATER}))
    assert not getattr(record, (LATER & set(values)).pop())


@every_record
def test_fields_of_later_versions_are_ignored(kind, values):
    later = kind.from_json(json.dumps({**values, "colour": "blue", "angles": [1, 2]}))
    assert later == kind.from_json(json.dumps(values))


@every_record
def test_nothing_is_read_that_is_no_record(tmp_path, kind, values):
    wrong = [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe"]
    wrong += [json.dumps({**values, name: {"no": "value"}}).encode() for name in values if name != "agreement"]
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    wrong += [json.dumps({k: v for k, v in values.items() if k != name}).encode() for name in required]
    path = tmp_path / "record.json"
    for data in wrong:
        if data == json.dumps({"details": {"no": "value"}}).encode():  # a later version's details
            continue
        path.write_bytes(data)
        with pytest.raises((StoreError, EditError)) as caught:
            read_record(kind, path)
        assert caught.type is kind.error
        if kind is not Edit:  # which is a line of a log, not a file
            assert str(caught.value).startswith("record.json cannot be read. ")


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        (ImageInfo, {"height": "tall"}, "height in the data of an image must be a whole number, not 'tall'."),
        (ImageInfo, {"split": "spare"}, "split is one of 'train', 'validation', 'test', not 'spare'."),
        (Version, {"status": "lost"}, "status is one of 'proposal', 'draft', "),
        (Version, {"cells": None}, "cells in the data of a version must be a whole number, not None."),
        (Version, {"doubt": "much"}, "doubt in the data of a version must be a number, not 'much'."),
        (Review, {"status": "proposal"}, "status is one of 'accepted', 'rejected', 'submitted', not 'proposal'."),
        (Details, {"places": [[1, 2]]}, "places.0: List should have at least 3 items"),
        (DraftInfo, {"scores": [0.5, "x"]}, "scores.1 in the data of a draft must be a number, not 'x'."),
    ],
)
def test_what_is_wrong_in_a_file_is_in_the_message(tmp_path, kind, change, words):
    path = tmp_path / "20260102.json"
    path.write_text(json.dumps({**WRITTEN[kind], **change}))
    with pytest.raises(StoreError) as caught:
        read_record(kind, path)
    assert str(caught.value).startswith(f"20260102.json cannot be read. {words}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"^gone\.json is missing\.$"):
        read_record(ImageInfo, tmp_path / "gone.json")


def test_the_store_names_the_damaged_file(submitted):
    store, version = submitted
    store.review(version, "rejected", "Ben", "blurred")
    folder = store.root / "labels" / version.image
    review = next(folder.glob(f"{version.id}.review-*.json"))
    for path, call in (
        (store.root / "images" / f"{version.image}.json", lambda s: s.images()),
        (folder / f"{version.id}.json", lambda s: s.versions()),
        (folder / f"{version.id}.json", lambda s: s.details(version)),
        (review, lambda s: s.versions()),
    ):
        whole = path.read_bytes()
        call(LabelStore(store.root))
        path.write_bytes(whole[:-10])
        with pytest.raises(StoreError, match=rf"{path.name} cannot be read\. .*no JSON"):
            call(LabelStore(store.root))
        path.write_bytes(whole)
    (store.root / "images" / f"{version.image}.json").write_text(json.dumps(WRITTEN[ImageInfo]))
    with pytest.raises(StoreError, match="another image"):
        LabelStore(store.root).images()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"edit": {"kind": "bend", "points": [[1, 2]], "radius_px": 0}}', "no tool called 'bend'"),
        ('{"edit": {"kind": "paint", "radius_px": 0}}', "points is missing in the data of an edit"),
        ('{"edit": {"kind": "paint", "points": [[1, 2, 3]]}}', "points.0"),
        ('{"edit": {"kind": "delete", "points": [[0, 0]], "radius_px": 0}}', "no cell there"),
        ('{"redo": 1}', "nothing to redo"),
        ('{"undo": 2}', "undo is one of|undo: "),
        ("{}", "A step is an edit, undo or redo"),
        ("no json", "no JSON"),
    ],
)
def test_a_damaged_line_of_a_log_is_named(submitted, field, line, words):
    from bccseg.annotation.drafts import create_draft

    store, _ = submitted
    draft = create_draft(store, *field, DraftInfo(name="a.png"))
    y, x = draft.labels.nonzero()
    draft.apply(Edit(kind="delete", points=((x[0] + 0.5, y[0] + 0.5),)))
    with (draft.folder / "log.jsonl").open("a") as log:
        log.write(f"{line}\n")
    with pytest.raises(
        StoreError, match=rf"That draft cannot be opened\. log\.jsonl cannot be read\. Line 2: .*{words}"
    ):
        open_draft(store, draft.id)


def test_lines_of_a_log_are_as_short_as_ever():
    edit = Edit.from_dict(EDIT)
    assert LogLine.from_json(json.dumps({"edit": EDIT})) == LogLine(edit=edit)
    assert LogLine.from_json('{"undo": 1, "when": "now"}') == LogLine(undo=1)


def test_the_log_on_disk_has_nothing_but_the_steps(store, field):
    from bccseg.annotation.drafts import create_draft

    draft = create_draft(store, *field, DraftInfo(name="a.png"))
    y, x = draft.labels.nonzero()
    edit = Edit(kind="delete", points=((x[0] + 0.5, y[0] + 0.5),))
    draft.apply(edit)
    draft.undo()
    draft.redo()
    lines = [json.loads(line) for line in (draft.folder / "log.jsonl").read_text().splitlines()]
    assert lines == [{"edit": edit.to_dict()}, {"undo": 1}, {"redo": 1}]

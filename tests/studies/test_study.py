"""What a study keeps: images, samples, groups; seen by all who have it open, whatever happens to the process."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from bccseg.errors import StoreError
from bccseg.imaging.regions import Region, write_regions
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from bccseg.report.result import Correction, ImageResult
from bccseg.studies.image_list import find
from bccseg.studies.sorting import Sorting
from bccseg.studies.store import StudyStore
from bccseg.studies.study import Study
from tests.paths import ROOT
from tests.studies.conftest import entries, picture


def zipped(*names, start=0):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for k, name in enumerate(names, start):
            archive.writestr(name, picture(k))
    return file.getvalue()


def result(discs, pixel_size_um=None, edits=0):
    image = np.full((*discs.shape, 3), 200, np.uint8)
    return ImageResult.measure(
        image, discs, np.full(3, 0.9, np.float32), pixel_size_um, name="x", stem="x", diameter_px=30.0,
        stated_pixel_size_um=pixel_size_um, correction=Correction(edits, "2026-01-01") if edits else None,
    )  # fmt: skip


def test_an_empty_study_is_listed_and_has_empty_tables(store):
    assert store.list() == []
    study = store.create("  Malaria\n2026 ")
    (info,) = store.list()
    assert (info.name, info.images, info.samples, info.groups, info.problem) == ("Malaria 2026", 0, 0, (), "")
    tables = study.tables()
    assert [len(t) for t in (tables.cells, tables.images, tables.samples)] == [0, 0, 0]
    assert list(tables.samples) == ["group", "sample"]
    with pytest.raises(StoreError, match="needs a name"):
        store.create(" ")


def test_two_people_see_each_others_additions(store, study):
    other = StudyStore(store.folder).open(study.id)
    before = other.revision
    study.images.add(entries("a.png"))
    other.images.add([Entry("b.png", picture(7))])
    assert [i.name for i in study.images.all()] == [i.name for i in other.images.all()] == ["a.png", "b.png"]
    assert other.revision == before + 2


def test_folders_are_samples_and_the_folders_above_groups(study):
    data = zipped("control/p1/1.png", "control/p2/1.png", "treated/p1/1.png", "readme.txt/", "treated/.hidden.png")
    report = study.images.add([Entry("all.zip", data)], Sorting("folder", "folder above"))
    assert len(report.added) == 3
    assert [(i.name, i.sample, i.group) for i in study.images.all()] == [
        ("control/p1/1.png", "p1", "control"), ("control/p2/1.png", "p2", "control"),
        ("treated/p1/1.png", "p1 (treated)", "treated"),
    ]  # fmt: skip
    assert study.info().groups == ("control", "treated")


@pytest.mark.parametrize(
    ("names", "proposed"),
    [
        ([("1.png", "1.png"), ("2.png", "2.png")], Sorting("none", "none")),
        ([("p1/1.png", "all.zip"), ("p2/1.png", "all.zip")], Sorting("folder", "none")),
        ([("c/p1/1.png", "all.zip"), ("t/p2/1.png", "all.zip")], Sorting("folder", "folder above")),
        ([("study/p1/1.png", "all.zip"), ("study/p2/1.png", "all.zip")], Sorting("folder", "none")),
        ([("p1/1.png", "c.zip"), ("p2/1.png", "t.zip")], Sorting("folder", "archive")),
        ([("1.png", "p1.zip"), ("1.png", "p2.zip")], Sorting("archive", "none")),
        ([("p1/1.png", "p1.zip"), ("p2/1.png", "p2.zip")], Sorting("folder", "none")),
        ([], Sorting("none", "none")),
    ],
)
def test_what_names_say_of_samples_and_groups(names, proposed):
    assert Sorting.proposed(names) == proposed


def test_what_is_no_picture_is_named_and_what_is_there_is_left_out(study):
    study.images.add(entries("a.png"))
    given = [Entry("again.png", picture(0)), Entry("notes.txt", b"hello"), Entry("a.png", picture(5))]
    report = study.images.add(given)
    assert report.already == ["again.png"]
    assert [name for name, _ in report.failed] == ["notes.txt"]
    assert [i.name for i in study.images.all()] == ["a.png", "a.png (2)"]


def test_removing_is_undone(study):
    study.images.add(entries("a.png", "b.png"))
    first = study.images.all()[0]
    study.images.put_into_sample([first.id], "p1")
    study.images.remove([first.id])
    assert [i.name for i in study.images.all()] == ["b.png"]
    study.images.rename(study.images.all()[0].id, "a.png")  # its name is free meanwhile
    study.images.restore([first.id])
    assert [(i.name, i.sample) for i in study.images.all()] == [("a.png (2)", "p1"), ("a.png", "")]
    study.images.remove([first.id])
    assert study.images.add(entries("a.png")).added == [first.id], "added again, it comes back as it was"


def test_search_looks_at_name_sample_group_and_note(study):
    study.images.add(entries("a.png", "b.png", "c.png"))
    a, b, c = study.images.all()
    study.images.put_into_sample([a.id, b.id], "Patient 1")
    study.samples.set_group(study.samples.all()[0].id, "Control")
    study.images.write_note(c.id, "blurred at the edge")
    images = study.images.all()
    assert [i.name for i in find(images, "control PATIENT")] == ["a.png", "b.png"]
    assert [i.name for i in find(images, "blur")] == ["c.png"]
    assert len(find(images, " ")) == 3


def test_samples_are_renamed_joined_and_described(study):
    study.images.add(entries("a.png", "b.png"))
    a, b = study.images.all()
    study.images.put_into_sample([a.id], "p1")
    study.images.put_into_sample([b.id], "p2")
    first, second = study.samples.all()
    study.samples.set_value(first.id, "Age", "34")
    study.samples.set_value(second.id, "age", "51,5")
    assert study.samples.columns() == ["Age"]
    assert study.tables().samples["Age"].tolist() == [34.0, 51.5], "numbers, as all are"
    study.samples.rename(second.id, "P1")
    (left,) = study.samples.all()
    assert (left.images, left.free) == (2, {"Age": "34"})
    study.samples.set_value(left.id, "Age", "")
    assert study.samples.all()[0].free == {"Age": ""}
    with pytest.raises(StoreError, match="cannot be called"):
        study.samples.add_column("Group")
    study.samples.remove_column("age")
    assert study.samples.columns() == []


def test_tables_follow_names_samples_and_pixel_sizes(study, discs):
    study.images.add(entries("a.png", "b.png"))
    a, b = study.images.all()
    study.keep(a, result(discs))
    study.keep(b, result(discs, pixel_size_um=0.1))
    study.images.put_into_sample([a.id], "p1")
    study.samples.set_group(study.samples.all()[0].id, "control")
    study.samples.set_value(study.samples.all()[0].id, "stain", "Giemsa")
    study.images.rename(a.id, "first.png")
    tables = study.tables()
    assert list(tables.cells)[:4] == ["group", "sample", "image", "cell_id"]
    assert tables.cells["image"].tolist() == ["first.png"] * 3 + ["b.png"] * 3
    assert tables.images["cell_count"].tolist() == [3, 3]
    assert tables.images["stain"].tolist() == ["Giemsa", ""]
    assert tables.images["pixel_size_from"].tolist() == ["", "file"]
    assert tables.cells["area_um2"].isna().tolist() == [True] * 3 + [False] * 3
    study.images.calibrate([a.id], 0.5)
    disc = study.tables().cells.iloc[0]
    assert disc["area_um2"] == pytest.approx(disc["area_px"] * 0.25)
    study.images.calibrate([a.id], None)
    assert study.tables().cells["area_um2"].isna().sum() == 3


def test_regions_say_what_counts(study, discs):
    study.images.add([Entry("a.png", png(np.full((*discs.shape, 3), 200, np.uint8)))])
    (image,) = study.images.all()
    study.keep(image, result(discs, pixel_size_um=1.0))
    study.images.set_regions(image.id, write_regions([Region(name="left", kind="frame", points=((0, 0), (80, 100)))]))
    tables = study.tables()
    assert tables.cells["cell_id"].tolist() == [1], "the one on the right is out, and the one that the left edge cuts"
    row = tables.images.iloc[0]
    assert (row["cell_count"], row["counted_px"]) == (1, 8000)
    assert row["density_per_mm2"] == pytest.approx(1 / 0.008)
    study.images.set_regions(image.id, "")
    assert study.tables().images["cell_count"].tolist() == [3]


def test_a_correction_takes_the_place_of_the_result_and_keeps_what_was_found(study, discs):
    study.images.add(entries("a.png"))
    (image,) = study.images.all()
    study.keep(image, result(discs))
    found = study.images.all()[0].result
    study.keep(study.images.all()[0], result(discs, edits=2), found)
    image = study.images.all()[0]
    assert (image.edits, study.results.found(image.result)) == (2, found)
    study.keep(image, result(discs, edits=3), found)
    assert len(list((study.folder / "results").glob("*.npz"))) == 2, "the one between is gone"
    study.keep(study.images.all()[0], result(discs))
    assert len(list((study.folder / "results").glob("*"))) == 2, "npz and labels of the last one alone"


def test_a_damaged_result_is_named_and_the_rest_opens(study, discs):
    from bccseg.studies.tables import study_tables

    study.images.add(entries("a.png", "b.png"))
    for image in study.images.all():
        study.keep(image, result(discs))
    broken = study.images.all()[0]
    (study.folder / "results" / f"{broken.result}.npz").write_bytes(b"PK\x03\x04 half")
    tables, damaged = study_tables(Study(study.folder))
    assert tables.images["image"].tolist() == ["b.png"]
    ((image, reason),) = damaged
    assert image.name == "a.png"
    assert f"results/{broken.result}.npz is damaged" in reason


def test_a_damaged_file_is_named(study):
    study.images.add(entries("a.png"))
    (image,) = study.images.all()
    next((study.folder / "files").iterdir()).write_bytes(b"other")
    with pytest.raises(StoreError, match=r"'a\.png' .*damaged"):
        study.images.file(image)


@pytest.mark.parametrize("content", [b"", b"no database at all, only text" * 50, None])
def test_a_damaged_catalogue_is_named_and_the_other_studies_open(store, study, content):
    whole = store.create("Whole")
    for path in study.folder.glob("study.sqlite*"):
        path.unlink()
    if content is not None:
        (study.folder / "study.sqlite").write_bytes(content)
    good, bad = sorted(store.list(), key=lambda info: bool(info.problem))
    assert (good.name, good.problem) == ("Whole", "")
    assert study.id in bad.name
    assert "study.sqlite" in bad.problem
    assert store.open(whole.id).info().name == "Whole"
    with pytest.raises(StoreError, match=r"study\.sqlite"):
        store.open(study.id)


def test_a_catalogue_of_a_later_version_is_not_touched(store, study):
    with sqlite3.connect(study.catalogue.path) as db:
        db.execute("PRAGMA user_version = 99")
    assert "later version" in store.list()[0].problem


def test_a_failed_change_changes_nothing(study):
    study.images.add(entries("a.png"))
    with pytest.raises(StoreError), study.catalogue.write() as db:  # noqa: PT012, the whole of it is meant
        db.execute("UPDATE image SET note = 'half'")
        db.execute("INSERT INTO image (nonsense) VALUES (1)")
    assert study.images.all()[0].note == ""


def test_removed_studies_come_back(store, study):
    store.remove(study.id)
    assert store.list() == []
    assert [info.name for info in store.removed()] == ["Malaria"]
    store.restore(study.id)
    assert [info.name for info in store.list()] == ["Malaria"]
    store.remove(study.id)
    store.delete_removed(study.id)
    assert store.removed() == []
    for name in ("../x", "", "0" * 16):
        with pytest.raises(StoreError):
            store.open(name)


ADDING = """
import sys
from pathlib import Path
from bccseg.io.archive import Entry
from bccseg.studies.study import Study
study, data = Study(Path(sys.argv[1])), Path(sys.argv[2]).read_bytes()
for k in range(100_000):
    study.images.add([Entry(f"p{k % 3}/{k}.png", data + str(k).encode())])
    print(k, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("after", [1, 7, 20])
def test_a_killed_process_loses_at_most_the_image_being_written(study, tmp_path, after):
    (tmp_path / "a.png").write_bytes(picture(1))
    command = [sys.executable, "-c", ADDING, str(study.folder), str(tmp_path / "a.png")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        told = 0
        while told < after:
            told = int(process.stdout.readline()) + 1
        time.sleep(0.001 * after)
        process.send_signal(signal.SIGKILL)
        told += len(process.stdout.read().splitlines())
    images = study.images.all()
    assert told <= len(images) <= told + 1
    for image in images:
        study.images.file(image)  # whole
    assert study.images.add(entries("after.png")).added, "others go on"

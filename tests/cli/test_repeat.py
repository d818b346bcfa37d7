"""run.json, and a run repeated from it."""

import hashlib
import io
import json
import shutil
import zipfile

import pytest
from PIL import Image

from bccseg.cli import main
from bccseg.imaging.synthetic import draw_smear
from bccseg.model.weight_sources import SHIPPED
from bccseg.report.bundle import write_zip
from bccseg.report.result import ImageResult
from bccseg.report.run_record import RunImage, RunRecord, differences


def draw(path, seed, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_smear((120, 160), cells=6, diameter_px=30, seed=seed)[0]).save(path, **options)


@pytest.fixture(scope="module")
def done_once(tmp_path_factory):
    """A run of the shipped weights: two files and a zip with a third."""
    tmp_path = tmp_path_factory.mktemp("run")
    folder = tmp_path / "in"
    draw(folder / "a.png", 1)
    draw(folder / "b.png", 2)
    draw(tmp_path / "inner" / "c.png", 3)
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(tmp_path / "inner" / "c.png", "day 1/c.png")
    out = tmp_path / "first"
    arguments = ["--diameter", "30", "--pixel-size", "0.1", "--min-cell", "35", "--drop-border"]
    assert main(["segment", str(folder), "--out", str(out), *arguments]) == 0
    return tmp_path


@pytest.fixture
def first_run(done_once, tmp_path):
    """A copy of it: folder of the images, folder of the results."""
    shutil.copytree(done_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "in", tmp_path / "first"


def record_of(out):
    return RunRecord.from_json((out / "run.json").read_bytes())


def test_the_record_says_what_the_run_was(first_run):
    folder, out = first_run
    record = record_of(out)
    assert [image.name for image in record.images] == ["a.png", "b.png", "day 1/c.png"]
    assert record.images[0].file_sha256 == hashlib.sha256((folder / "a.png").read_bytes()).hexdigest()
    assert record.images[0].file == "../in/a.png"
    assert record.images[0].settings.diameter_px == 30
    assert record.images[0].settings.min_cell_percent == 35
    assert record.images[0].settings.drop_border_cells
    assert record.images[0].pixel_size_um == 0.1
    assert record.images[0].numbers["cell_count"] > 0
    (weights,) = record.weights
    assert weights.name == "unet-bbbc041seg"
    assert weights.sha256 == json.loads((SHIPPED / weights.name / "config.json").read_text())["sha256"]
    assert record.versions["torch"]
    assert record.devices == [record.images[0].device]


def test_a_repeated_run_is_equal_to_the_first(first_run, tmp_path, capsys):
    _, out = first_run
    again = tmp_path / "again"
    assert main(["segment", "--from", str(out / "run.json"), "--out", str(again)]) == 0
    assert "3 images repeated; all numbers are as they were" in capsys.readouterr().err
    assert (again / "summary.csv").read_bytes() == (out / "summary.csv").read_bytes()
    assert (again / "a_labels.png").read_bytes() == (out / "a_labels.png").read_bytes()
    before, now = record_of(out), record_of(again)
    assert [i.labels_sha256 for i in now.images] == [i.labels_sha256 for i in before.images]
    assert now.weights == before.weights


def test_images_are_found_elsewhere_by_their_sum(first_run, tmp_path, capsys):
    folder, out = first_run
    (tmp_path / "moved").mkdir()
    (folder / "a.png").rename(tmp_path / "moved" / "renamed.png")
    (folder / "b.png").rename(tmp_path / "moved" / "b.png")
    (folder / "more.zip").unlink()
    arguments = ["segment", "--from", str(out / "run.json"), str(tmp_path / "moved"), "--out", str(tmp_path / "again")]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "'day 1/c.png': it is not there" in said
    assert "'a.png':" not in said
    assert "3 images repeated; 1 differ" in said
    assert [i.name for i in record_of(tmp_path / "again").images] == ["a.png", "b.png"]
    assert (tmp_path / "again" / "a_labels.png").exists()  # called as it was


def test_a_changed_image_is_named(first_run, tmp_path, capsys):
    folder, out = first_run
    draw(folder / "b.png", 5)
    assert main(["segment", "--from", str(out / "run.json"), "--out", str(tmp_path / "again")]) == 1
    said = capsys.readouterr().err
    assert "'b.png': the file is not the one that was used: its sha256 is another" in said
    assert "'b.png': area_fraction was" in said
    assert "'a.png':" not in said


def test_a_number_that_differs_is_named_and_so_are_hand_corrections_and_versions(first_run, tmp_path, capsys):
    _, out = first_run
    values = json.loads((out / "run.json").read_text())
    values["images"][0]["numbers"]["cell_count"] += 1
    values["images"][1] |= {"edits": 2, "corrected_by": "Ada"}
    values["images"][1]["numbers"]["flagged_count"] = 77
    values["versions"]["torch"] = "1.0"
    values["weights"][0]["sha256"] = "00"
    (out / "run.json").write_text(json.dumps(values))
    assert main(["segment", "--from", str(out / "run.json"), "--out", str(tmp_path / "again")]) == 1
    said = capsys.readouterr().err
    count = values["images"][0]["numbers"]["cell_count"]
    assert f"'a.png': cell_count was {count}, is now {count - 1}" in said
    assert "'b.png': flagged_count was 77, is now" in said
    assert "'b.png': it was corrected by hand (2 edits by Ada), which is not repeated" in said
    assert "the weights 'unet-bbbc041seg' are not those that were used" in said
    assert "torch was 1.0, is now" in said


def test_wrong_use(tmp_path, capsys):
    assert main(["segment", "--out", str(tmp_path / "o")]) == 2
    assert "--from run.json" in capsys.readouterr().err
    record = tmp_path / "run.json"
    assert main(["segment", "--from", str(record), "--out", str(tmp_path / "o")]) == 2
    record.write_text("[]")
    assert main(["segment", "--from", str(record), "--out", str(tmp_path / "o")]) == 1
    record.write_bytes(RunRecord(images=(RunImage(name="x.png"),)).to_json())
    assert main(["segment", "--from", str(record), "--out", str(tmp_path / "o")]) == 2
    assert "None of the images" in capsys.readouterr().err


def test_differences():
    before = RunImage(name="a", numbers={"n": 3, "x": 0.1 + 0.2, "gone": 1, "none": None}, labels_sha256="1")
    assert differences(before, before.replace(numbers={**before.numbers, "x": 0.3})) == []
    now = before.replace(numbers={"n": 4, "x": 0.31, "none": 2, "new": 5}, labels_sha256="2")
    assert differences(before, now) == [
        "n was 3, is now 4", "x was 0.3, is now 0.31", "gone was 1, is now unknown", "none was unknown, is now 2",
        "new was not told, is now 5",
    ]  # fmt: skip
    (pixels,) = differences(before, before.replace(labels_sha256="2"))
    assert "outlines differ" in pixels


def test_the_zip_of_a_batch_carries_it(smear):
    image, labels = smear
    scores = labels.ravel()[: int(labels.max())] * 0 + 0.9
    result = ImageResult.measure(image, labels, scores.astype("float32"), name="a.png", stem="a", diameter_px=50.0)
    buffer = io.BytesIO()
    write_zip([result], buffer, "Ada")
    record = RunRecord.from_json(zipfile.ZipFile(buffer).read("run.json"))
    assert record.user == "Ada"
    assert record.images[0].numbers["cell_count"] == int(labels.max())
    assert len(record.images[0].labels_sha256) == 64

"""Classes out of a collection and into another: round trips, and small datasets of other programs."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bccseg.annotation.class_mapping import class_name, map_classes, suggest_class
from bccseg.annotation.data_card import data_card
from bccseg.annotation.dataset_export import chosen_versions, dataset_files, write_dataset
from bccseg.annotation.dataset_import import import_dataset
from bccseg.annotation.hub_layout import metadata
from bccseg.annotation.import_sources import open_dataset, truth_of
from bccseg.annotation.measures_export import measure_files, measured_versions, write_measures
from bccseg.annotation.records import Details
from bccseg.annotation.review import items
from bccseg.annotation.store import LabelStore
from bccseg.classes import CLASS_SETS, CellClass, CellMark, ClassSet
from bccseg.config import TrainConfig
from bccseg.errors import DataError
from bccseg.imaging.label_image import count_cells
from bccseg.io.images import decode
from bccseg.io.truth import read_classes, read_objects, read_truth
from bccseg.training.data_sources import gather_training_data
from bccseg.training.training_image import class_truth

SHAPE = (60, 80)
BLOCKS = {1: np.s_[2:22, 2:22], 2: np.s_[2:22, 30:55], 3: np.s_[30:50, 2:22], 4: np.s_[30:37, 40:47],
          5: np.s_[45:58, 60:75], 6: np.s_[10:13, 70:73]}  # fmt: skip
MARKS = {1: CellMark(name="red"), 2: CellMark(name="white", by="network", score=0.8), 4: CellMark(name="platelet"),
         5: CellMark(name="not a cell")}  # fmt: skip


def photograph(seed):
    return np.random.default_rng(seed).integers(0, 255, (*SHAPE, 3), np.uint8)


def drawn(blocks=BLOCKS):
    labels = np.zeros(SHAPE, np.int32)
    for cell, window in blocks.items():
        labels[window] = cell
    return labels


def as_png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def last(reports):
    *_, report = reports
    return report


def add(store, seed=1, marks=MARKS, labels=None, split="train", name="smear.png"):
    info = store.add_image(photograph(seed), name, split=split)
    found = drawn() if labels is None else labels
    return store.save_version(info.id, found, author="Ana", status="accepted", details=Details(cells=marks))


@pytest.fixture
def collection(store):
    """Red, white, one of unknown class, a platelet, what is not a cell, and a crumb of 9 px; and an image without
    classes.
    """
    add(store)
    add(store, 2, {}, drawn({1: BLOCKS[1], 2: BLOCKS[2]}), "test", "old.png")
    return store


def export(store, folder, layout):
    write_dataset(dataset_files(store, chosen_versions(items(store)), layout), folder)
    return folder


def classes_of(store):
    """Class names by the middle of each object, of each image."""
    found = {}
    for item in items(store):
        labels, marks = store.labels(item.best), store.marks(item.best)
        found[item.info.id] = {
            tuple(np.argwhere(labels == cell).mean(axis=0)): marks[cell].name if cell in marks else ""
            for cell in np.unique(labels[labels > 0])
        }
    return found


@pytest.mark.parametrize("layout", ["labels", "coco", "label-studio"])
def test_what_is_exported_comes_back_with_its_classes(collection, tmp_path, layout):
    export(collection, tmp_path / "out", layout)
    other = LabelStore(tmp_path / "other")
    report = last(import_dataset(other, tmp_path / "out", "Cy", "CC0 1.0"))
    assert (report.added, report.lonely, report.failed) == (2, [], [])
    before = classes_of(collection)
    for there in before.values():
        there.pop((11.0, 71.0), None)  # the crumb
    assert classes_of(other) == before
    for item in items(other):
        crumbs = drawn({6: BLOCKS[6]}) > 0
        truth = collection.labels(collection.versions(item.info.id)[0]) * ~crumbs
        assert ((other.labels(item.best) > 0) == (truth > 0)).all(), "not a pixel is lost"
        assert item.best.status == ("submitted" if layout == "label-studio" else "accepted")
        assert item.info.split == collection.image_info(item.info.id).split
    first = next(v for v in other.versions() if v.class_counts)
    assert (first.cells, first.class_counts) == (3, {"red": 1, "white": 1, "platelet": 1, "not a cell": 1})
    if layout != "labels":
        white = next(mark for mark in other.marks(first).values() if mark.name == "white")
        assert white == MARKS[2], "the network said so, and still does"
    again = last(import_dataset(other, tmp_path / "out", "Cy", "CC0 1.0"))
    assert (again.added, again.already) == (0, 2)


def test_who_knows_of_cells_alone_takes_no_platelet_for_one(collection, tmp_path):
    out = export(collection, tmp_path / "out", "labels")
    picture = out / "train/labels/smear.png"
    labels = np.asarray(Image.open(picture))
    assert (labels.max(), labels[BLOCKS[4]].max(), labels[BLOCKS[5]].max()) == (3, 0, 0)
    others = np.asarray(Image.open(out / "train/others/smear.png"))
    assert (others.max(), others[33, 43], others[50, 65]) == (2, 1, 2)
    known = json.loads((out / "train/classes/smear.json").read_bytes())
    assert known["cells"] == {"1": "red", "2": "white", "4": "platelet", "5": "not a cell"}
    assert known["complete"] == ["red", "white"]
    assert not (out / "test/classes").exists()
    assert not (out / "test/others").exists()
    mask = np.asarray(Image.open(export(collection, tmp_path / "masks", "kaggle") / "train/mask/smear.png"))
    assert (mask[BLOCKS[3]].min(), mask[BLOCKS[4]].max(), mask[BLOCKS[5]].max()) == (255, 0, 0)


def test_training_learns_platelets_from_the_export_and_takes_none_for_a_cell(collection, tmp_path):
    add(collection, 3, name="third.png")
    out = export(collection, tmp_path / "out", "labels")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in out.rglob("*.*"):
            archive.write(path, path.relative_to(out).as_posix())
    (tmp_path / "data.zip").write_bytes(buffer.getvalue())
    data = gather_training_data([str(tmp_path / "data.zip")], tmp_path / "work", 0.5)
    _, truth = next(pair for pair in data.train + data.validation if pair[0].stem == "smear")
    cells, _ = read_truth(truth, photograph(1), "smear")
    assert count_cells(cells) == 3
    objects = read_objects(truth, cells, "smear")
    assert count_cells(objects) == 5
    for classes in ((), TrainConfig(network={"classes": 3}, classes=ClassSet().classes[:3]).classes):
        labels, small, possible = class_truth(objects, read_classes(truth), classes)
        assert count_cells(labels) == 3
        assert (small[BLOCKS[4]] == (3 if classes else 0)).all()
        assert small[BLOCKS[5]].max() == 0
    assert possible.tolist() == [0b1001, 0b0010, 0b0100, 0b1110]  # background: none, or a platelet nobody marked


def test_categories_of_the_collection_stand_in_every_split(collection, tmp_path):
    collection.save_class_set(collection.class_set().renamed("white", "leukocyte"))
    out = export(collection, tmp_path / "out", "coco")
    for split in ("train", "test"):
        names = {c["id"]: c["name"] for c in json.loads((out / split / "annotations.json").read_bytes())["categories"]}
        assert names == {1: "cell", 2: "red", 3: "leukocyte", 4: "platelet", 5: "not a cell"}
    rows = json.loads((out / "train/annotations.json").read_bytes())["annotations"]
    assert [row["category_id"] for row in rows] == [2, 3, 1, 4, 5]


def test_tasks_are_what_label_studio_documents(collection, tmp_path):
    out = export(collection, tmp_path / "out", "label-studio")
    tasks = json.loads((out / "tasks.json").read_bytes())
    by_image = {task["data"]["image"]: task["predictions"] for task in tasks}
    assert set(by_image) == {f"/data/local-files/?d={p.relative_to(out).as_posix()}" for p in out.rglob("*.png")}
    ((prediction,),) = [p for image, p in by_image.items() if image.endswith("smear.png")]
    assert prediction["model_version"] == "Ana"
    first, white = prediction["result"][:2]
    points = first["value"].pop("points")
    assert first == {
        "id": "cell-00001", "type": "polygonlabels", "from_name": "label", "to_name": "image", "original_width": 80,
        "original_height": 60, "image_rotation": 0, "value": {"closed": True, "polygonlabels": ["red"]},
        "meta": {"class_by": "person"},
    }  # fmt: skip
    assert len(points) == 8  # a square whose corners are cut
    assert np.max(points, axis=0) == pytest.approx([22 / 80 * 100, 22 / 60 * 100], abs=1e-3)
    assert white["score"] == 0.8
    assert prediction["result"][2]["value"]["polygonlabels"] == ["cell"]
    setup = (out / "label_config.xml").read_text()
    assert '<Label value="red" background="#E4572E"/>' in setup
    assert setup.count("<Label ") == 5


def test_measures_have_classes_and_who_gave_them(collection, tmp_path):
    write_measures(measure_files(collection, measured_versions(items(collection))), tmp_path / "out")
    cells = pd.read_csv(tmp_path / "out/cells.csv", keep_default_na=False)
    assert list(cells.columns[-3:]) == ["class", "class_score", "class_by"]
    mine = cells[cells["image"] == "smear.png"]
    assert mine[["class", "class_score", "class_by"]].to_numpy().tolist() == [
        ["red", "", "person"], ["white", "0.8000", "network"], ["unclassified", "", ""], ["unclassified", "", ""],
        ["platelet", "", "person"], ["not a cell", "", "person"],
    ]  # fmt: skip
    assert cells.loc[cells["image"] == "old.png", "class"].tolist() == ["unclassified"] * 2
    images = pd.read_csv(tmp_path / "out/images.csv").set_index("image")
    assert images["cell_count"].to_dict() == {"smear.png": 4, "old.png": 2}
    assert images.loc["smear.png", "count_platelet"] == 1
    found = json.loads((tmp_path / "out/coco.json").read_bytes())
    names = {c["id"]: c["name"] for c in found["categories"]}
    assert sorted(names[a["category_id"]] for a in found["annotations"] if a["image_id"] == 1) == [
        "cell", "cell", "not a cell", "platelet", "red", "white",
    ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / "out/rois/smear_rois.zip") as archive:
        assert {"red-00001.roi", "platelet-00005.roi", "not_a_cell-00006.roi"} <= set(archive.namelist())
    assert "| platelet | 1 | not in the number of cells |" in (tmp_path / "out/README.md").read_text()


def test_card_and_metadata_of_the_hub_count_classes(collection):
    card = data_card(chosen_versions(items(collection)), classes=collection.class_set())
    for line in ("| red | 1 |  |", "| platelet | 1 | not in the number of cells |", "| unclassified | 4 | |"):
        assert line in card
    row = json.loads(metadata(collection)["train"])
    assert row["class_counts"] == {"red": 1, "white": 1, "platelet": 1, "not a cell": 1}
    assert row["cell_classes"] == ["red", "white", "", "platelet", "not a cell"]
    old = json.loads(metadata(collection)["test"])
    assert (old["class_counts"], old["cell_classes"]) == (dict.fromkeys(row["class_counts"], 0), [])


# --- mapping


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("RBC", "red"), ("red blood cells", "red"), ("Erythrocytes", "red"), ("WBC", "white"), ("leucocyte", "white"),
        ("Platelets", "platelet"), ("PLT", "platelet"), ("Thrombocyte", "platelet"), ("artefact", "not a cell"),
        ("cell", ""), ("Nuclei", ""), ("unclassified", ""), ("burr cell", "burr cell"), ("Spherocytes", "spherocyte"),
        ("red", "red"), ("Red_Cell", "red"), ("2", "class 2"), ("ring form (P. f.)", "ring form P f"), ("赤血球", ""),
        ("debris", "not a cell"), ("Blood: RBC", "red"), ("Tumor: Positive", "Tumor Positive"),
        ("Echinocyte (burr cell)", "burr"),
    ],
)  # fmt: skip
def test_sensible_guesses(theirs, ours):
    assert suggest_class(theirs, ClassSet()) == ours


def test_guesses_follow_the_names_of_the_collection():
    assert suggest_class("WBC", ClassSet().renamed("white", "leukocyte")) == "leukocyte"
    assert suggest_class("white", ClassSet().renamed("white", "leukocyte")) == "leukocyte"
    own = ClassSet(classes=(CellClass(name="Erythrocyte", colour="#000000"),))
    assert suggest_class("RBC", own) == "Erythrocyte"
    assert suggest_class("RBC", CLASS_SETS["Shapes of red cells"]) == "red"
    assert class_name("_x" * 60) == "x" + "_x" * 19 + "_"


def test_a_person_decides_and_new_classes_join_the_set():
    theirs = {"RBC": 3, "Smudge": 1, "trophozoite": 2, "WBC": 1}
    rings = CellClass(name="trophozoite", colour="#123456", key="1")
    found = map_classes(theirs, ClassSet(), {"Smudge": "", "WBC": "lymphocyte", "gone": "red"}, {"trophozoite": rings})
    assert found.names == {"RBC": "red", "Smudge": "", "trophozoite": "trophozoite", "WBC": "lymphocyte"}
    assert [one.name for one in found.classes.classes][4:] == ["trophozoite", "lymphocyte"]
    assert (found.classes.find("trophozoite").colour, found.classes.find("trophozoite").key) == ("#123456", "")
    assert found.unused == ("gone",)
    marks = {1: CellMark(name="RBC"), 2: CellMark(name="Smudge"), 3: CellMark(name="WBC", by="network", score=0.5)}
    assert found.marks(marks) == {1: CellMark(name="red"), 3: CellMark(name="lymphocyte", by="network", score=0.5)}
    with pytest.raises(DataError, match="'RBC' cannot become the class '<b>'"):
        map_classes(theirs, ClassSet(), {"RBC": "<b>"})
    platelets = map_classes(["PLT"], ClassSet(classes=())).classes.find("platelet")
    assert platelets.small


def test_too_many_names_leave_the_rest_unclassified():
    found = map_classes([f"kind {chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(60)], ClassSet())
    assert len(found.classes.classes) == 30
    assert sum(name == "" for name in found.names.values()) == 34


# --- datasets of other programs


def test_yolo_with_names_and_boxes_waits_for_review(store, tmp_path):
    for split, seed in (("train", 1), ("val", 2)):
        for side in ("images", "labels"):
            (tmp_path / "d" / side / split).mkdir(parents=True)
        (tmp_path / "d/images" / split / "a.png").write_bytes(as_png(photograph(seed)))
    (tmp_path / "d/labels/train/a.txt").write_text("0 0.25 0.5 0.25 0.3333\n2 0.75 0.5 0.1 0.13\n1 0.5 0.2 0.2 0.2\n")
    (tmp_path / "d/labels/val/a.txt").write_text("0 0.1 0.1 0.3 0.1 0.3 0.4 0.1 0.4\n")
    (tmp_path / "d/data.yaml").write_text("names: [RBC, Smudge, PLT]\n")
    (tmp_path / "d/README.txt").write_text("hello\n")
    found = open_dataset(tmp_path / "d")
    assert (found.class_counts, found.lonely, found.failed) == ({"RBC": 2, "PLT": 1, "Smudge": 1}, [], [])
    report = last(import_dataset(store, found, "Ana", "", {"Smudge": ""}))
    assert (report.added, report.waiting, report.cells) == (2, 1, 3)
    status = {i.info.split: (i.best.status, i.best.class_counts, i.best.cells) for i in items(store)}
    assert status == {
        "train": ("submitted", {"red": 1, "platelet": 1}, 2), "validation": ("accepted", {"red": 1}, 1),
    }  # fmt: skip


def square(x, y, side=20):
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]


def feature(ring, name):
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            "properties": {"classification": {"name": name, "color": [1, 2, 3]}}}  # fmt: skip


def test_files_of_several_programs_in_one_folder(store, tmp_path):
    for k, name in enumerate(["qupath.png", "labelme.png", "studio.png", "alone.png"]):
        (tmp_path / name).write_bytes(as_png(photograph(k)))

    def write(name, value):
        (tmp_path / name).write_text(json.dumps(value))

    write("qupath.geojson", {"type": "FeatureCollection", "features": [feature(square(5, 5), "Blast")]})
    shape = {"label": "WBC", "points": square(5, 5), "shape_type": "polygon"}
    write(
        "labelme.json", {"imagePath": "elsewhere/labelme.png", "imageHeight": 60, "imageWidth": 80, "shapes": [shape]}
    )
    points = [[x / 80 * 100, y / 60 * 100] for x, y in square(5, 5)]
    result = {"type": "polygonlabels", "value": {"points": points, "polygonlabels": ["Platelets"]}}
    write("export.json", [
        {"data": {"image": "/data/upload/1/1a2b3c4d-studio.png"}, "annotations": [{"result": [result]}]},
        {"data": {"image": "/data/upload/1/00000000-gone.png"}, "annotations": []},
    ])  # fmt: skip
    write("package.json", {"name": "x"})
    (tmp_path / "broken.json").write_text("{")
    report = last(import_dataset(store, tmp_path, "Ana", ""))
    assert sorted(report.lonely) == ["00000000-gone.png", "alone.png"]
    assert [name for name, _ in report.failed] == ["broken.json"]
    assert (report.added, report.waiting) == (3, 0)
    counts = {item.info.name: item.best.class_counts for item in items(store)}
    assert counts == {"qupath.png": {"Blast": 1}, "labelme.png": {"white": 1}, "studio.png": {"platelet": 1}}
    assert store.class_set().find("Blast").colour == "#010203"


def test_annotations_for_another_size_are_told(store, tmp_path):
    (tmp_path / "a.png").write_bytes(as_png(photograph(1)))
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [], "imageHeight": 10, "imageWidth": 10}))
    report = last(import_dataset(store, tmp_path, "Ana", ""))
    assert report.failed == [("a.png", "The annotations are for an image of 10 x 10 px, this one is 80 x 60 px.")]


def test_a_damaged_class_file_leaves_cells_unclassified_and_is_told(collection, tmp_path):
    out = export(collection, tmp_path / "out", "labels")
    (out / "train/classes/smear.json").write_text('{"cells": 5}')
    other = LabelStore(tmp_path / "other")
    report = last(import_dataset(other, out, "Cy", ""))
    assert report.added == 2
    assert [name for name, _ in report.failed] == ["train/classes/smear.json"]
    assert {v.cells for v in other.versions()} == {3, 2}
    assert [other.marks(v) for v in other.versions()] == [{}, {}]


def test_a_single_file_for_a_single_image():
    shape = SHAPE
    photo = decode(as_png(photograph(1)))[0].image
    yolo, about = truth_of(b"0 0.25 0.5 0.25 0.3333\n", "whatever.txt", "smear.png")
    assert about.class_counts == {"class 0": 1}
    assert yolo(photo).labels.shape == shape
    geo, about = truth_of(json.dumps(feature(square(5, 5), "RBC")).encode(), "x.geojson", "smear 1.png")
    truth = geo(photo)
    assert (about.class_counts, truth.certain) == ({"RBC": 1}, True)
    assert (truth.labels[5:25, 5:25] == 1).all()
    assert truth.marks == {1: CellMark(name="RBC")}
    mask, about = truth_of(as_png((drawn() > 0).astype(np.uint8) * 255), "mask.png", "smear.png")
    assert (mask(photo).labels.max(), about.class_counts) == (5, {})
    two = {"images": [{"id": k, "file_name": f"{k}.png"} for k in (1, 2)], "annotations": []}
    with pytest.raises(DataError, match=r"speaks of 2 images, and none is called smear\.png"):
        truth_of(json.dumps(two).encode(), "coco.json", "smear.png")
    assert truth_of(json.dumps(two).encode(), "coco.json", "2.png")[0](photo).labels.max() == 0
    with pytest.raises(DataError, match="no annotations in a format that is known"):
        truth_of(b"{}", "x.json", "smear.png")

"""The collection as a dataset: the Kaggle layout, label pictures, COCO, Label Studio, with a data card.

A mask, and a picture of labels, holds cells only. What is none, such as platelets, lies in `others`, numbered after the
cells, and `classes` says what each number is; so who knows of cells alone takes nothing else for one.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from bccseg.annotation.data_card import Layout, data_card, known_classes
from bccseg.annotation.parted_objects import PartedObjects, image_classes, part_objects
from bccseg.annotation.records import SPLITS, Version
from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from bccseg.classes import ClassSet
from bccseg.imaging.label_image import separated_mask
from bccseg.io.archive import flat_stem, safe_stem, unique
from bccseg.io.encode import png
from bccseg.io.label_files import labels_png
from bccseg.io.truth import CLASSES, LABELS, MASK, OTHERS
from bccseg.report.coco import append_coco, coco
from bccseg.report.label_studio import label_config, label_studio_task

# Label Studio serves one folder below its document root, never the root itself.
IMAGE_FOLDERS: dict[Layout, str] = {
    "kaggle": "{}/original",
    "labels": "{}/images",
    "coco": "{}/images",
    "label-studio": "images/{}",
}


def chosen_versions(found: list[Item], *, submitted: bool = False) -> list[tuple[Item, Version]]:
    """The version that stands for each image: accepted ones, and, if asked for, those that wait for review."""
    wanted = ("accepted", "submitted") if submitted else ("accepted",)
    return [(item, item.best) for item in found if item.best and item.best.status in wanted]


def dataset_files(store: LabelStore, chosen: list[tuple[Item, Version]], layout: Layout) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of the dataset, one file after the other; the data card comes first."""
    classes = store.class_set()
    yield "README.md", data_card(chosen, layout, classes).encode()
    known, taken = known_classes(chosen, classes), set[str]()
    boxes, tasks = {split: coco(classes=known) for split in SPLITS}, []
    for item, version in chosen:
        stem, split = unique(flat_stem(safe_stem(item.info.name)), taken), item.info.split
        image = f"{IMAGE_FOLDERS[layout].format(split)}/{stem}.png"
        yield image, png(store.image(item.info.id))
        parted = part_objects(store.labels(version), store.marks(version), classes)
        if layout == "kaggle":
            yield f"{split}/{MASK}/{stem}.png", png(separated_mask(parted.cells))
        elif layout == "labels":
            yield from _label_files(parted, split, stem, classes)
        elif layout == "coco":
            append_coco(boxes[split], f"{stem}.png", parted.objects, marks=parted.marks)
        else:
            tasks.append(label_studio_task(image, parted.objects, parted.marks, version.author))
    if layout == "coco":
        for split, values in boxes.items():
            if values["images"]:
                yield f"{split}/annotations.json", json.dumps(values, allow_nan=False).encode()
    if layout == "label-studio":
        yield "tasks.json", json.dumps(tasks, allow_nan=False).encode()
        yield "label_config.xml", label_config(known).encode()


def _label_files(parted: PartedObjects, split: str, stem: str, classes: ClassSet) -> Iterator[tuple[str, bytes]]:
    yield f"{split}/{LABELS}/{stem}.png", labels_png(parted.cells)
    if parted.others.any():
        yield f"{split}/{OTHERS}/{stem}.png", labels_png(parted.others)
    if parted.marks:
        yield f"{split}/{CLASSES}/{stem}.json", image_classes(parted.marks, classes).to_json()


def write_dataset(files: Iterable[tuple[str, bytes]], folder: Path) -> int:
    """Write the files below a folder; returns how many."""
    count = 0
    for count, (name, data) in enumerate(files, start=1):  # noqa: B007
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return count


def zip_dataset(files: Iterable[tuple[str, bytes]], target: BinaryIO) -> None:
    """Write the files as a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # pictures do not shrink further
        for name, data in files:
            archive.writestr(name, data)

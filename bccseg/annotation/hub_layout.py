"""How the collection lies in its dataset repository.

    <split>/images/<sha256>.png                 pixels
    <split>/labels/<sha256>/<version>.png       labels
    <split>/metadata.jsonl                      a line an accepted image: file_name, labels_file_name, cells,
                                                class_counts, cell_classes, ...
    records/images/<sha256>.json, records/labels/<sha256>/<version>.json, ....review-<id>.json
    records/changes/<sha256>/<id>.json          taken out (a tombstone), taken back in, put into another split
    records/classes/<id>.json                   class sets; the last one counts
    README.md                                   data card, and which files are which split

`metadata.jsonl` beside images is the Hub's ImageFolder format (huggingface.co/docs/hub/datasets-image).
"""

import json
import re
from pathlib import Path

from bccseg.annotation.data_card import data_card, known_classes
from bccseg.annotation.dataset_export import chosen_versions
from bccseg.annotation.image_changes import Standing
from bccseg.annotation.records import IMAGE_ID, SPLITS, VERSION_ID, Version
from bccseg.annotation.review import items
from bccseg.annotation.store import REVIEW, LabelStore

MARK = "<!-- written by bccseg -->"  # a README without it is somebody's own, and stays
ID, VERSION, SPLIT = IMAGE_ID.pattern, VERSION_ID.pattern, "|".join(SPLITS)
REMOTE = re.compile(
    rf"(?:(?P<split>{SPLIT})/)(?P<png>images/{ID}\.png|labels/{ID}/{VERSION}\.png)"
    rf"|records/(?P<record>images/{ID}\.json|labels/{ID}/{VERSION}(?:\.review-{VERSION})?\.json"
    rf"|changes/{ID}/{VERSION}\.json|classes/{VERSION}\.json)"
)
REMOTE_IMAGE = re.compile(rf"(?P<split>{SPLIT})/images/(?P<id>{ID})\.png")


def local_files(store: LabelStore, there: set[str]) -> dict[str, Path]:
    """Files of the collection by their place in a repository that holds the files `there`.

    An image that another server put into a split of the dataset stays in that split, unless somebody moved it.
    """
    changed = store.changes.all()
    splits = {info.id: info.split for info in store.images()}
    for place in there:
        if (m := REMOTE_IMAGE.fullmatch(place)) and m["id"] in splits and not _moved(changed, m["id"]):
            splits[m["id"]] = m["split"]
    out: dict[str, Path] = {
        f"records/changes/{image}/{path.name}": path for image in changed for path in store.changes.files(image)
    }
    out |= {f"records/classes/{path.name}": path for path in store.class_sets.files()}
    for image, split in splits.items():
        out[f"{split}/images/{image}.png"] = store.root / "images" / f"{image}.png"
        out[f"records/images/{image}.json"] = store.root / "images" / f"{image}.json"
    for version in store.versions():
        if version.image not in splits:
            continue
        folder = store.root / "labels" / version.image
        out[f"{splits[version.image]}/labels/{version.image}/{version.id}.png"] = folder / f"{version.id}.png"
        for path in [folder / f"{version.id}.json", *folder.glob(f"{version.id}{REVIEW}*.json")]:
            out[f"records/labels/{version.image}/{path.name}"] = path
    return out


def stale_files(store: LabelStore, there: set[str]) -> list[str]:
    """Places that the repository is to lose: all of images that were taken out, and where a moved image lay before.

    What was decided about an image stays. The repository's history keeps what was committed before.
    """
    changed = store.changes.all()
    splits = {info.id: info.split for info in store.images()}
    stale = []
    for place in there:
        match = REMOTE.fullmatch(place)
        if not match or place.startswith("records/changes/"):
            continue
        image = image_of(place)
        moved = _moved(changed, image) and match["split"] not in (None, splits.get(image))
        if image in changed and (changed[image].tombstone or moved):
            stale.append(place)
    return sorted(stale)


def _moved(changed: dict[str, Standing], image: str) -> bool:
    return image in changed and changed[image].split is not None


def image_of(place: str) -> str:
    """The image that a file of the repository belongs to; empty for anything that is not the collection's."""
    found = IMAGE_ID.search(place) if REMOTE.fullmatch(place) else None
    return found.group() if found else ""


def local_path(store: LabelStore, remote: str) -> Path | None:
    """Where a file of the repository belongs in the store; None for anything that is not the collection's."""
    match = REMOTE.fullmatch(remote)
    return store.root / (match["png"] or match["record"]) if match else None


def metadata(store: LabelStore) -> dict[str, str]:
    """metadata.jsonl of each split that has accepted labels."""
    lines: dict[str, list[str]] = {}
    chosen = chosen_versions(items(store))
    names = [one.name for one in known_classes(chosen, store.class_set())]
    for item, version in chosen:
        row = {
            "file_name": f"images/{item.info.id}.png",
            "labels_file_name": f"labels/{item.info.id}/{version.id}.png",
            "name": item.info.name,
            "cells": version.cells,
            **_class_facts(store, version, names),
            "annotator": version.author,
            "reviewer": version.reviewer,
            "licence": item.info.licence,
            "pixel_size_um": item.info.pixel_size_um,
            "time": version.time,
        }
        lines.setdefault(item.info.split, []).append(json.dumps(row, ensure_ascii=False))
    return {split: "\n".join(rows) + "\n" for split, rows in lines.items()}


def _class_facts(store: LabelStore, version: Version, names: list[str]) -> dict[str, object]:
    """How many objects have each class, and the class of each number of the label picture, from 1 on; empty where
    nobody knows it. Every row has the same names, so that the dataset viewer shows them as columns.
    """
    marks = store.marks(version)
    counts = store.class_set().count(marks)
    return {
        "class_counts": {name: counts.get(name, 0) for name in names},
        "cell_classes": [marks[k].name if k in marks else "" for k in range(1, max(marks, default=0) + 1)],
    }


def readme(store: LabelStore, splits: list[str]) -> str:
    """The data card with the front matter that the dataset viewer reads."""
    lines = ["---", "task_categories: [image-segmentation]", "tags: [blood-smear, cell-segmentation, bccseg]"]
    if splits:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {split}/**"]
    lines += ["---", MARK, "", data_card(chosen_versions(items(store)), classes=store.class_set())]
    return "\n".join(lines)

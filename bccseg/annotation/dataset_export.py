"""The collection as a dataset: the Kaggle layout, label pictures, COCO, with a data card."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from bccseg.annotation.records import SPLITS, Version
from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from bccseg.imaging.label_image import relabel_consecutive, separated_mask
from bccseg.io.archive import flat_stem, safe_stem, unique
from bccseg.io.encode import png
from bccseg.io.label_files import labels_png
from bccseg.report.coco import append_coco, coco

Layout = Literal["kaggle", "labels", "coco"]
LAYOUTS: dict[Layout, str] = {
    "kaggle": "Images and masks (Kaggle layout)",
    "labels": "Images and 16-bit labels",
    "coco": "Images and COCO",
}


def chosen_versions(found: list[Item], *, submitted: bool = False) -> list[tuple[Item, Version]]:
    """The version that stands for each image: accepted ones, and, if asked for, those that wait for review."""
    wanted = ("accepted", "submitted") if submitted else ("accepted",)
    return [(item, item.best) for item in found if item.best and item.best.status in wanted]


def dataset_files(store: LabelStore, chosen: list[tuple[Item, Version]], layout: Layout) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of the dataset, one file after the other; the data card comes first."""
    yield "README.md", data_card(chosen, layout).encode()
    taken: set[str] = set()
    boxes = {split: coco() for split in SPLITS}
    for item, version in chosen:
        stem, split = unique(flat_stem(safe_stem(item.info.name)), taken), item.info.split
        image, labels = store.image(item.info.id), relabel_consecutive(store.labels(version))
        if layout == "kaggle":
            yield f"{split}/original/{stem}.png", png(image)
            yield f"{split}/mask/{stem}.png", png(separated_mask(labels))
            continue
        yield f"{split}/images/{stem}.png", png(image)
        if layout == "labels":
            yield f"{split}/labels/{stem}.png", labels_png(labels)
        else:
            append_coco(boxes[split], f"{stem}.png", labels)
    if layout == "coco":
        for split, values in boxes.items():
            if values["images"]:
                yield f"{split}/annotations.json", json.dumps(values, allow_nan=False).encode()


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


def data_card(chosen: list[tuple[Item, Version]], layout: Layout | None = None) -> str:
    """What the dataset holds and under which terms, in Markdown."""
    lines = [
        "# Blood smear cells",
        "",
        "Cells of blood smears outlined by people with bccseg. **Research use only, not for diagnosis.**",
        "",
        "| split | images | cells |",
        "|---|---|---|",
    ]
    for split in SPLITS:
        versions = [version for item, version in chosen if item.info.split == split]
        lines.append(f"| {split} | {len(versions)} | {sum(v.cells for v in versions):,} |")
    lines += ["", "An image's split follows from its pixels (sha256) and never changes.", ""]
    if layout == "kaggle":
        lines += ["In a mask every 4-connected white piece is one cell; touching cells are separated by one pixel.", ""]
    if layout == "labels":
        lines += ["In a label picture 0 is background and each cell has a number of its own.", ""]
    for title, values in (
        ("Licences of images and labels", [item.info.licence or "not stated" for item, _ in chosen]),
        ("Annotators", [version.author for _, version in chosen]),
        ("Reviewers", [version.reviewer for _, version in chosen if version.reviewer]),
        ("Proposals by", [version.weights for _, version in chosen if version.weights]),
    ):
        if values:
            lines += [f"## {title}", "", *(f"* {_cell(v)}: {n} images" for v, n in Counter(values).most_common()), ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A person's text as plain Markdown on one line."""
    return " ".join("".join(f"\\{c}" if c in r"\`*_{}[]()<>#+!|~" else c for c in text).split())

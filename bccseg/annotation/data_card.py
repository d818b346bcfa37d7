"""What a dataset of the collection holds and under which terms, in Markdown: its README.md."""

from collections import Counter
from typing import Literal

from bccseg.annotation.records import SPLITS, Version
from bccseg.annotation.review import Item
from bccseg.classes import CellClass, ClassSet

Layout = Literal["kaggle", "labels", "coco", "label-studio"]
LAYOUTS: dict[Layout, str] = {
    "kaggle": "Images and masks (Kaggle layout)",
    "labels": "Images and 16-bit labels",
    "coco": "Images and COCO",
    "label-studio": "Images and Label Studio tasks",
}
LABELS_CARD = """In a label picture 0 is background and each cell has a number of its own. Where classes are known,
`classes/` says of which class each number is. What is no cell, such as platelets, is not in `labels/` but in `others/`;
its numbers begin at 1 there and follow those of the cells in `classes/`."""
LABEL_STUDIO_CARD = """## Into Label Studio

1. Start Label Studio with `LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true` and
   `LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT` set to this folder.
2. Make a project, and paste `label_config.xml` into its labelling setup (code).
3. Add the folder `images` in this one as local storage (its absolute path), without syncing it.
4. Import `tasks.json`: the cells come as predictions.

What is exported from there as JSON can be imported into bccseg again, together with the images."""


def known_classes(chosen: list[tuple[Item, Version]], classes: ClassSet) -> tuple[CellClass, ...]:
    """The classes of the set, then those that versions have and it does not know."""
    return classes.known(name for _, version in chosen for name in version.class_counts)


def data_card(chosen: list[tuple[Item, Version]], layout: Layout | None = None, classes: ClassSet | None = None) -> str:
    """What the dataset holds and under which terms, in Markdown. classes: of the collection."""
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
    lines += _class_lines(chosen, classes or ClassSet())
    if layout == "kaggle":
        lines += ["In a mask every 4-connected white piece is one cell; touching cells are separated by one pixel.", ""]
    if layout == "labels":
        lines += [LABELS_CARD, ""]
    if layout == "label-studio":
        lines += [LABEL_STUDIO_CARD, ""]
    for title, values in (
        ("Licences of images and labels", [item.info.licence or "not stated" for item, _ in chosen]),
        ("Annotators", [version.author for _, version in chosen]),
        ("Reviewers", [version.reviewer for _, version in chosen if version.reviewer]),
        ("Proposals by", [version.weights for _, version in chosen if version.weights]),
    ):
        if values:
            lines += [f"## {title}", "", *(f"* {_cell(v)}: {n} images" for v, n in Counter(values).most_common()), ""]
    return "\n".join(lines)


def _class_lines(chosen: list[tuple[Item, Version]], classes: ClassSet) -> list[str]:
    """How many objects have each class; nothing where no cell has one."""
    counts: Counter[str] = Counter()
    for _, version in chosen:
        for name, count in version.class_counts.items():
            counts[classes.current(name)] += count
    if not counts:
        return []
    cells = sum(version.cells for _, version in chosen)
    lines = ["## Classes", "", "| class | objects | |", "|---|---|---|"]
    inside = 0
    for one in classes.known(counts):
        if not counts[one.name]:
            continue
        is_cell = one.counted and not one.small
        inside += counts[one.name] if is_cell else 0
        note = "" if is_cell else "not in the number of cells"
        lines.append(f"| {_cell(one.name)} | {counts[one.name]:,} | {note} |")
    return [*lines, f"| unclassified | {max(0, cells - inside):,} | |", ""]


def _cell(text: str) -> str:
    """A person's text as plain Markdown on one line."""
    return " ".join("".join(f"\\{c}" if c in r"\`*_{}[]()<>#+!|~" else c for c in text).split())

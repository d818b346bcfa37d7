"""Classes of one's own from a few marked cells: only a linear head is learned, on the features of a frozen network.

Twenty marked cells a class and a few seconds are enough for classes that look different on the field at hand. What it
says of other fields, stains and people nobody has measured then.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import CellClass, CellMarks
from bccseg.files import write_atomically
from bccseg.imaging.label_image import Labels
from bccseg.inference.cell_features import cell_features
from bccseg.inference.predictor import Predictor
from bccseg.metrics.class_scores import Accuracy, accuracy_at
from bccseg.model.weights import CARD_FILE, MODEL_FILE, CellHeadConfig, read_config, save_cell_head, write_config
from bccseg.training.cell_head_learning import FieldCells, LearnedHead

Progress = Callable[[float, str], None]  # finished share, 0 to 1, and what is being done


@dataclass(frozen=True)
class LabelledField:
    """An image with cells that have classes."""

    name: str
    image: NDArray[np.uint8]  # (H, W, 3)
    labels: Labels  # int32 (H, W), 1..N; cells only
    classes: dict[int, str]  # by cell, of those that are marked


def marked_classes(marks: CellMarks, classes: Iterable[CellClass], *, by_person: bool = True) -> dict[int, str]:
    """Class of each cell, by its present name, that can be learned from: no platelets, and nothing that is no cell.

    by_person: only marks that a person gave count, not what a network proposed.
    """
    known = {former: one for one in classes for former in (one.name, *one.formerly)}
    return {
        cell: known[mark.name].name
        for cell, mark in marks.items()
        if mark.name in known and not _is_no_cell(known[mark.name]) and (mark.by == "person" or not by_person)
    }


def _is_no_cell(one: CellClass) -> bool:
    return one.small or not one.counted


def marked_field(
    name: str,
    image: NDArray[np.uint8],
    labels: Labels,
    marks: CellMarks,
    classes: Iterable[CellClass],
    *,
    by_person: bool = True,
) -> LabelledField:
    """A field of a draft or a version, whose ids need not be consecutive, and hold platelets and what is no cell.

    by_person: as in `marked_classes`.
    """
    classes = tuple(classes)
    chosen = marked_classes(marks, classes, by_person=by_person)
    known = {former: one for one in classes for former in (one.name, *one.formerly)}
    no_cells = [c for c, mark in marks.items() if mark.name in known and _is_no_cell(known[mark.name])]
    present = np.bincount(labels.ravel()) > 0
    present[[0, *(cell for cell in no_cells if cell < len(present))]] = False
    number = np.cumsum(present, dtype=np.int32) * present
    found = {int(number[cell]): name for cell, name in chosen.items() if cell < len(number) and number[cell]}
    return LabelledField(name, image, number[labels], found)


def count_marked(fields: Iterable[LabelledField]) -> Counter[str]:
    """Marked cells of each class."""
    return Counter(name for field in fields for name in field.classes.values())


def describe_cells(predictor: Predictor, fields: Sequence[LabelledField], on_progress: Progress) -> FieldCells:
    """Features of all cells, marked or not, of fields. `on_progress` may raise Stopped."""
    features, names, number, told = [], [], [], []
    for k, field in enumerate(fields):
        on_progress(k / len(fields), f"Looking at the cells of {field.name}")
        found, classes = cell_features(predictor, field.image, field.labels)
        features.append(found)
        names.extend(field.classes.get(cell, "") for cell in range(1, len(found) + 1))
        number.append(np.full(len(found), k))
        told.append(classes.number)
    own = tuple(one.name for one in predictor.config.classes)
    return FieldCells(np.concatenate(features), names, np.concatenate(number), np.concatenate(told), own)


def save_few_labels(base: Path, out: Path, learned: LearnedHead, name: str) -> Path:
    """The weights in the folder `base` with a learned head, as a weight folder `out`, which is returned."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(base / MODEL_FILE, out / MODEL_FILE)
    config = read_config(base).replace(name=name, cell_head=None)
    if (base / CARD_FILE).exists():
        card = (base / CARD_FILE).read_text(encoding="utf-8").split(CARD_HEADING)[0].rstrip()
    else:
        card = f"# {name}"
    write_config(out, config)
    save_cell_head(out, learned.head, learned.about)
    write_atomically(out / CARD_FILE, f"{card}\n{few_labels_card(learned)}".encode())
    return out


CARD_HEADING = "\n## Classes learned from marked cells\n"


def few_labels_card(learned: LearnedHead) -> str:
    """What a model card says of a learned head, in Markdown."""
    about = learned.about
    rows = [f"| {one.name} | {about.cells[one.name]} |" for one in about.classes]
    text = (
        f"A linear rule on frozen features tells these classes. It was learned from {sum(about.cells.values())} marked "
        f"cells in {about.images} images. {accuracy_text(about)} Nothing is known of other fields, stains and "
        "laboratories."
    )
    return "\n".join([CARD_HEADING, text, "", "| class | marked cells |", "|---|---|", *rows, ""])


def held_out_accuracy(about: CellHeadConfig) -> Accuracy | None:
    """Of marked cells that were held out, weighted as the classes are frequent in the images learned from."""
    return accuracy_at(np.array(about.confusion), np.array([about.expected[one.name] for one in about.classes]))


def accuracy_text(about: CellHeadConfig) -> str:
    """What was measured, and on what."""
    found = held_out_accuracy(about)
    if found is None:
        return "Its accuracy was not measured."
    what = "images that were held out in turn" if about.held_out == "images" else "the same images, held out in turn"
    return (
        f"Of cells like those of these images {100 * found.value:.0f} % are told right (95 % interval "
        f"{100 * found.low:.0f} to {100 * found.high:.0f} %), by {found.cells} marked cells of {what}."
    )

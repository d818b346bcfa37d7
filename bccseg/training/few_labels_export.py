"""Classes learned from a few marked cells as a weight folder, and what its card says of them."""

import shutil
from pathlib import Path

import numpy as np

from bccseg.files import write_atomically
from bccseg.metrics.class_scores import Accuracy, accuracy_at
from bccseg.model.weights import CARD_FILE, MODEL_FILE, CellHeadConfig, read_config, save_cell_head, write_config
from bccseg.training.cell_head_learning import LearnedHead


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

"""The model card of a training run: what it learned from, how well it does, what it is for."""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from bccseg.config import ARCHITECTURE_TITLES, TrainConfig
from bccseg.metrics.titles import METRIC_TITLES
from bccseg.model.weights import WeightsConfig
from bccseg.report.shown_text import markdown_text
from bccseg.training.provenance import Provenance

SETS = {
    "test": "Test images, which the network has not learned from",
    "validation_fields": "Images held out, which chose the epoch",
    "base": "Images held out of the base training set",
}
CARD_METRICS = ("f1", "ap50", "pq", "dice_inner", "dice", "iou", "boundary_px", "count_error", "count_bias")
UNMEASURED = "Whole images have not been scored yet; `python -m bccseg evaluate` does that."
TEMPLATE = """# {title}

{network} of width {width} and depth {depth}, {colour} input, for outlining, counting and measuring the cells of blood
smears with bccseg: choose `hf://owner/name` of this repository under Weights.

## Intended use

{intended_use}

## Training

{epochs} epochs of {steps} steps, batch {batch}, learning rate {rate:g}, seed {seed}{base}.
Data: {data}. Licence: {licence}.

{splits}
## Results

{results}

## Limits

Stains, cameras and magnifications unlike those of the training images may do worse: check before use. {classes}
"""


def model_card(config: WeightsConfig, run: Path) -> str:
    """README.md in the Hub's format, from the weights' config and the folder of their run."""
    training = TrainConfig.from_json((run / "config.json").read_bytes())
    check = config.metrics.get("validation", {})
    base = training.base_weights
    text = TEMPLATE.format(
        title=markdown_text(config.name),
        network=ARCHITECTURE_TITLES[config.network.architecture],
        width=config.network.width,
        depth=config.network.depth,
        colour="RGB" if config.network.in_channels == 3 else "greyscale",
        intended_use=markdown_text(config.intended_use),
        epochs=training.epochs,
        steps=training.steps_per_epoch,
        batch=training.batch_size,
        rate=training.learning_rate,
        seed=training.seed,
        base=f", going on from {markdown_text(Path(base).name)}" if base else "",
        data=markdown_text(config.data) or "not stated",
        licence=markdown_text(config.licence) or "not stated",
        classes=f"Cells are told to be {', '.join(markdown_text(one.name) for one in config.classes)}."
        if config.classes
        else "Cell types are not told apart.",
        splits=_split_table(run / "split.json"),
        results="Best epoch {epoch}: validation Dice {val_dice:.3f}, IoU {val_iou:.3f}, of crops.".format(**check)
        + _measured(config.metrics),
    )
    about = ModelCardData(
        license="other", license_name="see-below", library_name="bccseg", pipeline_tag="image-segmentation",
        tags=["blood-smear", "cell-segmentation", "bccseg"],
    )  # fmt: skip
    return str(ModelCard(f"---\n{about.to_yaml()}\n---\n\n{text}", ignore_metadata_errors=True))


def _measured(metrics: dict[str, Any]) -> str:
    """A table for every set of whole images that was scored."""
    text = [table for name, words in SETS.items() if (table := _table(metrics.get(name), words))]
    return "\n".join(["", *text]) if text else f"\n\n{UNMEASURED}"


def _table(found: Any, words: str) -> str:
    if not found:
        return ""
    rows = []
    for name in CARD_METRICS:
        if (value := found.get(name)) is not None:
            low, high = found.get("intervals", {}).get(name, (None, None))
            rows.append(
                f"| {METRIC_TITLES[name]} | {value:.4f} | {f'{low:.4f} to {high:.4f}' if low is not None else ''} |"
            )
    head = f"{words}: {found['images']} images, {found['cells']} cells."
    return "\n".join(["", head, "", "| measure | value | 95 % interval |", "|---|---|---|", *rows])


def _split_table(path: Path) -> str:
    """Table of the images of each split, with a hash that says which they were."""
    if not path.exists():
        return ""
    splits = Provenance.from_json(path.read_bytes()).splits
    rows = [f"| {name} | {len(split.images)} | `{split.hash[:16]}` |" for name, split in splits.items()]
    return "\n".join(["| split | images | hash of the images |", "|---|---|---|", *rows, ""])

"""The model card of a training run: what it learned from, how well it does, what it is for."""

import json
from pathlib import Path
from typing import Any

from bccseg.model.weights import WeightsConfig

SETS = {
    "test": "Test images, which the network has not learned from",
    "validation_fields": "Images held out, which chose the epoch",
    "base": "Images held out of the base training set",
}
MEASURES = {
    "f1": "F1 at IoU 0.5", "ap50": "AP50", "pq": "PQ", "dice_inner": "Dice off the border",
    "dice": "Dice", "iou": "IoU",
    "boundary_px": "outline distance (px)", "count_error": "count error", "count_bias": "count bias",
}  # fmt: skip
UNMEASURED = "Whole images have not been scored yet; `python -m bccseg evaluate` does that."
NAMES = {"unet": "U-Net", "resunet": "ResU-Net"}
TEMPLATE = """---
license: other
license_name: see-below
library_name: bccseg
pipeline_tag: image-segmentation
tags: [blood-smear, cell-segmentation, bccseg]
---

# {title}

{network} of width {width} and depth {depth}, {colour} input, for outlining, counting and measuring the cells of blood
smears with bccseg: choose `hf://owner/name` of this repository under Weights.

## Intended use

{intended_use}

## Training

{epochs} epochs of {steps} steps, batch {batch}, learning rate {rate:g}, seed {seed}{base}.
Data: {data}. Licence: {licence}.

{parts}
## Results

{results}

## Limits

Stains, cameras and magnifications unlike those of the training images may do worse: check before use. Cell types are
not told apart.
"""


def model_card(config: WeightsConfig, run: Path) -> str:
    """README.md in the Hub's format, from the weights' config and the folder of their run."""
    training = json.loads((run / "config.json").read_text(encoding="utf-8"))
    check = config.metrics.get("validation", {})
    base = training["base_weights"]
    return TEMPLATE.format(
        title=" ".join(config.name.split()),
        network=NAMES[config.network.architecture],
        width=config.network.width,
        depth=config.network.depth,
        colour="RGB" if config.network.in_channels == 3 else "greyscale",
        intended_use=config.intended_use,
        epochs=training["epochs"],
        steps=training["steps_per_epoch"],
        batch=training["batch_size"],
        rate=training["learning_rate"],
        seed=training["seed"],
        base=f", going on from {Path(base).name}" if base else "",
        data=config.data or "not stated",
        licence=config.licence or "not stated",
        parts=_parts(run / "split.json"),
        results="Best epoch {epoch}: validation Dice {val_dice:.3f}, IoU {val_iou:.3f}, of crops.".format(**check)
        + _measured(config.metrics),
    )


def _measured(metrics: dict[str, Any]) -> str:
    """A table for every set of whole images that was scored."""
    text = [part for name, words in SETS.items() if (part := _table(metrics.get(name), words))]
    return "\n".join(["", *text]) if text else f"\n\n{UNMEASURED}"


def _table(found: Any, words: str) -> str:
    if not found:
        return ""
    rows = []
    for name, title in MEASURES.items():
        if (value := found.get(name)) is not None:
            low, high = found.get("intervals", {}).get(name, (None, None))
            rows.append(f"| {title} | {value:.4f} | {f'{low:.4f} to {high:.4f}' if low is not None else ''} |")
    head = f"{words}: {found['images']} images, {found['cells']} cells."
    return "\n".join(["", head, "", "| measure | value | 95 % interval |", "|---|---|---|", *rows])


def _parts(split: Path) -> str:
    """Table of the images of each part, with a hash that says which they were."""
    if not split.exists():
        return ""
    parts = json.loads(split.read_text(encoding="utf-8"))
    rows = [
        f"| {p} | {len(parts[p]['images'])} | `{parts[p]['hash'][:16]}` |"
        for p in parts
        if p != "versions" and parts[p]["images"]
    ]
    return "\n".join(["| part | images | hash of the images |", "|---|---|---|", *rows, ""])

"""The model card of a training run: what it learned from, how well it does, what it is for."""

import json
from pathlib import Path

from bccseg.model.weights import WeightsConfig

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

No whole fields of another laboratory were scored for this card; `python -m bccseg evaluate` does that.

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
        results="Best epoch {epoch}: validation Dice {val_dice:.3f}, IoU {val_iou:.3f}, of crops.".format(**check),
    )


def _parts(split: Path) -> str:
    """Table of the images of each part, with a hash that says which they were."""
    if not split.exists():
        return ""
    parts = json.loads(split.read_text(encoding="utf-8"))
    rows = [f"| {p} | {len(parts[p]['images'])} | `{parts[p]['hash'][:16]}` |" for p in parts if p != "versions"]
    return "\n".join(["| part | images | hash of the images |", "|---|---|---|", *rows, ""])

"""What a file of weights cannot say itself: sizes, channels, licence. For people, for programs and for BioImage.IO."""

from typing import Any

import torch

from bccseg import __version__
from bccseg.config import Thresholds
from bccseg.model.weights import WeightsConfig
from bccseg.portable.graph import channel_names

FORMAT_VERSION = "0.5.12"  # of BioImage.IO's model description
SMALLEST = 256  # px: below, a field shows too little empty background to find its white
INPUT_FILE, OUTPUT_FILE, COVER_FILE, LICENCE_FILE = "test-input.npy", "test-output.npy", "cover.png", "LICENSE.txt"
NOTHING_STATED = "No licence is stated for these weights: ask the people who trained them."
PAPERS = {
    "unet": ("Ronneberger, Fischer, Brox 2015: U-Net", "10.1007/978-3-319-24574-4_28"),
    "resunet": ("Gómez-de-Mariscal et al. 2019: fully residual U-Net", "10.1038/s41598-019-49431-3"),
}


def metadata(config: WeightsConfig) -> dict[str, Any]:
    """metadata.json: input, output and settings that belong to the graph."""
    unit = 2**config.network.depth
    return {
        "name": config.name,
        "input": {
            "name": "rgb", "axes": "bcyx", "type": "float32", "channels": ["red", "green", "blue"], "range": [0, 255],
            "size_multiple_of": unit, "cell_diameter_px": config.diameter_px,
            "white": f"measured in the graph: {config.normalisation.percentile:g} % of the pixels are not lighter",
        },
        "output": {"name": "maps", "axes": "bcyx", "type": "float32", "channels": list(channel_names(config))},
        "thresholds": {**Thresholds().to_dict(), **config.thresholds},
        "calibration": config.calibration.to_dict() if config.calibration else None,
        "licence": config.licence or NOTHING_STATED,
        "intended_use": config.intended_use,
        "data": config.data,
        "weights_sha256": config.sha256,
        "bccseg_version": __version__,
    }  # fmt: skip


def use_of(config: WeightsConfig) -> str:
    """The part of README.md that is about the exported file, in Markdown."""
    unit = 2**config.network.depth
    names = ", ".join(f"`{name}`" for name in channel_names(config))
    return f"""## Use in other programs

Input `rgb`: a photograph, RGB, 0 to 255, float32, axes batch, channel, y, x; height and width multiples of {unit} px
(extend the right and lower edge by its last pixels, and cut the maps). Resample it first, so that a cell is about
{config.diameter_px:g} px wide. The level of the empty background is measured in the graph, for each image anew: give
whole fields, or tiles that show background.

Output `maps`: axes batch, channel, y, x, as large as the input. Channels: {names}.

Cells are made of the maps by thresholds, watershed or votes; `metadata.json` has the thresholds that bccseg uses.
Classes that were learned from a few marked cells, the rule for small cells and the calibration of scores are no part
of the graph.

## Validation

`{INPUT_FILE}` must give `{OUTPUT_FILE}` to within 0.001. How well the cells of bccseg agree with those that people
drew is told by the results above, if there are some, and by `python -m bccseg evaluate --data DIR --weights W`.

## Licence and intended use

{config.licence or NOTHING_STATED}

{config.intended_use}
"""


def resource_description(config: WeightsConfig, hashes: dict[str, str], engines: dict[str, str]) -> dict[str, Any]:
    """rdf.yaml of BioImage.IO. hashes: sha256 by file; engines: file of the weights by engine, the first the origin."""
    unit = 2**config.network.depth
    size = {"min": -(-SMALLEST // unit) * unit, "step": unit}
    versions = {
        "torchscript": {"pytorch_version": torch.__version__.split("+")[0]},
        "onnx": {"opset_version": 18, "parent": "torchscript"},
    }
    title, doi = PAPERS[config.network.architecture]

    def file(name: str) -> dict[str, str]:
        return {"source": name, "sha256": hashes[name]}

    def same(axis: str) -> dict[str, Any]:
        return {"type": "space", "id": axis, "size": {"tensor_id": "rgb", "axis_id": axis}}

    return {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": "".join(c if c.isalnum() or c in "_+- ()" else "_" for c in config.name)[:120],
        "description": "Cells of stained blood smears: RGB photograph in, maps out that cells are made of.",
        "documentation": file("README.md"),
        "covers": [file(COVER_FILE)],
        "authors": [{"name": "bccseg"}],
        "cite": [{"text": title, "doi": doi}],
        "license": file(LICENCE_FILE),
        "tags": ["blood-smear", "cell-segmentation", "instance-segmentation", "unet", "2d", "brightfield"],
        "version": __version__,
        "inputs": [{
            "id": "rgb",
            "description": f"RGB photograph, cells about {config.diameter_px:g} px wide",
            "axes": [
                {"type": "batch"},
                {"type": "channel", "id": "channel", "channel_names": ["red", "green", "blue"]},
                *({"type": "space", "id": axis, "size": size} for axis in "yx"),
            ],
            "data": {"type": "float32", "range": [0, 255]},
            "test_tensor": file(INPUT_FILE),
        }],
        "outputs": [{
            "id": "maps",
            "description": "See README.md for the channels",
            "axes": [
                {"type": "batch"},
                {"type": "channel", "id": "channel", "channel_names": list(channel_names(config))},
                same("y"), same("x"),
            ],
            "data": {"type": "float32"},
            "test_tensor": file(OUTPUT_FILE),
        }],
        "weights": {engine: {**file(name), **versions[engine]} for engine, name in engines.items()},
        "config": {"bccseg": metadata(config)},
    }  # fmt: skip

"""The graph as bytes of a file: TorchScript, which PyTorch writes alone, and ONNX, which needs an extra."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from bccseg.portable.formats import check_format
from bccseg.portable.graph import PortableNetwork

OPSET = 18  # of ONNX: what onnxruntime 1.14 (2023) and later reads


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without PyTorch's remarks on its own future and on constants of the graph that are meant."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)


@torch.no_grad()
def torchscript(graph: PortableNetwork) -> bytes:
    """A file for `torch.jit.load`, which needs no bccseg."""
    unit = 2**graph.network.depth
    buffer = io.BytesIO()
    with _quietly():
        traced = torch.jit.trace(graph, torch.rand(1, 3, 4 * unit, 5 * unit) * 255, check_trace=False)
        torch.jit.save(traced, buffer)
    return buffer.getvalue()


@torch.no_grad()
def onnx(graph: PortableNetwork, about: dict[str, str]) -> bytes:
    """An ONNX file of any batch, height and width. about: its own metadata. Raises SettingsError without the extra."""
    check_format("onnx")
    unit = 2**graph.network.depth
    example = torch.rand(2, 3, 4 * unit, 5 * unit) * 255
    size = {0: torch.export.Dim("batch"), 2: unit * torch.export.Dim("rows"), 3: unit * torch.export.Dim("columns")}
    with _quietly(), tempfile.TemporaryDirectory() as folder:
        program = torch.onnx.export(
            graph, (example,), input_names=["rgb"], output_names=["maps"], dynamic_shapes=(size,), opset_version=OPSET,
            dynamo=True, verbose=False,
        )  # fmt: skip
        program.model.metadata_props.update(about)
        path = Path(folder) / "model.onnx"
        program.save(path, external_data=False)
        return path.read_bytes()

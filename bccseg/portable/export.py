"""All files of weights for other programs, as bytes, in a folder or in a zip."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from bccseg.errors import SettingsError
from bccseg.files import write_atomically
from bccseg.imaging.synthetic import draw_smear
from bccseg.model.weights import Weights
from bccseg.portable import description, engines
from bccseg.portable.formats import can_write_onnx, check_format
from bccseg.portable.graph import PortableNetwork

ENGINE_FILES = {"torchscript": "model.torchscript.pt", "onnx": "model.onnx"}
HASHES_FILE = "SHA256SUMS"


def portable_files(weights: Weights, form: str, card: str = "") -> dict[str, bytes]:
    """Name and content of each file. form: "bioimageio", "onnx" or "torchscript"; card: Markdown of the weights.

    Beside the graph: test tensors (a drawn smear and its maps), a drawn cover, README.md, LICENSE.txt, metadata.json,
    and the sha256 of all. A BioImage.IO package holds TorchScript, and ONNX too where ONNX can be written.
    Raises SettingsError for an unknown format, or for ONNX where it cannot be written.
    """
    check_format(form)
    config, graph = weights.config, PortableNetwork(weights).eval()
    wanted = [form] if form != "bioimageio" else ["torchscript", *(["onnx"] if can_write_onnx() else [])]
    about = json.dumps(description.metadata(config), indent=2, ensure_ascii=False)
    files: dict[str, bytes] = {}
    for engine in wanted:
        made = engines.torchscript(graph) if engine == "torchscript" else engines.onnx(graph, {"bccseg": about})
        files[ENGINE_FILES[engine]] = made
    unit = 2**config.network.depth
    side = -(-320 // unit) * unit
    image, _ = draw_smear((side, side), cells=26, diameter_px=config.diameter_px, seed=4)
    rgb = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)  # (1, 3, side, side)
    with torch.inference_mode():
        maps = graph(torch.from_numpy(rgb)).numpy()
    files[description.INPUT_FILE], files[description.OUTPUT_FILE] = _npy(rgb), _npy(maps)
    files[description.COVER_FILE] = _cover(image, maps[0, 0])
    files[description.LICENCE_FILE] = f"{config.licence or description.NOTHING_STATED}\n".encode()
    files["README.md"] = f"{card.strip() or f'# {config.name}'}\n\n{description.use_of(config)}".encode()
    files["metadata.json"] = about.encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if form == "bioimageio":
        told = description.resource_description(config, hashes, {engine: ENGINE_FILES[engine] for engine in wanted})
        files["rdf.yaml"] = yaml.safe_dump(told, sort_keys=False, allow_unicode=True).encode()
        hashes["rdf.yaml"] = hashlib.sha256(files["rdf.yaml"]).hexdigest()
    files[HASHES_FILE] = "".join(f"{sha}  {name}\n" for name, sha in sorted(hashes.items())).encode()
    return files


def _npy(array: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _cover(image: NDArray[np.uint8], cell: NDArray[np.float32]) -> bytes:
    """PNG, twice as wide as high: a drawn smear uint8 (H, H, 3), and the map of its cells (H, H) beside it."""
    shown = cv2.applyColorMap(np.clip(cell * 255, 0, 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    done, data = cv2.imencode(".png", np.hstack([image[..., ::-1], shown]))
    assert done
    return data.tobytes()


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Write into a folder that is made if it is not there. Raises SettingsError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise SettingsError(
            f"The files cannot be written into '{folder}' ({error.strerror or error}). Choose another folder."
        ) from error


def zipped(files: dict[str, bytes]) -> bytes:
    """All files as one zip, at its top level, as BioImage.IO's programs open it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()

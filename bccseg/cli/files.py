"""Files that commands read, and those that they write for each image."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.files import write_atomically

if TYPE_CHECKING:
    from bccseg.report.result import ImageResult


def walk(paths: list[Path], *, keep_folders: bool = False) -> list[tuple[Path, str]]:
    """Files as given, and the image files of folders in order of name, each with its name.

    Files of a folder keep the path below it, "patientA/10.jpg", if two of them would have the same name without it, or
    where `keep_folders`; then, and where several paths are given, with the folder itself.
    """
    from bccseg.io.images import SUFFIXES

    found: list[tuple[Path, Path]] = []
    for path in paths:
        if not path.is_dir():
            found.append((path, Path(path.name)))
            continue
        above = "" if len(paths) == 1 and not keep_folders else path.resolve().name
        files = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in (*SUFFIXES, ".zip") and p.is_file()]
        found.extend((p, Path(above, p.relative_to(path))) for p in files if not p.name.startswith("."))
    short = not keep_folders and len({name.stem.lower() for _, name in found}) == len(found)
    return [(file, name.name if short else name.as_posix()) for file, name in found]


def write_result(result: "ImageResult", out: Path, also: list[str], *, small_cells: bool = False) -> None:
    """The files of one image. small_cells: whether those of small classes are in labels and table."""
    from bccseg.io.encode import as_json
    from bccseg.report.bundle import BASIC_FILES, IMAGE_FILES, WITH_SMALL_CELLS
    from bccseg.report.coco import coco

    endings = [*BASIC_FILES]
    if "geojson" in also:
        endings.append(".geojson")
    if "roi" in also:
        endings.append("_rois.zip")
    make = IMAGE_FILES | (WITH_SMALL_CELLS if small_cells else {})
    (out / result.stem).parent.mkdir(parents=True, exist_ok=True)
    for ending in endings:
        write_atomically(out / f"{result.stem}{ending}", make[ending](result))
    if "coco" in also:
        write_atomically(out / f"{result.stem}_coco.json", as_json(coco([result])))


def file_in(folder: Path, path: Path) -> str:
    """Where a file lies as seen from a folder, so that both can be moved together: "../images/10.jpg"."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()

"""`bccseg segment`: images in, label images, masks, overlays and tables out."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.config import DEVICES, SegmentSettings
from bccseg.errors import BccsegError, ImageError, SettingsError
from bccseg.files import write_atomically
from bccseg.imaging.pixel_size import doubt, read_pixel_size

if TYPE_CHECKING:
    from bccseg.report.result import ImageResult, MeasuredImage

EXTRAS = ("coco", "geojson", "roi")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("segment", help="find and measure the cells of images")
    defaults = SegmentSettings()
    p.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="images, zips of images, or folders (walked)")
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    p.add_argument("--weights", metavar="W", help="a shipped name, a folder, or hf://owner/repo@revision")
    p.add_argument("--diameter", default="auto", metavar="auto|PX", help="typical cell diameter (default: auto)")
    p.add_argument("--pixel-size", default="", metavar="UM",
                   help="width of a pixel in µm, such as 0.065 or 0,065 (default: from the file)")  # fmt: skip
    p.add_argument("--device", default="auto", choices=DEVICES)
    p.add_argument("--min-cell", type=float, default=defaults.min_cell_percent, metavar="PERCENT",
                   help="smallest cell, %% of the typical diameter (default: %(default)s)")  # fmt: skip
    p.add_argument("--drop-border", action="store_true", help="leave out cells that touch the border")
    p.add_argument("--classes", action="store_true",
                   help="platelets, and other cells of small classes, in the label images and tables too")  # fmt: skip
    p.add_argument("--also", nargs="*", default=[], choices=EXTRAS, help="further files to write")
    p.set_defaults(run=run)


def settings_from(args: argparse.Namespace) -> SegmentSettings:
    """Settings of the command line. Raises SettingsError."""
    try:
        diameter = None if args.diameter == "auto" else float(args.diameter)
    except ValueError:
        raise SettingsError(f"--diameter is 'auto' or a number of px, not '{args.diameter}'.") from None
    return SegmentSettings(diameter_px=diameter, min_cell_percent=args.min_cell, drop_border_cells=args.drop_border)


def run(args: argparse.Namespace) -> int:
    """Segment every path; returns 0, or 1 if some could not be done."""
    settings, pixel_size_um = settings_from(args), read_pixel_size(args.pixel_size)
    paths = walk(args.paths)
    if not paths:
        raise SettingsError("There are no images in the folders you named.")
    from bccseg.inference.batch import Failure, segment_entries
    from bccseg.inference.predictor import Predictor
    from bccseg.io.archive import Entry
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights
    from bccseg.report.tables import csv, summary_table

    folder, source = locate(args.weights)
    predictor = Predictor(load_weights(folder, source), args.device)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{args.out}' cannot be made ({error.strerror}).") from error

    done: list[MeasuredImage] = []
    failed = 0
    for k, (path, name) in enumerate(paths, start=1):
        print(f"[{k}/{len(paths)}] {path}", file=sys.stderr)
        try:
            entries = [Entry(name, path.read_bytes())]
        except OSError as error:
            entries = [Entry(name, error=ImageError(f"The file cannot be opened ({error.strerror})."))]
        taken = {r.stem.lower() for r in done}
        for outcome in segment_entries(entries, predictor, settings, pixel_size_um, taken=taken):
            if isinstance(outcome, Failure):
                failed += 1
                print(f"bccseg: {outcome.name!r}: {outcome.reason}", file=sys.stderr)
                continue
            try:
                write_result(outcome, args.out, args.also, small_cells=args.classes)
            except (BccsegError, OSError) as error:
                failed += 1
                print(f"bccseg: {outcome.name!r} could not be saved: {error}", file=sys.stderr)
                continue
            if question := doubt(outcome.summary.median_diameter_px, outcome.pixel_size_um):
                print(f"bccseg: {outcome.name!r}: {question}", file=sys.stderr)
            done.append(outcome.without_pixels())  # a thousand images must not fill the memory
    write_atomically(args.out / "summary.csv", csv(summary_table(done)))
    print(f"{len(done)} done, {failed} failed; results in {args.out}", file=sys.stderr)
    return 1 if failed else 0


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

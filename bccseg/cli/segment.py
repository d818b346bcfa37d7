"""`bccseg segment`: images in, label images, masks, overlays and tables out."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.cli.cluster import HELP as CLUSTER_HELP
from bccseg.cli.cluster import path_or_url, segment_on_cluster
from bccseg.cli.files import file_in, walk
from bccseg.cli.repeat import repeat
from bccseg.config import DEVICES, SegmentSettings
from bccseg.errors import BccsegError, ImageError, SettingsError
from bccseg.files import write_atomically
from bccseg.imaging.pixel_size import doubt, read_pixel_size

if TYPE_CHECKING:
    from bccseg.report.result import MeasuredImage

EXTRAS = ("coco", "geojson", "roi")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("segment", help="find and measure the cells of images")
    defaults = SegmentSettings()
    p.add_argument(
        "paths", nargs="*", type=path_or_url, metavar="PATH", help="images, zips of images, or folders (walked)"
    )
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    p.add_argument("--from", dest="record", type=Path, metavar="RUN.JSON",
                   help="repeat that run with its settings and say where a number differs; PATHs are where its images "
                   "are now")  # fmt: skip
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
    p.add_argument("--cluster", metavar="WHERE", help=CLUSTER_HELP)
    p.set_defaults(run=run)


def settings_from(args: argparse.Namespace) -> SegmentSettings:
    """Settings of the command line. Raises SettingsError."""
    try:
        diameter = None if args.diameter == "auto" else float(args.diameter)
    except ValueError:
        raise SettingsError(f"--diameter is 'auto' or a number of px, not '{args.diameter}'.") from None
    return SegmentSettings(diameter_px=diameter, min_cell_percent=args.min_cell, drop_border_cells=args.drop_border)


def run(args: argparse.Namespace) -> int:
    """Segment every path; returns 0, or 1 if some could not be done or, repeated, came out otherwise."""
    if args.cluster:
        return segment_on_cluster(args, settings_from(args), read_pixel_size(args.pixel_size))
    if urls := [path for path in args.paths if isinstance(path, str)]:
        raise SettingsError(f"'{urls[0]}' is read by the workers of a cluster: add --cluster, such as local:2.")
    if args.record:
        return repeat(args)
    if not args.paths:
        raise SettingsError("Name images, zips or folders to segment, or a run to repeat with --from run.json.")
    return segment_paths(args)


def segment_paths(args: argparse.Namespace) -> int:
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
    from bccseg.report.result_files import write_result
    from bccseg.report.run_record import FILE_NAME, RunRecorder
    from bccseg.report.tables import csv, summary_table

    folder, source = locate(args.weights)
    predictor = Predictor(load_weights(folder, source), args.device)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{args.out}' cannot be made ({error.strerror}).") from error

    done: list[MeasuredImage] = []
    recorder, failed = RunRecorder(), 0
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
            recorder.add(outcome, file_in(args.out, path))
            done.append(outcome.without_pixels())  # a thousand images must not fill the memory
    write_atomically(args.out / "summary.csv", csv(summary_table(done)))
    write_atomically(args.out / FILE_NAME, recorder.record().to_json(indent=1))
    print(f"{len(done)} done, {failed} failed; results in {args.out}", file=sys.stderr)
    return 1 if failed else 0

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
    from collections.abc import Iterator

    from bccseg.inference.batch import Failure
    from bccseg.inference.predictor import Predictor
    from bccseg.io.archive import Entry
    from bccseg.report.result import ImageResult, MeasuredImage

WORTH_PROCESSES = 6  # files from which on several processes are quicker, their start included
MOST_PROCESSES = 256
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
    p.add_argument("--processes", type=process_count, metavar="N",
                   help=f"files to segment at once (default: one a core from {WORTH_PROCESSES} files on, as far as "
                   "memory goes)")  # fmt: skip
    p.add_argument("--one-magnification", action="store_true",
                   help="all images were taken at one magnification: the cell diameter is measured in the first, and "
                   "again only in those that look different or where it does not fit")  # fmt: skip
    p.add_argument("--cluster", metavar="WHERE", help=CLUSTER_HELP)
    p.set_defaults(run=run)


def process_count(text: str) -> int:
    """A number of processes. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_PROCESSES}, not '{text}'")
    return int(text)


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
    from bccseg.inference.batch import Failure
    from bccseg.report.result_files import write_result
    from bccseg.report.run_record import FILE_NAME, RunRecorder
    from bccseg.report.tables import csv, summary_table

    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{args.out}' cannot be made ({error.strerror}).") from error

    done: list[MeasuredImage] = []
    recorder, failed = RunRecorder(), 0
    for path, outcome in _outcomes(paths, args, settings, pixel_size_um):
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


def _outcomes(
    paths: list[tuple[Path, str]], args: argparse.Namespace, settings: SegmentSettings, pixel_size_um: float | None
) -> "Iterator[tuple[Path, ImageResult | Failure]]":
    """A result or a failure for each picture of each path, in order, from this process or from several."""
    from bccseg.inference.pipeline import Pipeline, fitting_processes
    from bccseg.inference.predictor import Predictor
    from bccseg.model.device import choose_device
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights

    folder, source = locate(args.weights)
    processes = args.processes
    if processes is None:  # for a few images the start of more takes longer than it saves, and MPS is not for several
        many = len(paths) >= WORTH_PROCESSES and choose_device(args.device).type != "mps"
        processes = fitting_processes(len(paths)) if many else 1
    if processes > 1:
        choose_device(args.device)  # says here what is wrong with it, before processes are started
        with Pipeline(
            folder, source, settings, pixel_size_um, processes=processes, device=args.device,
            one_magnification=args.one_magnification,
        ) as pipeline:  # fmt: skip
            for number, outcome in pipeline(_entries(paths)):
                yield paths[number][0], outcome
        return
    predictor = Predictor(load_weights(folder, source), args.device)
    yield from _one_by_one(paths, args, settings, pixel_size_um, predictor)


def _one_by_one(
    paths: list[tuple[Path, str]],
    args: argparse.Namespace,
    settings: SegmentSettings,
    pixel_size_um: float | None,
    predictor: "Predictor",
) -> "Iterator[tuple[Path, ImageResult | Failure]]":
    from bccseg.inference.alike import First
    from bccseg.inference.batch import segment_entries
    from bccseg.report.result import ImageResult

    taken: set[str] = set()
    first: First | None = None
    for k, ((path, _), entry) in enumerate(zip(paths, _entries(paths), strict=True)):
        for outcome in segment_entries([entry], predictor, settings, pixel_size_um, taken=taken, first=first):
            if k == 0 and first is None and args.one_magnification and isinstance(outcome, ImageResult):
                first = First.of(outcome)
            yield path, outcome


def _entries(paths: list[tuple[Path, str]]) -> "Iterator[Entry]":
    """The files, each read when it is asked for."""
    from bccseg.io.archive import Entry

    for k, (path, name) in enumerate(paths, start=1):
        print(f"[{k}/{len(paths)}] {path}", file=sys.stderr)
        try:
            yield Entry(name, path.read_bytes())
        except OSError as error:
            yield Entry(name, error=ImageError(f"The file cannot be opened ({error.strerror})."))

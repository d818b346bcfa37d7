"""`bccseg study create | list | add | segment | report`: studies, the same files as on the Studies page."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from bccseg.cli.segment import settings_from, walk
from bccseg.cli.server_weights import server_predictor
from bccseg.config import DEVICES, SegmentSettings
from bccseg.errors import ImageError, SettingsError, Stopped, StoreError
from bccseg.files import write_atomically
from bccseg.folders import studies_folder
from bccseg.imaging.pixel_size import read_pixel_size

if TYPE_CHECKING:
    from bccseg.io.archive import Entry
    from bccseg.studies.segmenting import Step
    from bccseg.studies.store import StudyStore
    from bccseg.studies.study import Study

SAMPLES_FROM, GROUPS_FROM = ("auto", "folder", "archive", "none"), ("auto", "folder-above", "archive", "none")
NICE = 5  # a process in the background leaves the pages the first turn


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    top = commands.add_parser("study", help="images with samples and groups: made, filled, segmented, told in tables")
    kinds = top.add_subparsers(dest="study_command", required=True)
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--studies", type=Path, metavar="DIR", help="folder of all studies (default: that of the app)")
    one = argparse.ArgumentParser(add_help=False, parents=[place])
    one.add_argument("study", metavar="STUDY", help="name or id of the study")

    p = kinds.add_parser("create", parents=[place], help="make a study")
    p.add_argument("name", metavar="NAME")
    p.add_argument("--weights", metavar="W", help="as for segment; for all images of the study")
    p.add_argument("--device", default="auto", choices=DEVICES)
    p.add_argument("--pixel-size", default="", metavar="UM", help="of all its images (default: as each file states it)")
    p.add_argument("--diameter", default="auto", metavar="auto|PX", help="typical cell diameter (default: auto)")
    p.add_argument("--min-cell", type=float, default=SegmentSettings().min_cell_percent, metavar="PERCENT",
                   help="smallest cell, %% of the typical diameter (default: %(default)s)")  # fmt: skip
    p.add_argument("--drop-border", action="store_true", help="leave out cells that touch the border")
    p.set_defaults(run=run_create)

    p = kinds.add_parser("list", parents=[place], help="list the studies")
    p.set_defaults(run=run_list)

    p = kinds.add_parser(
        "add", parents=[one], help="add images, or a table of samples",
        description="Folders say which sample an image is of, and the folders above which group; a table says more.",
    )  # fmt: skip
    p.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="images, zips of images, or folders (walked)")
    p.add_argument("--samples-from", default="auto", choices=SAMPLES_FROM)
    p.add_argument("--groups-from", default="auto", choices=GROUPS_FROM)
    p.add_argument("--table", type=Path, metavar="FILE", help="CSV or XLSX with a row a sample, or a row an image")
    for role in ("image", "sample", "group"):
        p.add_argument(f"--{role}-column", metavar="NAME", help=f"its column that names the {role} (default: guessed)")
    p.add_argument("--by", default="", metavar="WHO", help="who adds them")
    p.set_defaults(run=run_add)

    p = kinds.add_parser("segment", parents=[one], help="segment the images that wait")
    p.add_argument("--again", action="store_true", help="all images, also those that are done")
    p.add_argument("--background", action="store_true", help=argparse.SUPPRESS)
    p.set_defaults(run=run_segment)

    p = kinds.add_parser("report", parents=[one], help="write the tables and the report")
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the files")
    p.add_argument("--author", default="", metavar="WHO", help="who hands it in")
    p.add_argument("--pictures", default="all", choices=("all", "first", "none"),
                   help="of all images, of the first of each sample, or none (default: %(default)s)")  # fmt: skip
    p.add_argument("--without-flagged", action="store_true", help="leave out flagged cells and crowded images")
    p.set_defaults(run=run_report)


def store_of(args: argparse.Namespace) -> "StudyStore":
    """The studies that the command is about."""
    from bccseg.studies.store import StudyStore

    return StudyStore(args.studies or studies_folder())


def run_create(args: argparse.Namespace) -> int:
    """Make a study; returns 0. Its id is printed."""
    from bccseg.studies.records import StudySettings

    settings = StudySettings(
        weights=args.weights, device=args.device, segment=settings_from(args),
        pixel_size_um=read_pixel_size(args.pixel_size),
    )  # fmt: skip
    print(store_of(args).create(args.name, settings).id)
    return 0


def run_list(args: argparse.Namespace) -> int:
    """List the studies; returns 0, or 1 if one cannot be opened."""
    found = store_of(args).list()
    for info in found:
        print(f"{info.id}  {info.name}: {info.images} images, {info.samples} samples, {info.waiting} wait, "
              f"{info.failed} failed")  # fmt: skip
        if info.problem:
            print(f"bccseg: {info.problem}", file=sys.stderr)
    return 1 if any(info.problem for info in found) else 0


def run_add(args: argparse.Namespace) -> int:
    """Add files and what a table says; returns 0, or 1 if some could not be used."""
    study = store_of(args).find(args.study)
    if not args.paths and not args.table:
        raise SettingsError("Name images or folders to add, or a --table of samples.")
    failed = 0
    if args.paths:
        paths = walk(args.paths, keep_folders=True)
        report = study.images.add(_entries(paths), _sorting(args, paths), args.by)
        for name, reason in report.failed:
            print(f"bccseg: {name!r}: {reason}", file=sys.stderr)
        already = f", {len(report.already)} were there already" if report.already else ""
        print(f"{len(report.added)} images added{already}", file=sys.stderr)
        failed += len(report.failed)
    return 1 if failed + (_add_table(study, args) if args.table else 0) else 0


def _sorting(args: argparse.Namespace, paths: list[tuple[Path, str]]) -> "object":
    from bccseg.studies.sorting import GroupFrom, SampleFrom, Sorting, names_in

    proposed = Sorting.proposed([pair for path, name in paths for pair in names_in(name, path)])
    samples = proposed.samples if args.samples_from == "auto" else args.samples_from
    groups = proposed.groups if args.groups_from == "auto" else args.groups_from.replace("-", " ")
    if samples not in get_args(SampleFrom) or groups not in get_args(GroupFrom):
        raise SettingsError("Samples and groups come from folders, from the archive, or from nothing.")
    return Sorting(samples, groups)


def _entries(paths: list[tuple[Path, str]]) -> "Iterator[Entry]":
    from bccseg.io.archive import Entry

    for path, name in paths:
        try:
            yield Entry(name, path.read_bytes())
        except OSError as error:
            yield Entry(name, error=ImageError(f"The file cannot be opened ({error.strerror})."))


def _add_table(study: "Study", args: argparse.Namespace) -> int:
    """Take what the table says; how many of its names the study does not have."""
    from dataclasses import replace

    from bccseg.studies.sample_sheet import guess_mapping, match_table, read_table

    try:
        table = read_table(args.table.name, args.table.read_bytes())
    except OSError as error:
        raise SettingsError(f"The table '{args.table}' cannot be opened ({error.strerror}).") from error
    mapping = guess_mapping(table)
    for role in ("image", "sample", "group"):
        if named := getattr(args, f"{role}_column"):
            if named not in table:
                raise SettingsError(f"The table has no column '{named}'. It has: {', '.join(table)}.")
            mapping = replace(mapping, **{role: named}, free=tuple(c for c in mapping.free if c != named))
    match = match_table(table, mapping, study.images.all(), study.samples.all())
    if match.conflicts:
        raise StoreError(f"The table says different things of one sample. {'; '.join(match.conflicts[:5])}.")
    study.samples.take(match.rows)
    for name in match.unknown:
        print(f"bccseg: {name!r} is in the table and not in the study", file=sys.stderr)
    print(f"{len(match.rows)} samples described, {match.images} images named", file=sys.stderr)
    return len(match.unknown)


def run_segment(args: argparse.Namespace) -> int:
    """Segment what waits; returns 0, or 1 if some images could not be done or somebody stopped it."""
    from bccseg.studies.process import Segmenting

    study = store_of(args).find(args.study)
    segmenting = Segmenting(study)
    if args.background:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        if hasattr(os, "nice"):
            os.nice(NICE)
    elif segmenting.stopped:
        (segmenting.folder / "stop").unlink(missing_ok=True)
    if args.again:
        study.images.segment_again()
    with segmenting.at_work() as progress:
        from bccseg.model.device import describe_device
        from bccseg.studies.segmenting import segment_study

        said: list[str] = []

        def tell(step: "Step") -> None:
            progress(step)
            if not args.background and step.current and said[-1:] != [step.current]:
                said.append(step.current)
                print(f"[{step.done + 1}/{step.done + step.waiting}] {step.current}", file=sys.stderr)

        predictor = server_predictor(study.settings.weights, study.settings.device)
        progress.change(device=describe_device(predictor.device, predictor.dtype))
        study.results.tidy({image.result for image in [*study.images.all(), *study.images.all(removed=True)]} - {""})
        try:
            done = segment_study(study, predictor, tell)
        except Stopped:
            print("stopped; what was finished is kept", file=sys.stderr)
            raise
    failed = [image for image in study.images.all() if image.state == "failed"]
    for image in failed:
        print(f"bccseg: {image.name!r}: {image.reason}", file=sys.stderr)
    print(f"{done - len(failed) if done else 0} done, {len(failed)} failed", file=sys.stderr)
    return 1 if failed else 0


def run_report(args: argparse.Namespace) -> int:
    """Write the report, its paper and the tables; returns 0, or 1 if some results could not be read."""
    from bccseg.report.study_report.pdf import NO_BROWSER
    from bccseg.studies.report import PDF, ReportOptions, print_report, study_report

    study = store_of(args).find(args.study)
    options = ReportOptions(author=args.author, pictures=args.pictures, without_flagged=args.without_flagged)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{args.out}' cannot be made ({error.strerror}).") from error
    report = study_report(study, options)
    files = report.files(print_report(report))
    for name, data in files.items():
        write_atomically(args.out / name, data)
    if PDF not in files:
        print(f"bccseg: {NO_BROWSER}", file=sys.stderr)
    for image, reason in report.damaged:
        print(f"bccseg: {image.name!r}: {reason}", file=sys.stderr)
    cells, images = len(report.tables.cells), len(report.tables.images)
    print(f"{cells} cells of {images} images; {', '.join(files)} in {args.out}", file=sys.stderr)
    return 1 if report.damaged else 0

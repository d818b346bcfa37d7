"""`bccseg segment --from run.json`: the same images again, and where a number differs."""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.cli.files import file_in, walk
from bccseg.errors import BccsegError, DataError, ImageError, SettingsError
from bccseg.files import write_atomically

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor
    from bccseg.io.archive import Entry
    from bccseg.report.result import MeasuredImage
    from bccseg.report.run_record import RunImage, RunRecord

PAGE = re.compile(r", page \d+$")


@dataclass
class Found:
    """Where the images of a record are now."""

    at: dict[tuple[Path, str], list[int]] = field(default_factory=dict)  # file, name in it -> images of the record
    changed: set[int] = field(default_factory=set)  # found by name, but the file is another one
    missing: list[int] = field(default_factory=list)


def repeat(args: argparse.Namespace) -> int:
    """Segment the images of a record again; returns 0 if all numbers are as they were, else 1."""
    from bccseg.report.result_files import write_result
    from bccseg.report.run_record import FILE_NAME, RunRecord, RunRecorder
    from bccseg.report.tables import csv, summary_table

    try:
        record = RunRecord.from_json(args.record.read_bytes())
    except OSError as error:
        raise SettingsError(f"The record '{args.record}' cannot be opened ({error.strerror}).") from error
    if not record.images:
        raise DataError(f"The record '{args.record}' names no images.")
    found = find_images(record, args.paths or _recorded(record, args.record))
    if not found.at:
        raise SettingsError("None of the images of the record is there. Name the files or folders that hold them.")
    predictors, told = _predictors(record, args)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{args.out}' cannot be made ({error.strerror}).") from error

    recorder, done, differing = RunRecorder(record.user), [], {record.images[k].name for k in found.missing}
    told += [f"{record.images[k].name!r}: it is not there" for k in found.missing]
    for index, path, outcome in _segment(record, found, predictors, done):
        image = record.images[index]
        lines = []
        if isinstance(outcome, str):
            lines.append(outcome)
        else:
            from bccseg.report.run_record import differences

            now = recorder.add(outcome, file_in(args.out, path))
            lines += differences(image, now)
            write_result(outcome, args.out, args.also, small_cells=args.classes)
            done.append(outcome.without_pixels())
            if lines and image.edits:
                who = f" by {image.corrected_by}" if image.corrected_by else ""
                lines.append(f"it was corrected by hand ({image.edits} edits{who}), which is not repeated")
        if index in found.changed:
            lines.insert(0, "the file is not the one that was used: its sha256 is another")
        if lines:
            differing.add(image.name)
            told += [f"{image.name!r}: {line}" for line in lines]
        print(f"[{len(done)}/{len(record.images)}] {image.name}", file=sys.stderr)
    write_atomically(args.out / "summary.csv", csv(summary_table(done)))
    write_atomically(args.out / FILE_NAME, recorder.record().to_json(indent=1))
    return _tell(record, recorder.record(), told, len(differing))


def _recorded(record: "RunRecord", file: Path) -> list[Path]:
    """Where the record says that the images are; else its own folder."""
    named = {file.parent / image.file for image in record.images if image.file}
    return sorted(path for path in named if path.exists()) or [file.parent]


def _entries(path: Path, name: str) -> "Iterator[Entry]":
    from bccseg.io.archive import Entry, expand

    try:
        yield from expand(name, path.read_bytes())
    except OSError as error:
        yield Entry(name, error=ImageError(f"The file cannot be opened ({error.strerror})."))


def find_images(record: "RunRecord", paths: list[Path]) -> Found:
    """Look for the images of a record by the sha256 of their files, then by their names."""
    by_sum: dict[str, tuple[Path, str]] = {}
    by_name: dict[str, tuple[Path, str]] = {}
    for path, name in walk(paths):
        for entry in _entries(path, name):
            if entry.error is None:
                by_sum.setdefault(hashlib.sha256(entry.data).hexdigest(), (path, entry.name))
                for key in (entry.name, Path(entry.name).name):
                    by_name.setdefault(key, (path, entry.name))
    found = Found()
    for k, image in enumerate(record.images):
        name = PAGE.sub("", image.name)
        place = by_sum.get(image.file_sha256)
        if place is None:
            place = by_name.get(name) or by_name.get(Path(name).name)
            if place and image.file_sha256:
                found.changed.add(k)
        if place is None:
            found.missing.append(k)
        else:
            found.at.setdefault(place, []).append(k)
    return found


def _predictors(record: "RunRecord", args: argparse.Namespace) -> "tuple[list[Predictor], list[str]]":
    """The network of each of the record's weights, and what differs about them."""
    from bccseg.inference.predictor import Predictor
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights

    predictors, told = [], []
    for one in record.weights:
        try:
            weights = load_weights(*locate(args.weights or one.name))
        except BccsegError as error:
            raise type(error)(f"{error} Or name the weights of the run with --weights.") from error
        head = weights.config.cell_head.sha256 if weights.config.cell_head else ""
        if one.sha256 and (weights.config.sha256, head) != (one.sha256, one.head_sha256):
            told.append(f"the weights {one.name!r} are not those that were used: their sha256 is another")
        predictors.append(Predictor(weights, args.device))
    return predictors, told


def _segment(
    record: "RunRecord", found: Found, predictors: "list[Predictor]", done: "list[MeasuredImage]"
) -> "Iterator[tuple[int, Path, object]]":
    """Place in the record, file, and the result, or why there is none; file by file."""
    for path in dict.fromkeys(path for path, _ in found.at):
        inner = {name: images for (file, name), images in found.at.items() if file == path}
        for entry in _entries(path, next(iter(inner))):  # a file that is no zip has one name
            for index in inner.get(entry.name, []):
                taken = {result.stem.lower() for result in done}
                yield index, path, _again(record.images[index], entry, predictors, taken)


def _again(image: "RunImage", entry: "Entry", predictors: "list[Predictor]", taken: set[str]) -> object:
    from bccseg.inference.batch import Failure, segment_page
    from bccseg.io.images import decode

    try:
        pages = decode(entry.data)
        page = next((page for page in pages if page.number == image.page), None)
    except ImageError as error:
        return str(error)
    if page is None:
        return f"the file has no page {image.page}"
    sha256 = hashlib.sha256(entry.data).hexdigest()
    predictor = predictors[min(image.weights, len(predictors) - 1)]
    name = PAGE.sub("", image.name)  # files are called as they were, however the image is called now
    outcome = segment_page(name, page, predictor, image.settings, image.pixel_size_um, None, taken, sha256)
    return outcome.reason if isinstance(outcome, Failure) else replace(outcome, name=image.name)


def _tell(record: "RunRecord", now: "RunRecord", told: list[str], differing: int) -> int:
    for line in told:
        print(f"bccseg: {line}", file=sys.stderr)
    images = len(record.images)
    if not told:
        print(f"{images} images repeated; all numbers are as they were", file=sys.stderr)
        return 0
    print(f"{images} images repeated; {differing} differ", file=sys.stderr)
    for what, before, after in (
        ("device", ", ".join(record.devices), ", ".join(now.devices)),
        *((name, record.versions.get(name, ""), now.versions.get(name, "")) for name in record.versions),
        ("bccseg", record.bccseg_version, now.bccseg_version),
    ):
        if before != after:
            print(f"bccseg: {what} was {before or 'unknown'}, is now {after or 'unknown'}", file=sys.stderr)
    return 1

"""`bccseg segment --cluster`: the same command, done by workers of Dask on this or on many machines."""

import argparse
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from bccseg.cli.files import called, file_in, walk
from bccseg.errors import SettingsError
from bccseg.files import write_atomically

if TYPE_CHECKING:
    from bccseg.cluster.records import Item, ItemRecord, Work
    from bccseg.config import SegmentSettings

HELP = (
    "where the work is done: tcp://host:8786 (a scheduler of Dask that runs), local:N (N processes here), "
    "slurm:profile.yaml; PATHs may then be URLs, too, such as s3://bucket/folder (needs 'bccseg[dask]')"
)


def path_or_url(text: str) -> Path | str:
    """A PATH of the command line; URLs stay as they are, because a Path would lose a "/"."""
    return text if "://" in text else Path(text)


def segment_on_cluster(args: argparse.Namespace, settings: "SegmentSettings", pixel_size_um: float | None) -> int:
    """Segment every path and URL; returns 0, or 1 if some could not be done. What was done before is not done again.

    Raises SettingsError, WeightsError, WorkerError.
    """
    if args.record:
        raise SettingsError("A run is repeated on one machine: leave out --cluster, or --from.")
    if getattr(args, "one_magnification", False):
        raise SettingsError("On a cluster each image is measured by itself: leave out --one-magnification.")
    from bccseg.cluster.connect import connect
    from bccseg.cluster.dispatch import run_items
    from bccseg.cluster.worker import segment_item

    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{args.out}' cannot be made ({error.strerror}).") from error
    items = find_items(args.paths, args.out)
    if not items:
        raise SettingsError("There are no images in the folders you named.")
    with connect(args.cluster) as cluster, _shared(work_of(args, settings, pixel_size_um, cluster.threads)) as work:
        summary = Summary(items)
        for item, record in run_items(cluster.client, partial(segment_item, work), items, _tell_quiet):
            summary.add(item, record)
    return summary.write(args.out)


def find_items(paths: "list[Path | str]", out: Path) -> "list[Item]":
    """The files named, and the images of the folders named, in the order in which one machine would do them."""
    from bccseg.cluster.addresses import stamp, walk_url
    from bccseg.cluster.records import Item

    found: list[tuple[str, PurePath, str, str]] = []  # address, name, how the run record calls it, stamp
    for path, name in walk([p for p in paths if isinstance(p, Path)]):
        try:
            about = path.stat()
        except OSError:  # told when it is opened
            found.append((str(path.resolve()), PurePosixPath(name), file_in(out, path), ""))
            continue
        mark = stamp({"size": about.st_size, "mtime": about.st_mtime_ns})
        found.append((str(path.resolve()), PurePosixPath(name), file_in(out, path), mark))
    for url in (p for p in paths if not isinstance(p, Path)):
        found.extend((address, name, address, mark) for address, name, mark in walk_url(url))
    names = called([name for _, name, _, _ in found])
    taken: set[str] = set()
    return [
        Item(address, name, file, mark, tuple(sorted(_others(address, name, taken))))
        for (address, _, file, mark), name in zip(found, names, strict=True)
    ]


def _others(address: str, name: str, taken: set[str]) -> set[str]:
    """Stems of items before this one that its own pictures would take; its own are added to `taken`.

    So each worker calls its pictures as one machine would that does them one after the other.
    """
    from bccseg.io.archive import safe_stem, unique

    own: set[str] = set()
    met: set[str] = set()
    for inner in _inner_names(address, name):
        stem = safe_stem(inner)
        candidate = unique(stem, taken)
        if candidate != stem:
            k = int(candidate.rpartition("-")[2])
            met |= {stem.lower(), *(f"{stem}-{n}".lower() for n in range(2, k))} - own
        own.add(candidate.lower())
    return met


def _inner_names(address: str, name: str) -> list[str]:
    """The name itself; for a zip those of the pictures in it, as far as its list can be read."""
    if PurePosixPath(address).suffix.lower() != ".zip":
        return [name]
    from bccseg.cluster.addresses import opened
    from bccseg.io.archive import zip_names

    try:
        with opened(address) as file:
            return zip_names(file) or [name]
    except OSError:  # told when it is segmented
        return [name]


def work_of(
    args: argparse.Namespace, settings: "SegmentSettings", pixel_size_um: float | None, threads: int | None
) -> "Work":
    """What is done with every item. Raises WeightsError."""
    from bccseg import __version__
    from bccseg.cluster.records import Work
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import read_config

    folder, source = locate(args.weights)
    config = read_config(folder)
    return Work(
        out=str(args.out.resolve()),
        weights=str(Path(source).resolve()) if source == str(folder) else source,
        weights_sha256=config.sha256,
        head_sha256=config.cell_head.sha256 if config.cell_head else "",
        version=__version__,
        settings=settings,
        pixel_size_um=pixel_size_um,
        device=args.device,
        also=tuple(args.also),
        small_cells=args.classes,
        threads=threads,
        token=f"seen-{secrets.token_hex(8)}",
    )


@contextmanager
def _shared(work: "Work") -> "Iterator[Work]":
    """With a file in the results by which workers know that they see the same folder."""
    from bccseg.cluster.records import DONE

    mark = Path(work.out) / DONE / work.token
    mark.parent.mkdir(exist_ok=True)
    write_atomically(mark, b"")
    try:
        yield work
    finally:
        mark.unlink(missing_ok=True)


def _tell_quiet(workers: int) -> None:
    print(f"bccseg: nothing came for a while; {workers} workers are there", file=sys.stderr)


class Summary:
    """Collects what workers report, and writes the summary in the order of the items."""

    def __init__(self, items: "list[Item]") -> None:
        self._order = {item: k for k, item in enumerate(items)}
        self._records: dict[int, ItemRecord] = {}
        self._failed = 0

    def add(self, item: "Item", record: "ItemRecord | str") -> None:
        """Take what came of an item, and say so on stderr."""
        from bccseg.cluster.records import ItemRecord

        place = self._order[item]
        found = ItemRecord(failures=((item.name, record),)) if isinstance(record, str) else record
        self._records[place] = found
        print(f"[{len(self._records)}/{len(self._order)}] {item.address}", file=sys.stderr)
        for name, why in found.failures:
            self._fail(name, why)
        for one in found.pictures:
            if one.doubt:
                print(f"bccseg: {one.row[0]['image']!r}: {one.doubt}", file=sys.stderr)

    def write(self, out: Path) -> int:
        """summary.csv and run.json; returns 0, or 1 if something could not be done."""
        from bccseg.report.run_record import FILE_NAME, RunRecorder
        from bccseg.report.tables import csv, table_of_rows

        rows, recorder, stems = [], RunRecorder(), set()
        for place in sorted(self._records):
            record = self._records[place]
            recorder.take(record.run)
            for one in record.pictures:
                if one.stem.lower() in stems:
                    self._fail(one.row[0]["image"], f"its files have the same name as another's, '{one.stem}'.")
                stems.add(one.stem.lower())
                rows.append(one.row)
        write_atomically(out / "summary.csv", csv(table_of_rows(rows)))
        write_atomically(out / FILE_NAME, recorder.record().to_json(indent=1))
        print(f"{len(rows)} done, {self._failed} failed; results in {out}", file=sys.stderr)
        return 1 if self._failed else 0

    def _fail(self, name: str, why: str) -> None:
        self._failed += 1
        print(f"bccseg: {name!r}: {why}", file=sys.stderr)

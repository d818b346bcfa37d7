"""`bccseg export | import | sync`: the collection of labels as a dataset, from one, and on the Hub."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.errors import DataError, SettingsError

if TYPE_CHECKING:
    from bccseg.annotation.dataset_import import ImportReport
    from bccseg.annotation.records import Version
    from bccseg.annotation.review import Item
    from bccseg.annotation.store import LabelStore

LAYOUTS = ("kaggle", "labels", "coco", "label-studio", "measures")  # of annotation.data_card


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    p = commands.add_parser("export", help="write collected labels as a dataset")
    p.add_argument("--store", required=True, type=Path, metavar="DIR", help="folder of the collection")
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the dataset")
    p.add_argument("--layout", default="kaggle", choices=LAYOUTS,
                   help="measures: tables of all cells, COCO, GeoJSON and ROIs, without the images")  # fmt: skip
    p.add_argument("--submitted", action="store_true", help="also labels that wait for review")
    p.set_defaults(run=run_export)

    p = commands.add_parser(
        "import",
        help="add images with masks, labels or annotations to the collection",
        description="Reads masks and label pictures, with classes/ beside them, and COCO, GeoJSON (QuPath), YOLO, "
        "LabelMe and Label Studio files. Labels from boxes, and what a network predicted, wait for review.",
    )
    p.add_argument("path", type=Path, metavar="PATH", help="folder or zip with original/ and mask/, <image>_labels, or "
                   "images with annotations")  # fmt: skip
    p.add_argument("--store", required=True, type=Path, metavar="DIR", help="folder of the collection")
    p.add_argument("--author", default="import", help="who labelled them")
    p.add_argument("--licence", default="", help="licence of images and labels")
    p.add_argument(
        "--map", action="append", default=[], metavar="THEIRS=OURS", dest="class_names",
        help="class of the source = class of the collection, e.g. RBC=red; nothing after = leaves cells unclassified. "
        "May be given several times; other names are guessed, and unknown ones become classes of their own",
    )  # fmt: skip
    p.set_defaults(run=run_import)

    p = commands.add_parser("sync", help="push and fetch the collection to and from a dataset on the Hub")
    p.add_argument("--store", required=True, type=Path, metavar="DIR", help="folder of the collection")
    p.add_argument("--repo", required=True, metavar="owner/name", help="dataset; made, private, if it is not there")
    p.set_defaults(run=run_sync)


def run_export(args: argparse.Namespace) -> int:
    """Write the dataset; returns 0."""
    if not (args.store / "images").is_dir():
        raise SettingsError(f"'{args.store}' is not a collection.")
    from bccseg.annotation.dataset_export import chosen_versions, dataset_files, write_dataset
    from bccseg.annotation.measures_export import measured_versions
    from bccseg.annotation.review import items
    from bccseg.annotation.store import LabelStore

    store = LabelStore(args.store)
    chosen = chosen_versions(items(store), submitted=args.submitted)
    if not chosen:
        raise DataError("There are no accepted labels yet; --submitted takes those that wait for review too.")
    if args.layout == "measures":
        return _export_measures(store, measured_versions(items(store), submitted=args.submitted), args.out)
    write_dataset(dataset_files(store, chosen, args.layout), args.out)
    print(f"{len(chosen)} images in {args.out}", file=sys.stderr)
    return 0


def _export_measures(store: "LabelStore", versions: "list[tuple[Item, Version]]", out: Path) -> int:
    """Write the measures; returns 0, or 1 if some versions could not be read."""
    from bccseg.annotation.measures_export import PROBLEMS, measure_files, write_measures

    write_measures(measure_files(store, versions), out)
    print(f"cells of {len(versions)} versions measured in {out}", file=sys.stderr)
    if not (out / PROBLEMS).exists():
        return 0
    print((out / PROBLEMS).read_text(encoding="utf-8"), file=sys.stderr)
    return 1


def run_import(args: argparse.Namespace) -> int:
    """Add a dataset; returns 0, or 1 if some of it could not be used."""
    from bccseg.annotation.dataset_import import ImportReport, import_dataset
    from bccseg.annotation.import_sources import open_dataset
    from bccseg.annotation.store import LabelStore

    if not args.path.exists():
        raise SettingsError(f"'{args.path}' does not exist.")
    source = args.path if args.path.is_dir() else args.path.read_bytes()
    report = ImportReport()
    names = parse_class_names(args.class_names)
    found = open_dataset(source)
    for report in import_dataset(LabelStore(args.store), found, args.author, args.licence, names):  # noqa: B007
        pass
    _print_classes(report, found.class_counts)
    for name in report.lonely:
        print(f"{name}: has no partner of the same name", file=sys.stderr)
    for name, reason in report.failed:
        print(f"{name}: {reason}", file=sys.stderr)
    waits = f" ({report.waiting} wait for review)" if report.waiting else ""
    print(f"{report.added} images added{waits}, {report.already} were there already", file=sys.stderr)
    return 1 if report.lonely or report.failed else 0


def parse_class_names(words: list[str]) -> dict[str, str]:
    """Ours by theirs from "RBC=red", "Smudge=". Raises SettingsError."""
    names = {}
    for word in words:
        theirs, equals, ours = word.rpartition("=")
        if not equals or not theirs.strip():
            raise SettingsError(f"--map: '{word}' is not THEIRS=OURS.")
        names[theirs.strip()] = ours.strip()
    return names


def _print_classes(report: "ImportReport", counts: dict[str, int]) -> None:
    """What became of each class name of the source."""
    if report.class_map is None:
        return
    for theirs, ours in report.class_map.names.items():
        print(f"{theirs} -> {ours or 'unclassified'} ({counts.get(theirs, 0):,} objects)", file=sys.stderr)
    for name in report.class_map.unused:
        print(f"--map: there is no class '{name}' in the source", file=sys.stderr)


def run_sync(args: argparse.Namespace) -> int:
    """Bring collection and dataset to the same state; returns 0. The token comes from HF_TOKEN or the login."""
    from bccseg.annotation.hub_sync import sync
    from bccseg.annotation.store import LabelStore

    report = sync(LabelStore(args.store), args.repo, on_step=lambda text: print(text, file=sys.stderr))
    print(f"{report.pushed} files pushed, {report.pulled} fetched; {args.repo} is at {report.commit}", file=sys.stderr)
    return 0

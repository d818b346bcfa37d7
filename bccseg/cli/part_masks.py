"""`bccseg part-masks`: one number a cell, from masks or images and a box for every cell."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.classes import DEFAULT_CLASSES, CellClass
from bccseg.config import DEVICES, MIN_TRUE_AREA_PX
from bccseg.errors import BccsegError, DataError, SettingsError

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor

OTHER_COLOUR = "#7F8C8D"  # of a class that is not one of the default set


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser(
        "part-masks",
        help="part overlapping cells of masks by boxes, or outline boxed cells",
        description="Writes labels/, one number a cell, to train on. A box file holds a line 'class cx cy w h' a "
        "cell, in shares of the image. With --masks, pieces of a mask with several boxes are parted; with --images, "
        "the network outlines cells where a box says that one is, and unknown/ marks what training must leave out.",
    )
    p.add_argument("--boxes", required=True, type=Path, metavar="DIR", help="box files, <stem>.txt")
    p.add_argument("--masks", type=Path, metavar="DIR", help="masks, <stem>.png")
    p.add_argument("--images", type=Path, metavar="DIR", help="images without masks")
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for labels/ and unknown/")
    p.add_argument("--no-cells", type=int, nargs="*", default=[], metavar="CLASS", help="classes that are no cells")
    p.add_argument(
        "--classes", nargs="*", default=[], metavar="NAME=N,N", help="cell classes by the numbers of the boxes, e.g. "
        "white=0 red=1 platelet=2: writes classes/, and outlines platelets, which come into others/"
    )  # fmt: skip
    p.add_argument("--weights", metavar="W", help="with --images: a shipped name, a folder, or hf://owner/repo")
    p.add_argument("--device", default="auto", choices=DEVICES)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write a picture of labels for every box file; returns 0, or 1 if some could not be used."""
    from bccseg.inference.predictor import load_predictor
    from bccseg.io.images import SUFFIXES

    pictures = args.masks or args.images
    if bool(args.masks) == bool(args.images):
        raise SettingsError("part-masks needs either --masks DIR or --images DIR.")
    for folder in (args.boxes, pictures):
        if not folder.is_dir():
            raise SettingsError(f"'{folder}' is not a folder.")
    predictor = load_predictor(args.weights, args.device) if args.images else None
    classes = parse_classes(args.classes)
    done = failed = 0
    for path in sorted(pictures.iterdir()):
        boxes = args.boxes / f"{path.stem}.txt"
        if path.suffix.lower() not in SUFFIXES or not boxes.is_file():
            continue
        try:
            _write(path, boxes, args, predictor, classes)
            done += 1
        except BccsegError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            failed += 1
    if not done + failed:
        raise DataError(f"No picture in {pictures} has a box file of the same name in {args.boxes}.")
    print(f"{done} label pictures in {args.out / 'labels'}", file=sys.stderr)
    return 1 if failed else 0


def parse_classes(words: list[str]) -> dict[int, CellClass]:
    """Classes by the numbers that boxes have, from "white=0 red=1,2". Raises SettingsError."""
    known, found = {one.name: one for one in DEFAULT_CLASSES}, {}
    for word in words:
        name, _, numbers = word.partition("=")
        try:
            one = known.get(name) or CellClass(name=name, colour=OTHER_COLOUR)
            found.update({int(n): one for n in numbers.split(",")})
        except ValueError:
            raise SettingsError(f"--classes: '{word}' is not NAME=NUMBER or NAME=NUMBER,NUMBER.") from None
    return found


def _write(
    path: Path, boxes: Path, args: argparse.Namespace, predictor: "Predictor | None", classes: dict[int, CellClass]
) -> None:
    import numpy as np

    from bccseg.files import write_atomically
    from bccseg.imaging.box_classes import classes_from_boxes
    from bccseg.imaging.label_image import relabel
    from bccseg.imaging.part_mask import part_mask
    from bccseg.inference.box_labels import label_boxes
    from bccseg.io.box_files import read_boxes
    from bccseg.io.images import read_image, read_mask
    from bccseg.io.label_files import labels_png, mask_png
    from bccseg.io.truth import CLASSES, LABELS, OTHERS, UNKNOWN

    picture = read_image(path) if predictor else read_mask(path)
    numbers, found = read_boxes(boxes, picture.shape[:2])
    no_cell = np.isin(numbers, [*args.no_cells, *(n for n, one in classes.items() if one.small)])
    name = f"{path.stem}.png"
    if predictor:
        labels, unknown = label_boxes(picture, found[~no_cell], found[no_cell], predictor)
        (args.out / UNKNOWN).mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / UNKNOWN / name, mask_png(unknown))
    else:
        labels = part_mask(picture, found[~no_cell], MIN_TRUE_AREA_PX)
    if classes:
        labels, known = classes_from_boxes(labels, picture if predictor else None, numbers, found, classes)
        is_other = np.isin(np.arange(int(labels.max(initial=0)) + 1), known.no_cells())
        labels, others = relabel(labels, ~is_other), relabel(labels, is_other)  # small ones have the last numbers
        if others.any():
            (args.out / OTHERS).mkdir(parents=True, exist_ok=True)
            write_atomically(args.out / OTHERS / name, labels_png(others))
        (args.out / CLASSES).mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / CLASSES / f"{path.stem}.json", known.to_json())
    (args.out / LABELS).mkdir(parents=True, exist_ok=True)
    write_atomically(args.out / LABELS / name, labels_png(labels))

"""Labels and datasets from elsewhere: label pictures, masks, and folders or zips in the Kaggle layout."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bccseg.annotation.records import Split
from bccseg.annotation.store import LabelStore
from bccseg.errors import DataError, ImageError, WithdrawnError
from bccseg.io.archive import is_zip, zip_members
from bccseg.io.images import SUFFIXES, decode
from bccseg.io.label_files import read_labels

IMAGE_FOLDERS = ("original", "image", "images", "img")
LABEL_FOLDERS = ("mask", "masks", "label", "labels")
SPLIT_FOLDERS: dict[str, Split] = {"train": "train", "test": "test", "validation": "validation", "val": "validation"}
LABEL_ENDINGS = ("_labels", "_mask")  # as `segment` writes them

Read = Callable[[], bytes]


@dataclass
class ImportReport:
    """What came of an import."""

    added: int = 0  # images with labels now in the collection
    already: int = 0  # ... that were there with just these labels
    cells: int = 0
    lonely: list[str] = field(default_factory=list)  # files without a partner
    failed: list[tuple[str, str]] = field(default_factory=list)  # name, reason


@dataclass(frozen=True)
class Pair:
    """An image file and its label file."""

    name: str
    image: Read
    labels: Read
    split: Split | None


def import_dataset(store: LabelStore, source: Path | bytes, author: str, licence: str) -> Iterator[ImportReport]:
    """Add images with their labels to the collection as accepted versions; yields the report after each pair.

    source: a folder or the bytes of a zip, in the Kaggle layout (train/original + train/mask, ...), or images with
    <stem>_labels or <stem>_mask beside them. The folder's name gives the split: train, validation or test.
    Raises DataError if there is nothing to import.
    """
    report = ImportReport()
    found = False
    for pair in _pairs(_files(source), report):
        found = True
        try:
            image = decode(pair.image())[0].image
            labels = read_labels(pair.labels(), image.shape[:2])
            info = store.add_image(image, pair.name, added_by=author, licence=licence, split=pair.split)
            if any(
                v.cells == labels.max(initial=0) and (store.labels(v) == labels).all() for v in store.versions(info.id)
            ):
                report.already += 1
            else:
                store.save_version(
                    info.id, labels, author=author, status="accepted", licence=licence, comment="imported"
                )
                report.added += 1
                report.cells += int(labels.max(initial=0))
        except (ImageError, WithdrawnError, OSError) as error:
            report.failed.append((pair.name, str(error)))
        yield report
    if not found:
        raise DataError(
            "No image with a mask was found. Put images in 'original' and masks of the same names in 'mask' "
            "(also below 'train' and 'test'), or name labels <image>_labels.png."
        )


def _files(source: Path | bytes) -> dict[PurePosixPath, Read]:
    """Picture files by their path inside the folder or zip, each with what reads it."""
    if isinstance(source, Path):
        paths = [p for p in sorted(source.rglob("*")) if p.is_file()]
        files = {PurePosixPath(p.relative_to(source).as_posix()): p.read_bytes for p in paths}
    elif is_zip(source):
        files = {PurePosixPath(name): read for name, read in zip_members(source).items()}
    else:
        raise DataError("That is no zip file. Pack the folder with 'original' and 'mask' as a zip.")
    return {path: read for path, read in files.items() if path.suffix.lower() in SUFFIXES}


def _pairs(files: dict[PurePosixPath, Read], report: ImportReport) -> Iterator[Pair]:
    """Images with their labels, in order of name; the rest goes into report.lonely."""
    sides: dict[tuple[str, str], dict[str, PurePosixPath]] = {}
    for path in sorted(files):
        folder, stem = path.parent.name.lower(), path.stem
        ending = next((e for e in LABEL_ENDINGS if stem.endswith(e)), "")
        if folder in LABEL_FOLDERS or ending:
            place = path.parent.parent if folder in LABEL_FOLDERS else path.parent
            key, side = (str(place), stem.removesuffix(ending)), f"labels{LABEL_ENDINGS.index(ending) if ending else 0}"
        else:
            place = path.parent.parent if folder in IMAGE_FOLDERS else path.parent
            key, side = (str(place), stem), "image"
        sides.setdefault(key, {}).setdefault(side, path)
    for (place, _), pair in sorted(sides.items()):
        image, truth = pair.get("image"), pair.get("labels0") or pair.get("labels1")
        if image is None or truth is None:
            report.lonely.extend(str(p) for p in pair.values())
            continue
        folders = [folder.lower() for folder in PurePosixPath(place).parts]
        split = next((SPLIT_FOLDERS[folder] for folder in reversed(folders) if folder in SPLIT_FOLDERS), None)
        yield Pair(name=image.name, image=files[image], labels=files[truth], split=split)

"""What a folder or zip holds to be imported: images, and which file says where their cells are and of which class."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from bccseg.annotation.records import Split
from bccseg.classes import CellClass, CellMark, CellMarks, ImageClasses
from bccseg.config import MIN_PIECE_PX
from bccseg.errors import BccsegError, DataError, ImageError
from bccseg.imaging.label_image import Labels, areas, relabel
from bccseg.io.annotation_files.label_studio import UPLOADED
from bccseg.io.annotation_files.objects import AnnotatedImage, AnnotationFile, class_counts, draw_objects
from bccseg.io.annotation_files.read import JSON_SUFFIXES, read_annotation_json
from bccseg.io.annotation_files.yolo import NAMES_FILES, looks_like_yolo, names_of_list, names_of_yaml, read_yolo
from bccseg.io.archive import is_zip, zip_members
from bccseg.io.images import SUFFIXES
from bccseg.io.label_files import read_labels
from bccseg.io.truth import CLASSES, OTHERS, join_others

IMAGE_FOLDERS = ("original", "image", "images", "img")
LABEL_FOLDERS = ("mask", "masks", "label", "labels")
SPLIT_FOLDERS: dict[str, Split] = {"train": "train", "test": "test", "validation": "validation", "val": "validation"}
LABEL_ENDINGS = ("_labels", "_mask")  # as `segment` writes them
YAML_SUFFIXES = (".yaml", ".yml")
TEXT_SUFFIXES = (*JSON_SUFFIXES, *YAML_SUFFIXES, ".txt", ".names")

Read = Callable[[], bytes]
Files = dict[PurePosixPath, Read]


@dataclass(frozen=True)
class Truth:
    """The cells of one image."""

    labels: Labels  # int32 (H, W), 1..N
    marks: CellMarks  # by the names of the source
    certain: bool = True  # False: outlines stand for boxes, or nobody has looked at what a network found


@dataclass(frozen=True)
class Pair:
    """An image file, and what reads its cells for the image uint8 (H, W, 3)."""

    name: str
    image: Read
    truth: Callable[[NDArray[np.uint8]], Truth]
    split: Split | None


@dataclass
class Dataset:
    """A folder or zip, looked through; no image is read yet."""

    pairs: list[Pair] = field(default_factory=list)
    class_counts: dict[str, int] = field(default_factory=dict)  # objects by the source's class names
    classes: dict[str, CellClass] = field(default_factory=dict)  # colours and the like, where they come along
    lonely: list[str] = field(default_factory=list)  # files without a partner
    failed: list[tuple[str, str]] = field(default_factory=list)  # name, reason


def open_dataset(source: Path | bytes) -> Dataset:
    """Look a folder, or the bytes of a zip, through: see `dataset_import`. Raises DataError, ImageError."""
    files = _files(source)
    found = Dataset()
    pictures = {path for path in files if path.suffix.lower() in SUFFIXES}
    images: set[PurePosixPath] = set()
    for pair in _picture_pairs(files, pictures, found):
        found.pairs.append(pair)
    images = {path for path in pictures if not _is_labels(path)}
    paired = {path for path in images if any(pair.image is files[path] for pair in found.pairs)}
    taken = set(paired)
    for path, annotated in _annotations(files, images, found):
        image = _image_of(annotated.file_name, path, images)
        if image is None:
            found.lonely.append(annotated.file_name)
        elif image not in taken:
            taken.add(image)
            _count([annotated], found)
            found.pairs.append(Pair(image.name, files[image], _drawing(annotated), _split(image)))
    found.lonely.extend(str(path) for path in sorted(images - taken))
    return found


def truth_of(data: bytes, name: str, image_name: str) -> tuple[Callable[[NDArray[np.uint8]], Truth], Dataset]:
    """Of a single file for a single image: a picture of labels or a mask, or annotations in a known format; and its
    class names. Raises DataError for a file that is nothing of that, or speaks of other images.
    """
    about, suffix = Dataset(), PurePosixPath(name).suffix.lower()
    if suffix not in TEXT_SUFFIXES:
        return lambda image: Truth(read_labels(data, image.shape[:2]), {}), about
    if suffix == ".txt":
        file: AnnotationFile | None = read_yolo(data, {}, image_name)
    else:
        file = read_annotation_json(data, PurePosixPath(image_name).stem)
    if file is None:
        raise DataError("The file holds no annotations in a format that is known: COCO, GeoJSON, LabelMe, "
                        "Label Studio or YOLO.")  # fmt: skip
    wanted = PurePosixPath(image_name)
    named = [one for one in file.images if _image_of(one.file_name, PurePosixPath(name), {wanted})]
    if not named and len(file.images) == 1:
        named = file.images  # whatever the image was called there
    if not named:
        raise DataError(f"The file speaks of {len(file.images)} images, and none is called {image_name}.")
    _count(named[:1], about)
    about.classes.update(file.classes)
    return _drawing(named[0]), about


def _files(source: Path | bytes) -> Files:
    """Pictures and annotations by their path inside the folder or zip, each with what reads it."""
    if isinstance(source, Path):
        paths = [p for p in sorted(source.rglob("*")) if p.is_file()]
        files = {PurePosixPath(p.relative_to(source).as_posix()): p.read_bytes for p in paths}
    elif is_zip(source):
        files = {PurePosixPath(name): read for name, read in zip_members(source).items()}
    else:
        raise DataError("That is no zip file. Pack the folder with 'original' and 'mask' as a zip.")
    return {path: read for path, read in files.items() if path.suffix.lower() in (*SUFFIXES, *TEXT_SUFFIXES)}


# --- label pictures


def _is_labels(path: PurePosixPath) -> bool:
    return path.parent.name.lower() in (*LABEL_FOLDERS, OTHERS) or path.stem.endswith(LABEL_ENDINGS)


def _picture_pairs(files: Files, pictures: set[PurePosixPath], found: Dataset) -> Iterator[Pair]:
    """Images with label pictures, in order of name; label pictures without an image go into `found.lonely`."""
    sides: dict[tuple[str, str], dict[str, PurePosixPath]] = {}
    for path in sorted(pictures):
        folder, stem = path.parent.name.lower(), path.stem
        if folder == OTHERS:
            continue
        ending = next((e for e in LABEL_ENDINGS if stem.endswith(e)), "")
        if _is_labels(path):
            place = path.parent.parent if folder in LABEL_FOLDERS else path.parent
            key, side = (str(place), stem.removesuffix(ending)), f"labels{LABEL_ENDINGS.index(ending) if ending else 0}"
        else:
            place = path.parent.parent if folder in IMAGE_FOLDERS else path.parent
            key, side = (str(place), stem), "image"
        sides.setdefault(key, {}).setdefault(side, path)
    for (place, stem), pair in sorted(sides.items()):
        image, truth = pair.get("image"), pair.get("labels0") or pair.get("labels1")
        if image is None:
            found.lonely.extend(str(p) for p in pair.values())
        elif truth is not None:
            others = files.get(PurePosixPath(place) / OTHERS / f"{stem}.png")
            known = _image_classes(files, PurePosixPath(place) / CLASSES / f"{stem}.json", found)
            yield Pair(image.name, files[image], _reading(files[truth], others, known), _split(image))


def _image_classes(files: Files, path: PurePosixPath, found: Dataset) -> ImageClasses:
    """What classes/<stem>.json says; a damaged one is told of, and its image's cells are unclassified."""
    known = ImageClasses()
    if path in files:
        try:
            known = ImageClasses.from_json(files[path]())
        except (BccsegError, OSError) as error:
            found.failed.append((str(path), str(error)))
    for name in known.cells.values():
        found.class_counts[name] = found.class_counts.get(name, 0) + 1
    found.classes.update({one.name: one for one in known.classes})
    return known


def _reading(labels: Read, others: Read | None, known: ImageClasses) -> Callable[[NDArray[np.uint8]], Truth]:
    def read(image: NDArray[np.uint8]) -> Truth:
        shape = image.shape[:2]
        if not known.cells:
            return Truth(read_labels(labels(), shape), {})
        ids = read_labels(labels(), shape, split_pieces=False)
        if others is not None:
            ids = join_others(ids, read_labels(others(), shape, split_pieces=False))
        pieces = label(ids, connectivity=1, background=0)
        keep = areas(pieces) >= MIN_PIECE_PX
        owner = np.zeros(len(keep), np.int64)
        owner[pieces.ravel()] = ids.ravel()
        keep[0] = False
        marks = {
            cell: CellMark(name=known.cells[of])
            for cell, of in enumerate(owner[keep].tolist(), start=1)
            if known.cells.get(of)
        }
        return Truth(relabel(pieces, keep), marks)

    return read


# --- annotations


def _annotations(
    files: Files, images: set[PurePosixPath], found: Dataset
) -> Iterator[tuple[PurePosixPath, AnnotatedImage]]:
    """What annotation files say of each image; those that are damaged go into `found.failed`."""
    for path in sorted(files):
        suffix = path.suffix.lower()
        try:
            if suffix in JSON_SUFFIXES and path.parent.name != CLASSES:
                file = read_annotation_json(files[path](), path.stem)
            elif suffix == ".txt" and path.name.lower() not in NAMES_FILES:
                file = _yolo_file(files, path, images)
            else:
                continue
        except (BccsegError, OSError) as error:
            found.failed.append((str(path), str(error)))
            continue
        if file is not None:
            for name, one in file.classes.items():
                found.classes.setdefault(name, one)
            yield from ((path, annotated) for annotated in file.images)


def _yolo_file(files: Files, path: PurePosixPath, images: set[PurePosixPath]) -> AnnotationFile | None:
    if not any(image.stem == path.stem for image in images) or not looks_like_yolo(data := files[path]()):
        return None
    named = [p for p in files if p.name.lower() in NAMES_FILES or p.suffix.lower() in YAML_SUFFIXES]
    names: dict[int, str] = {}
    for names_path in sorted(named, key=lambda p: (-_shared(p, path), p)):
        is_yaml = names_path.suffix.lower() in YAML_SUFFIXES
        names = names or (names_of_yaml if is_yaml else names_of_list)(files[names_path]())
    return read_yolo(data, names, path.stem)


def _image_of(file_name: str, annotations: PurePosixPath, images: set[PurePosixPath]) -> PurePosixPath | None:
    """The image that annotations mean: of its name, or of its name without suffix; of several the one that lies nearest
    to them, or, where the name has folders, in these.
    """
    meant = PurePosixPath(file_name.replace("\\", "/"))
    stems = {meant.name.lower(), *([meant.stem.lower()] if meant.suffix.lower() in SUFFIXES else [])}
    for name, same in ((meant.name.lower(), lambda p: p.name), ("", lambda p: p.stem)):
        wanted = {name, UPLOADED.sub("", name)} if name else {*stems, *(UPLOADED.sub("", s) for s in stems)}
        fitting = [path for path in images if same(path).lower() in wanted]
        if fitting:
            return min(fitting, key=lambda p: (-_shared(p, meant), -_shared(p, annotations), str(p)))
    return None


def _shared(one: PurePosixPath, other: PurePosixPath) -> int:
    """How many folders two paths have in common."""
    return len(set(one.parent.parts) & set(other.parent.parts))


def _drawing(annotated: AnnotatedImage) -> Callable[[NDArray[np.uint8]], Truth]:
    def draw(image: NDArray[np.uint8]) -> Truth:
        shape = image.shape[:2]
        if annotated.size not in (None, shape):
            height, width = annotated.size
            raise ImageError(
                f"The annotations are for an image of {width} x {height} px, this one is {shape[1]} x {shape[0]} px."
            )
        labels, objects = draw_objects(annotated.objects, shape)
        marks = {
            cell: CellMark(name=one.name, by=one.by, score=one.score if one.by == "network" else None)
            for cell, one in enumerate(objects, start=1)
            if one.name
        }
        return Truth(labels, marks, not annotated.predicted and all(one.box is None for one in objects))

    return draw


def _count(images: list[AnnotatedImage], found: Dataset) -> None:
    for name, count in class_counts(images).items():
        found.class_counts[name] = found.class_counts.get(name, 0) + count


def _split(image: PurePosixPath) -> Split | None:
    """From the nearest folder that names one."""
    folders = [folder.lower() for folder in image.parent.parts]
    return next((SPLIT_FOLDERS[folder] for folder in reversed(folders) if folder in SPLIT_FOLDERS), None)

"""What a folder or zip holds to be imported: images, and which file says where their cells are and of which class."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bccseg.annotation.import_annotations import TEXT_SUFFIXES, annotated_images, count_names, drawing
from bccseg.annotation.import_parts import Dataset, Files, ImageNames, Pair, Truth, split_of_folder
from bccseg.annotation.import_pictures import is_label_picture, picture_pairs
from bccseg.errors import DataError
from bccseg.io.annotation_files.objects import AnnotationFile
from bccseg.io.annotation_files.read import read_annotation_json
from bccseg.io.annotation_files.yolo import read_yolo
from bccseg.io.archive import is_zip, zip_members
from bccseg.io.images import SUFFIXES
from bccseg.io.label_files import read_labels


def open_dataset(source: Path | bytes) -> Dataset:
    """Look a folder, or the bytes of a zip, through: see `dataset_import`. Raises DataError, ImageError."""
    files = _files(source)
    found = Dataset()
    pictures = {path for path in files if path.suffix.lower() in SUFFIXES}
    taken: set[PurePosixPath] = set()
    for path, pair in picture_pairs(files, pictures, found):
        taken.add(path)
        found.pairs.append(pair)
    images = ImageNames(path for path in pictures if not is_label_picture(path))
    for path, annotated in annotated_images(files, images, found):
        image = images.find(annotated.file_name, path)
        if image is None:
            found.lonely.append(annotated.file_name)
        elif image not in taken:
            taken.add(image)
            count_names([annotated], found)
            found.pairs.append(Pair(image.name, files[image], drawing(annotated), split_of_folder(image)))
    found.lonely.extend(str(path) for path in sorted(images.paths - taken))
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
    wanted = ImageNames([PurePosixPath(image_name)])
    named = [one for one in file.images if wanted.find(one.file_name, PurePosixPath(name))]
    if not named and len(file.images) == 1:
        named = file.images  # whatever the image was called there
    if not named:
        raise DataError(f"The file speaks of {len(file.images)} images, and none is called {image_name}.")
    count_names(named[:1], about)
    about.classes.update(file.classes)
    return drawing(named[0]), about


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

"""Annotations of an import: what files of other programs say of its images."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bccseg.annotation.import_parts import Dataset, Files, ImageNames, Truth, shared_folders
from bccseg.classes import CellMark
from bccseg.errors import BccsegError, ImageError
from bccseg.io.annotation_files.objects import AnnotatedImage, class_counts, draw_objects
from bccseg.io.annotation_files.read import JSON_SUFFIXES, read_annotation_json
from bccseg.io.annotation_files.yolo import NAMES_FILES, looks_like_yolo, names_of_list, names_of_yaml, read_yolo
from bccseg.io.truth import CLASSES

YAML_SUFFIXES = (".yaml", ".yml")
TEXT_SUFFIXES = (*JSON_SUFFIXES, *YAML_SUFFIXES, ".txt", ".names")


def annotated_images(
    files: Files, images: ImageNames, found: Dataset
) -> Iterator[tuple[PurePosixPath, AnnotatedImage]]:
    """What annotation files say of each image; those that are damaged go into `found.failed`."""
    names = _YoloNames(files, found)
    for path in sorted(files):
        suffix = path.suffix.lower()
        try:
            if suffix in JSON_SUFFIXES and path.parent.name != CLASSES:
                file = read_annotation_json(files[path](), path.stem)
            elif suffix == ".txt" and path.name.lower() not in NAMES_FILES and path.stem in images.stems:
                data = files[path]()
                file = read_yolo(data, names.near(path), path.stem) if looks_like_yolo(data) else None
            else:
                continue
        except (BccsegError, OSError) as error:
            found.failed.append((str(path), str(error)))
            continue
        if file is not None:
            for name, one in file.classes.items():
                found.classes.setdefault(name, one)
            yield from ((path, annotated) for annotated in file.images)


class _YoloNames:
    """The class names of YOLO's files, from classes.txt or data.yaml; damaged ones go into `found.failed`."""

    def __init__(self, files: Files, found: Dataset) -> None:
        self._names: dict[PurePosixPath, dict[int, str]] = {}
        for path in sorted(files):
            is_yaml = path.suffix.lower() in YAML_SUFFIXES
            if not is_yaml and path.name.lower() not in NAMES_FILES:
                continue
            try:
                if names := (names_of_yaml if is_yaml else names_of_list)(files[path]()):
                    self._names[path] = names
            except (BccsegError, OSError) as error:
                found.failed.append((str(path), str(error)))

    def near(self, path: PurePosixPath) -> dict[int, str]:
        """Those that lie nearest to a file."""
        nearest = min(self._names, key=lambda p: (-shared_folders(p, path), str(p)), default=None)
        return {} if nearest is None else self._names[nearest]


def drawing(annotated: AnnotatedImage) -> Callable[[NDArray[np.uint8]], Truth]:
    """What draws the objects of an image as labels; it raises ImageError for an image of another size."""

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


def count_names(images: list[AnnotatedImage], found: Dataset) -> None:
    """Add the class names of some images to those of the dataset."""
    for name, count in class_counts(images).items():
        found.class_counts[name] = found.class_counts.get(name, 0) + count

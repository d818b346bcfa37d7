"""YOLO files (docs.ultralytics.com/datasets), read: a line an object, "class cx cy w h" or "class x y x y …"."""

import re

import numpy as np
import yaml

from bccseg.errors import DataError
from bccseg.io.annotation_files.objects import AnnotatedImage, AnnotatedObject, AnnotationFile, as_text

NAMES_FILES = ("classes.txt", "obj.names", "_darknet.labels")
NUMBER = re.compile(r"\d{1,6}")


def read_yolo(data: bytes, names: dict[int, str], file_name: str) -> AnnotationFile:
    """Boxes and outlines of the image `file_name`. names: of the classes, by their number; classes without a name are
    called "class 0" and so on. Raises DataError for a line that is something else.
    """
    image = AnnotatedImage(file_name)
    for number, line in enumerate(_text(data).splitlines(), start=1):
        if not (words := line.split()):
            continue
        try:
            if not NUMBER.fullmatch(words[0]):
                raise ValueError
            values = np.array([float(word) for word in words[1:]])
            if not np.isfinite(values).all() or np.abs(values).max(initial=0) > 2:
                raise ValueError
            name = names.get(int(words[0]), f"class {int(words[0])}")
            image.objects.append(_object(name, values))
        except ValueError:
            raise DataError(
                f"Line {number} is neither 'class cx cy w h' nor 'class x y x y x y …' in shares of the image: "
                f"'{line[:60]}'."
            ) from None
    return AnnotationFile([image])


def _object(name: str, values: np.ndarray) -> AnnotatedObject:
    if len(values) in (4, 5):  # five: how sure a network is of it, last
        centre, half = values[:2], values[2:4] / 2
        if (half <= 0).any():
            raise ValueError
        return AnnotatedObject(name, box=np.concatenate([centre - half, centre + half]), relative=True)
    if len(values) >= 6 and len(values) % 2 == 0:
        return AnnotatedObject(name, ((values.reshape(-1, 2),),), relative=True)
    raise ValueError


def looks_like_yolo(data: bytes) -> bool:
    """Whether the first line that is not empty begins as an object does; an empty file says that there is none."""
    first = next((line.split() for line in data[:4000].decode("utf-8", "replace").splitlines() if line.strip()), None)
    return first is None or (len(first) >= 5 and NUMBER.fullmatch(first[0]) is not None)


def names_of_list(data: bytes) -> dict[int, str]:
    """Names from classes.txt: a line a class. Raises DataError."""
    return {k: as_text(line) for k, line in enumerate(_text(data).splitlines()) if line.strip()}


def names_of_yaml(data: bytes) -> dict[int, str]:
    """Names from data.yaml: a list, or names by number; {} if it has none. Raises DataError."""
    try:
        value = yaml.safe_load(_text(data))
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError("It cannot be read as YAML.") from error
    names = value.get("names") if isinstance(value, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        return {}
    return {int(k): as_text(name) for k, name in names.items() if NUMBER.fullmatch(str(k)) and as_text(name)}


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("It is no text file.") from error

"""Which kind of annotation file it is, and what it holds."""

from typing import Any

from pydantic_core import from_json

from bccseg.errors import DataError
from bccseg.io.annotation_files.coco import is_coco, read_coco
from bccseg.io.annotation_files.geojson import is_geojson, read_geojson
from bccseg.io.annotation_files.label_studio import is_label_studio, read_label_studio
from bccseg.io.annotation_files.labelme import is_labelme, read_labelme
from bccseg.io.annotation_files.objects import AnnotationFile

JSON_SUFFIXES = (".json", ".geojson")
KNOWN = "COCO, GeoJSON, LabelMe or Label Studio"
MOST_BYTES = 500_000_000


def read_annotation_json(data: bytes, stem: str) -> AnnotationFile | None:
    """What a JSON file holds; None if it is none of those known. stem: of the file, which formats that know one image
    alone share with it. Raises DataError if it is damaged.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"The file is larger than {MOST_BYTES // 10**6} MB. Split it.")
    try:
        value: Any = from_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise DataError(f"It cannot be read as JSON ({str(error)[:100]}).") from error
    try:
        if is_coco(value):
            return read_coco(value)
        if is_labelme(value):
            return read_labelme(value, stem)
        if is_geojson(value):
            return read_geojson(value, stem)
        if is_label_studio(value):
            return read_label_studio(value)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        # A value of a kind that nothing expects where it stands.
        raise DataError(f"The annotations are damaged ({type(error).__name__}: {str(error)[:80]}).") from error
    return None

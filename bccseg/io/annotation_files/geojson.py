"""GeoJSON as QuPath writes and reads it (RFC 7946; qupath.readthedocs.io), read."""

from contextlib import suppress
from typing import Any

from bccseg.classes import CellClass
from bccseg.errors import BccsegError, DataError
from bccseg.io.annotation_files.objects import (
    AnnotatedImage,
    AnnotatedObject,
    AnnotationFile,
    as_ring,
    as_share,
    as_text,
)

ESTIMATED = "whole outline (estimated)"  # what ends the name of a feature that is no object of its own
AREAS = ("Polygon", "MultiPolygon")


def is_geojson(value: Any) -> bool:
    """Whether a JSON value holds features."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and first.get("type") in ("FeatureCollection", "Feature")


def read_geojson(value: Any, file_name: str) -> AnnotationFile:
    """The areas among the features; points and lines are left out. file_name: of the image. Raises DataError."""
    features = value
    if isinstance(value, dict):
        features = value.get("features") if value["type"] == "FeatureCollection" else [value]
    if not isinstance(features, list):
        raise DataError("The GeoJSON file is damaged: its features are no list.")
    found = AnnotationFile([AnnotatedImage(file_name)])
    for number, feature in enumerate(features, start=1):
        what = f"Feature {number} of the GeoJSON file"
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
            raise DataError(f"{what} has no geometry.")
        geometry, about = feature["geometry"], feature.get("properties") or {}
        if geometry.get("type") not in AREAS or as_text(about.get("name")).endswith(ESTIMATED):
            continue
        name, colour = _classification(about.get("classification"))
        if name.endswith("*"):  # a region, by QuPath's convention
            continue
        if name and colour and name not in found.classes:
            with suppress(BccsegError):  # a name that a class here cannot have; the mapping finds another
                found.classes[name] = CellClass(name=name, colour=colour)
        parts = geometry.get("coordinates")
        parts = [parts] if geometry["type"] == "Polygon" else parts
        if not isinstance(parts, list) or not all(isinstance(part, list) and part for part in parts):
            raise DataError(f"{what} has no coordinates.")
        by, score = _certainty(about)
        rings = tuple(tuple(as_ring(ring, what) for ring in part) for part in parts)
        found.images[0].objects.append(AnnotatedObject(name, rings, by=by, score=score))
    return found


def _classification(value: Any) -> tuple[str, str]:
    """Name and colour "#rrggbb" of a class as QuPath has written it over the years; empty where there is none."""
    if not isinstance(value, dict):
        return as_text(value), ""
    name = value.get("name")
    if not name and isinstance(value.get("names"), list):
        name = ": ".join(map(str, value["names"]))
    colour, number = value.get("color"), value.get("colorRGB")
    if isinstance(number, int):
        colour = [(number >> shift) & 255 for shift in (16, 8, 0)]
    good = isinstance(colour, list) and len(colour) >= 3 and all(isinstance(c, int) and 0 <= c < 256 for c in colour)
    return as_text(name), "#{:02X}{:02X}{:02X}".format(*colour[:3]) if good else ""


def _certainty(about: dict[str, Any]) -> tuple[Any, float | None]:
    """Who says of which class a feature is, and how surely, as bccseg writes it."""
    values, more = about.get("measurements"), about.get("metadata")
    by = "network" if isinstance(more, dict) and more.get("class_by") == "network" else "person"
    return by, as_share(values.get("class_score")) if isinstance(values, dict) and by == "network" else None

"""The pixel size of a microscope: from its optics, or measured on something of known length; kept under a name.

pixel size = camera pixel x binning / (objective x tube factor)
"""

import math
import re
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field

from bccseg.errors import SettingsError, StoreError
from bccseg.imaging.pixel_size import DOUBTFUL_ABOVE_UM, DOUBTFUL_BELOW_UM, LEAST_UM, MOST_UM, RED_CELL_UM
from bccseg.schema import Schema, ranged

UNITS_UM = {"µm": 1.0, "mm": 1000.0, "nm": 0.001, "cm": 10_000.0}  # as they are offered
WRITTEN = re.compile(r"([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)\s*(µm|μm|um|mm|nm|cm)?", re.IGNORECASE)
MOST_LENGTH_UM = 100_000.0  # 10 cm: no field of a microscope is wider
SNAPPED_PX, BY_HAND_PX = 0.3, 0.5  # standard error of an end: found in the image, or placed by hand (at least)
How = Literal["optics", "measured", "typed"]


class Optics(Schema):
    """What a microscope's pixel size follows from."""

    title = "optics"

    objective: Annotated[float, ranged(0.5, 250)] = 40.0  # magnification
    camera_pixel_um: Annotated[float, ranged(0.3, 50)] = 3.45  # pitch of the sensor
    binning: Annotated[int, ranged(1, 16)] = 1
    tube_factor: Annotated[float, ranged(0.05, 10)] = 1.0  # tube lens, camera adapter and optovar, multiplied

    @property
    def pixel_size_um(self) -> float:
        """On the slide."""
        return self.camera_pixel_um * self.binning / (self.objective * self.tube_factor)


class Calibration(Schema):
    """A pixel size, its name, and where it comes from. Raises StoreError."""

    model_config = ConfigDict(extra="ignore")  # of later versions
    error = StoreError
    title = "data of a calibration"

    name: str = Field(min_length=1, max_length=80)
    pixel_size_um: Annotated[float, ranged(LEAST_UM, MOST_UM)]
    how: How
    optics: Optics | None = None
    camera: str = Field("", max_length=80)
    length_um: float | None = None  # of what was measured, and in px
    length_px: float | None = None
    error_percent: float | None = None  # standard error of a measured one
    measured_on: str = Field("", max_length=200)  # name of the image
    who: str = Field("", max_length=80)
    when: str = ""  # ISO 8601, UTC

    @property
    def source(self) -> str:
        """In a few words, for tables."""
        told = ", ".join(part for part in (self.when[:10], self.who) if part)
        how = {"optics": "objective and camera", "measured": "measured", "typed": "typed"}[self.how]
        return f"{how}: {self.name}" + (f" ({told})" if told else "")


class Measured(NamedTuple):
    """A pixel size measured along a line."""

    pixel_size_um: float
    length_px: float
    error_percent: float  # standard error


def read_length_um(text: str, unit: str = "µm") -> float | None:
    """A length in µm from "10", "0,1 mm" or "500nm"; None from nothing. unit: where the text has none, see UNITS_UM.

    Raises SettingsError.
    """
    text = text.strip()
    if not text:
        return None
    written = WRITTEN.fullmatch(text)
    if not written:
        raise SettingsError(f"'{text}' is no length. Type how long the line is, such as 10 or 0,1 mm.")
    named = (written[2] or unit).lower().replace("μ", "µ").replace("um", "µm")
    length = float(written[1].replace(",", ".")) * UNITS_UM[named]
    if not 0 < length <= MOST_LENGTH_UM:
        raise SettingsError(f"A line on a slide is up to {MOST_LENGTH_UM / 10_000:g} cm long, not {text}.")
    return length


def measure_line(
    start: tuple[float, float], end: tuple[float, float], length_um: float, end_errors_px: tuple[float, float]
) -> Measured | None:
    """The pixel size, from a line between two points (x, y in px) that is `length_um` long on the slide.

    end_errors_px: standard error of each end. None for a line shorter than 2 px or a size of no microscope.
    """
    length = math.dist(start, end)
    size = length_um / length if length >= 2 else 0.0
    if not LEAST_UM <= size <= MOST_UM:
        return None
    return Measured(size, length, 100 * math.hypot(*end_errors_px) / length)


class Verdict(NamedTuple):
    """What the cells say of a pixel size."""

    fits: bool  # red cells have their usual size
    words: str


def verdict(diameter_px: float | None, pixel_size_um: float | None, cells: str = "cells") -> Verdict | None:
    """What a median diameter of `cells` says of the pixel size, in words; None where either is unknown."""
    if not diameter_px or not pixel_size_um:
        return None
    low, high = RED_CELL_UM
    size = diameter_px * pixel_size_um
    typical = f"With this pixel size the {cells} here are typically {size:.1f} µm across"
    usual = f"red cells on a dry smear {low:g} to {high:g} µm"
    if low <= size <= high:
        return Verdict(True, f"{typical}: as usual ({usual}).")
    than = "smaller" if size < low else "larger"
    if DOUBTFUL_BELOW_UM <= size <= DOUBTFUL_ABOVE_UM:
        return Verdict(False, f"{typical}: {than} than {usual}. Right for other cells or wet films; else check it.")
    return Verdict(False, f"{typical}, and {usual}: the pixel size cannot be right.")

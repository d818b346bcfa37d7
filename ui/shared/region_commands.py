"""What a hand does to the regions of an image, wherever they are kept."""

from collections.abc import Sequence

from bccseg.errors import SettingsError
from bccseg.imaging.regions import LONGEST_NAME, MOST_REGIONS, Region
from ui.components.shapes import ShapeCommand

Regions = tuple[Region, ...]


def apply_commands(regions: Regions, commands: Sequence[ShapeCommand]) -> Regions:
    """The regions after what a hand did. What makes no region changes nothing; what comes twice is done once."""
    for command in commands:
        if command.act == "delete":
            regions = tuple(one for one in regions if one.name != command.name)
        elif command.act == "put":
            try:
                region = Region(name=command.name, kind=command.kind, points=command.points)
            except SettingsError:
                continue
            regions = put(regions, region, is_new=command.is_new)
    return regions


def put(regions: Regions, region: Region, *, is_new: bool) -> Regions:
    """With a region that is new, under a name that is free; or in the place of the one of its name."""
    if region in regions:
        return regions
    names = [one.name for one in regions]
    if is_new or region.name not in names:
        if len(regions) >= MOST_REGIONS:
            return regions
        return (*regions, region.replace(name=free_name(region.name, names)))
    return tuple(region if one.name == region.name else one for one in regions)


def free_name(name: str, taken: Sequence[str]) -> str:
    """The name, or one with a number that no other region has."""
    candidate, k = name, 1
    while candidate in taken:
        k += 1
        ending = f" ({k})"
        candidate = name[: LONGEST_NAME - len(ending)] + ending
    return candidate


def rename(regions: Regions, old: str, new: str) -> Regions:
    """With another name for a region. Raises SettingsError if it is none."""
    others = [one.name for one in regions if one.name != old]
    return tuple(one.replace(name=free_name(new.strip(), others)) if one.name == old else one for one in regions)

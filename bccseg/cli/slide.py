"""`bccseg slide`: a whole slide in, labels, tables and maps out, in bounded memory."""

import argparse
import logging
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bccseg.cli.segment import settings_from
from bccseg.cli.server_weights import server_predictor
from bccseg.config import DEVICES, WORKER_NICENESS, SegmentSettings
from bccseg.imaging.pixel_size import doubt, read_pixel_size

if TYPE_CHECKING:
    from bccseg.slides.segmenting import SlideStep


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("slide", help="find and measure the cells of a whole slide; called again it goes on")
    kinds = "SVS, NDPI, (Big)TIFF, OME-TIFF or OME-Zarr; with the extra `slides` MIRAX and others"
    p.add_argument("slide", type=Path, metavar="SLIDE", help=kinds)
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results, one for each slide")
    what = "what to count: fields that look like a monolayer (default), all, or outlines drawn in QuPath"
    p.add_argument("--regions", default="auto", metavar="auto|all|FILE.GEOJSON", help=what)
    p.add_argument("--weights", metavar="W", help="a shipped name, a folder, or hf://owner/repo@revision")
    p.add_argument("--diameter", default="auto", metavar="auto|PX", help="typical cell diameter (default: auto)")
    p.add_argument("--pixel-size", default="", metavar="UM",
                   help="width of a pixel in µm, such as 0.25 (default: from the slide)")  # fmt: skip
    p.add_argument("--device", default="auto", choices=DEVICES)
    p.add_argument("--no-geojson", action="store_true", help="leave out the cells for QuPath")
    p.add_argument("--min-cell", type=float, default=SegmentSettings().min_cell_percent, metavar="PERCENT",
                   help="smallest cell, %% of the typical diameter (default: %(default)s)")  # fmt: skip
    p.add_argument("--background", action="store_true", help=argparse.SUPPRESS)  # as the page Slides starts it
    p.set_defaults(run=run, drop_border=False)


def run(args: argparse.Namespace) -> int:
    """Segment a slide; returns 0. What went wrong is raised, and what was done until then is kept."""
    if args.background:
        return _run_for_page(args)
    from bccseg.slides.open import open_slide
    from bccseg.slides.regions import read_geojson

    settings, pixel_size_um = settings_from(args), read_pixel_size(args.pixel_size)
    regions: Any = args.regions
    if regions not in {"auto", "all"}:
        regions = read_geojson(Path(args.regions))
    with open_slide(args.slide) as slide:
        height, width, stated = *slide.shape, slide.pixel_size_um
        print(f"{slide.path.name}: {width:,} x {height:,} px", file=sys.stderr)
    from bccseg.inference.predictor import load_predictor
    from bccseg.slides.request import SlideRequest, count_slide

    request = SlideRequest(regions=regions, settings=settings, pixel_size_um=pixel_size_um, geojson=not args.no_geojson)
    summary = count_slide(args.slide, args.out, request, load_predictor(args.weights, args.device), _tell)
    last = summary.iloc[-1]
    median = float(last["median_diameter_px"]) if last["cell_count"] else math.nan
    if not math.isnan(median) and (question := doubt(median, pixel_size_um or stated)):
        print(f"bccseg: {question}", file=sys.stderr)
    regions_done = max(1, len(summary) - 1)
    print(f"{last['cell_count']:,} cells in {regions_done} region(s); results in {args.out}", file=sys.stderr)
    return 0


def _run_for_page(args: argparse.Namespace) -> int:
    """A count that a page began: what is asked stands in the folder, and how far it is as well."""
    from bccseg.slides.runs import SlideRun

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(WORKER_NICENESS)  # pages come first
    SlideRun(args.slide, args.out).work(lambda request: server_predictor(request.weights, request.device))
    return 0


def _tell(step: "SlideStep") -> None:
    words = {"looking": "Looking for cells, their size, and where to count.", "tables": "Writing tables and maps."}
    if step.stage in words:
        print(words[step.stage], file=sys.stderr)
        return
    left = "" if step.seconds_left is None else f", {_duration(step.seconds_left)} left"
    print(f"[{step.done}/{step.total}] {step.cells:,} cells{left}", file=sys.stderr)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"

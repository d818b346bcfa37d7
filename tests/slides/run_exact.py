"""A process that segments a slide with the stand-in network: SLIDE OUT BLOCK_PX DIE_AT WHEN.

It kills itself (SIGKILL) when it keeps block DIE_AT: before anything of it is kept, or when all but the record is.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bccseg.config import SegmentSettings
from bccseg.slides import blocks
from bccseg.slides.job import JobFolder
from bccseg.slides.open import open_slide
from bccseg.slides.segmenting import segment_slide
from tests.slides.exact_maps import DIAMETER, ExactMaps


def main(slide, out, side, die_at, when):
    blocks.SIDE_PX = int(side)
    keep = JobFolder.keep

    def keep_or_die(self, number, record, csv, features):
        if number == int(die_at):
            if when == "late":
                self._part(number, "csv").write_bytes(csv)
            os.kill(os.getpid(), signal.SIGKILL)
        keep(self, number, record, csv, features)

    JobFolder.keep = keep_or_die
    with open_slide(slide) as opened:
        segment_slide(opened, ExactMaps(), Path(out), "all", SegmentSettings(diameter_px=DIAMETER))


if __name__ == "__main__":
    main(*sys.argv[1:])

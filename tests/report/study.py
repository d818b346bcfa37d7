"""A small drawn study with everything a report needs."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from bccseg.imaging.synthetic import draw_smear
from bccseg.report.result import Correction, ImageResult, Provenance
from bccseg.report.run_record import RunRecorder
from bccseg.report.study_report import ReportContent, report_picture
from bccseg.report.tables import cell_table, summary_table
from bccseg.statistics.tables import StudyTables

SHA = "ab" * 32


def drawn_results(groups=("control", "<treated> & {x}"), samples=3, pixel_size_um=0.15, **facts):
    """(group, sample, result) of one drawn image a sample; those of later groups have larger cells."""
    out = []
    for k, group in enumerate(groups):
        for s in range(samples):
            image, labels = draw_smear((240, 320), cells=10, diameter_px=44 + 6 * k + s, seed=10 * k + s)
            result = ImageResult.measure(
                image, labels, np.full(int(labels.max()), 0.9, np.float32), pixel_size_um, name=f"{k}{s}.png",
                stem=f"{k}{s}", diameter_px=48.0, weights="unet-bbbc041seg", device="CPU",
                provenance=Provenance("cd" * 32, SHA, "", "0.1.0", "2026-03-01T10:00:00+00:00"), **facts,
            )  # fmt: skip
            out.append((group, f"patient {k}{s}", result))
    return out


def drawn_content(results, **options):
    """The content of a report of `drawn_results`."""
    recorder, cells, images, samples = RunRecorder("Ada"), [], [], []
    for group, sample, result in results:
        place = {"group": group, "sample": sample}
        recorder.add(result)
        images.append(summary_table([result]).assign(**place))
        cells.append(cell_table(result).assign(**place, image=result.name))
        samples.append(place)
    tables = StudyTables(
        pd.concat(cells, ignore_index=True), pd.concat(images, ignore_index=True), pd.DataFrame(samples)
    )
    title = options.pop("title", "Iron & <b>spleen</b>")
    return ReportContent(title, tables, recorder.record(), datetime(2026, 3, 2, 9, 30, tzinfo=UTC), **options)


def drawn_pictures(results):
    """Their pictures."""
    return [report_picture(result, sample, group) for group, sample, result in results]


def corrected(results, edits=3, author="Grace"):
    """The first of them corrected by hand."""
    group, sample, first = results[0]
    made = Correction(edits, "2026-03-01T11:00:00+00:00", author)
    return [(group, sample, replace(first, correction=made)), *results[1:]]

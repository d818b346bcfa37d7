"""The report as one HTML file: no scripts, nothing from outside, every text escaped; made for print."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from bccseg.report.conclusion import concern_words, conclusion, number, overall, p_number, plus_minus
from bccseg.report.study_charts import group_colours
from bccseg.report.study_report.content import MANY_FLAGGED, ReportContent, ReportPicture
from bccseg.report.study_report.figures import histogram, superplot
from bccseg.report.study_report.methods import citation, methods
from bccseg.report.texts import Texts

Rows = list[list[str]]


@cache
def _template() -> "object":
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    folder = files("bccseg.report.study_report")
    style = folder.joinpath("report.css").read_text(encoding="utf-8")
    environment.globals["style"] = style
    return environment.from_string(folder.joinpath("report.html").read_text(encoding="utf-8"))


def report_html(content: ReportContent, pictures: Iterable[ReportPicture] = (), language: str = "en") -> bytes:
    """The whole report, UTF-8. pictures: one at a time; they are in the file as JPEG."""
    texts = Texts(language)
    paragraph, references = methods(content, texts)
    values = {
        "t": texts, "c": content, "language": language, "when": f"{content.made:%d %B %Y, %H:%M} UTC".lstrip("0"),
        "tiles": _tiles(content, texts), "finding": _finding(content, texts),
        "concerns": [(one.serious, concern_words(one, texts)) for one in content.concerns],
        "comparison": _comparison(content, texts), "superplots": _superplots(content, texts),
        "histograms": _histograms(content, texts), "classes": _classes(content, texts),
        "samples": _samples(content, texts), "doubtful": _doubtful(content, texts),
        "many": f"{100 * MANY_FLAGGED:.0f}", "methods": paragraph, "references": references,
        "citation": citation(content, texts), "settings": _settings(content, texts),
        "inputs": [(one.name, one.when.replace("T", " ")[:16], one.file_sha256) for one in content.record.images],
        "run_json": base64.b64encode(content.record.to_json(indent=1)).decode(),
        "colours": group_colours(content.groups), "pictures": _pictures(pictures, texts),
    }  # fmt: skip
    return _template().render(values).encode()


def _tiles(content: ReportContent, texts: Texts) -> list[tuple[str, str]]:
    images, cells = content.tables.images, content.tables.cells
    counts = {
        "images": len(images), "samples": int((content.values["images"] > 0).sum()), "groups": len(content.groups),
        "cells": len(cells),
    }  # fmt: skip
    tiles = [(f"{n:,}", texts(f"report.{name}.one" if n == 1 else f"report.{name}")) for name, n in counts.items() if n]
    if len(cells):
        tiles.append((f"{100 * (cells['flag'] != '').mean():.1f} %", texts("report.flagged")))
    edited = sum(image.edits > 0 for image in content.record.images)
    if edited:
        tiles.append((f"{edited:,}", texts("report.edited.one" if edited == 1 else "report.edited")))
    return tiles


def _finding(content: ReportContent, texts: Texts) -> tuple[str, list[tuple[str, str]]]:
    """One sentence of all measures, and finding and details of each."""
    if len(content.groups) < 2:
        return texts("report.one_group" if content.groups else "report.no_groups"), []
    tested = sum(one.tested for one in content.comparisons)
    told = [conclusion(one, tested, texts) for one in content.comparisons if one.clear or not tested]
    return overall(content.comparisons, content.groups, texts), [(one.finding, one.details) for one in told]


def _comparison(content: ReportContent, texts: Texts) -> tuple[list[str], Rows]:
    if not content.comparisons:
        return [], []
    two = len(content.groups) == 2
    heads = [texts("head.measure"), *(f"{g.name}\nn = {_n(content, g.name)}" for g in content.comparisons[0].groups)]
    heads += [texts("head.difference"), texts("head.interval")] if two else []
    heads += [texts("head.p"), texts("head.p_corrected")] if len(content.groups) > 1 else []
    rows = []
    for one in content.comparisons:
        row = [texts.axis(one.measure), *(plus_minus(group.mean, group.sd) for group in one.groups)]
        if two:
            d = one.differences[0]
            row += [number(d.value), f"{number(d.low)} … {number(d.high)}"]
        if len(content.groups) > 1:
            row += [p_number(one.p), p_number(one.p_corrected)]
        rows.append(row)
    return heads, rows


def _n(content: ReportContent, group: str) -> int:
    return int(((content.values["group"] == group) & (content.values["images"] > 0)).sum())


def _superplots(content: ReportContent, texts: Texts) -> list[str]:
    if not content.groups:
        return []
    return [
        superplot(content.values, content.cells, one, content.groups, texts)
        for one in content.measures
        if content.values[one.key].notna().any()
    ]


def _histograms(content: ReportContent, texts: Texts) -> list[str]:
    if not len(content.cells):
        return []
    return [
        histogram(content.cells, one, content.groups, texts)
        for one in content.measures
        if one.column and one.kind in ("size", "shape")
    ]


def _classes(content: ReportContent, texts: Texts) -> Rows:
    rows = []
    for row in content.classes:
        share, interval = "–", "–"
        if row.share:
            share = f"{100 * row.share.value:.2f} %"
            star = "" if row.share.of_samples else " *"
            interval = f"{100 * row.share.low:.2f} … {100 * row.share.high:.2f} %{star}"
        rows.append(
            [row.name or texts("class.none"), row.group or texts("report.all"), f"{row.count:,}", share, interval]
        )
    return rows


def _samples(content: ReportContent, texts: Texts) -> tuple[list[str], Rows]:
    shown = [one for one in content.measures if one.kind != "shape"][:4]
    heads = [texts("head.group"), texts("head.sample"), texts("head.images"), texts("head.cells")]
    heads += [texts.axis(one) for one in shown] + [texts("head.flagged"), texts("head.crowded")]
    rows = []
    for _, row in content.values.iterrows():
        flagged = f"{100 * row['cells_flagged'] / row['cells']:.0f} %" if row["cells"] else "–"
        measures = [number(row[one.key]) for one in shown]
        rows.append([str(row["group"]), str(row["sample"]), f"{row['images']:,}", f"{row['cells']:,}", *measures,
                     flagged, f"{row['images_crowded']:,}" if row["images_crowded"] else "–"])  # fmt: skip
    return heads, rows


def _doubtful(content: ReportContent, texts: Texts) -> Rows:
    rows = []
    for _, row in content.doubtful.iterrows():
        why = texts("report.crowded") if row["too_crowded"] else ""
        share = row["flagged_count"] / row["cell_count"] if row["cell_count"] else 0
        rows.append([str(row["sample"]) or texts("report.no_sample"), str(row["image"]), f"{row['cell_count']:,}",
                     f"{100 * share:.0f} %", f"{100 * row['area_fraction']:.0f} %", why])  # fmt: skip
    return rows


def _settings(content: ReportContent, texts: Texts) -> list[tuple[str, str]]:
    record, rows = content.record, []
    unknown = texts("report.not_said")
    for one in record.weights:
        rows += [(texts("set.weights"), one.name or unknown), (texts("set.sha256"), one.sha256 or unknown)]
        rows += [(texts("set.head"), one.head_sha256)] if one.head_sha256 else []
    for settings in record.settings:
        px = settings.diameter_px
        rows.append(
            (texts("set.diameter"), texts("set.diameter_px", px=number(px)) if px else texts("set.diameter_auto"))
        )
        rows.append((texts("set.smallest"), texts("set.smallest_percent", percent=f"{settings.min_cell_percent:g}")))
        rows.append((texts("set.border"), texts("set.border_out" if settings.drop_border_cells else "set.border_in")))
        for name in (
            "cell_threshold",
            "marker_depth",
            "vote_depth",
            "marker_threshold",
            "min_score",
            "small_threshold",
        ):
            if (value := getattr(settings, name)) is not None:
                rows.append((texts("set.threshold", name=name), f"{value:g}"))
    sizes = Counter(image.pixel_size_um for image in record.images)
    told = [
        texts(
            "set.pixel_um", um=f"{um:.4g}", images=f"{n:,} {texts('report.images' if n > 1 else 'report.images.one')}"
        )
        if um
        else f"{unknown} ({n:,})"
        for um, n in sizes.most_common(6)
    ]
    rows.append((texts("set.pixel"), ", ".join(told) or unknown))
    rows.append((texts("set.flagged"), texts("set.flagged_out" if content.without_flagged else "set.flagged_in")))
    rows.append((texts("set.device"), ", ".join(record.devices) or unknown))
    rows.append((texts("set.system"), record.system))
    rows.append((texts("set.versions"), ", ".join([f"bccseg {record.bccseg_version}", *(
        f"{name} {value}" for name, value in record.versions.items())])))  # fmt: skip
    if record.user:
        rows.append((texts("set.user"), record.user))
    return rows


def _pictures(pictures: Iterable[ReportPicture], texts: Texts) -> Iterator[dict[str, str]]:
    for one in pictures:
        marks = [texts("report.crowded")] * one.crowded + [texts("report.corrected")] * bool(one.edits)
        yield {
            "src": f"data:image/jpeg;base64,{base64.b64encode(one.jpeg).decode()}", "name": one.name,
            "where": " · ".join(name for name in (one.group, one.sample) if name),
            "cells": f"{one.cells:,} {texts('report.cells.one' if one.cells == 1 else 'report.cells')}",
            "marks": ", ".join(marks), "note": one.note,
        }  # fmt: skip

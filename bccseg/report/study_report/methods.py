"""The methods paragraph of a report, from what was really used; and what it cites."""

from collections.abc import Iterable

from bccseg.report.conclusion import number
from bccseg.report.study_report.content import ReportContent
from bccseg.report.texts import Texts

SHORT_SHA = 16  # characters of a sum in running text
REFERENCES = {
    "lord": "Lord SJ, Velle KB, Mullins RD, Fritz-Laylin LK. SuperPlots: Communicating reproducibility and variability "
    "in cell biology. J Cell Biol 2020; 219: e202001064. doi:10.1083/jcb.202001064",
    "gundersen": "Gundersen HJG. Notes on the estimation of the numerical density of arbitrary profiles: the edge "
    "effect. J Microsc 1977; 111: 219–223. doi:10.1111/j.1365-2818.1977.tb00062.x",
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979; 6: 65–70.",
    "efron": "Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987; 82: 171–185. "
    "doi:10.1080/01621459.1987.10478410",
}


class Cited:
    """References in the order in which they are cited, from 1."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __getitem__(self, key: str) -> int:
        if key not in self.keys:
            self.keys.append(key)
        return self.keys.index(key) + 1

    def references(self) -> list[str]:
        """What was cited."""
        return [REFERENCES[key] for key in self.keys]


def methods(content: ReportContent, texts: Texts) -> tuple[str, list[str]]:
    """The paragraph, and its references."""
    cited = Cited()
    sentences = [*_segmentation(content, texts), *_measures(content, texts, cited), *_statistics(content, texts, cited)]
    return " ".join(sentences), cited.references()


def citation(content: ReportContent, texts: Texts) -> str:
    """How to cite the program and the weights."""
    weights = "".join(
        texts("cite.weights", name=one.name, sha256=one.sha256 or texts("report.not_said"))
        for one in content.record.weights
    )
    return texts("cite.software", version=_version(content), weights=weights)


def _first_up(words: str) -> str:
    return words[:1].upper() + words[1:]


def _version(content: ReportContent) -> str:
    """Of the program that segmented; several, if it was updated between."""
    found = dict.fromkeys(image.bccseg_version for image in content.record.images if image.bccseg_version)
    return ", ".join(found) or content.record.bccseg_version


def _segmentation(content: ReportContent, texts: Texts) -> Iterable[str]:
    record = content.record
    images, samples = len(content.tables.images), int((content.values["images"] > 0).sum())
    weights = "".join(
        texts("methods.weights", name=one.name, sha256=one.sha256[:SHORT_SHA] or texts("report.not_said"))
        for one in record.weights
    )
    yield texts.count(
        "methods.images", images, images=_first_up(texts.count("methods.n_images", images)),
        samples=texts.count("methods.n_samples", samples), version=_version(content), weights=weights,
        device=", ".join(record.devices) or texts("report.not_said"),
    )  # fmt: skip
    for settings in record.settings[:1]:  # others, of images from before a change, are in the table
        given = settings.diameter_px
        yield texts("methods.given", px=number(given)) if given else texts("methods.auto")
        border = texts("methods.border") if settings.drop_border_cells else ""
        yield texts("methods.smallest", percent=f"{settings.min_cell_percent:.0f}", border=border)
        if settings.min_score is not None:
            yield texts("methods.score", score=settings.min_score)
    edited = [image for image in record.images if image.edits]
    if edited:
        people = sorted({image.corrected_by for image in edited} - {""})
        by = texts("methods.edited_by", people=", ".join(people)) if people else ""
        yield texts.count(
            "methods.edited", len(edited), images=_first_up(texts.count("methods.n_images", len(edited))),
            edits=f"{sum(image.edits for image in edited):,}", people=by,
        )  # fmt: skip


def _measures(content: ReportContent, texts: Texts, cited: Cited) -> Iterable[str]:
    images = content.tables.images
    sizes = images["pixel_size_um"].dropna() if "pixel_size_um" in images else []
    if not len(sizes):
        yield texts("methods.no_pixel")
    elif sizes.min() == sizes.max():
        yield texts("methods.pixel", um=f"{sizes.min():.4g}")
    else:
        yield texts("methods.pixel_several", low=f"{sizes.min():.4g}", high=f"{sizes.max():.4g}")
    yield texts("methods.sizes")
    if any(one.key == "density_per_mm2" for one in content.measures):
        yield texts("methods.density", gundersen=cited["gundersen"])
    drawn = int(images["counted_px"].notna().sum()) if "counted_px" in images else 0
    if drawn:
        yield texts("methods.regions", images=texts.count("methods.n_images", drawn))
    cells = len(content.tables.cells)
    if cells:
        flagged = f"{100 * (content.tables.cells['flag'] != '').mean():.1f}"
        crowded = texts.count("methods.n_images", int(images["too_crowded"].sum()))
        key = "methods.flags_out" if content.without_flagged else "methods.flags_in"
        yield texts(key, percent=flagged, images=crowded)
    classes = list(dict.fromkeys(row.name for row in content.classes if row.name))
    if classes:
        by_hand = "class_by" in content.tables.cells and bool((content.tables.cells["class_by"] == "person").any())
        listed = ", ".join(name.lower() for name in classes)
        yield texts("methods.classes", list=listed, hand=texts("methods.classes_hand") if by_hand else "")


def _statistics(content: ReportContent, texts: Texts, cited: Cited) -> Iterable[str]:
    groups = content.groups
    if not groups:
        return
    n = content.values[content.values["images"] > 0].groupby("group").size()
    if len(groups) > 1:
        listed = "; ".join(texts("methods.group_n", group=name, n=int(n.get(name, 0))) for name in groups)
        yield texts("methods.groups", k=len(groups), list=listed)
    yield texts("methods.pooled", lord=cited["lord"])
    tested = [one for one in content.comparisons if one.tested]
    if len(groups) > 1 and tested:
        holm = texts("methods.holm", k=len(tested), holm=cited["holm"]) if len(tested) > 1 else ""
        yield f"{texts(f'methods.test.{tested[0].test}')}{holm}."
        if len(groups) == 2:
            yield texts("methods.interval", efron=cited["efron"])
        versions = content.record.versions
        yield texts("methods.software", **{name: versions.get(name, "") for name in ("scipy", "statsmodels")})
    elif len(groups) > 1:
        yield texts("methods.untested")

"""Comparing new weights with others on the same images, in a thread; what was found is kept by the server."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from bccseg.classes import words
from bccseg.errors import BccsegError
from bccseg.jobs.training_run import Run
from bccseg.metrics.class_agreement import ClassAgreement
from bccseg.metrics.class_scores import class_scores
from bccseg.metrics.titles import LOWER_IS_BETTER, METRIC_TITLES
from ui.shared.promoted import promoted

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor

MIN_IMAGES = 5  # drawing from fewer again and again says little
WORST, PICTURE_PX = 4, 900
KEPT = 8  # comparisons that the server remembers, some MB each
CARD_SETS = {"test": "test", "validation": "validation_fields", "base": "base"}  # as the model card calls them


@dataclass(frozen=True)
class Table:
    """The comparison on one set of images."""

    split: str  # test, validation or base
    images: int
    rows: list[dict[str, object]]
    classes: list[dict[str, object]] = field(default_factory=list)  # a row a class that is known of true cells
    confusion: ClassAgreement | None = None  # of the new weights


@dataclass
class Comparison:
    """A comparison in a thread; the page reads, the thread writes."""

    run: Run
    old: str
    done: int = 0
    total: int = 0
    error: str = ""
    tables: list[Table] = field(default_factory=list)
    each: list[dict[str, object]] = field(default_factory=list)
    pictures: list[tuple[str, str, bytes, bytes]] = field(default_factory=list)  # name, mistakes, before, new
    finished: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Comparison":
        """Begin."""
        threading.Thread(target=self._work, name="bccseg-compare", daemon=True).start()
        return self

    def _work(self) -> None:
        try:
            self._compare()
        except BccsegError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"A file could not be read ({error})."
        finally:
            self.finished.set()

    def _compare(self) -> None:
        from bccseg.inference.predictor import Predictor
        from bccseg.model.weights import load_weights
        from bccseg.training.data_sources import gather_training_data

        spec = self.run.spec
        data = gather_training_data(spec.sources, self.run.folder / "data", spec.config.validation_share, spec.base)
        own = data.test or data.validation[: data.held_out]
        sets = [("test" if data.test else "validation", own), ("base", data.validation[data.held_out :])]
        self.total = 2 * sum(len(pairs) for _, pairs in sets)
        old = promoted().locate(self.old)
        predictors = [Predictor(load_weights(*source), spec.device) for source in (old, (self.run.weights, spec.name))]
        for split, pairs in sets:
            if pairs:
                self._compare_on(split, pairs, predictors)

    def _compare_on(self, split: str, pairs: list[tuple[Path, Path]], predictors: list["Predictor"]) -> None:
        from bccseg.inference.evaluate import evaluate
        from bccseg.io.encode import jpeg
        from bccseg.metrics.bootstrap import paired_differences
        from bccseg.training.weight_export import complete_weights

        def count(_done: int, _all: int) -> None:
            self.done += 1

        old, new = (evaluate(predictor, pairs, count) for predictor in predictors)
        rows = []
        for name, difference in paired_differences(old.scores, new.scores).items():
            if name in METRIC_TITLES:
                gain = difference.value
                if name == "count_bias":  # nearer to zero is better
                    gain = abs(old.metrics[name]) - abs(new.metrics[name])
                better = (gain < 0) == (name in LOWER_IS_BETTER)
                verdict = ("better" if better else "worse") if difference.beyond_noise else "within noise"
                if len(pairs) < MIN_IMAGES:
                    verdict = "too few images to tell"
                rows.append({
                    "Measure": METRIC_TITLES[name], "Before": old.metrics[name], "New": new.metrics[name],
                    "Difference": difference.value, "from": difference.low, "to": difference.high, "Verdict": verdict,
                })  # fmt: skip
        order = tuple(one.name for one in predictors[1].config.told_classes)
        both = [one.classes(order) for one in (old, new)]
        self.tables.append(Table(split, len(pairs), rows, _class_rows(*both), both[1]))
        complete_weights(self.run.folder, measured={CARD_SETS[split]: new.summary()})  # for the model card
        if split == "base":
            return
        self.each = new.each()
        shown = [new.pictures(predictor, WORST, PICTURE_PX) for predictor in predictors]
        for (name, kinds, old_picture), (_, _, new_picture) in zip(*shown, strict=True):
            text = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "no errors"
            self.pictures.append((name, text, jpeg(old_picture), jpeg(new_picture)))


def _class_rows(old: ClassAgreement | None, new: ClassAgreement | None) -> list[dict[str, object]]:
    """F1 of each class before and with the new weights, of the cells that each has found."""
    if old is None or new is None:
        return []
    before = {one.name: one for one in class_scores(old.names, old.confusion)}
    rows = []
    for one in class_scores(new.names, new.confusion):
        was = before.get(one.name)
        if one.cells:
            rows.append({
                "Class": words(one.name), "Cells": one.cells, "F1 before": was and was.f1, "F1 new": one.f1,
                "Precision": one.precision, "Recall": one.recall,
            })  # fmt: skip
    return rows


@st.cache_resource(show_spinner=False)
def comparisons() -> dict[tuple[str, int, str], Comparison]:
    """Made by this server, by run, its epochs and the weights compared with: they outlive a reload of the page."""
    return {}


def remember(key: tuple[str, int, str], comparison: Comparison) -> None:
    """Keep a comparison, and of all of them the latest few."""
    kept = comparisons()
    kept.pop(key, None)
    kept[key] = comparison
    for oldest in list(kept)[:-KEPT]:
        kept.pop(oldest, None)

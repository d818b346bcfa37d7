"""What is to be looked at next, and what the collection amounts to."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bccseg.annotation.records import ImageInfo, Version
from bccseg.annotation.store import LabelStore
from bccseg.classes import UNCLASSIFIED, ClassSet
from bccseg.imaging.label_image import Labels
from bccseg.metrics.agreement import Agreement, agreement
from bccseg.metrics.class_agreement import ClassAgreement, class_agreement
from bccseg.metrics.matching import match


@dataclass(frozen=True)
class Item:
    """An image of the collection with its versions."""

    info: ImageInfo
    versions: list[Version]  # oldest first

    @property
    def status(self) -> str:
        """Where the image stands: accepted if any version is, else submitted, else rejected, else proposal."""
        there = {v.status for v in self.versions}
        return next((s for s in ("accepted", "submitted", "rejected", "proposal") if s in there), "proposal")

    @property
    def best(self) -> Version | None:
        """The version that stands for the image: the last accepted, else the last submitted, else the proposal."""
        for status in ("accepted", "submitted", "proposal"):
            if found := [v for v in self.versions if v.status == status]:
                return found[-1]
        return None

    @property
    def waiting(self) -> list[Version]:
        """Versions that nobody has reviewed."""
        return [v for v in self.versions if v.status == "submitted"]

    @property
    def uncertainty(self) -> float:
        """Expected share of wrong cells in the proposal, 0 to 1; 0 where no network was asked."""
        return max((v.uncertainty for v in self.versions if v.uncertainty is not None), default=0.0)

    @property
    def disagreement(self) -> float:
        """How much annotators disagree, 0 to 1: 1 - F1 between two of them, the largest; 0 where there is one."""
        return max((v.disagreement for v in self.versions if v.disagreement is not None), default=0.0)

    @property
    def change(self) -> float:
        """How far the people's versions are from what they started from, 0 to 1: 1 - F1, the largest."""
        return max((1 - v.agreement["f1"] for v in self.versions if v.agreement), default=0.0)

    @property
    def priority(self) -> float:
        """What the queue is ordered by: uncertainty of the network, and disagreement with it or between people."""
        return self.uncertainty + max(self.disagreement, self.change)


def items(store: LabelStore) -> list[Item]:
    """Every image with its versions, oldest first."""
    by_image: dict[str, list[Version]] = {}
    for version in store.versions():
        by_image.setdefault(version.image, []).append(version)
    return [Item(info, by_image.get(info.id, [])) for info in store.images()]


def queue(found: list[Item]) -> list[Item]:
    """Images with a version that waits for review, highest priority first."""
    return sorted((item for item in found if item.waiting), key=lambda item: (-item.priority, item.info.added))


def last_by_author(versions: list[Version]) -> list[Version]:
    """The last version of each person that stands, oldest first; proposals and rejected ones do not."""
    return list({v.author: v for v in versions if v.status in ("submitted", "accepted")}.values())


def annotator_agreement(store: LabelStore, item: Item) -> list[tuple[Version, Version, Agreement]]:
    """Agreement of the last versions of each two people who labelled an image."""
    people = last_by_author(item.versions)
    labels: list[Labels] = [store.cell_labels(v) for v in people]
    return [
        (people[i], people[k], agreement(labels[i], labels[k]))
        for i in range(len(people))
        for k in range(i + 1, len(people))
    ]


def agreement_on_classes(store: LabelStore, a: Version, b: Version) -> ClassAgreement:
    """How far two versions of an image agree about the classes of the cells that both have, matched at IoU 0.5."""
    names = [{cell: mark.name for cell, mark in store.marks(v).items()} for v in (a, b)]
    pairs = match(store.labels(a), store.labels(b)) if all(names) else []
    of = [[own.get(pair[k], UNCLASSIFIED) for pair in pairs] for k, own in enumerate(names)]
    return class_agreement(*of, tuple(one.name for one in store.class_set().classes))


def collection_table(found: list[Item], classes: ClassSet | None = None) -> pd.DataFrame:
    """A row an image: name, status, people, versions, cells, edits, uncertainty, change, disagreement, split, time.

    classes: adds how many objects have which class, in words, where any is known of any image.
    """
    rows = [
        {
            "image": item.info.name,
            "status": item.status,
            "people": ", ".join(sorted({v.author for v in item.versions if v.status != "proposal"})),
            "versions": len(item.versions),
            "cells": item.best.cells if item.best else 0,
            "edits": sum(v.edit_count for v in item.versions),
            "uncertainty": item.uncertainty,
            "change": item.change,
            "disagreement": item.disagreement,
            "split": item.info.split,
            "added": item.info.added,
            "id": item.info.id,
        }
        for item in found
    ]
    columns = [
        "image", "status", "people", "versions", "cells", "edits", "uncertainty", "change",
        "disagreement", "split", "added", "id",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    if classes:
        told = [_in_words(classes, item.best.class_counts) if item.best else "" for item in found]
        if any(told):
            table.insert(columns.index("cells") + 1, "classes", told)
    return table


def _in_words(classes: ClassSet, counts: dict[str, int]) -> str:
    now: Counter[str] = Counter()
    for name, count in counts.items():
        now[classes.current(name)] += count
    return ", ".join(f"{now[one.name]:,} {one.words}" for one in classes.known(now) if now[one.name])


def totals_over_time(found: list[Item]) -> pd.DataFrame:
    """Running totals by day: columns day, images, versions, accepted cells."""
    versions = [v for item in found for v in item.versions if v.status != "proposal"]
    days = sorted({v.time[:10] for v in versions} | {item.info.added[:10] for item in found})
    images = np.array([item.info.added[:10] for item in found])
    made = np.array([v.time[:10] for v in versions])
    accepted = [item.best for item in found if item.best and item.best.status == "accepted"]
    rows = [
        {
            "day": day,
            "images": int((images <= day).sum()),
            "versions": int((made <= day).sum()) if len(made) else 0,
            "accepted_cells": sum(v.cells for v in accepted if v.time[:10] <= day),
        }
        for day in days
    ]
    return pd.DataFrame(rows, columns=["day", "images", "versions", "accepted_cells"])

"""One image of the collection: a version of it beside another, in pictures and in numbers that are of the same two."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from bccseg.annotation.records import Version, origin
from bccseg.annotation.review import Item, agreement_on_classes, annotator_agreement, last_by_author
from bccseg.annotation.store import LabelStore
from bccseg.classes import ClassSet
from bccseg.imaging.label_image import without
from bccseg.metrics.agreement import Agreement, agreement
from bccseg.report.changes import CellChanges, cell_changes
from ui.collection.class_view import ComparedClasses, compare_classes, show_class_changes, show_class_legend
from ui.components.viewer.pair import pair_data, show_pair, single_data
from ui.shared.errors import plain

STATUS = {
    "proposal": ":gray-badge[proposal]", "submitted": ":blue-badge[waits for review]",
    "accepted": ":green-badge[accepted]", "rejected": ":red-badge[rejected]",
}  # fmt: skip
COLOURS = "compared_colours"  # key of the choice of colours
BY_CHANGES, BY_CLASS = "Changes", "Classes"
OTHER_CLASS = ":orange[orange] another class · "
LEGEND = (
    ":red[red] removed · :green[green] added · :blue[blue] another outline · :gray[grey] the same. "
    "Wheel or + − zoom both sides, drag moves them, 0 shows all."
)


@dataclass(frozen=True)
class Comparison:
    """Two versions of an image compared."""

    changes: CellChanges  # of all that is marked
    cells: CellChanges  # of what is a cell
    agreement: Agreement
    classes: ComparedClasses | None
    sides: list[dict[str, Any]]  # as the viewer takes them; one, where a version is compared with itself


def ask_for_versions(
    item: Item, versions: list[Version], key: str, *, compact: bool = False
) -> tuple[Version, Version]:
    """Ask which version is looked at, and which it is compared with: itself, where there is no other. versions: one or
    more, oldest first. compact: in one row, without labels above.
    """
    order, pick = list(reversed(versions)), 0
    label, before = ("collapsed", "Compared with ") if compact else ("visible", "")
    if len(order) > 1:
        pick = st.selectbox("Version", range(len(order)), format_func=lambda k: _name(order[k]),
                            key=f"version_{key}", width=280, label_visibility=label)  # fmt: skip
    version = order[pick]
    others = _others(version, item.versions)
    if not others:
        return version, version
    at = st.selectbox("Compared with", range(len(others)), format_func=lambda k: before + _name(others[k]),
                      key=f"base_{key}_{version.id}", width=340 if compact else 280,
                      label_visibility=label)  # fmt: skip
    return version, others[at]


def show_versions(store: LabelStore, item: Item, version: Version, base: Version) -> None:
    """A version beside the one it is compared with: facts, numbers and pictures of these two."""
    compared = _compare(str(store.root), base.id, version.id, store.class_set().to_json(), store, base, version)
    for text in (version.comment, version.reason):
        if text:
            st.caption(f":material/comment: {plain(text, 2000)}")
    titles, alone = [f"{_who(v)} · {v.cells:,} cells" for v in (base, version)], len(compared.sides) == 1
    by_class = compared.classes is not None and st.session_state.get(COLOURS) == BY_CLASS
    show_pair(f"{base.id} {version.id}", compared.sides, titles[-len(compared.sides) :], by_class=by_class)
    _legend(compared, alone=alone, by_class=by_class)
    _facts(item, base, version, compared)
    if compared.classes:
        show_class_changes(compared.classes)


def _legend(compared: Comparison, *, alone: bool, by_class: bool) -> None:
    """What the colours mean; where classes are known, the choice of colours and how many cells have each class."""
    if compared.classes is None:
        if not alone:
            st.caption(LEGEND)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.session_state.setdefault(COLOURS, BY_CHANGES)
        st.segmented_control("Colours", [BY_CHANGES, BY_CLASS], key=COLOURS, label_visibility="collapsed",
                             required=True)  # fmt: skip
        show_class_legend(compared.classes, alone=alone)
    if not (alone or by_class):
        st.caption(OTHER_CLASS + LEGEND)


def _others(version: Version, versions: list[Version]) -> list[Version]:
    """What a version can be compared with: first what its chain of corrections began with, then the latest first."""
    root = origin(version, versions)
    rest = [v for v in reversed(versions) if v.id not in (version.id, root.id)]
    return rest if root.id == version.id else [root, *rest]


def _name(version: Version) -> str:
    """For a menu, which shows text as it is."""
    who = f"Proposal ({version.author})" if version.status == "proposal" else version.author
    return f"{who}, {version.time[:16].replace('T', ' ')}"


def _who(version: Version) -> str:
    return "Proposal" if version.status == "proposal" else version.author


@st.cache_data(show_spinner=False, max_entries=12)
def _compare(
    root: str, base_id: str, version_id: str, classes: bytes, _store: LabelStore, _base: Version, _version: Version
) -> Comparison:
    """Versions never change, so neither does their comparison, as long as the classes are the same."""
    del root, base_id, version_id
    before, after = _store.labels(_base), _store.labels(_version)
    changes, image = cell_changes(before, after), _store.image(_version.image)
    alone, known = _base.id == _version.id, ClassSet.from_json(classes)
    marks = [_store.details(v).cells for v in (_base, _version)]
    none = [known.uncounted(of) for of in marks]
    compared = compare_classes(known, *marks, None if alone else changes, after)
    of_sides = compared.sides if compared else None
    if alone:
        sides = [single_data(image, after, of_sides[0] if of_sides else None)]
    else:
        sides = pair_data(image, before, after, changes, of_sides)
    same = agreement(without(before, none[0]), without(after, none[1]))
    return Comparison(changes, changes.without(*none), same, compared, sides)


def _facts(item: Item, base: Version, version: Version, compared: Comparison) -> None:
    edits = f"{version.edit_count} edit{'' if version.edit_count == 1 else 's'}"
    facts = [f"**{plain(item.info.name)}** {STATUS.get(version.status, version.status)}", f"by {plain(version.author)}"]
    facts += [edits, f"split: {item.info.split}"]
    if version.reviewer:
        facts.append(f"reviewed by {plain(version.reviewer)}")
    lines = [" · ".join(facts)]
    if base.id != version.id:
        count, g = compared.cells.count, compared.agreement
        who = "the proposal" if base.status == "proposal" else plain(_name(base))
        lines.append(
            f"Compared with {who}: {count('removed')} removed, {count('added')} added, {count('moved')} with another "
            f"outline, {count('same')} the same · {version.cells:,} cells, {base.cells:,} before · "
            f"F1 {g.f1:.3f} · Dice {g.dice:.3f}"
        )
    st.markdown("  \n".join(lines))


def show_agreement(store: LabelStore, item: Item) -> None:
    """How much the people agree who labelled an image."""
    people = tuple(v.id for v in last_by_author(item.versions))
    table = _agreement(str(store.root), people, store.class_set().to_json(), store, item)
    if len(table):
        st.caption("How much the people agree who labelled this image:")
        number = st.column_config.NumberColumn
        st.dataframe(
            table, hide_index=True,
            column_config={
                "Same class": number(format="percent", help="Of the cells that both classify."),
                "Cohen's κ": number(format="%.2f", help="Agreement beyond chance: 1 is perfect, 0 is chance."),
            },
        )  # fmt: skip


@st.cache_data(show_spinner=False, max_entries=50)
def _agreement(root: str, people: tuple[str, ...], classes: bytes, _store: LabelStore, _item: Item) -> pd.DataFrame:
    """A row two people. people: ids of their last versions, which never change."""
    del root, people, classes
    rows = []
    for a, b, g in annotator_agreement(_store, _item):
        row = {"One": a.author, "Other": b.author, "Dice": g.dice, "F1 at IoU 0.5": g.f1,
               "More cells": g.count_difference}  # fmt: skip
        of = agreement_on_classes(_store, a, b)
        rows.append(row | ({"Same class": of.share, "Cohen's κ": of.kappa} if of.classified else {}))
    return pd.DataFrame(rows)

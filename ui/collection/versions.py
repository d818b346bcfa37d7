"""One image of the collection: a version of it beside another, in pictures and in numbers that are of the same two."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from bccseg.annotation.records import Version, origin
from bccseg.annotation.review import Item, annotator_agreement
from bccseg.annotation.store import LabelStore
from bccseg.metrics.agreement import Agreement, agreement
from bccseg.report.changes import CellChanges, cell_changes
from ui.components.viewer.pair import pair_data, show_pair, single_data
from ui.shared.errors import plain

STATUS = {
    "proposal": ":gray-badge[proposal]", "submitted": ":blue-badge[waits for review]",
    "accepted": ":green-badge[accepted]", "rejected": ":red-badge[rejected]",
}  # fmt: skip
LEGEND = (
    ":red[red] removed · :green[green] added · :blue[blue] another outline · :gray[grey] the same. "
    "Wheel or + − zoom both sides, drag moves them, 0 shows all."
)


@dataclass(frozen=True)
class Comparison:
    """Two versions of an image compared."""

    changes: CellChanges
    agreement: Agreement
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
    compared = _compare(str(store.root), base.id, version.id, store, base, version)
    for text in (version.comment, version.reason):
        if text:
            st.caption(f":material/comment: {plain(text, 2000)}")
    titles = [f"{_who(v)} · {v.cells:,} cells" for v in (base, version)]
    show_pair(f"{base.id} {version.id}", compared.sides, titles[-len(compared.sides) :])
    if len(compared.sides) > 1:
        st.caption(LEGEND)
    _facts(item, base, version, compared)


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
    root: str, base_id: str, version_id: str, _store: LabelStore, _base: Version, _version: Version
) -> Comparison:
    """Versions never change, so neither does their comparison."""
    del root, base_id, version_id
    before, after = _store.labels(_base), _store.labels(_version)
    changes, image = cell_changes(before, after), _store.image(_version.image)
    alone = _base.id == _version.id
    sides = [single_data(image, after)] if alone else pair_data(image, before, after, changes)
    return Comparison(changes, agreement(before, after), sides)


def _facts(item: Item, base: Version, version: Version, compared: Comparison) -> None:
    edits = f"{version.edit_count} edit{'' if version.edit_count == 1 else 's'}"
    facts = [f"**{plain(item.info.name)}** {STATUS.get(version.status, version.status)}", f"by {plain(version.author)}"]
    facts += [edits, f"split: {item.info.split}"]
    if version.reviewer:
        facts.append(f"reviewed by {plain(version.reviewer)}")
    lines = [" · ".join(facts)]
    if base.id != version.id:
        count, g = compared.changes.count, compared.agreement
        who = "the proposal" if base.status == "proposal" else plain(_name(base))
        lines.append(
            f"Compared with {who}: {count('removed')} removed, {count('added')} added, {count('moved')} with another "
            f"outline, {count('same')} the same · {version.cells:,} cells, {base.cells:,} before · "
            f"F1 {g.f1:.3f} · Dice {g.dice:.3f}"
        )
    st.markdown("  \n".join(lines))


def show_agreement(store: LabelStore, item: Item) -> None:
    """How much the people agree who labelled an image."""
    rows = [
        {"One": a.author, "Other": b.author, "Dice": g.dice, "F1 at IoU 0.5": g.f1, "More cells": g.count_difference}
        for a, b, g in annotator_agreement(store, item)
    ]
    if rows:
        st.caption("How much the people agree who labelled this image:")
        st.dataframe(pd.DataFrame(rows), hide_index=True)

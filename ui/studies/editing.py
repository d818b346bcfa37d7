"""A table that people type in, kept at once, while others may change the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st


@dataclass
class _Base:
    """What the browser shows beneath its edits. It stays while they are all that changed, so that no cell that is being
    typed in is lost.
    """

    table: pd.DataFrame
    ids: list[int]
    number: int
    kept: dict[tuple[int, str], Any] = field(default_factory=dict)  # edits that were applied, by row and column

    def now(self) -> pd.DataFrame:
        """What the browser shows."""
        table = self.table.copy()
        for (row, column), value in self.kept.items():
            table.loc[table.index[row], column] = value
        return table


def edit_table(
    key: str,
    table: pd.DataFrame,
    ids: Sequence[int],
    apply: Callable[[int, str, str], None],
    config: dict[str, Any],
    *,
    disabled: Sequence[str],
) -> None:
    """Show the table, with a row for each of `ids`. apply: keeps one edit, given id, column and text, at once.

    Where the table has become another one than edits here made it, because somebody else changed it or a name was
    taken, it is shown anew.
    """
    table = table.reset_index(drop=True)
    base: _Base | None = st.session_state.get(f"{key}_base")
    if base is None or base.ids != list(ids) or not base.now().equals(table):
        base = _Base(table, list(ids), (base.number if base else 0) + 1)
        st.session_state[f"{key}_base"] = base
    editor = f"{key}_{base.number}"

    def changed() -> None:
        edits: dict[int, dict[str, Any]] = st.session_state[editor]["edited_rows"]
        for row, cells in edits.items():
            for column, value in cells.items():
                text = "" if value is None else str(value)
                if base.kept.get((row, column)) != text:
                    base.kept[row, column] = text
                    apply(base.ids[row], column, text)

    st.data_editor(
        base.table, key=editor, on_change=changed, hide_index=True, num_rows="fixed", column_config=config,
        disabled=list(disabled), width="stretch",
    )  # fmt: skip

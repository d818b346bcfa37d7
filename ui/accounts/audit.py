"""What was done on the server, by whom and when: filters, a table, CSV."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from bccseg.accounts.audit import AuditLog
from bccseg.accounts.roles import Action
from bccseg.report.tables import csv
from ui.shared.account import at_work, audit_log, require

COLUMNS = ["time", "who", "account", "action", "outcome", "on", "version", "note"]
OUTCOMES = {"done": "done", "refused": "refused", "failed": "failed", "begun": "not ended"}
SHOWN = 2000


@st.cache_data(show_spinner=False, max_entries=4)
def _deeds(_log: AuditLog, path: str, size: int) -> pd.DataFrame:
    """A row a deed, the newest first. size: of the file, which only grows."""
    del path, size
    rows = [
        (
            d.first.time,
            d.first.who,
            d.first.account,
            d.first.action,
            OUTCOMES[d.outcome],
            d.first.on,
            d.first.version,
            d.note,
        )
        for d in _log.deeds()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def show_audit() -> None:
    """The log, for admins."""
    if not at_work().shared:
        st.info("On one's own computer no log is kept: the collection's records say who did what.")
        return
    require(Action.READ_AUDIT)
    log = audit_log()
    table = _deeds(log, str(log.path), log.path.stat().st_size if log.path.exists() else 0)
    if table.empty:
        st.info("Nothing was done yet.", icon=":material/history:")
        return
    found = table[_fits(table)]
    st.caption(f"{len(found):,} of {len(table):,} entries, the newest first")
    column = st.column_config
    height = "content" if len(found) < 14 else 520
    st.dataframe(found.head(SHOWN), hide_index=True, key="audit_table", height=height, column_config={
        "time": column.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm:ss"), "who": "Who", "action": "What",
        "account": column.TextColumn("Account", help="The same however somebody is called."), "outcome": "Outcome",
        "on": "On", "version": column.TextColumn("From", help="The version or weights that were there before."),
        "note": "What came of it",
    })  # fmt: skip
    if len(found) > SHOWN:
        st.caption(f"The first {SHOWN:,} are shown; the CSV has all.")
    st.download_button("Download CSV", csv(found), "bccseg_audit.csv", "text/csv", icon=":material/download:",
                       on_click="ignore", key="audit_csv")  # fmt: skip


def _fits(table: pd.DataFrame) -> Any:
    """Which rows fit the filters, which are asked for here."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.multiselect("Who", sorted(set(table["who"])), format_func=lambda name: name or "not logged in",
                             placeholder="anybody", width=220, key="audit_who")  # fmt: skip
        what = st.multiselect("What", sorted(set(table["action"])), placeholder="anything", width=220, key="audit_what")
        outcome = st.multiselect("Outcome", list(OUTCOMES.values()), placeholder="any", width=180, key="audit_outcome")
        first, last = date.fromisoformat(table["time"].iloc[-1][:10]), date.fromisoformat(table["time"].iloc[0][:10])
        days = st.date_input("Days", (first, last), first, last, key=f"audit_days_{first}_{last}", width=240)
        words = st.text_input("Contains", key="audit_words", width=180)
    fits = pd.Series(data=True, index=table.index)
    for column, chosen in (("who", who), ("action", what), ("outcome", outcome)):
        if chosen:
            fits &= table[column].isin(chosen)
    if len(days) == 2:  # a range that is being chosen has one day yet
        fits &= table["time"].str[:10].between(str(days[0]), str(days[1]))
    if words:
        fits &= table[["on", "version", "note"]].agg(" ".join, axis=1).str.contains(words, case=False, regex=False)
    return fits

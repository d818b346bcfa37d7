"""The list of studies, and making one."""

from datetime import datetime

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.studies.records import StudyInfo, StudySettings
from bccseg.studies.store import StudyStore
from ui.shared.account import acting, allowed, guarded
from ui.shared.clicks import clicked
from ui.shared.errors import plain, show_errors
from ui.shared.page import show_title
from ui.studies.opened import open_study

STEPS = (
    "**1. Add images.** Zips or folders: a folder is a sample, the one above it a group. They are segmented meanwhile.",
    "**2. Say what they are.** Samples, groups and what else you know (age, stain, day), typed or from a spreadsheet.",
    "**3. Compare and hand in.** Groups side by side with honest statistics, and a report.",
)
NAME = "new_study_name"
MOST = 200  # shown without a search


def show_studies(store: StudyStore) -> None:
    """All studies, the one that changed last first, and how to make a new one."""
    show_title("Studies", "Patients, slides or days side by side: images with samples and groups.")
    if not allowed(Action.OPEN_STUDY):
        st.info("Log in to see the studies of this server.", icon=":material/lock:")
        return
    found = store.list()
    if not found:
        st.markdown("A study is a named set of images with samples and groups. It stays on this server: open it again "
                    "next week or from another computer, alone or together.")  # fmt: skip
        for column, text in zip(st.columns(3), STEPS, strict=True):
            column.container(border=True, height="stretch").markdown(text)
    _ask_for_new(store)
    if not found:
        _show_removed(store)
        return
    words = st.text_input("Search studies", placeholder="Search", label_visibility="collapsed",
                          icon=":material/search:", width=320) if len(found) > 5 else ""  # fmt: skip
    shown = [info for info in found if (words or "").lower() in f"{info.name}\n{info.note}".lower()]
    if not shown:
        st.info("No study has this in its name or note.")
    for info in shown[:MOST]:
        _show_one(info)
    _show_removed(store)


def _ask_for_new(store: StudyStore) -> None:
    form = st.form("new_study", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of a new study", key=NAME, max_chars=200, placeholder="Malaria, spring 2026", width=380)
        pressed = clicked(
            "Create study", "create_study", icon=":material/add:", type="primary", button=st.form_submit_button
        )
    if pressed:
        if not st.session_state[NAME].strip():
            st.warning("Give the study a name first.")
            return
        name = st.session_state[NAME]
        with acting(Action.CHANGE_STUDY, name):
            made = store.create(name, StudySettings())
        open_study(made.id)
        st.rerun()


def _show_one(info: StudyInfo) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"study_{info.id}"):
        with st.container(gap=None):
            st.markdown(f"**{plain(info.name)}**" + (f" · {plain(info.note, 90)}" if info.note else ""))
            st.caption(plain(info.problem, 300) if info.problem else _facts(info))
        st.button("Open", key=f"open_{info.id}", on_click=open_study, args=(info.id,), disabled=bool(info.problem),
                  icon=":material/folder_open:")  # fmt: skip


def _facts(info: StudyInfo) -> str:
    words = [count(info.images, "image"), count(info.samples, "sample")]
    if info.groups:
        words.append(" / ".join(plain(group, 30) for group in info.groups[:4]))
    if info.waiting:
        words.append(f"{info.waiting:,} wait to be segmented")
    if info.failed:
        words.append(f":orange[{info.failed:,} could not be read]")
    if info.changed:
        words.append(f"changed {datetime.fromisoformat(info.changed).astimezone():%-d %b %Y, %H:%M}")
    return " · ".join(words)


def count(number: int, thing: str) -> str:
    """'1 image', '2 images'."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _show_removed(store: StudyStore) -> None:
    removed = store.removed()
    if not removed:
        return
    with st.expander(f"Removed studies ({len(removed)})", icon=":material/delete:"):
        for info in removed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(info.name))
                st.button("Bring back", key=f"back_{info.id}", on_click=_bring_back, args=(store, info.id),
                          icon=":material/undo:")  # fmt: skip
                if clicked("Delete for good …", key=f"delete_{info.id}", icon=":material/delete_forever:"):
                    _ask_to_delete(store, info)


def _bring_back(store: StudyStore, study: str) -> None:
    guarded(Action.REMOVE_STUDY, store.restore, study)(study)


@st.dialog("Delete for good")
def _ask_to_delete(store: StudyStore, info: StudyInfo) -> None:
    st.markdown(f"**{plain(info.name)}** with {count(info.images, 'image')}, all results and corrections will be gone, "
                "for everybody who uses this server.")  # fmt: skip
    if clicked("Delete it", f"delete_study_{info.id}", type="primary"):
        with show_errors():
            with acting(Action.REMOVE_STUDY, info.id, "for good"):
                store.delete_removed(info.id)
            st.rerun()

"""The Train page's first half: which data, which recipe, start."""

import streamlit as st

from bccseg.accounts.roles import Action, who_may
from bccseg.annotation.dataset_export import chosen_versions
from bccseg.annotation.records import SPLITS, Version
from bccseg.annotation.review import Item, items
from bccseg.config import PRESETS, TrainConfig
from bccseg.io.archive import is_zip
from bccseg.jobs.records import ACTIVE_STATES, JobSpec
from bccseg.jobs.training_run import Run, create_run
from bccseg.training.data_sources import HUB_PREFIX, STORE_PREFIX
from bccseg.training.initial_weights import base_training_set
from ui.shared.account import acting, allowed
from ui.shared.clicks import noting_button, take_click
from ui.shared.errors import plain
from ui.shared.storage import collection_folder, runs_folder, store
from ui.train.data_check import CHECK, CHECK_HELP, show_check
from ui.train.hub_machine import ask_where, paid
from ui.train.settings import ask_for_settings
from ui.train.test_images import offer_test_images

STARTED = "train_started"  # id and name of the run that was started last

RECIPES = {
    "finetune": ("Quick fine-tune", "Goes on from trained weights for some minutes: for a few images of your own."),
    "recommended": (
        "Recommended",
        "Trains from scratch, overlapping cells included. Some hours on two cores, minutes on a graphics card.",
    ),
    "seed": ("Seed recipe", "Plain binary U-Net or ResU-Net: 100 epochs, batch 4, Adam at 0.0001, random flips."),
}
ZIP_HELP = """
Folders original/ and labels/ (one number a cell) or mask/ (a piece a cell) with the same file names, also below train/,
validation/ and test/. A picture in unknown/ is white where nothing is to be learned.
"""
MIX_HELP = (
    "Half of what the network sees is from the images its base weights learned from, so that it stays good at them."
)
NO_BASE = """
The images that the base weights learned from are not on this server, so a fine-tune may forget other stains. Who keeps
the server can set BCCSEG_BASE_DATA to their folder.
"""


def ask_to_train() -> None:
    """The form; starts the run."""
    if not allowed(Action.TRAIN):
        st.info(f"To train needs the role {who_may(Action.TRAIN)}.", icon=":material/lock:")
        return
    chosen = chosen_versions(items(store()))
    sources, uploads = _ask_for_data(chosen)
    ready = bool(sources or uploads)
    st.subheader("Recipe", anchor=False)
    preset = st.radio(
        "Recipe", list(RECIPES), format_func=lambda name: RECIPES[name][0], key="train_preset",
        captions=[text for _, text in RECIPES.values()], label_visibility="collapsed",
    )  # fmt: skip
    base = _ask_for_base(PRESETS[preset])
    config, device = ask_for_settings(preset, PRESETS[preset])
    there = ask_where()
    name = st.text_input("Name of the run", value=f"{RECIPES[preset][0]}", max_chars=80, key=f"train_name_{preset}")
    if not ready:
        st.info("Choose some data first: accepted labels of the collection, or a dataset as zip.")
    with st.container(horizontal=True):
        noting_button(there.button, "train_start", type="primary", icon=":material/play_arrow:",
                      disabled=not (ready and config and there.ready))  # fmt: skip
        noting_button("Check the data", CHECK, icon=":material/fact_check:", disabled=not ready, help=CHECK_HELP)
    if take_click("train_start"):
        spec = JobSpec(name=name, sources=tuple(sources), config=config, device=device, preset=preset, base=base,
                       hub=there.machine)  # fmt: skip
        run = begin_training(spec, uploads)
        st.session_state[STARTED] = (run.id, name)
        st.rerun()
    share = (config or PRESETS[preset]).validation_share
    show_check(
        sources, uploads, share, base, versions=[v.id for _, v in chosen],
        classes=config.classes if config else (),
    )  # fmt: skip
    _show_started()


def begin_training(spec: JobSpec, uploads: list[bytes]) -> Run:
    """Start a run, if the person may. Raises AccessError, TrainingError."""
    folder = runs_folder()
    with acting(Action.TRAIN, spec.name) as note:
        run = create_run(folder, spec, uploads)
        run.start()
        note.text = f"run {run.id}{paid(spec.hub)}"
    return run


def _show_started() -> None:
    """Where the run is that was started last."""
    if STARTED not in st.session_state:
        return
    run, name = st.session_state[STARTED]
    folder = runs_folder() / run
    if not folder.is_dir():  # deleted since
        return
    state = Run(folder).progress.state
    if state in ACTIVE_STATES:
        st.success(f"**{plain(name)}** has begun. It is [at the top of this page](#under-way), with its progress; "
                   "once it has ended, it is under **Runs**.", icon=":material/play_circle:")  # fmt: skip
    else:
        st.info(f"**{plain(name)}** has ended: see **Runs**.", icon=":material/flag:")


def _ask_for_base(config: TrainConfig) -> str:
    """Folder of the base training set, if it is to be mixed in."""
    folder = base_training_set()
    if folder is None:
        if config.base_weights:
            st.caption(NO_BASE)
        return ""
    mixed = st.toggle("Mix in the base training set", value=bool(config.base_weights), help=MIX_HELP,
                      key=f"train_mix_{bool(config.base_weights)}")  # fmt: skip
    return str(folder) if mixed else ""


def _ask_for_data(chosen: list[tuple[Item, Version]]) -> tuple[list[str], list[bytes]]:
    """Sources as `gather_training_data` takes them, and uploaded zips. chosen: accepted labels of the collection."""
    st.subheader("Data", anchor=False)
    counts = {split: sum(item.info.split == split for item, _ in chosen) for split in SPLITS}
    text = "Accepted labels of the collection: {train} to learn from, {validation} to check on, {test} for comparing"
    sources = []
    if st.checkbox(text.format(**counts), value=bool(chosen), disabled=not chosen, key="train_store"):
        sources.append(f"{STORE_PREFIX}{collection_folder()}")
        offer_test_images("start")
    tip = "A dataset that a bccseg server keeps in step. Its accepted labels are used."
    repo = st.text_input(
        "And a collection on the Hugging Face Hub", placeholder="owner/name", key="train_hub", help=tip
    )
    if repo := repo.strip():
        sources.append(f"{HUB_PREFIX}{repo.removeprefix(HUB_PREFIX)}")
    data = st.file_uploader("And a dataset (zip)", ["zip"], key="train_zip", help=ZIP_HELP)
    content = data.getvalue() if data is not None else b""
    if content and not is_zip(content):
        st.error("That is no zip file.")
        content = b""
    return sources, [content] if content else []

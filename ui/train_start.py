"""The Train page's first half: which data, which recipe, start."""

from dataclasses import replace

import streamlit as st

from bccseg.config import PRESETS, TrainConfig
from bccseg.imaging.archive import is_zip
from bccseg.labels.exporting import chosen_versions
from bccseg.labels.review import items
from bccseg.model.sources import shipped_names
from bccseg.train.jobs import JobSpec, create_run
from bccseg.train.sources import HUB_PREFIX, STORE_PREFIX
from ui.collection import runs_root, store, store_root
from ui.promoted import PREFIX, folder_of, promoted
from ui.settings import DEVICES

RECIPES = {
    "finetune": ("Quick fine-tune", "Goes on from trained weights for some minutes: for a few images of your own."),
    "recommended": ("Recommended", "Trains afresh the way the shipped weights began. About an hour on two cores."),
    "seed": ("Seed recipe", "Plain binary U-Net or ResU-Net: 100 epochs, batch 4, Adam at 0.0001, random flips."),
}  # fmt: skip
AFRESH = "None: begin afresh"
KINDS = {"unet": "U-Net", "resunet": "ResU-Net"}
ZIP_HELP = """
Folders original/ and mask/ with the same file names, also below train/, validation/ and test/. Add the set that the
base weights learned from, and old stains are not forgotten.
"""
BASE_HELP = "Training goes on from these. Fine-tune from shipped weights on all labels, not from an earlier fine-tune."


def ask_to_train() -> None:
    """The form; starts the run."""
    sources = _ask_for_data()
    st.subheader("Recipe", anchor=False)
    preset = st.radio(
        "Recipe", list(RECIPES), format_func=lambda name: RECIPES[name][0], key="train_preset",
        captions=[text for _, text in RECIPES.values()], label_visibility="collapsed",
    )  # fmt: skip
    config, device = _ask_for_settings(preset, PRESETS[preset])
    name = st.text_input("Name of the run", value=f"{RECIPES[preset][0]}", max_chars=80, key=f"train_name_{preset}")
    if not sources:
        st.info("Choose some data first: accepted labels of the collection, or a dataset as zip.")
    if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=not sources):
        run = create_run(runs_root(), JobSpec(name, tuple(sources), config, device, preset=preset))
        run.start()
        st.session_state["train_run"] = run.id
        st.rerun()


def _ask_for_data() -> list[str]:
    """Sources as `sources.gather` takes them."""
    st.subheader("Data", anchor=False)
    chosen = chosen_versions(items(store()))
    parts = {part: sum(item.info.split == part for item, _ in chosen) for part in ("train", "validation", "test")}
    text = "Accepted labels of the collection: {train} to learn from, {validation} to check on, {test} for comparing"
    sources = []
    if st.checkbox(text.format(**parts), value=bool(chosen), disabled=not chosen, key="train_store"):
        sources.append(f"{STORE_PREFIX}{store_root()}")
    tip = "A dataset that a bccseg server keeps in step. Its accepted labels are used."
    repo = st.text_input(
        "And a collection on the Hugging Face Hub", placeholder="owner/name", key="train_hub", help=tip
    )
    if repo := repo.strip():
        sources.append(f"{HUB_PREFIX}{repo.removeprefix(HUB_PREFIX)}")
    data = st.file_uploader("And a dataset (zip)", ["zip"], key="train_zip", help=ZIP_HELP)
    if data is not None:
        content = data.getvalue()
        if not is_zip(content):
            st.error("That is no zip file.")
            return sources
        folder = runs_root() / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{data.file_id}.zip"
        if not path.exists():
            path.write_bytes(content)
        sources.append(str(path))
    return sources


def _ask_for_settings(preset: str, config: TrainConfig) -> tuple[TrainConfig, str]:
    """The preset, with what the person changed."""

    def number(title: str, low: float, high: float, value: float, tip: str, **more: object) -> float:
        return st.number_input(title, low, high, value, help=tip, key=f"train_{preset}_{title}", **more)

    with st.expander("Settings", icon=":material/tune:"):
        left, right = st.columns(2)
        with left:
            bases = [AFRESH, *dict.fromkeys([*shipped_names(), *promoted().names])]
            at = bases.index(config.base_weights or AFRESH)
            base = st.selectbox("Base weights", bases, index=at, key=f"train_{preset}_base", help=BASE_HELP)
            network = config.network
            if base == AFRESH:
                at = list(KINDS).index(network.architecture)
                kind = st.selectbox("Network", list(KINDS), format_func=KINDS.__getitem__, index=at,
                                    key=f"train_{preset}_network",
                                    help="ResU-Net adds shortcuts to every block; a little slower.")  # fmt: skip
                grey = st.toggle("Without colour", value=network.in_channels == 1, key=f"train_{preset}_grey",
                                 help="Reads the images as greyscale.")  # fmt: skip
                tip = "Channels at full resolution. Doubling it takes about three times as long."
                width = int(number("Width", 4, 64, network.width, tip, step=4))
                network = replace(network, architecture=kind, in_channels=1 if grey else 3, width=width)
            epochs = int(
                number("Epochs", 1, 1000, config.epochs, "Rounds; after each the weights are checked and saved.")
            )
            steps = int(number("Steps an epoch", 1, 5000, config.steps_per_epoch, "Batches in a round."))
        with right:
            batch = int(
                number("Batch size", 1, 128, config.batch_size, "Crops seen at once. Halve it if memory runs out.")
            )
            rate = number(
                "Learning rate", 1e-6, 1e-1, config.learning_rate, "How far each step goes.", format="%.6f", step=1e-4
            )
            tip = "Ends when so many epochs brought no better validation loss. 0: never."
            patience = int(number("Stop early after", 0, 1000, config.patience, tip))
            seed = int(number("Seed", 0, 2**31 - 1, config.seed, "The same seed gives the same run on a CPU."))
            device = st.selectbox(
                "Device", list(DEVICES), format_func=DEVICES.__getitem__, key=f"train_{preset}_device"
            )
    changed = replace(
        config, base_weights="" if base == AFRESH else _base(base), network=_network_of(base, network), epochs=epochs,
        steps_per_epoch=steps, patience=patience, batch_size=batch, learning_rate=rate, seed=seed,
        warmup_steps=min(config.warmup_steps, max(1, epochs * steps // 5)),
    )  # fmt: skip
    return changed, device


def _base(name: str) -> str:
    return str(folder_of(name)) if name.startswith(PREFIX) else name


def _network_of(base: str, network: object) -> object:
    """The network of the base weights, which training on them must keep."""
    if base == AFRESH:
        return network
    from bccseg.model.sources import locate
    from bccseg.model.weights import read_config

    folder = folder_of(base) if base.startswith(PREFIX) else locate(base, allow_paths=False)[0]
    return read_config(folder).network

"""The Train page's look at the data before a run: what is there, and what is wrong with it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.classes import CellClass, words
from ui.shared.account import require
from ui.shared.clicks import click_waits, take_click
from ui.shared.errors import plain, show_errors
from ui.train.comparison import MIN_IMAGES
from ui.train.test_images import too_few

MOST = 10  # messages shown of a kind
OTHERS = "What else is marked ({}) can be learned under **Classes from a few clicks**."
NO_CLASSES = (
    "The network of this recipe tells no classes apart: they are not learned. Go on from base weights that do, or use "
    "**Classes from a few clicks**."
)
CHECK = "train_check"  # key of the button
CHECK_HELP = "Reads every image and mask, as a run does before it starts, and says what does not fit."


@dataclass(frozen=True)
class Findings:
    """Of a look at the data."""

    summary: str
    problems: list[str]
    warnings: list[str]
    classes: dict[str, int]  # cells of each, the most first


def show_check(
    sources: list[str],
    uploads: list[bytes],
    validation_share: float,
    base: str,
    *,
    versions: list[str],
    classes: tuple[CellClass, ...] = (),
) -> None:
    """Look at the data if the button `CHECK` was clicked; what was found, as long as it is of these very data.

    versions: ids of the accepted labels of the collection, which change while its name stays. classes: that the network
    of the recipe tells apart.
    """
    asked = (tuple(sources), tuple(map(hash, uploads)), validation_share, base, tuple(versions))
    if click_waits(CHECK):
        with show_errors(), st.spinner("Reading the images and masks", show_time=True):
            require(Action.TRAIN)
            st.session_state["train_checked"] = (asked, look(sources, uploads, validation_share, base))
        take_click(CHECK)
    checked, findings = st.session_state.get("train_checked", (None, None))
    if checked != asked:
        return
    if findings.problems:
        st.error(f"{findings.summary}. Training cannot start with these:\n{_listed(findings.problems)}")
    else:
        st.success(f"{findings.summary}. Training can start.")
    if findings.classes:
        _show_classes(findings.classes, classes)
    if findings.warnings:
        st.warning(f"Please note:\n{_listed(findings.warnings)}")


def _show_classes(found: dict[str, int], told: tuple[CellClass, ...]) -> None:
    """Cells of each class, and which of them this network does not learn."""
    text = " · ".join(f"{plain(words(name))} **{count:,}**" for name, count in found.items())
    st.markdown(f"Classes: {text}")
    lost = [words(name) for name in found if name not in {one.name for one in told}]
    if lost and told:
        apart = ", ".join(one.words for one in told)
        st.caption(
            f"The network of this recipe tells {plain(apart, 200)}. {OTHERS.format(plain(', '.join(lost), 200))}"
        )
    elif lost:
        st.caption(NO_CLASSES)


def _listed(texts: list[str]) -> str:
    more = [f"and {len(texts) - MOST} more"] if len(texts) > MOST else []
    return "\n".join(f"* {text}" for text in [*(plain(text, 300) for text in texts[:MOST]), *more])


def look(sources: list[str], uploads: list[bytes], validation_share: float, base: str) -> Findings:
    """What `gather_training_data` says of the data. Raises BccsegError where a source holds nothing."""
    from bccseg.training.data_sources import gather_training_data

    with tempfile.TemporaryDirectory(prefix="bccseg-check-") as name:
        folder = Path(name)
        for k, content in enumerate(uploads):
            (folder / f"upload{k}.zip").write_bytes(content)
        paths = [str(folder / f"upload{k}.zip") for k in range(len(uploads))]
        data = gather_training_data([*sources, *paths], folder / "data", validation_share, base)
    test = f", {len(data.test)} for comparing" if data.test else ""
    few = [too_few(len(data.test))] if len(data.test) < MIN_IMAGES else []
    classes = dict(data.classes.most_common())
    return Findings(f"{data}{test}; {data.cells} cells", data.problems, [*data.warnings, *few], classes)

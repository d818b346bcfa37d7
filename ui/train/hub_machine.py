"""Where a run trains: here, or on a machine of Hugging Face, whose price is shown before."""

from dataclasses import dataclass

import streamlit as st

from bccseg.errors import HubError
from bccseg.jobs.hub_machines import Hardware, Offer, can_offer, read_offer
from bccseg.jobs.records import HubMachine
from ui.shared.errors import plain

HERE, THERE = "On this server", "On Hugging Face"
LIST_MINUTES = 30  # that the list of machines is kept
HOURS, MOST_HOURS = 2.0, 24.0
WHERE_HELP = "This server has no graphics card. Hugging Face rents machines by the minute that have one."
TIME_HELP = """
Hugging Face ends the training after this time, and what was learned by then is lost. So give it more than you expect;
only the time that is used is paid.
"""
PRIVACY = """
The images are copied into a private dataset of **{}** and deleted there when the training has ended. The machine gets
this server's token, to fetch them and to hand over the weights.
"""
CPU_ONLY = """
This server's container has PyTorch without CUDA, so machines with a graphics card would not use it and are left out.
Build the container with TORCH_INDEX set (see the Dockerfile) to have them.
"""


@dataclass(frozen=True)
class Where:
    """What was chosen."""

    machine: HubMachine | None = None  # None: this server
    ready: bool = True  # whether a run may start

    @property
    def button(self) -> str:
        """Words of the button that starts the run."""
        return "Train on Hugging Face" if self.machine or not self.ready else "Start training"


def paid(machine: HubMachine | None) -> str:
    """What the audit log says of a run that costs money; '' of others."""
    return f", {machine.flavor} of Hugging Face, at most ${machine.most_dollars:.2f}" if machine else ""


@st.cache_data(ttl=60 * LIST_MINUTES, show_spinner="Asking Hugging Face for its machines")
def _offer() -> Offer:
    return read_offer()


@st.cache_data(show_spinner=False)
def _has_graphics_card() -> bool:
    from bccseg.model.device import available_devices

    return available_devices()[0] != "cpu"


def ask_where() -> Where:
    """Where to train, where there is a choice: no graphics card here, and a token."""
    if not can_offer() or _has_graphics_card():
        return Where()
    st.subheader("Where", anchor=False)
    where = st.radio("Where", [HERE, THERE], key="train_where", horizontal=True, label_visibility="collapsed",
                     help=WHERE_HELP)  # fmt: skip
    if where == HERE:
        return Where()
    try:
        offer = _offer()
    except HubError as error:
        st.error(plain(str(error), 400))
        return Where(ready=False)
    if not offer.hardware:
        st.error("Hugging Face lists no machine that can be used.")
        return Where(ready=False)
    if offer.cpu_only:
        st.warning(CPU_ONLY)
    left, right = st.columns([2, 1])
    kinds = {one.flavor: one for one in offer.hardware}
    flavor = left.selectbox("Machine", list(kinds), format_func=lambda name: _describe(kinds[name]), key="train_flavor")
    hours = right.number_input("At most (hours)", 0.25, MOST_HOURS, HOURS, 0.25, key="train_hours", help=TIME_HELP)
    chosen = kinds[flavor]
    machine = HubMachine(
        flavor=flavor, title_there=chosen.title, minutes=round(60 * hours), dollars_an_hour=chosen.dollars_an_hour,
        image=offer.image, namespace=offer.namespace,
    )  # fmt: skip
    st.markdown(
        f"**\\${chosen.dollars_an_hour:.2f} an hour, at most \\${machine.most_dollars:.2f}**, paid by "
        f"**{plain(offer.namespace, 60)}** to Hugging Face."
    )
    st.caption(PRIVACY.format(plain(offer.namespace, 60)))
    return Where(machine)


def _describe(one: Hardware) -> str:
    card = f" · {one.accelerator}" if one.accelerator else ""
    return f"{one.title} · ${one.dollars_an_hour:.2f} an hour{card} · {one.cpu}, {one.memory}"

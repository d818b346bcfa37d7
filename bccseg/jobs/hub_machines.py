"""Machines of Hugging Face Jobs: whether a server can offer them, which there are, what they cost."""

import os
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from bccseg.accounts.server import SPACE
from bccseg.errors import HubError
from bccseg.hub import http_status, hub_error

if TYPE_CHECKING:
    from huggingface_hub import HfApi

IMAGE, NAMESPACE = "BCCSEG_JOBS_IMAGE", "BCCSEG_JOBS_NAMESPACE"  # environment variables of the server's owner
HOURS = {"minute": 1 / 60, "hour": 1.0, "second": 1 / 3600}  # how the Hub counts
NO_RIGHT = (
    "The server's token may not run jobs on Hugging Face. Give it the rights to manage Jobs and to write repositories, "
    "and see that the account has credit."
)


@dataclass(frozen=True)
class Hardware:
    """A kind of machine."""

    flavor: str  # as the Hub calls it
    title: str
    cpu: str
    memory: str
    accelerator: str  # "1 x Nvidia A10G, 24 GB"; "" without
    dollars_an_hour: float


@dataclass(frozen=True)
class Offer:
    """What can be had, and who pays."""

    namespace: str
    image: str
    hardware: tuple[Hardware, ...]  # with a graphics card first, then cheapest first
    cpu_only: bool  # the image has PyTorch without CUDA, so graphics cards are left out


def hub_api() -> "HfApi":
    """The Hub, with the server's own token."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)


def job_image() -> str:
    """What a job runs: this Space's own image, or what the owner named; "" where there is neither."""
    if named := os.environ.get(IMAGE, "").strip():
        return named
    space = os.environ.get(SPACE, "").strip()
    return f"hf.co/spaces/{space}" if space else ""


def paying_namespace(api: "HfApi") -> str:
    """Who pays: the account or organisation that the owner named, else the token's. Raises the client's errors."""
    return os.environ.get(NAMESPACE, "").strip() or str(api.whoami()["name"])


def can_offer() -> bool:
    """Whether this server has a token and an image; asks nobody."""
    if not job_image():
        return False
    from huggingface_hub import get_token

    return bool(get_token())


def read_offer() -> Offer:
    """The list of the Hub, as it is now. Raises HubError."""
    api = hub_api()
    try:
        namespace = paying_namespace(api)
        found = api.list_jobs_hardware()
    except Exception as error:  # the client lets errors of three other libraries through
        raise jobs_error(error, "the list of machines") from error
    cpu_only = version("torch").endswith("+cpu")
    machines = [
        Hardware(
            one.name, one.pretty_name, one.cpu, one.ram,
            f"{one.accelerator.quantity} x {one.accelerator.manufacturer} {one.accelerator.model}, "
            f"{one.accelerator.vram}" if one.accelerator else "",
            one.unit_cost_usd / HOURS[one.unit_label],
        )
        for one in found
        if one.unit_label in HOURS and not (cpu_only and one.accelerator)
    ]  # fmt: skip
    machines.sort(key=lambda one: (not one.accelerator, one.dollars_an_hour))
    return Offer(namespace, job_image(), tuple(machines), cpu_only)


def jobs_error(error: Exception, what: str) -> HubError:
    """The client's error in words."""
    if http_status(error) in (401, 402, 403):
        return HubError(NO_RIGHT)
    return hub_error(error, "Hugging Face Jobs", what)

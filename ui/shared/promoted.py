"""The weights that were promoted on this server."""

from bccseg.jobs.promotion import Promotions, read_promotions
from ui.shared.storage import runs_folder


def promoted() -> Promotions:
    """What was promoted, read now."""
    return read_promotions(runs_folder())


def weights_title(name: str) -> str:
    """What people call weights: promoted ones by the name a person gave."""
    return promoted().title(name)

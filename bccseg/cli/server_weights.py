"""The network that a server's own processes use."""

from typing import TYPE_CHECKING

from bccseg.folders import runs_folder

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor


def server_predictor(name: str | None, device: str) -> "Predictor":
    """The network by the name that a page or the command line gave: shipped, promoted on this server, hf://, or a
    folder; None: what the server uses. Raises WeightsError, HubError, SettingsError.
    """
    from bccseg.inference.predictor import Predictor
    from bccseg.jobs.promotion import PREFIX, read_promotions
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights

    own = read_promotions(runs_folder())
    name = own.current if name is None and own.names else name
    folder = own.locate(name) if name and name.startswith(PREFIX) else locate(name)
    return Predictor(load_weights(*folder), device)

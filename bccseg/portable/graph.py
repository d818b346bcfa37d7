"""A network that takes a photograph as it is: the white of the background is found inside the graph."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from bccseg.config import HEAD_CHANNELS, PROBABILITY_MAPS
from bccseg.imaging.normalise import DARKEST_WHITE, SAMPLE_PX, WHITE_PERCENTILE
from bccseg.model.weights import Weights, WeightsConfig

MOST_THINNED = 64  # every n-th row and column at most: images up to a gigapixel are sampled as `thin_out` does


def channel_names(config: WeightsConfig) -> tuple[str, ...]:
    """What the output's channels are, in order: those of the head, then "none" and each class if there are some."""
    classes = ("none", *(one.name for one in config.classes)) if config.classes else ()
    return (*HEAD_CHANNELS[config.network.head], *classes)


def white_of(rgb: Tensor) -> Tensor:
    """`imaging.normalise.white_level` in operations that every engine has: (B, 3, H, W), 0 to 255, to (B, 3, 1, 1).

    The level is looked for by halving 0 to 255 eight times, each time counting the pixels that are not lighter: no
    histogram and no sorting, whose results differ between engines.
    """
    h, w = rgb.shape[-2:]
    steps = torch.arange(1, MOST_THINNED + 1)
    step = (steps * steps * SAMPLE_PX <= h * w).sum().clamp(min=1)
    kept = (torch.arange(h) % step == 0)[:, None] & (torch.arange(w) % step == 0)[None, :]
    kept = kept.to(rgb.device)
    permille = round(10 * WHITE_PERCENTILE)
    needed = ((kept.sum() * permille + 999) // 1000).to(rgb.dtype)  # at most a million: exact in float32
    seen = torch.where(kept, rgb, 256.0)
    low = torch.zeros_like(rgb[:, :, :1, :1])
    high = low + 255
    for _ in range(8):
        middle = torch.floor((low + high) / 2)
        reached = (seen <= middle).to(rgb.dtype).sum((2, 3), keepdim=True) >= needed
        low, high = torch.where(reached, low, middle + 1), torch.where(reached, middle, high)
    return high.clamp(min=DARKEST_WHITE)


class PortableNetwork(nn.Module):
    """RGB in, maps out: float32 (B, 3, H, W), 0 to 255, H and W multiples of 2**depth, to (B, channels, H, W).

    Channels as `channel_names` says: probabilities 0 to 1 of cell and distance, numbers for way and spread (see
    `imaging.instances.ProbabilityMaps`), class shares that are 1 together. float32, whatever the machine could do.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        network = weights.config.network
        self.network = deepcopy(weights.network).float().eval()
        self.grey = network.in_channels == 1
        self.maps = network.maps
        self.probabilities = sum(name in PROBABILITY_MAPS for name in HEAD_CHANNELS[network.head])
        self.classes = bool(network.classes)

    def forward(self, rgb: Tensor) -> Tensor:
        """Maps of photographs."""
        rgb = rgb.float()
        planes = rgb * (1 / white_of(rgb))
        if self.grey:
            planes = planes.mean(dim=1, keepdim=True)
        logits = self.network(planes)
        parts = [logits[:, : self.probabilities].sigmoid()]
        if self.maps > self.probabilities:
            parts.append(logits[:, self.probabilities : self.maps])
        if self.classes:
            parts.append(logits[:, self.maps :].softmax(dim=1))
        return torch.cat(parts, dim=1)

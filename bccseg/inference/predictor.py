"""One picture through the network: RGB in, probability maps out."""

import threading
from copy import deepcopy

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bccseg.config import HEAD_CHANNELS, PROBABILITY_MAPS, SegmentSettings
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.normalise import normalise
from bccseg.inference.segment import Progress, Segmentation, segment
from bccseg.model.device import choose_device, inference_dtype
from bccseg.model.weight_sources import locate
from bccseg.model.weights import Weights, load_weights


def fold_batch_norm(network: nn.Module) -> None:
    """Merge, in place, each batch norm into the convolution before it: same numbers, fewer passes."""
    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        for k in range(len(module) - 1):
            if isinstance(module[k], nn.Conv2d) and isinstance(module[k + 1], nn.BatchNorm2d):
                module[k] = fuse_conv_bn_eval(module[k], module[k + 1])
                module[k + 1] = nn.Identity()


class Predictor:
    """A network ready to run: on its device, in the fastest precision the hardware has.

    `optimise=False` keeps float32 and PyTorch's default layout; benchmarks compare against it.
    """

    def __init__(self, weights: Weights, device: str = "auto", *, optimise: bool = True) -> None:
        self.config, self.source, self.cell_head = weights.config, weights.source, weights.cell_head
        self.probabilities = sum(name in PROBABILITY_MAPS for name in HEAD_CHANNELS[self.config.network.head])
        self.device = choose_device(device)
        self.dtype = inference_dtype(self.device) if optimise else torch.float32
        self.layout = torch.channels_last if optimise else torch.contiguous_format
        self.network = deepcopy(weights.network)
        if optimise:
            fold_batch_norm(self.network)
        self.network = self.network.to(self.device, self.dtype, memory_format=self.layout).eval()
        self.network.head.float()  # logits keep their precision
        self._lock = threading.Lock()  # one picture at a time: two would only halve each other's speed

    def segment(
        self,
        image: NDArray[np.uint8],
        settings: SegmentSettings | None = None,
        on_progress: Progress | None = None,
    ) -> Segmentation:
        """Find the cells of an RGB image uint8 (H, W, 3): labels int32 (H, W), a score for each cell, the diameter.

        settings: what is None there is as the weights prefer it. on_progress: called with the finished share, 0 to 1.

        Examples
        --------
        >>> image, truth = bccseg.draw_smear((300, 400), cells=12, diameter_px=50, seed=2)
        >>> found = bccseg.load_predictor().segment(image)
        >>> found.labels.shape, len(found.scores), int(truth.max())
        ((300, 400), 12, 12)
        >>> 45 < found.diameter_px < 55
        True
        """
        return segment(image, self, settings, on_progress)

    @torch.inference_mode()
    def __call__(
        self, image: NDArray[np.uint8], white: NDArray[np.float32], *, features: bool = False, classes: bool = True
    ) -> ProbabilityMaps:
        """Probability maps (H, W) of an RGB image uint8 (H, W, 3) whose background has the level `white` (3,).

        features: with the decoder's maps, which `imaging.cell_features` pools. classes: with class maps, if it has any.
        """
        h, w = image.shape[:2]
        unit = 2**self.network.depth
        padded = cv2.copyMakeBorder(image, 0, -h % unit, 0, -w % unit, cv2.BORDER_REPLICATE)
        planes = normalise(padded, white)
        if self.config.network.in_channels == 1:
            planes = planes.mean(axis=2, keepdims=True)
        batch = torch.from_numpy(planes).permute(2, 0, 1)[None]  # (1, C, H', W')
        batch = batch.to(self.device, self.dtype).contiguous(memory_format=self.layout)
        with self._lock:
            decoded = self.network.features(batch)
            logits = self.network.logits(decoded, classes=classes)
            maps = logits[0, :, :h, :w]
            # Of the finest every fourth pixel says as much on average; on the coarsest a cell is a few pixels.
            chosen = (decoded[-1][..., ::2, ::2], *decoded[-2:0:-1]) if features else ()
            kept = tuple(values[0].float().cpu().numpy() for values in chosen)
            del decoded, logits, chosen
            maps[: self.probabilities].sigmoid_()
            told = maps[self.config.network.maps :].softmax(dim=0).cpu().numpy() if classes else ()
            maps = maps[: self.config.network.maps].contiguous().cpu().numpy()
        found = ProbabilityMaps(*maps[: self.probabilities], classes=told if len(told) else None, features=kept or None)
        if len(maps) == self.probabilities:
            return found
        return found._replace(way=maps[2:4], spread=maps[4:])


def load_predictor(weights: str | None = None, device: str = "auto") -> Predictor:
    """A network ready to run.

    weights: a shipped name, a folder that bccseg wrote, or hf://owner/repo[@revision]; None: what BCCSEG_WEIGHTS names,
    else the shipped default. device: "auto" (CUDA, Apple MPS, CPU, in this order), "cpu", "cuda" or "mps".
    Raises WeightsError, HubError, SettingsError.

    Examples
    --------
    >>> predictor = bccseg.load_predictor("resunet-bbbc041seg", device="cpu")
    >>> predictor.source, predictor.config.diameter_px
    ('resunet-bbbc041seg', 48.0)
    """
    return Predictor(load_weights(*locate(weights)), device)

"""One picture through the network: RGB in, probability maps out."""

import threading
from copy import deepcopy

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.normalise import normalise
from bccseg.model.device import choose_device, inference_dtype
from bccseg.model.weights import Weights


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
        self.config, self.source = weights.config, weights.source
        self.device = choose_device(device)
        self.dtype = inference_dtype(self.device) if optimise else torch.float32
        self.layout = torch.channels_last if optimise else torch.contiguous_format
        self.network = deepcopy(weights.network)
        if optimise:
            fold_batch_norm(self.network)
        self.network = self.network.to(self.device, self.dtype, memory_format=self.layout).eval()
        self.network.head.float()  # logits keep their precision
        self._turn = threading.Lock()  # one picture at a time: two would only halve each other's speed

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.uint8], white: NDArray[np.float32]) -> ProbabilityMaps:
        """Probability maps (H, W) of an RGB image uint8 (H, W, 3) whose background has the level `white` (3,)."""
        h, w = image.shape[:2]
        unit = 2**self.network.depth
        padded = cv2.copyMakeBorder(image, 0, -h % unit, 0, -w % unit, cv2.BORDER_REPLICATE)
        planes = normalise(padded, white)
        if self.config.network.in_channels == 1:
            planes = planes.mean(axis=2, keepdims=True)
        batch = torch.from_numpy(planes).permute(2, 0, 1)[None]  # (1, C, H', W')
        batch = batch.to(self.device, self.dtype).contiguous(memory_format=self.layout)
        with self._turn:
            maps = self.network(batch)[0, :, :h, :w].sigmoid()
            return ProbabilityMaps(*maps.contiguous().cpu().numpy())

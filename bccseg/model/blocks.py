"""Building blocks that U-Net and ResU-Net share. Shapes are (batch, channels, height, width)."""

import torch
from torch import Tensor, nn


def conv3x3(a: int, b: int) -> nn.Conv2d:
    """3x3 convolution, padded to keep the size; the batch norm that follows brings the bias."""
    return nn.Conv2d(a, b, kernel_size=3, padding=1, bias=False)


class DoubleConv(nn.Sequential):
    """Conv, batch norm, ReLU, twice: (B, a, H, W) -> (B, b, H, W).

    Ronneberger et al. 2015, doi 10.1007/978-3-319-24574-4_28, Fig. 1, with padding and batch norm.
    Parameters: 9ab + 9b² + 4b.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__(
            conv3x3(a, b), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
            conv3x3(b, b), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
        )  # fmt: skip


class ResidualConv(nn.Module):
    """Two convolutions and a shortcut around them: (B, a, H, W) -> (B, b, H, W).

    He et al. 2016, doi 10.1109/CVPR.2016.90, as used in Gómez-de-Mariscal et al. 2019,
    doi 10.1038/s41598-019-49431-3. The shortcut is the identity, or a 1x1 convolution where the
    number of channels changes. Parameters: 9ab + 9b² + 4b, and ab + 2b more for a 1x1 shortcut.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv3x3(a, b), nn.BatchNorm2d(b), nn.ReLU(inplace=True), conv3x3(b, b), nn.BatchNorm2d(b)
        )
        self.shortcut: nn.Module = nn.Identity()
        if a != b:
            self.shortcut = nn.Sequential(nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b))

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H, W)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class ClassHead(nn.Module):
    """Class maps from the decoder's maps, (B, classes, H, W): what a pixel looks like, and what stands around it.

    The finest map gives each pixel's own share by a 1x1 convolution. The context comes from all levels, brought to half
    the resolution and added up. As it adds to what the U gives and changes nothing in it, it can be learned alone.
    """

    def __init__(self, classes: int, width: int, depth: int, hidden: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(width, classes, 1)
        self.shrink = nn.Conv2d(width, hidden, 2, stride=2)
        self.levels = nn.ModuleList(nn.Conv2d(width * 2**k, hidden, 1, bias=False) for k in range(1, depth + 1))
        self.context = nn.Sequential(nn.ReLU(), nn.Conv2d(hidden, hidden, 3, padding=1), nn.ReLU())
        self.coarse = nn.Conv2d(hidden, classes, 1, bias=False)
        nn.init.zeros_(self.coarse.weight)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Logits of the decoder's maps as `EncoderDecoder.features` gives them."""
        *others, finest = features
        around = self.shrink(finest)
        for level, values in zip(reversed(self.levels), others, strict=True):
            around = around + _enlarged(level(values), around.shape[-2:])
        around = self.coarse(self.context(around)).contiguous()  # so few channels are enlarged faster one by one
        return self.fine(finest) + _enlarged(around, finest.shape[-2:])


def _enlarged(values: Tensor, size: torch.Size) -> Tensor:
    if values.shape[-2:] == size:
        return values
    return nn.functional.interpolate(values, size=size, mode="bilinear", align_corners=False)


class EncoderDecoder(nn.Module):
    """The U: `depth` levels down by max pooling, as many up by 2x2 up-convolution, with skips.

    Input (B, in_channels, H, W) with H and W multiples of 2**depth; output logits
    (B, out_channels, H, W), those of the `classes` last ones by a `ClassHead` if `class_width`, its hidden channels,
    is not 0. Level k has width * 2**k channels.
    """

    block: type[nn.Module]  # set by U-Net and ResU-Net

    def __init__(
        self, in_channels: int, out_channels: int, width: int, depth: int, classes: int = 0, class_width: int = 0
    ) -> None:
        super().__init__()
        sizes = [width * 2**k for k in range(depth + 1)]  # e.g. [16, 32, 64, 128, 256]
        self.depth = depth
        self.encoders = nn.ModuleList(self.block(a, b) for a, b in zip([in_channels, *sizes[:-1]], sizes, strict=True))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in reversed(sizes[:-1]))
        self.decoders = nn.ModuleList(self.block(2 * c, c) for c in reversed(sizes[:-1]))
        own = classes if class_width else 0
        self.head = nn.Conv2d(width, out_channels - own, 1)
        self.class_head = ClassHead(own, width, depth, class_width) if own else None

    def features(self, x: Tensor) -> list[Tensor]:
        """The decoder's maps of images (B, in_channels, H, W), the coarsest first.

        Those of level k are (B, width * 2**k, H / 2**k, W / 2**k), for k = depth, ..., 0.
        """
        skips = []
        for encoder in self.encoders[:-1]:
            x = encoder(x)
            skips.append(x)  # [width, 2 width, ...] at [hw, hw/2, ...]
            x = nn.functional.max_pool2d(x, 2)
        maps = [self.encoders[-1](x)]
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            maps.append(decoder(torch.cat([skips.pop(), up(maps[-1])], dim=1)))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, out_channels, H, W) of images (B, in_channels, H, W)."""
        return self.logits(self.features(x))

    def logits(self, features: list[Tensor], *, classes: bool = True) -> Tensor:
        """Logits (B, out_channels, H, W) of maps as `features` gives them; without those of a class head if `classes`
        is False.
        """
        logits = self.head(features[-1].to(self.head.weight.dtype))
        if self.class_head is None or not classes:
            return logits
        return torch.cat([logits, self.class_head(features).to(logits.dtype)], dim=1)

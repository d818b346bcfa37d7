"""From a NetworkConfig to a network."""

from bccseg.config import NetworkConfig
from bccseg.model.blocks import EncoderDecoder
from bccseg.model.resunet import ResUNet
from bccseg.model.unet import UNet

ARCHITECTURES: dict[str, type[EncoderDecoder]] = {"unet": UNet, "resunet": ResUNet}


def build_network(config: NetworkConfig) -> EncoderDecoder:
    """A freshly initialised network; it gives logits (B, config.out_channels, H, W), float32."""
    return ARCHITECTURES[config.architecture](
        config.in_channels, config.out_channels, config.width, config.depth, config.out_channels - config.maps,
        config.class_width,
    )  # fmt: skip

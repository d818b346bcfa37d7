"""Fully residual U-Net (Gómez-de-Mariscal et al. 2019, doi 10.1038/s41598-019-49431-3)."""

from bccseg.model.blocks import EncoderDecoder, ResidualConv


class ResUNet(EncoderDecoder):
    """U-Net whose encoder, bottleneck and decoder are residual blocks."""

    block = ResidualConv

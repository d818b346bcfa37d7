"""U-Net (Ronneberger, Fischer, Brox 2015, doi 10.1007/978-3-319-24574-4_28), padded."""

from bccseg.model.blocks import DoubleConv, EncoderDecoder


class UNet(EncoderDecoder):
    """U-Net with padded convolutions, so that the output is as large as the input."""

    block = DoubleConv

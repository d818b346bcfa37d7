"""Parameter counts and shapes against numbers worked out by hand."""

import pytest
import torch

from bccseg.config import NetworkConfig
from bccseg.errors import SettingsError
from bccseg.model.build import build_network


def count(network):
    return sum(p.numel() for p in network.parameters())


# Width 16, depth 4, RGB, two maps. A double convolution a -> b has 9ab + 9b² + 4b parameters:
#   down   2,800 + 13,952 + 55,552 + 221,696 + 885,760 = 1,179,760
#   up     8c² + c for c = 128, 64, 32, 16             =   174,320
#   decode 27c² + 4c for the same                      =   588,480
#   head   16 * 2 + 2                                  =        34
UNET_16 = 1_179_760 + 174_320 + 588_480 + 34
# Residual blocks add a 1x1 shortcut ab + 2b where channels change, which is in every block here:
#   down 80 + 576 + 2,176 + 8,448 + 33,280 = 44,560;  decode 33,024 + 8,320 + 2,112 + 544 = 44,000
RESUNET_16 = UNET_16 + 44_560 + 44_000


@pytest.mark.parametrize(
    ("architecture", "options", "expected"),
    [
        ("unet", {}, UNET_16),
        ("resunet", {}, RESUNET_16),
        ("unet", {"in_channels": 1}, UNET_16 - 9 * 2 * 16),
        ("resunet", {"in_channels": 1}, RESUNET_16 - 9 * 2 * 16 - 2 * 16),
        ("unet", {"head": "binary"}, UNET_16 - 17),
        # width 8, depth 1: 9*24+9*64+32 = 824; 9*128+9*256+64 = 3,520; up 8*64+8; decode 27*64+32; head 8*2+2
        ("unet", {"width": 8, "depth": 1}, 824 + 3_520 + 520 + 1_760 + 18),
    ],
)
def test_parameter_counts(architecture, options, expected):
    assert count(build_network(NetworkConfig(architecture=architecture, **options))) == expected


@pytest.mark.parametrize("architecture", ["unet", "resunet"])
@pytest.mark.parametrize(("head", "maps"), [("cell_shape", 7), ("cell_distance", 2), ("binary", 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_output_is_as_large_as_the_input(architecture, head, maps, channels):
    config = NetworkConfig(architecture=architecture, head=head, in_channels=channels, width=4, depth=3)
    out = build_network(config)(torch.zeros(2, channels, 24, 40))
    assert out.shape == (2, maps, 24, 40)
    assert config.out_channels == maps


def test_identity_shortcut_where_channels_do_not_change():
    from bccseg.model.blocks import ResidualConv

    block = ResidualConv(8, 8)
    assert isinstance(block.shortcut, torch.nn.Identity)
    for p in block.body.parameters():
        torch.nn.init.zeros_(p)
    x = torch.rand(1, 8, 5, 5)
    assert torch.equal(block(x), x)  # nothing learned: the input passes


@pytest.mark.parametrize("wrong", [{"architecture": "vnet"}, {"head": "flow"}, {"in_channels": 2}, {"width": 1000}])
def test_impossible_networks_are_refused(wrong):
    with pytest.raises(SettingsError):
        NetworkConfig(**wrong)

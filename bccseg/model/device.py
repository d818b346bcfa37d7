"""Where the network runs, and at which precision."""

from contextlib import AbstractContextManager

import torch

from bccseg.config import DEVICES
from bccseg.errors import SettingsError


def available_devices() -> tuple[str, ...]:
    """Those of this machine, the one that 'auto' takes first."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return tuple(name for name, usable in there.items() if usable)


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; 'auto' takes CUDA, then Apple MPS, then the CPU.

    Raises SettingsError for an unknown name or a device this machine does not have.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in DEVICES:
        raise SettingsError(f"Unknown device {name!r}. Choose one of {', '.join(DEVICES)}.")
    if name not in available:
        raise SettingsError(f"This machine has no usable {name} device. Choose 'auto' or 'cpu'.")
    return torch.device(name)


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware; without it half precision is slower, not faster."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check)


def inference_dtype(device: torch.device) -> torch.dtype:
    """Half precision where the hardware has it: bf16 on CPU and newer CUDA, fp16 on older CUDA and MPS."""
    if device.type == "cpu":
        return torch.bfloat16 if cpu_has_bf16() else torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16


def training_autocast(device: torch.device, *, enabled: bool = True) -> AbstractContextManager:
    """bf16 where the hardware has it. Never fp16, whose range is too small for gradients unscaled."""
    bf16 = inference_dtype(device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled and bf16)


def describe_device(device: torch.device, dtype: torch.dtype) -> str:
    """For people: 'NVIDIA H200 GPU, half precision' or 'CPU'."""
    name = {"cpu": "CPU", "mps": "Apple GPU"}.get(device.type, "")
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)} GPU"
    return name if dtype == torch.float32 else f"{name}, half precision"

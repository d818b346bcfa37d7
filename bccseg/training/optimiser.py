"""Optimizer, learning rate, and the running average of the weights."""

import math

import torch
from torch import nn

from bccseg.config import TrainConfig


class WeightAverage:
    """Exponential moving average of weights and batch-norm statistics (Polyak and Juditsky 1992,
    doi 10.1137/0330046); the averaged network is the one that is validated and saved.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network as it is after `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))  # follows quickly at first
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Rate at a step: linear warm-up, then constant or a cosine down to 1 % (Loshchilov and Hutter 2017)."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    total = max(1, config.epochs * config.steps_per_epoch - config.warmup_steps)
    progress = min(1.0, (step - config.warmup_steps) / total)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def make_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW; batch norm and biases are not decayed."""
    if config.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate)

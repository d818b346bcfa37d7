"""Optimizer, learning rate, and the running average of the weights."""

import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from bccseg.config import TrainConfig


def average_weights(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and batch-norm statistics (Polyak and Juditsky 1992, doi 10.1137/0330046),
    to be updated after each step; its network is the one that is validated and saved.

    The network as it is now counts as the first of the averaged ones. The average follows quickly at first: at step k,
    from 0, the decay is at most (1 + k) / (10 + k).
    """

    @torch.no_grad()
    def update(averaged: list[Tensor], values: list[Tensor], count: Tensor) -> None:
        step = int(count) - 1
        if not averaged[0].is_floating_point():  # counts of batches
            torch._foreach_copy_(averaged, values)
            return
        torch._foreach_lerp_(averaged, values, 1 - min(decay, (1 + step) / (10 + step)))

    average = AveragedModel(network, multi_avg_fn=update, use_buffers=True)
    average.n_averaged.fill_(1)
    return average


def learning_rate(config: TrainConfig, step: int) -> float:
    """Rate at a step: linear warm-up, then constant or a cosine down to 1 % (Loshchilov and Hutter 2017)."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    total = max(1, config.epochs * config.steps_per_epoch - config.warmup_steps)
    progress = min(1.0, (step - config.warmup_steps) / total)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def set_learning(network: nn.Module, config: TrainConfig) -> None:
    """Training mode; where only the classes are learned, all else is fixed, batch norm included."""
    network.train()
    if config.learn == "classes":
        network.eval().requires_grad_(requires_grad=False)
        network.class_head.requires_grad_()


def make_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW for what `set_learning` lets learn; batch norm and biases are not decayed."""
    set_learning(network, config)
    learning = [p for p in network.parameters() if p.requires_grad]
    if config.optimizer == "adam":
        return torch.optim.Adam(learning, lr=config.learning_rate)
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate)

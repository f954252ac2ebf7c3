"""A small residual network for small pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def norm(channels: int) -> nn.Module:
    """Normalisation that does not look at the rest of the batch: varied and clean batches are treated alike."""
    return nn.GroupNorm(min(8, channels // 4), channels)


class Block(nn.Module):
    """Two convolutions and a way around them, activations first (He et al. 2016, "Identity mappings")."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.before = norm(channels)
        self.first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.between = norm(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.around = nn.Conv2d(channels, out, 1, stride, bias=False) if stride > 1 or channels != out else None
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        ready = nn.functional.relu(self.before(x))
        changed: Tensor = self.second(nn.functional.relu(self.between(self.first(ready))))
        return changed + (x if self.around is None else self.around(ready))


class ResidualNet(nn.Module):
    """Three stages of residual blocks on pictures of 8 to 64 px; (B, C, S, S) to (B, classes).

    Args:
        channels: of the pictures.
        classes: how many.
        size: S, px; larger pictures are halved by the first convolution.
        widths: channels of the stages.
    """

    def __init__(self, channels: int, classes: int, size: int, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, widths[0], 3, 2 if size > 24 else 1, 1, bias=False)
        pairs = zip((widths[0], *widths[:-1]), widths, strict=True)
        self.blocks = nn.Sequential(*(Block(a, b, 1 if n == 0 else 2) for n, (a, b) in enumerate(pairs)))
        self.last = norm(widths[-1])
        self.head = nn.Linear(widths[-1], classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster from 24 px on

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        x = nn.functional.relu(self.last(self.blocks(self.first(x))))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits

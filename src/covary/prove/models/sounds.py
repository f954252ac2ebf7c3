"""A small convolutional network on log-mel spectrograms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from covary.prove.models.images import norm


class SpectrogramNet(nn.Module):
    """Four convolutions, each halving bands and frames; mean and maximum over what is left; (B, 1, bands, frames) to
    (B, classes).

    Args:
        classes: how many.
        widths: channels of the convolutions.
    """

    def __init__(self, classes: int, widths: tuple[int, ...] = (16, 32, 48, 64)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((1, *widths[:-1]), widths, strict=True):
            layers += [nn.Conv2d(before, after, 3, 1 if before == 1 else 2, 1, bias=False), norm(after), nn.ReLU()]
            if before == 1:
                layers.append(nn.AvgPool2d(2, ceil_mode=True))
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(2 * widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        found = self.layers(x)
        logits: Tensor = self.head(torch.cat([found.mean((2, 3)), found.amax((2, 3))], 1))
        return logits

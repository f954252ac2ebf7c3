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
            # The first looks at 5 x 5, about 80 ms: it is the cheapest, as it has one channel.
            size = 5 if before == 1 else 3
            layers += [nn.Conv2d(before, after, size, 2, size // 2, bias=False), norm(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(2 * widths[-1], classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        found = self.layers(x.contiguous(memory_format=torch.channels_last))
        logits: Tensor = self.head(torch.cat([found.mean((2, 3)), found.amax((2, 3))], 1))
        return logits

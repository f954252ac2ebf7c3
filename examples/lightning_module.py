"""Lightning: Loaders as a DataModule, which resumes in the middle of an epoch.

python examples/lightning_module.py
"""

from __future__ import annotations

import tempfile

import lightning
import torch
from stripes import write_stripes
from torch import nn
from torch.nn.functional import cross_entropy

from covary import Loader, Pipeline, image
from covary.interop.lightning_module import DataModule


class Network(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AvgPool2d(28), nn.Flatten(), nn.Linear(8, 2))
        self.losses: list[float] = []

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.layers(pictures)

    def training_step(self, batch: dict, number: int) -> torch.Tensor:
        loss = cross_entropy(self(batch["image"]), batch["label"])
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: dict, number: int) -> None:
        self.log("accuracy", (self(batch["image"]).argmax(1) == batch["label"]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.02)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(str(write_stripes(folder)))


def train(folder: str) -> None:
    varied = Pipeline([image.RandomResizedCrop(32, scale=(0.6, 1)), image.Normalize("half")], seed=7)
    plain = Pipeline([image.Resize(32), image.Normalize("half")])
    data = DataModule(
        train=Loader(folder, varied, batch_size=16),
        val=Loader(folder, plain, batch_size=16, shuffle=False),
    )

    lightning.seed_everything(0)
    network = Network()
    trainer = lightning.Trainer(max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.fit(network, data)
    print(f"loss {network.losses[0]:.3f} -> {sum(network.losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()

"""Which model a task gets: its inputs, and a network with all that it learns from the training inputs beforehand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from covary.ops.view import Modality
from covary.prove.inputs import Inputs, NgramInputs, PictureInputs, TextInputs, inputs_for
from covary.prove.models.images import ResidualNet
from covary.prove.models.pretrained import SIDE, is_pretrained, pretrained
from covary.prove.models.sounds import SpectrogramNet
from covary.prove.models.texts import BagOfNgrams, WordNet, document_frequency
from covary.prove.task import Task

MODELS: dict[Modality, tuple[str, ...]] = {
    "image": ("residual",),
    "audio": ("spectrogram",),
    "text": ("ngrams", "convolution"),
}
"""Built-in models of each modality; the first is the usual one."""


class Standardised(nn.Module):
    """A network behind a fixed shift and scale of its inputs.

    Args:
        network: what takes the standardised inputs.
        mean, std: of the inputs; their shapes fit to these.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, mean: NDArray[Any], std: NDArray[Any]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.from_numpy(np.asarray(mean, dtype=np.float32)))
        self.register_buffer("scale", torch.from_numpy(1 / np.maximum(np.asarray(std, dtype=np.float32), 1e-4)))

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network((inputs - self.mean) * self.scale)
        return logits


@dataclass(frozen=True, eq=False)
class Model:
    """A model of a task, before it is built.

    Attributes:
        name: as in `Settings.model`.
        inputs: the form in which it takes samples.
        build: the network, from the inputs of the training samples as they are.
        device: where it is trained.
    """

    name: str
    inputs: Inputs
    build: Callable[[NDArray[Any]], nn.Module]
    device: str = "cpu"


def model_for(task: Task, name: str = "") -> Model:
    """The model of a name for a task; "" is the usual one.

    Raises:
        ValueError: the task's modality has no such model.
        ImportError, FileNotFoundError: of a pretrained one, see `pretrained`.
    """
    classes = len(task.classes)
    name = name or MODELS[task.modality][0]
    if task.modality == "image" and is_pretrained(name):
        return _pretrained_model(task, name)
    if name not in MODELS[task.modality]:
        more = ', "timm:NAME", "torchvision:NAME"' if task.modality == "image" else ""
        allowed = ", ".join(f'"{each}"' for each in MODELS[task.modality])
        raise ValueError(f"model is {name!r}; allowed for {task.modality}: {allowed}{more}")
    inputs: Inputs = NgramInputs() if name == "ngrams" else inputs_for(task)
    return Model(name, inputs, lambda train: _built(name, inputs, classes, train))


_INITIALISATION = threading.Lock()


def initialised(model: Model, train: NDArray[Any], seed: int) -> nn.Module:
    """A network with weights drawn from a seed; PyTorch's global generator is left as it was."""
    with _INITIALISATION, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = model.build(train)
    return network.to(model.device)


def _built(name: str, inputs: Inputs, classes: int, train: NDArray[Any]) -> nn.Module:
    if isinstance(inputs, TextInputs):
        return WordNet(inputs.buckets, classes)
    if isinstance(inputs, NgramInputs):
        return BagOfNgrams(document_frequency(train, inputs.buckets), len(train), classes)
    if isinstance(inputs, PictureInputs):
        mean, std = _moments(train, (0, 2, 3))
        return Standardised(ResidualNet(inputs.channels, classes, inputs.size), mean, std)
    mean, std = _moments(train, (0, 3))
    return Standardised(SpectrogramNet(classes), mean, std)


def _moments(train: NDArray[Any], axes: Sequence[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    along = tuple(axes)
    return (
        train.mean(along, dtype=np.float64, keepdims=True)[0],
        train.std(along, dtype=np.float64, keepdims=True)[0],
    )


def _pretrained_model(task: Task, name: str) -> Model:
    size = PictureInputs.fitted(task, SIDE).size

    def build(_train: NDArray[Any]) -> nn.Module:
        found = pretrained(name, len(task.classes))
        mean, std = (np.reshape(values, (3, 1, 1)) for values in (found.mean, found.std))
        return Standardised(found.network, mean, std)

    # Small networks are no quicker on a GPU; those of others' making are.
    return Model(name, PictureInputs(max(size, 64), 3), build, "cuda" if torch.cuda.is_available() else "cpu")

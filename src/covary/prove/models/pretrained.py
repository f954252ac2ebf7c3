"""Networks of timm and torchvision with pretrained weights that lie on this disk. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

HOUSES = ("timm", "torchvision")
SIDE = 160  # px, the largest size at which they are trained


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network with a new last layer, and what its pictures must look like.

    Attributes:
        network: takes (B, 3, S, S).
        mean, std: of the three channels, on a scale from 0 to 1.
    """

    network: nn.Module
    mean: Sequence[float]
    std: Sequence[float]


def is_pretrained(model: str) -> bool:
    """Whether a model's name is of the form "timm:NAME" or "torchvision:NAME"."""
    return model.partition(":")[0] in HOUSES and ":" in model


def pretrained(model: str, classes: int) -> Pretrained:
    """A network of timm or torchvision, by name, its weights from where these keep them.

    Raises:
        ImportError: timm or torchvision is not installed.
        ValueError: there is no such network, or it has no weights or no last linear layer.
        FileNotFoundError: its weights are not on this disk.
    """
    house, _, name = model.partition(":")
    return _of_timm(name, classes) if house == "timm" else _of_torchvision(name, classes)


def _of_timm(name: str, classes: int) -> Pretrained:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"timm:{name} needs timm: pip install timm", name=error.name) from None
    about = timm.models.get_pretrained_cfg(name)
    if about is None or not about.has_weights:
        raise ValueError(f"timm:{name}: timm {timm.__version__} has no pretrained network of this name")
    names = [Path(about.url).name] if about.url else []
    places = [*_at_hugging_face(about.hf_hub_id), *(_hub() / each for each in names)]
    path = _found(f"timm:{name}", places, about.hf_hub_id or "")
    network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(path)}, num_classes=classes)
    return Pretrained(network, about.mean, about.std)


def _of_torchvision(name: str, classes: int) -> Pretrained:
    try:
        from torchvision import models
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"torchvision:{name} needs torchvision: pip install torchvision", name=error.name
        ) from None
    if name not in models.list_models(module=models):
        raise ValueError(f"torchvision:{name}: torchvision has no network of this name that classifies pictures")
    kinds = list(models.get_model_weights(name))
    path = _found(f"torchvision:{name}", [_hub() / Path(kind.url).name for kind in kinds])
    kind = next(kind for kind in kinds if Path(kind.url).name == path.name)
    network = models.get_model(name, weights=None, num_classes=len(kind.meta["categories"]))
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    _renew_last_layer(f"torchvision:{name}", network, classes)
    form: Any = kind.transforms()
    return Pretrained(network, form.mean, form.std)


def _renew_last_layer(model: str, network: nn.Module, classes: int) -> None:
    linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"{model}: it has no linear layer at its end that could be renewed for {classes} classes")
    above, _, own = linear[-1].rpartition(".")
    old = network.get_submodule(linear[-1])
    assert isinstance(old, nn.Linear)
    setattr(network.get_submodule(above), own, nn.Linear(old.in_features, classes))


def _hub() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _at_hugging_face(repository: str | None) -> list[Path]:
    """What the cache of Hugging Face holds of a repository's weights."""
    if not repository:
        return []
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return []
    found = [try_to_load_from_cache(repository, name) for name in ("model.safetensors", "pytorch_model.bin")]
    return [Path(path) for path in found if isinstance(path, str)]


def _found(model: str, places: Sequence[Path], repository: str = "") -> Path:
    for place in places:
        if place.is_file():
            return place
    listed = [str(place) for place in places] + ([f"{repository} in the cache of Hugging Face"] if repository else [])
    raise FileNotFoundError(
        f"{model}: its pretrained weights are not on this disk, and nothing is downloaded here; looked for "
        f"{' and '.join(listed)}. Load the network once with its own library, or choose another model"
    )

"""covary inside the frameworks: each module here speaks to one of them, and imports it.

`pytorch`, `lightning_module`, `keras_pydataset`, `tf_data`, `jax_numpy`, `grain_transform`, `huggingface` and `spacy`.
None is imported before it is named; where a framework is missing, the error says how to install it.
`from_albumentations` and `from_torchvision` make pipelines of other libraries ours; they need neither library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "from_albumentations",
    "from_torchvision",
    "grain_transform",
    "huggingface",
    "jax_numpy",
    "keras_pydataset",
    "lightning_module",
    "pytorch",
    "spacy",
    "tf_data",
]


_CONVERTERS = {"from_albumentations": "albumentations", "from_torchvision": "torchvision_v2"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'covary.interop' has no attribute {name!r}; it has {', '.join(__all__)}")
    if name in _CONVERTERS:
        return getattr(import_module(f"covary.interop.{_CONVERTERS[name]}"), name)
    return import_module(f"covary.interop.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""The other libraries, on one thread each; None where one is not installed."""

from __future__ import annotations

import re
import sys
import warnings
from functools import cache
from importlib import import_module
from types import ModuleType

import cv2

cv2.setNumThreads(1)


@cache
def albumentations() -> ModuleType | None:
    return _imported("albumentations")


@cache
def kornia() -> ModuleType | None:
    """kornia.augmentation."""
    return _imported("kornia.augmentation")


def _imported(name: str) -> ModuleType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module(name)
        except ImportError:
            return None


@cache
def torchvision_v2() -> ModuleType | None:
    """torchvision.transforms.v2.

    A torchvision built for another torch cannot load its own operators (box suppression and the like), and then fails
    to import because it describes them. Nothing here uses them: they are declared without a body, one by one.
    """
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(20):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from torchvision.transforms import v2
            return v2  # type: ignore[no-any-return]
        except ImportError:
            return None
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                return None
            operators.define(f"{missing[1]}(Tensor first, Tensor second, float third) -> Tensor")
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
                del sys.modules[name]
    return None

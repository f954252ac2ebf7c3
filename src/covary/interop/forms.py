"""Pictures and masks in the forms that frameworks give them, as arrays and back again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.data.decode import decode
from covary.ops.image.finish import Finish
from covary.pipeline import Pipeline
from covary.plan.changes import Image

Array: TypeAlias = NDArray[Any]
Back: TypeAlias = Callable[[Array], Any]
"""Gives a varied array the form in which its original came."""

# What Pillow's modes become before they are read: those that no pipeline takes as they are.
_PLAIN_MODES = {"1": "L", "P": "RGBA", "LA": "RGBA", "PA": "RGBA", "La": "RGBA", "RGBa": "RGBA", "CMYK": "RGB"}
_COLOURS = {"YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB", "RGBX": "RGB"}


def as_given(array: Array) -> Any:
    """The form of arrays: themselves."""
    return array


def read_image(value: Any, field: str = "image") -> tuple[Image, Back]:
    """A framework's picture as the array that a pipeline takes, and the way back.

    Args:
        value: a PIL image; a torch tensor (C, H, W) or (H, W) on the CPU; an array (H, W, C) or (H, W) of NumPy, JAX
            or TensorFlow; or a file's contents as {"bytes": ...}. The last two come back as NumPy arrays.
        field: its name in error messages.

    Raises:
        TypeError, ValueError: none of these.
    """
    if is_pil(value):
        return _from_pil(value), _to_pil
    if is_tensor(value):
        array = tensor_array(value, field)
        if array.ndim == 2:
            return array, to_tensor
        if array.ndim != 3:
            raise ValueError(f"{field} is a tensor of shape {tuple(array.shape)}; allowed are (C, H, W) and (H, W)")
        return np.ascontiguousarray(array.transpose(1, 2, 0)), _channels_first
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return decode(value["bytes"]), as_given
    return _plain(value, field), as_given


def read_mask(value: Any, field: str = "mask") -> tuple[Array, Back]:
    """A framework's mask (H, W), or masks (N, H, W), as an array, and the way back.

    Of a PIL image in mode P, the indices are the mask's values, not the colours that they stand for.
    """
    if is_pil(value):
        plain = value.convert("L") if value.mode == "1" else value
        palette = value.getpalette() if value.mode == "P" else None

        def back(array: Array) -> Any:
            picture = _to_pil(array)
            if palette is not None:
                picture.putpalette(palette)
            return picture.convert("1") if value.mode == "1" else picture

        return np.asarray(plain), back
    if is_tensor(value):
        return tensor_array(value, field), to_tensor
    return _plain(value, field), as_given


def is_pil(value: Any) -> bool:
    """Whether a value is a PIL image; Pillow is not imported for the question."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor; torch is not imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def tensor_array(tensor: Any, field: str) -> Array:
    """The array that shares a tensor's memory.

    Raises:
        ValueError: the tensor lies on a device, or is of a type that NumPy does not know.
    """
    if tensor.device.type != "cpu":
        raise ValueError(f"{field} is a tensor on {tensor.device}; pictures are varied on the CPU: pass {field}.cpu()")
    try:
        array: Array = tensor.detach().numpy()
    except TypeError:
        raise TypeError(f"{field} is a tensor of {tensor.dtype}, which NumPy does not have; pass float32") from None
    return array


def _plain(value: Any, field: str) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "__array__"):
        return np.asarray(value)
    raise TypeError(f"{field} is a {type(value).__name__}; a PIL image, an array or a tensor is needed")


def _from_pil(picture: Any) -> Image:
    mode = picture.mode
    if mode == "P" and "transparency" not in picture.info:
        return np.asarray(picture.convert("RGB"))
    if mode in _PLAIN_MODES or mode in _COLOURS:
        return np.asarray(picture.convert(_PLAIN_MODES.get(mode) or _COLOURS[mode]))
    if mode == "I":  # 16-bit pictures, as Pillow opens them
        array = np.asarray(picture)
        if array.min(initial=0) < 0 or array.max(initial=0) > 65535:
            raise ValueError("the PIL image of mode I has values outside 0 to 65,535, which no picture type holds")
        return array.astype(np.uint16)
    array = np.asarray(picture)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _to_pil(array: Array) -> Any:
    from PIL import Image as Pillow

    plain = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return Pillow.fromarray(np.ascontiguousarray(plain))


def to_tensor(array: Array) -> Any:
    """The torch tensor that shares an array's memory."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


def to_tensors(value: Any) -> Any:
    """A field of a batch as a torch tensor; what is no array of numbers stays as it is."""
    return to_tensor(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else value


def _channels_first(array: Array) -> Any:
    return to_tensor(array.transpose(2, 0, 1))


def is_finished(pipeline: Pipeline) -> bool:
    """Whether a pipeline ends in the form in which a model takes pictures, `Normalize` or `ToTensor`."""
    return bool(pipeline.operations) and isinstance(pipeline.operations[-1], Finish)

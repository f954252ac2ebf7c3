"""Data sets of other libraries: anything with a length whose items are samples, such as PyTorch's map-style ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.dataset import Encoded, Sample, SampleError
from covary.data.indexed import Indexed
from covary.stacks import STACKS

PICTURES = frozenset(("image", "mask"))
CHANNELS = (1, 2, 3, 4)


class Items(Indexed):
    """The items of any object that has `__len__` and `__getitem__`.

    An item is a dict of fields; a tuple of a picture and its label, or of a picture and a dict of further fields; or a
    picture, or a text. Pictures may be PIL images, arrays (H, W) or (H, W, C), PyTorch tensors (C, H, W), or the bytes
    of a file; videos and volumes arrays as a pipeline takes them, or PyTorch tensors (T, C, H, W) and (C, D, H, W);
    other tensors become arrays, those of one number that number. Keys are the items' numbers. Classes are
    taken from `classes`, labels from `targets` or `labels`, where the object has them as torchvision's data sets do.

    Args:
        source: the object. It is asked for items by several threads at once, and it is pickled as a whole.

    Samples: the item's fields.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        count = len(source)
        numbers = _numbers(source, count)
        names = getattr(source, "classes", None)
        classes: tuple[str, ...] = ()
        if isinstance(names, (list, tuple)) and names:
            classes = tuple(map(str, names))
        elif numbers is not None:
            classes = tuple(map(str, range(int(numbers.max(initial=-1)) + 1)))
        if numbers is not None and (numbers.min(initial=0) < -1 or numbers.max(initial=-1) >= len(classes)):
            numbers, classes = None, ()
        super().__init__(range(count), classes=classes, labels=numbers)

    def read(self, index: int) -> Sample:
        """The fields of an item."""
        try:
            item = self._source[index]
        except OSError:
            raise
        except Exception as error:
            raise SampleError(
                index, f"{type(self._source).__name__} failed: {type(error).__name__}: {error}"
            ) from error
        try:
            return fields_of(item, str(index))
        except ValueError as error:
            raise SampleError(index, str(error)) from None


def _numbers(source: Any, count: int) -> NDArray[np.int64] | None:
    """The class numbers that an object says its items have; None where it says none."""
    for name in ("targets", "labels"):
        values = getattr(source, name, None)
        if values is None or callable(values):
            continue
        try:
            numbers = np.asarray(values)
        except ValueError:  # rows of different lengths
            continue
        if numbers.shape == (count,) and numbers.dtype.kind in "iu":
            return numbers.astype(np.int64)
    return None


def fields_of(item: Any, name: str) -> Sample:
    """The fields of an item in any of the usual forms.

    Args:
        item: a dict, a tuple, a picture or a text.
        name: what to call it in messages.

    Raises:
        ValueError: it has another form.
    """
    if isinstance(item, Mapping):
        return {str(field): _value(str(field), value, name) for field, value in item.items()}
    if isinstance(item, (tuple, list)):
        if len(item) == 1:
            return fields_of(item[0], name)
        if len(item) == 2:
            first = fields_of(item[0], name)
            second = item[1]
            return first | fields_of(second if isinstance(second, Mapping) else {"label": second}, name)
        raise ValueError(f"a {type(item).__name__} of {len(item)}; an item is a dict, or a picture and its label")
    if isinstance(item, str):
        return {"text": item}
    return {"image": picture_of(item, name)}


def _value(field: str, value: Any, name: str) -> Any:
    if field in PICTURES:
        return picture_of(value, name)
    if field in STACKS and (is_tensor(value) or isinstance(value, np.ndarray)):
        return stack_of(value, field)
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def picture_of(value: Any, name: str) -> Encoded | NDArray[Any]:
    """A picture or mask in a form that a pipeline takes: an array (H, W) or (H, W, C), or an `Encoded`.

    Args:
        value: an `Encoded`, bytes, a PIL image, an array, or a PyTorch tensor (C, H, W).
        name: what to call it in messages.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, Encoded):
        return value
    if isinstance(value, (bytes, bytearray)):
        return Encoded(bytes(value), name)
    if hasattr(value, "getbands") and hasattr(value, "convert"):
        return _pil_values(value)
    if is_tensor(value):
        array = value.detach().cpu().numpy()
        return channels_last(array) if array.ndim == 3 else array
    array = np.asarray(value)
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf":
        raise ValueError(
            f"a picture is an array (H, W) or (H, W, C), got {type(value).__name__} of shape {array.shape}"
        )
    return array.astype(np.float32) if array.dtype == np.float64 else array


def stack_of(value: Any, field: str) -> NDArray[Any]:
    """Videos or volumes in a form that a pipeline takes: channels last, and float32 for float64.

    Args:
        value: an array, or a PyTorch tensor: videos (..., T, C, H, W), volumes (..., C, D, H, W).
        field: "video" or "volume".
    """
    array: NDArray[Any] = value.detach().cpu().numpy() if is_tensor(value) else value
    if is_tensor(value) and array.ndim >= 4:
        if field == "video":
            array = channels_last(array)
        elif array.shape[-4] in CHANNELS:
            array = np.ascontiguousarray(np.moveaxis(array, -4, -1))
    return array.astype(np.float32) if array.dtype == np.float64 else array


def is_tensor(value: Any) -> bool:
    """Whether a value is a PyTorch tensor; PyTorch is not imported to find out."""
    return type(value).__module__.partition(".")[0] in ("torch", "torchvision") and hasattr(value, "detach")


def channels_last(array: NDArray[Any]) -> NDArray[Any]:
    """(..., C, H, W) as (..., H, W, C), where the third last axis has a number of channels."""
    if array.shape[-3] in CHANNELS and array.shape[-1] not in (1, 3, 4):
        return np.ascontiguousarray(np.moveaxis(array, -3, -1))
    return array


def _pil_values(picture: Any) -> NDArray[Any]:
    """The pixels of a PIL image: a palette's colours, CMYK and the like as RGB, single channels as they are."""
    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA" if picture.mode == "PA" or "transparency" in picture.info else "RGB")
    elif picture.mode == "LA":
        picture = picture.convert("RGBA")
    elif picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa"):
        picture = picture.convert("RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    values = np.array(picture)
    return values.astype(np.uint16) if picture.mode.startswith("I;16") else values

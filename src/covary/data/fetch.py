"""From a number in a data set to a sample that is ready to be planned: read, and decoded as far as needs be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np

from covary.data.dataset import Dataset, Encoded, SampleError, stored_sample
from covary.data.decode import DecodeError, decode, usable_reduction
from covary.data.header import Header, read_header
from covary.data.instances import Objects
from covary.draws.keys import Key
from covary.pictures import as_picture
from covary.plan.changes import Image

Decode: TypeAlias = Literal["scaled", "full"]
"""How much of a JPEG is decoded: no more than the drawn warp needs, or everything."""

UNUSABLE = (SampleError, OSError, ValueError)
"""What a data set or a decoder raises for a sample that is no good; all else is a defect of a program."""


@dataclass(slots=True, eq=False)
class Row:
    """One picture to be: a sample and the variation that is wanted of it.

    Attributes:
        index, key, variation: of the sample.
        fields: of the sample, without its image; masks decoded, objects as fields of a pipeline.
        objects: what is annotated; None where nothing is.
        size: height and width of the full picture.
        channels, dtype: of the picture.
        picture: decoded, halved `reduction` times; None until it is decoded, or where the sample has no image.
        encoded, header: of a JPEG that is not decoded yet.
        name: of its file.
        stamp: size and time of the file, where a cache wants to know.
    """

    index: int
    key: Key
    variation: int
    fields: dict[str, Any] = field(default_factory=dict)
    objects: Objects | None = None
    size: tuple[int, int] = (0, 0)
    channels: int = 0
    dtype: str = "uint8"
    picture: Image | None = None
    reduction: int = 0
    encoded: Encoded | None = None
    header: Header | None = None
    name: str = ""
    stamp: tuple[int, int] | None = None

    @property
    def has_image(self) -> bool:
        return self.picture is not None or self.encoded is not None

    def of(self, variation: int) -> Row:
        """Another variation of the same sample."""
        return replace(self, variation=variation, fields=dict(self.fields))


def fetch(dataset: Dataset, index: int, variation: int, *, channels: int | None, stored: bool = False) -> Row:
    """Read a sample. JPEGs stay encoded, as it is not known yet at which size they are wanted.

    Args:
        dataset: it is in.
        index: its number.
        variation: which one is wanted.
        channels: that all pictures are to have; None keeps what is stored.
        stored: whether sounds stay in their files, as it is not known yet which part of them is wanted.

    Raises:
        SampleError, OSError, ValueError: the sample cannot be used.
    """
    sample = dict(stored_sample(dataset, index) if stored else dataset.read(index))
    row = Row(index, dataset.keys[index], variation)
    image = sample.pop("image", None)
    if isinstance(image, Encoded):
        row.encoded, row.header, row.name = image, _header(image), image.name
        if row.header.format == "jpeg":
            row.size = row.header.upright_size
            row.channels = channels or row.header.channels
        else:
            decode_row(row, 0, channels)
    elif image is not None:
        _set_picture(row, as_picture(image, "image"), 0, channels)
        row.size = row.picture.shape[:2]  # type: ignore[union-attr]
    if isinstance(sample.get("mask"), Encoded):
        sample["mask"] = _decoded_mask(sample["mask"])
    if "objects" in sample:
        row.objects = Objects.of(sample.pop("objects"), dataset.categories)
        sample.update(row.objects.fields())
    row.fields = sample
    return row


def decode_row(row: Row, reduction: int, channels: int | None, rows: int | None = None) -> None:
    """Decode a row's picture.

    Args:
        row: whose picture it is.
        reduction: how often it is halved.
        channels: that it is to have; None keeps what is stored.
        rows: how many of its rows are enough; None for all.

    Raises:
        ValueError: it cannot be decoded.
    """
    assert row.encoded is not None
    data = row.encoded.data
    try:
        picture = decode(data, reduce=reduction, rows=rows, header=row.header)
    except DecodeError as error:
        raise DecodeError(row.encoded.name, error.reason) from None
    if row.header is None or row.header.format != "jpeg":
        row.size = (picture.shape[0], picture.shape[1])
    _set_picture(row, picture, reduction, channels)
    row.encoded = None


def reduction_within(row: Row, wanted: int) -> int:
    """How often a row's picture can be halved while it is decoded, `wanted` times at most."""
    return row.reduction if row.header is None or row.picture is not None else usable_reduction(row.header, wanted)


def bound_row(row: Row, side: int, channels: int | None) -> None:
    """Decode a row's picture and halve it as often as its shorter side stays at `side` pixels or more."""
    wanted = 0
    while min(row.size) >> (wanted + 1) >= side:
        wanted += 1
    if row.picture is None:
        decode_row(row, reduction_within(row, wanted), channels)
    while row.reduction < wanted:
        assert row.picture is not None
        row.picture, row.reduction = halved(row.picture), row.reduction + 1


def halved(picture: Image) -> Image:
    """Means of two by two pixels; a last odd row or column stands for itself."""
    import cv2

    height, width = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    half = cv2.resize(even, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(half if half.ndim == 3 else half[:, :, None])


def usual_channels(dataset: Dataset, indices: Sequence[int]) -> int | None:
    """The number of channels that the pictures of a data set have, told from some of them.

    Returns:
        The number where all agree; 3 where they differ; None where no picture can be read.
    """
    found = set()
    for index in indices:
        try:
            row = fetch(dataset, index, 0, channels=None, stored=True)
        except UNUSABLE:
            continue
        if row.channels:
            found.add(row.channels)
    return None if not found else found.pop() if len(found) == 1 else 3


def with_channels(picture: Image, channels: int) -> Image:
    """The picture with 1, 3 or 4 channels: grey is repeated, colours give their luma, transparency goes or is full.

    Raises:
        ValueError: the picture has another number of channels, and it is not known what they are.
    """
    present = picture.shape[2]
    if present == channels:
        return picture
    if present not in (1, 3, 4) or channels not in (1, 3, 4):
        raise ValueError(f"the picture has {present} channels, the others have {channels}")
    import cv2

    codes = {
        (1, 3): cv2.COLOR_GRAY2RGB,
        (1, 4): cv2.COLOR_GRAY2RGBA,
        (3, 1): cv2.COLOR_RGB2GRAY,
        (3, 4): cv2.COLOR_RGB2RGBA,
        (4, 1): cv2.COLOR_RGBA2GRAY,
        (4, 3): cv2.COLOR_RGBA2RGB,
    }
    changed = np.asarray(cv2.cvtColor(picture, codes[present, channels]))
    return changed if changed.ndim == 3 else changed[:, :, None]


def _header(image: Encoded) -> Header:
    try:
        return read_header(image.data)
    except ValueError as error:
        raise DecodeError(image.name, str(error)) from None


def _set_picture(row: Row, picture: Image, reduction: int, channels: int | None) -> None:
    row.picture = picture if channels is None else with_channels(picture, channels)
    row.channels, row.dtype, row.reduction = row.picture.shape[2], _name_of(row.picture.dtype), reduction


@cache
def _name_of(dtype: np.dtype[Any]) -> str:
    return dtype.name  # NumPy puts it together anew each time


def _decoded_mask(mask: Encoded) -> Image:
    from covary.data.masks import decode_mask

    return decode_mask(mask)

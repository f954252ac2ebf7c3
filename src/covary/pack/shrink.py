"""One sample made smaller: its picture by area averages, its labels by the same map, everything else as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from covary.data.dataset import Encoded, Sample
from covary.data.decode import decode, usable_reduction
from covary.data.encode import encode
from covary.data.encode_mask import encode_mask
from covary.data.header import Format, Header, read_header
from covary.data.instances import Category, Instance, Objects, for_objects
from covary.data.masks import decode_mask
from covary.plan.changes import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covary.pipeline import Pipeline

PackedFormat: TypeAlias = Literal["same", "jpeg", "png", "webp"]
PACKED_FORMATS: tuple[PackedFormat, ...] = get_args(PackedFormat)

SUFFIXES: dict[Format, str] = {"jpeg": "jpg", "png": "png", "webp": "webp", "bmp": "bmp", "tiff": "tif"}
"""How a picture of a format is called in a shard."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What pictures may be.

    Attributes:
        side: most pixels of the shorter side; None leaves the sizes.
        format: of pictures; "same" leaves it, and what needs no shrinking is then not encoded again.
        quality: 1 to 100, for JPEG and WebP.
    """

    side: int | None
    format: PackedFormat = "same"
    quality: int = 95


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """A picture and what belongs to it, within bounds.

    Attributes:
        picture: the file's bytes.
        suffix: what they are.
        mask: bytes of the mask's file, and what they are; None without a mask.
        objects: what is annotated; None where nothing can be.
    """

    picture: bytes
    suffix: str
    mask: tuple[bytes, str] | None = None
    objects: tuple[Instance, ...] | None = None


def shrunk(sample: Sample, bounds: Bounds, categories: Mapping[int, Category]) -> Shrunk:
    """Bring a sample's picture, mask and objects within bounds.

    A picture's orientation is applied where it is encoded again. Each pixel is the mean of the area that it stands for;
    a mask takes the number nearest to each pixel's centre.

    Raises:
        ValueError: the picture or mask cannot be decoded or encoded, or they differ in size.
    """
    source = sample["image"]
    header = read_header(source.data) if isinstance(source, Encoded) else None
    full = _upright_size(source, header)
    wanted = shrunk_size(full, bounds.side)
    picture = _decoded(source, header, wanted)
    kept: Format = "png" if header is None else header.format
    format = kept if bounds.format == "same" else bounds.format
    if wanted == full and isinstance(source, Encoded) and format == kept:
        data = source.data  # it was decoded all the same: a broken file is found now, not in training
    else:
        data = encode(_averaged(picture, wanted), format, quality=bounds.quality)
    objects = sample.get("objects")
    if wanted == full:
        return Shrunk(data, SUFFIXES[format], _mask_as_is(sample.get("mask"), full), objects)
    return Shrunk(data, SUFFIXES[format], *_labels(sample, full, wanted, categories))


def shrunk_size(size: tuple[int, int], side: int | None) -> tuple[int, int]:
    """Height and width with the shorter side within its bound, as `image.SmallestMaxSize` gives them."""
    if side is None or min(size) <= side:
        return size
    height, width = np.rint(np.array(size) * side / min(size)).astype(int).tolist()
    return height, width


def _upright_size(source: Any, header: Header | None) -> tuple[int, int]:
    if header is None:
        return source.shape[0], source.shape[1]
    return (header.width, header.height) if header.orientation >= 5 else (header.height, header.width)


def _decoded(source: Any, header: Header | None, wanted: tuple[int, int]) -> Image:
    """The picture, as small as a decoder gives it for less while every output pixel still has a pixel of it."""
    if header is None:
        picture = np.asarray(source)
        return picture if picture.ndim == 3 else picture[:, :, None]
    halvings = 0
    while min(header.height, header.width) >> (halvings + 1) >= min(wanted):
        halvings += 1
    # Half a pixel left over at an edge would shift all others.
    while halvings and (header.height | header.width) % (1 << halvings):
        halvings -= 1
    return decode(source.data, header=header, reduce=usable_reduction(header, halvings))


def _averaged(picture: Image, size: tuple[int, int]) -> Image:
    import cv2

    if picture.shape[:2] == size:
        return picture
    smaller: Image = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
    return smaller if smaller.ndim == 3 else smaller[:, :, None]


def _mask_as_is(mask: Any, size: tuple[int, int]) -> tuple[bytes, str] | None:
    if mask is None:
        return None
    values = _mask_values(mask, size)
    if isinstance(mask, Encoded):
        return mask.data, SUFFIXES[read_header(mask.data).format]
    return _mask_file(values), "png"


def _mask_values(mask: Any, size: tuple[int, int]) -> NDArray[Any]:
    """The numbers of a mask.

    Raises:
        ValueError: it is of another size than its picture.
    """
    values = decode_mask(mask) if isinstance(mask, Encoded) else np.asarray(mask)
    if values.shape[:2] != size:
        raise ValueError(
            f"its mask has {values.shape[1]} x {values.shape[0]} pixels, the picture {size[1]} x {size[0]}"
        )
    return values


def _mask_file(values: NDArray[Any]) -> bytes:
    """A mask as a file that keeps its numbers: PNG, or TIFF for what no PNG holds.

    Raises:
        ValueError: its numbers do not fit 16 bits.
    """
    if values.dtype == np.bool_ or (
        values.dtype.kind in "iu" and values.size and 0 <= values.min() <= values.max() < 256
    ):
        return encode(values.astype(np.uint8), "png")
    if values.dtype.kind in "iu" and values.size and values.min() >= 0 and values.max() < 1 << 16:
        return encode(values.astype(np.uint16), "png")
    return encode(values.astype(np.float32, casting="same_kind"), "tiff")


def _labels(
    sample: Sample, full: tuple[int, int], wanted: tuple[int, int], categories: Mapping[int, Category]
) -> tuple[tuple[bytes, str] | None, tuple[Instance, ...] | None]:
    """Mask and objects, through the very operation that says what shrinking does to labels."""
    mask, instances = sample.get("mask"), sample.get("objects")
    if mask is None and instances is None:
        return None, None
    pipeline = _shrinking(min(wanted))
    fields: dict[str, Any] = {}
    if mask is not None:
        fields["mask"] = _mask_values(mask, full)
    objects = None if instances is None else Objects.of(instances, categories)
    if objects is not None:
        pipeline = for_objects(pipeline, objects)
        fields |= objects.fields()
    # The pixels are another matter: any picture of this size takes the labels along.
    out = pipeline(image=np.zeros(full, np.uint8), key=0, **fields)
    assert out["image"].shape == wanted
    small = None
    if mask is not None:
        data = encode_mask(out["mask"], mask.data) if isinstance(mask, Encoded) else _mask_file(out["mask"])
        small = data, SUFFIXES[read_header(data).format]
    return small, None if objects is None else tuple(objects.carried(out))


def _shrinking(side: int) -> Pipeline:
    from covary.ops.image import SmallestMaxSize
    from covary.pipeline import Pipeline

    return Pipeline([SmallestMaxSize(side)], threads=1)

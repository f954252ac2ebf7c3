"""Further images of a sample, which share its draws: the other eye of a stereo pair, other exposures, frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from covary.pictures import as_picture, like_input
from covary.plan.changes import Image, Ints

if TYPE_CHECKING:
    from covary.planned import Again

SEVERAL = "images"
"""The field that holds several images."""


class _Place(NamedTuple):
    """Where an image stands: a sample, a field, and the number in it where the field holds several."""

    row: int
    field: str
    number: int | None


def names_of(targets: Mapping[str, str]) -> tuple[str, ...]:
    """The fields that hold further images."""
    return (SEVERAL, *(name for name, kind in targets.items() if kind == "image"))


def has_further(sample: Mapping[str, Any], targets: Mapping[str, str]) -> bool:
    """Whether a sample has further images."""
    return any(sample.get(name) is not None for name in names_of(targets))


def leading(sample: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The image of a sample and its other fields. Where it has `images` alone, their first one leads.

    Raises:
        ValueError: `images` is empty.
    """
    fields = dict(sample)
    image = fields.pop("image", None)
    if image is None and fields.get(SEVERAL) is not None:
        if not len(fields[SEVERAL]):
            raise ValueError("images is empty; one image or more is needed")
        image = fields[SEVERAL][0]
    return image, fields


def draw_further(
    samples: Sequence[Mapping[str, Any]],
    carried: Sequence[dict[str, Any]],
    sizes: Ints,
    targets: Mapping[str, str],
    again: Again,
    threads: int,
) -> None:
    """Put the further images of samples, varied, into their carried fields.

    Args:
        samples: the fields as they came.
        carried: the same with labels moved.
        sizes: (B, 2) heights and widths of the samples' own images.
        targets: kinds of fields by name.
        again: plans for other channels and dtypes.
        threads: cores to use.

    Raises:
        ValueError: an image is not of its sample's size; the message names the field.
    """
    kinds: dict[tuple[int, str], list[tuple[_Place, Image, Any]]] = {}
    for place, value in _places(samples, names_of(targets)):
        where = place.field if place.number is None else f"{place.field}[{place.number}]"
        where = where if len(samples) == 1 else f"{where} of sample {place.row}"
        picture = as_picture(value, where)
        height, width = sizes[place.row].tolist()
        if picture.shape[:2] != (height, width):
            raise ValueError(
                f"{where}: shape {picture.shape} does not match the image's {height} x {width}; images of one sample "
                f"share its geometry, so they need its size"
            )
        kinds.setdefault((picture.shape[2], picture.dtype.name), []).append((place, picture, value))
    drawn: dict[_Place, Image] = {}
    for kind, found in kinds.items():
        planned = again(*kind)
        rows: dict[int, list[tuple[_Place, Image, Any]]] = {}
        for each in found:
            rows.setdefault(each[0].row, []).append(each)
        for row, some in rows.items():
            made = planned.draw_row(row, [picture for _, picture, _ in some], threads)
            drawn.update({place: like_input(image, value) for (place, _, value), image in zip(some, made, strict=True)})
    for place, image in drawn.items():
        if place.number is None:
            carried[place.row][place.field] = image
    for row, sample in enumerate(samples):
        came = sample.get(SEVERAL)
        if came is not None:
            several = [drawn[_Place(row, SEVERAL, number)] for number in range(len(came))]
            carried[row][SEVERAL] = _contained(several, came)


def _places(samples: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[tuple[_Place, Any]]:
    for row, sample in enumerate(samples):
        for name in names:
            value = sample.get(name)
            if value is None:
                continue
            if name == SEVERAL:
                yield from ((_Place(row, name, number), image) for number, image in enumerate(value))
            else:
                yield _Place(row, name, None), value


def _contained(images: list[Image], came: Any) -> Any:
    """Images in a container of the type they came in."""
    if isinstance(came, np.ndarray):
        return np.stack(images) if images else came.copy()
    return tuple(images) if isinstance(came, tuple) else images

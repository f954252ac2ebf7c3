"""The tables of single operations have all that covary shares with its peers, as docs/counterparts.toml has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from benchmarks import elsewhere, peers
from benchmarks.operation import Operation
from benchmarks.operations import OPERATIONS, OTHER_SCALE, OTHER_TYPE, REFUSES, Kind, notes_on, peer_jobs
from covary import image
from docs.comparison import Counterpart, libraries


class Names:
    """A library of which only is noted what it is asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return Anything()


class Anything:
    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self


def ours(row: Operation) -> str:
    made = row.ours(image)
    return type(made[0] if isinstance(made, tuple) else made).__name__


def theirs(row: Operation, library: str) -> set[str]:
    make = row.torchvision if library.startswith("torchvision") else row.theirs
    names = Names()
    if make is not None:
        make(names)
    return names.asked


def shared() -> Iterator[tuple[str, Counterpart]]:
    """Each operation of the peers that is found as an operation on one picture."""
    for library, operations in libraries().items():
        if library.startswith("kornia"):
            continue  # not a peer in speed
        for operation in operations:
            if operation.ours and all(hasattr(image, name) for name in operation.ours):
                yield library, operation


REASONS = {"Albumentations 2.0.8": elsewhere.ALBUMENTATIONS, "torchvision.transforms.v2": elsewhere.TORCHVISION}


def test_counterparts_toml_names_no_shared_operation_that_has_no_row_and_no_reason() -> None:
    compared = {
        (library, name, ours(row)) for row in OPERATIONS for library in REASONS for name in theirs(row, library)
    }
    missing = [
        f"{library}: {operation.theirs} ({name})"
        for library, operation in shared()
        if operation.theirs not in REASONS[library]
        for name in operation.ours
        if (library, operation.theirs, name) not in compared
    ]
    assert not missing


@pytest.mark.parametrize("library", REASONS)
def test_reasons_are_given_only_for_shared_operations_without_a_row(library: str) -> None:
    known = {operation.theirs for where, operation in shared() if where == library}
    rows = {name for row in OPERATIONS for name in theirs(row, library)}
    assert set(REASONS[library]) <= known
    assert not set(REASONS[library]) & rows


def test_rows_have_names_of_their_own_and_a_peer() -> None:
    names = [(row.name, side) for row in OPERATIONS for side in (row.sides or (256, 512))]
    assert len(set(names)) == len(names)
    assert all(row.theirs is not None or row.torchvision is not None for row in OPERATIONS)


def deep_picture() -> np.ndarray:
    return np.random.default_rng(0).integers(2000, 60000, (16, 16, 3)).astype(np.uint16)


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (lambda picture: picture, None),
        (lambda picture: picture[::-1] // 2, None),
        (lambda picture: picture.astype(np.float32) / 257, OTHER_TYPE),
        (lambda picture: np.full_like(picture, 65535), OTHER_SCALE),
        (lambda picture: picture // 257, OTHER_SCALE),
        (lambda picture: np.minimum(picture, 255), OTHER_SCALE),
    ],
)
def test_results_of_another_type_white_ones_and_8_bits_in_16_are_not_compared(theirs: Any, reason: str | None) -> None:
    picture = deep_picture()
    assert Kind.of([picture]).difference(Kind.of([theirs(picture)])) == reason


def test_floats_are_compared_by_their_own_range() -> None:
    floats = [deep_picture() / np.float32(65535)]
    assert Kind.of(floats).difference(Kind.of([floats[0] * 0.9])) is None
    assert Kind.of(floats).difference(Kind.of([floats[0] * 257])) == OTHER_SCALE


class Stub:
    """Albumentations' Compose, around one function of pictures."""

    def Compose(self, transforms: list[Any], **options: Any) -> Any:  # noqa: N802
        return lambda **given: {"image": transforms[0](given["image"])}


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (lambda picture: 65535 - picture, None),
        (lambda picture: picture.clip(0, 255), OTHER_SCALE),
        (lambda picture: picture[..., 0], OTHER_TYPE),
        (lambda picture: picture["no"], REFUSES),
    ],
)
def test_a_peer_is_compared_where_its_pictures_are_like_covarys(
    work: Any, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "albumentations", lambda: Stub())
    found = peer_jobs(Operation("Invert", lambda i: i.Invert(p=1), lambda a: work), [deep_picture()] * 2)
    assert ("albumentations" in found.jobs) == (reason is None)
    assert dict(found.left_out) == ({} if reason is None else {"albumentations": reason})


def test_notes_name_the_operations_by_peer_and_reason() -> None:
    left_out = {"Gamma, strong": {"albumentations": OTHER_TYPE}, "Hue": {"torchvision": REFUSES}, "Invert": {}}
    assert notes_on(left_out) == [
        "Left out, as albumentations gives another type: Gamma, strong.",
        "Left out, as torchvision refuses these pictures: Hue.",
    ]

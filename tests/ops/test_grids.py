"""Grids, cells and bands, against NumPy slicing and their closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from describing import describe
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Pipeline, image
from covary.draws.distributions import Constant

WHITE = np.full((48, 60, 3), 255, np.uint8)


def hidden(operation: object, picture: np.ndarray = WHITE, **fields: object) -> np.ndarray:
    """Where a white picture is painted over."""
    return Pipeline([operation])(image=picture, key=3, **fields)["image"][..., 0] == 0


def test_a_grid_without_shift_hides_the_top_left_of_every_cell() -> None:
    found = hidden(image.GridDropout(0.5, 4, shift=False))
    expected = np.zeros((48, 60), bool)
    for y in range(0, 48, 12):
        for x in range(0, 60, 12):
            expected[y : y + 6, x : x + 6] = True
    assert np.array_equal(found, expected)


@settings(max_examples=30, deadline=None)
@given(ratio=st.floats(0.2, 0.9), cells=st.integers(1, 12), key=st.integers(0, 99))
def test_a_shifted_grid_hides_the_square_of_its_ratio(ratio: float, cells: int, key: int) -> None:
    side = 240
    picture = np.full((side, side, 1), 255, np.uint8)
    out = Pipeline([image.GridDropout(ratio, cells)])(image=picture, key=key)["image"]
    share = np.mean(out == 0)
    # Whole pixels, and cells cut by the frame: a line of a cell more or less on each axis.
    error = 2 * cells / side + 1 / cells
    assert (max(0, ratio - error)) ** 2 <= share <= (ratio + error) ** 2


def test_grid_mask_keeps_what_the_paper_keeps() -> None:
    shares = [
        np.mean(Pipeline([image.GridMask()])(image=np.full((224, 224, 1), 9, np.uint8), key=key)["image"] == 0)
        for key in range(300)
    ]
    assert abs(np.mean(shares) - 0.16) < 0.01


def test_hidden_cells_are_whole_and_as_many_as_asked() -> None:
    shares = []
    for key in range(200):
        out = Pipeline([image.HideAndSeek(0.3, 5)])(image=np.full((50, 60, 1), 9, np.uint8), key=key)["image"][..., 0]
        cells = (out == 0).reshape(5, 10, 5, 12)
        whole = cells.all(axis=(1, 3))
        assert np.array_equal(whole, cells.any(axis=(1, 3)))
        shares.append(whole.mean())
    assert abs(np.mean(shares) - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 25 / 200)


def test_bands_cross_the_whole_picture() -> None:
    for key in range(20):
        out = Pipeline([image.XYMasking(2, 1, Constant(0.1), Constant(0.25))])(image=WHITE, key=key)["image"][..., 0]
        columns, rows = (out == 0).all(axis=0), (out == 0).all(axis=1)
        assert 6 <= columns.sum() <= 12 and rows.sum() == 12
        assert np.array_equal(out == 0, columns[None, :] | rows[:, None])


def test_bands_may_be_of_one_kind() -> None:
    out = hidden(image.XYMasking(0, 3, height=Constant(0.1)))
    assert np.array_equal(out, np.broadcast_to(out.all(axis=1)[:, None], out.shape)) and out.any()


BOXES = [[4, 6, 20, 26], [30, 10, 50, 40]]


def test_constrained_holes_lie_in_their_boxes() -> None:
    inside = np.zeros((48, 60), bool)
    for x0, y0, x1, y1 in BOXES:
        inside[y0:y1, x0:x1] = True
    for key in range(30):
        out = Pipeline([image.HorizontalFlip(p=1.0), image.ConstrainedCoarseDropout()])(
            image=WHITE, boxes=BOXES, key=key
        )
        found = out["image"][:, ::-1, 0] == 0
        assert found.any() and not (found & ~inside).any()
        for x0, y0, x1, y1 in BOXES:
            assert found[y0:y1, x0:x1].any()


def test_constrained_holes_have_their_shares_of_the_box() -> None:
    operation = image.ConstrainedCoarseDropout(1, height=Constant(0.5), width=Constant(0.25))
    found = hidden(operation, boxes=[[10, 10, 30, 40]])
    y, x = np.nonzero(found)
    assert np.ptp(y) + 1 == 15 and np.ptp(x) + 1 == 5


def test_constrained_holes_are_centred_on_a_mask() -> None:
    mask = np.zeros((48, 60), np.uint8)
    mask[20, 30] = 1
    mask[40, 50] = 2
    operation = image.ConstrainedCoarseDropout(1, within="mask", values=(1,))
    assert np.argwhere(hidden(operation, mask=mask)).tolist() == [[20, 30]]


def test_nothing_is_hidden_where_there_is_nothing_to_hide() -> None:
    assert not hidden(image.ConstrainedCoarseDropout()).any()
    assert not hidden(image.ConstrainedCoarseDropout(), boxes=np.zeros((0, 4))).any()
    assert not hidden(image.ConstrainedCoarseDropout(within="mask"), mask=np.zeros((48, 60), np.uint8)).any()


@pytest.mark.parametrize(
    "operation",
    [
        image.GridDropout(),
        image.GridMask(),
        image.HideAndSeek(),
        image.XYMasking(),
        image.ConstrainedCoarseDropout((1, 3)),
    ],
)
def test_more_is_hidden_as_strength_rises_and_nothing_at_0(operation) -> None:
    shares = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=WHITE, boxes=BOXES, key=key)["image"] for key in range(40)]
        shares.append(np.mean([out == 0 for out in outs]))
    assert shares[0] == 0
    assert all(later >= sooner for sooner, later in pairwise(shares))
    assert shares[-1] > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (31, 17)])
def test_all_sizes_and_types_are_taken(size: tuple[int, int]) -> None:
    for operation in (image.GridDropout(), image.GridMask(), image.HideAndSeek(), image.XYMasking()):
        for dtype, channels in (("uint8", 1), ("uint16", 4), ("float32", 9)):
            picture = np.ones((*size, channels), dtype)
            out = Pipeline([operation])(image=picture, key=1)["image"]
            assert out.shape == picture.shape and out.dtype == picture.dtype
            assert np.isin(out, (0, 1)).all() and (picture == 1).all()
            (change,), _ = describe(operation, [size], channels, dtype)
            assert change.rectangles.shape[2] == 4


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="GridDropout: shift"):
        image.GridDropout(shift="yes")
    with pytest.raises(ValueError, match="ConstrainedCoarseDropout: within"):
        image.ConstrainedCoarseDropout(within="polygons")
    with pytest.raises(ValueError, match="ConstrainedCoarseDropout: values"):
        image.ConstrainedCoarseDropout(values=(-1,))

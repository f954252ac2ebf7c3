"""What is left of labels behind a cover, against the count of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.targets import Boxes, Keypoints
from covary.targets.covers import Cover, uncovered

HEIGHT, WIDTH = 12, 15


def rectangles() -> st.SearchStrategy[tuple[int, int, int, int]]:
    ends = st.tuples(st.integers(0, WIDTH), st.integers(0, HEIGHT), st.integers(0, WIDTH), st.integers(0, HEIGHT))
    sorted_ = ends.map(lambda e: (min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3])))
    return sorted_.filter(lambda e: e[0] < e[2] and e[1] < e[3])


@settings(max_examples=50, deadline=None)
@given(cover=rectangles(), box=rectangles())
def test_boxes_behind_a_rectangle_equal_those_of_their_pixels(
    cover: tuple[int, int, int, int], box: tuple[int, int, int, int]
) -> None:
    x0, y0, x1, y1 = box
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    hidden = Cover.of_rectangle(cover, (HEIGHT, WIDTH))
    left = mask & ~hidden.pixels
    for sample in ({"boxes": [box]}, {"boxes": [box], "masks": [mask]}):
        out = uncovered(sample, hidden, boxes=Boxes(), keypoints=Keypoints())
        if not left.any():
            assert len(out["boxes"]) == 0
            continue
        ys, xs = np.nonzero(left)
        assert out["boxes"].tolist() == [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]]
        share = left.sum() / mask.sum()
        for bound, kept in ((share - 0.01, 1), (share + 0.01, 0)):
            if 0 <= bound <= 1:
                strict = uncovered(sample, hidden, boxes=Boxes(min_visibility=bound), keypoints=Keypoints())
                assert len(strict["boxes"]) == kept


def test_untouched_objects_stay_as_they_were_drawn() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[2:5, 2:5] = 7
    sample = {"boxes": np.array([[1.5, 1.5, 6.0, 6.0]]), "masks": mask[None], "box_labels": ("a",)}
    out = uncovered(sample, Cover.of_rectangle((8, 8, 12, 12), (HEIGHT, WIDTH)), boxes=Boxes(), keypoints=Keypoints())
    assert out["boxes"].tolist() == [[1.5, 1.5, 6.0, 6.0]]
    assert out["box_labels"] == ("a",)
    np.testing.assert_array_equal(out["masks"][0], mask)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Keypoints("xy"), [[1, 1, 5], [4.6, 4, 6]]),
        (Keypoints("xy", outside="keep"), [[1, 1, 5], [4.4, 4, 9], [4.6, 4, 6], [-1, 3, 8]]),
    ],
)
def test_keypoints_on_covered_pixels_follow_the_policy(options: Keypoints, expected: list[list[float]]) -> None:
    points = np.array([[1, 1, 5], [4.4, 4, 9], [4.6, 4, 6], [-1, 3, 8]])
    cover = Cover.of_rectangle((3, 3, 5, 5), (HEIGHT, WIDTH))
    out = uncovered({"keypoints": points, "keypoint_labels": list("abcd")}, cover, boxes=Boxes(), keypoints=options)
    assert out["keypoints"].tolist() == expected
    assert len(out["keypoint_labels"]) == len(expected)


def test_hidden_keypoints_keep_their_row_and_lose_their_visibility() -> None:
    points = np.array([[[1, 1, 2], [4, 4, 1], [0, 0, 0]]])
    out = uncovered(
        {"keypoints": points},
        Cover.of_rectangle((3, 3, 5, 5), (HEIGHT, WIDTH)),
        boxes=Boxes(),
        keypoints=Keypoints("xyv"),
    )
    assert out["keypoints"].tolist() == [[[1, 1, 2], [4, 4, 0], [0, 0, 0]]]
    with pytest.raises(ValueError, match="outside='drop' needs a flat list"):
        uncovered(
            {"keypoints": points},
            Cover.of_rectangle((3, 3, 5, 5), (HEIGHT, WIDTH)),
            boxes=Boxes(),
            keypoints=Keypoints("xy"),
        )


def test_one_mask_for_each_box_is_needed() -> None:
    cover = Cover.of_rectangle((3, 3, 5, 5), (HEIGHT, WIDTH))
    with pytest.raises(ValueError, match="masks has 0 masks, there are 1 boxes"):
        uncovered({"boxes": [[0, 0, 2, 2]], "masks": []}, cover, boxes=Boxes(), keypoints=Keypoints())

"""Operations that look at labels see them where they stand at that point of the pipeline."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from covary import Boxes, Loader, Pipeline, image
from covary.data.arrays import Arrays
from covary.ops.base import Draw, Operation
from covary.ops.view import View
from covary.plan.changes import Change, Warp


class Onto(Operation):
    """Cut the picture down to its first box: what the box is there is the whole picture behind."""

    looks: ClassVar[bool] = True

    def describe(self, draw: Draw, view: View) -> Change:
        assert view.labels is not None
        matrix, size = np.tile(np.eye(3), (view.count, 1, 1)), view.size.copy()
        for row, boxes in enumerate(view.labels.boxes()):
            if boxes is not None and len(boxes):
                x0, y0, x1, y1 = boxes[0]
                matrix[row, :2, 2] = x0, y0
                size[row] = round(y1 - y0), round(x1 - x0)
        return Warp(matrix, size)


def marked(size: tuple[int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    picture = np.zeros((*size, 3), np.uint8)
    x0, y0, x1, y1 = box
    picture[y0:y1, x0:x1] = 255
    return picture


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize(
    "before",
    [
        [],
        [image.HorizontalFlip(p=1.0)],
        [image.Transpose(p=1.0), image.Pad(3)],
        [image.CenterCrop((24, 30))],
        [image.HorizontalFlip(p=0.5), image.RandomRotate90(p=0.7)],
    ],
)
def test_a_crop_onto_a_box_shows_the_box_alone(before: list[Operation], fuse: bool) -> None:
    pipeline = Pipeline([*before, Onto()], fuse=fuse)
    boxes = [(4, 6, 12, 20), (20, 10, 31, 19), (9, 9, 10, 30)]
    pictures = [marked((32, 40), box) for box in boxes]
    out = pipeline.batch(image=pictures, boxes=[[box] for box in boxes], keys=[1, 2, 3])
    for made, moved in zip(out["image"], out["boxes"], strict=True):
        assert made.size
        assert (made == 255).all()
        assert moved.tolist() == [[0, 0, made.shape[1], made.shape[0]]]


def test_single_calls_with_and_without_a_key_see_their_own_labels() -> None:
    pipeline = Pipeline([image.VerticalFlip(p=0.5), Onto()])
    for index, box in enumerate([(1, 2, 5, 9), (3, 3, 9, 5), (0, 0, 2, 2), (7, 1, 9, 9)]):
        picture = marked((10, 12), box)
        for out in (pipeline(image=picture, boxes=[box]), pipeline(image=picture, boxes=[box], key=index)):
            assert out["image"].shape[:2] == (box[3] - box[1], box[2] - box[0])
            assert (out["image"] == 255).all()


def test_a_trace_with_the_labels_is_replayed_to_the_same_picture() -> None:
    pipeline = Pipeline([image.Rotate((-20, 20)), Onto(), image.Resize((16, 16))], boxes=Boxes("coco"))
    picture, boxes = marked((40, 40), (10, 12, 30, 25)), [[10, 12, 20, 13]]
    trace = pipeline.trace(key="a", size=(40, 40), boxes=boxes)
    first = pipeline(image=picture, boxes=boxes, key="a")
    again = pipeline.replay(trace, image=picture, boxes=boxes)
    assert np.array_equal(first["image"], again["image"])


def test_the_loader_hands_labels_to_operations_that_look() -> None:
    boxes = [(4, 6, 12, 20), (20, 10, 31, 19)]
    data = Arrays({"image": [marked((32, 40), box) for box in boxes], "boxes": [np.array([box]) for box in boxes]})
    loader = Loader(data, Pipeline([Onto(), image.Resize((8, 8))]), batch_size=2)
    for batch in loader.epoch(0):
        assert (batch.image == 255).all()


def test_samples_without_boxes_say_so() -> None:
    out = Pipeline([Onto()])(image=np.zeros((5, 6, 3), np.uint8))
    assert out["image"].shape == (5, 6, 3)

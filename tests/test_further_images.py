"""Several images and labels of one sample, all with its draws."""

from __future__ import annotations

import numpy as np
import pytest

from covary import Pipeline, image

OPERATIONS = [
    image.Rotate((-30, 30)),
    image.RandomCrop((40, 50)),
    image.HorizontalFlip(p=0.5),
    image.ColorJitter(0.3, 0.3, 0.3, 0.1),
    image.GaussianNoise((0.02, 0.1)),
    image.CoarseDropout(p=0.5),
    image.GaussianBlur((0.1, 1), p=0.5),
]


def picture(channels=3, dtype="uint8", seed=0, size=(60, 70)):
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random((*size, channels), dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (*size, channels), dtype=dtype)


@pytest.mark.parametrize("fuse", [True, False])
def test_a_further_image_is_what_it_would_be_as_the_image_of_that_key(fuse):
    pipeline = Pipeline(OPERATIONS, seed=5, fuse=fuse, targets={"right": "image", "near": "image"})
    left, right, near = picture(), picture(seed=1), picture(1, "float32", 2)
    for key in range(6):
        out = pipeline(image=left, right=right, near=near, images=[left, right], key=key)
        for name, source in (("image", left), ("right", right), ("near", near)):
            np.testing.assert_array_equal(out[name], pipeline(image=source, key=key)["image"])
        np.testing.assert_array_equal(out["images"], [out["image"], out["right"]])
        assert list(out) == ["image", "right", "near", "images"]


def test_images_in_place_of_an_image():
    pipeline = Pipeline(OPERATIONS, seed=5)
    stack = np.stack([picture(seed=seed) for seed in range(3)])
    before = stack.copy()
    out = pipeline(images=stack, mask=stack[0, :, :, 0], key=2)
    assert list(out) == ["images", "mask"]
    assert out["images"].shape == (3, 40, 50, 3) and out["mask"].shape == (40, 50)
    for source, varied in zip(stack, out["images"], strict=True):
        np.testing.assert_array_equal(varied, pipeline(image=source, key=2)["image"])
    np.testing.assert_array_equal(stack, before)
    as_tuple = pipeline(images=tuple(stack), key=2)["images"]
    assert isinstance(as_tuple, tuple)
    np.testing.assert_array_equal(as_tuple, out["images"])


def test_a_batch_and_a_loader_like_plan_give_what_single_calls_give():
    pipeline = Pipeline(OPERATIONS, seed=5, targets={"right": "image"})
    lefts, rights = [picture(seed=s) for s in range(4)], [picture(1, seed=9 + s) for s in range(4)]
    keys = list("abcd")
    singles = [pipeline(image=a, right=b, key=k) for a, b, k in zip(lefts, rights, keys, strict=True)]
    batch = pipeline.batch(image=lefts, right=rights, keys=keys)
    planned = pipeline.planned([(60, 70)] * 4, keys=keys)
    images, fields = planned.render(lefts, fields=[{"right": right} for right in rights])
    alone = pipeline.batch(images=[[left, left] for left in lefts], keys=keys)
    for row, single in enumerate(singles):
        np.testing.assert_array_equal(batch["right"][row], single["right"])
        np.testing.assert_array_equal(images[row], single["image"])
        np.testing.assert_array_equal(fields[row]["right"], single["right"])
        np.testing.assert_array_equal(alone["images"][row][1], single["image"])


def test_calls_without_a_key_count_on():
    pipeline, other = Pipeline(OPERATIONS, seed=5), Pipeline(OPERATIONS, seed=5)
    for _ in range(4):
        np.testing.assert_array_equal(
            pipeline(image=picture(), images=[picture()])["images"][0], other(image=picture())["image"]
        )


def test_targets_move_further_labels_as_their_kind():
    mask = picture(1)[:, :, 0]
    fields = {
        "lanes": [[[5, 5], [60, 50]]],
        "lanes_labels": ["solid"],
        "boats": [[10, 12, 30, 40]],
        "boats_labels": [7],
        "depth": mask.astype(np.float32),
        "normals": mask,
        "other": "untouched",
    }
    kinds = {"lanes": "line_strings", "boats": "boxes", "depth": "heatmaps", "normals": "mask"}
    pipeline = Pipeline([image.HorizontalFlip(p=1), image.ColorJitter(0.5, 0.5)], targets=kinds)
    out = pipeline(image=picture(), **fields)
    assert out["lanes"] == [[[65, 5], [10, 50]]] and out["lanes_labels"] == ["solid"]
    assert out["boats"].tolist() == [[40, 12, 60, 40]] and out["boats_labels"] == [7]
    np.testing.assert_array_equal(out["depth"], fields["depth"][:, ::-1])
    np.testing.assert_array_equal(out["normals"], mask[:, ::-1])
    assert out["other"] is fields["other"]


def test_replay_repeats_what_happened_on_further_images():
    pipeline = Pipeline(OPERATIONS, seed=5, targets={"right": "image"})
    trace = pipeline.trace(key=3, size=(60, 70))
    out = pipeline.replay(trace, image=picture(), right=picture(seed=1))
    np.testing.assert_array_equal(out["right"], pipeline(image=picture(seed=1), key=3)["image"])


def test_options_come_back_from_yaml():
    from covary import Boxes, LineStrings, OrientedBoxes, Polygons

    pipeline = Pipeline(
        [image.HorizontalFlip()],
        targets={"right": "image"},
        mask_pairs=[(3, 4)],
        heatmap_pairs=[(0, 1)],
        boxes=Boxes(pairs=[("l", "r")]),
        polygons=Polygons(clip=False),
        line_strings=LineStrings("normalised"),
        oriented_boxes=OrientedBoxes("corners", pairs=[(1, 2)]),
    )
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": picture(), "right": picture(size=(60, 71))}, r"right: shape .* 60 x 70"),
        ({"image": picture(), "images": [picture(), picture(size=(1, 1))]}, r"images\[1\]: shape"),
        ({"images": []}, "images is empty"),
    ],
)
def test_an_image_of_another_size_is_refused_by_name(fields, message):
    with pytest.raises(ValueError, match=message):
        Pipeline(OPERATIONS, targets={"right": "image"})(**fields)


@pytest.mark.parametrize("targets", [{"right": "picture"}, {"mask": "image"}, {1: "image"}])
def test_wrong_targets_are_refused_by_name(targets):
    with pytest.raises(ValueError, match="Pipeline: targets"):
        Pipeline([], targets=targets)

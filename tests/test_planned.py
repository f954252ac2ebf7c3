"""Plans made before the pixels are there, and sources that a decoder has reduced."""

import numpy as np
import pytest

from covary import Boxes, Keypoints, Pipeline, image
from covary.data.decode import decode, usable_reduction
from covary.data.header import read_header
from tests.data.jpegs import blob_picture, centroid, jpeg, photograph

RENDERERS = ("native", "opencv", "reference")
PIPELINES = {
    "crop": [image.RandomResizedCrop(48, scale=(0.3, 1.0))],
    "resize": [image.Resize((50, 40)), image.HorizontalFlip(p=0.5)],
    "turn": [image.LongestMaxSize(64), image.Rotate((-40, 40), border="constant", fill=20)],
    "displace": [image.ElasticTransform(p=0.5), image.Resize((40, 60)), image.Affine(rotate=(-20, 20), p=0.5)],
    "perspective": [image.Perspective((0.05, 0.1)), image.Resize((48, 48)), image.GaussianNoise(0.02, p=0.5)],
}


def planned_and_full(pipeline, data, keys):
    """The pixels and labels from sources reduced as far as the plan allows, and from the full ones."""
    header = read_header(data)
    plan = pipeline.planned([header.upright_size] * len(keys), keys=keys, epoch=3)
    reductions = np.array([usable_reduction(header, int(wanted)) for wanted in plan.reductions()])
    sources = [decode(data, reduce=int(reduce)) for reduce in reductions]
    return reductions, plan.render(sources, reductions), pipeline.batch([decode(data)] * len(keys), keys=keys, epoch=3)


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("name", PIPELINES)
def test_reduced_sources_give_nearly_the_pixels_of_full_ones(name, renderer):
    pipeline = Pipeline(PIPELINES[name], seed=5, renderer=renderer)
    data = jpeg(photograph(403, 602))
    keys = [f"{name}{i}" for i in range(6)]
    reductions, (drawn, labels), full = planned_and_full(pipeline, data, keys)
    assert reductions.max() >= 1
    assert labels == [{}] * 6
    for one, other in zip(drawn, full, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        difference = np.abs(one.astype(float) - other)
        assert np.median(difference) <= 3 and difference.mean() <= 6


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("orientation", [1, 2, 6, 8])
def test_a_blob_stays_where_its_keypoint_goes(name, orientation):
    pipeline = Pipeline([*PIPELINES[name][:2]], seed=2, keypoints=Keypoints("xy"))
    data = jpeg(blob_picture((400, 608), (290.0, 210.0), sigma=24), orientation=orientation)
    header = read_header(data)
    at = centroid(decode(data)) - 0.5
    keys = list(range(8))
    plan = pipeline.planned([header.upright_size] * 8, keys=keys)
    reductions = np.array([usable_reduction(header, int(wanted)) for wanted in plan.reductions()])
    sources = [decode(data, reduce=int(reduce)) for reduce in reductions]
    fields = [{"keypoints": at[None]}] * 8
    drawn, labels = plan.render(sources, reductions, fields=fields)
    full, same = plan.render([decode(data)] * 8, fields=fields)
    assert reductions.max() >= 1
    for one, other, label, again in zip(drawn, full, labels, same, strict=True):
        assert np.array_equal(label["keypoints"], again["keypoints"])
        if other.sum(axis=2).max() > 600:
            assert np.abs(centroid(one) - centroid(other)).max() < 0.1


def test_labels_do_not_depend_on_the_reduction():
    pipeline = Pipeline([image.RandomResizedCrop(40), image.Rotate((-30, 30))], seed=1, boxes=Boxes("coco"))
    data = jpeg(photograph(300, 400))
    fields = [{"boxes": np.array([[100.0, 80, 90, 70]]), "mask": np.eye(300, 400, dtype=np.uint8), "name": "a"}] * 3
    plan = pipeline.planned([(300, 400)] * 3, keys=[1, 2, 3])
    reductions = plan.reductions()
    assert reductions.max() >= 1
    _, reduced = plan.render([decode(data, reduce=int(k)) for k in reductions], reductions, fields=fields)
    _, full = plan.render([decode(data)] * 3, fields=fields)
    for one, other in zip(reduced, full, strict=True):
        assert one["name"] == other["name"] == "a"
        assert np.array_equal(one["boxes"], other["boxes"]) and np.array_equal(one["mask"], other["mask"])


def test_rendering_what_was_planned_equals_a_call():
    pipeline = Pipeline([image.RandomCrop(30), image.ColorJitter(0.2), image.Normalize()], seed=9)
    pictures = [photograph(50, 60 + i) for i in range(3)]
    plan = pipeline.planned([picture.shape[:2] for picture in pictures], keys=["a", "b", "c"], epoch=[0, 1, 2])
    drawn, _ = plan.render(pictures)
    for i, key in enumerate("abc"):
        assert np.array_equal(drawn[i], pipeline(image=pictures[i], key=key, epoch=i)["image"])


def test_a_picture_of_another_size_than_planned_is_refused():
    plan = Pipeline([image.Resize((20, 20))]).planned([(80, 80)], keys=[0])
    assert plan.reductions().tolist() == [2]
    with pytest.raises(ValueError, match=r"pictures\[0\] has shape \(40, 40, 3\); planned are 20 x 20 pixels"):
        plan.render([np.zeros((40, 40, 3), np.uint8)], np.array([2]))
    with pytest.raises(ValueError, match=r"planned are 80 x 80"):
        plan.render([np.zeros((40, 40, 3), np.uint8)])

"""Every geometric operation: what is seen and what the labels say lands in the same place."""

from __future__ import annotations

import numpy as np
import pytest

from covary import Boxes, Keypoints, Pipeline, image
from covary.plan.changes import BORDERS
from covary.render import find_renderer

HEIGHT, WIDTH = 120, 150

# Every geometric operation, at settings that change much. "constant" shows a blob once; other borders may mirror it.
OPERATIONS = {
    "HorizontalFlip": image.HorizontalFlip(p=1),
    "VerticalFlip": image.VerticalFlip(p=1),
    "Transpose": image.Transpose(p=1),
    "RandomRotate90": image.RandomRotate90(p=1),
    "D4": image.D4(p=1),
    "Rotate": image.Rotate((-60, 60), border="constant"),
    "Affine": image.Affine(
        rotate=(-40, 40), scale=(0.7, 1.3), shear=(-15, 15), translate=(-0.1, 0.1), keep_ratio=False, border="constant"
    ),
    "Scale in": image.Scale((1.1, 1.6), border="constant"),
    "Scale out": image.Scale((0.4, 0.9), border="constant"),
    "Stretch": image.Stretch((0.6, 1.5), (0.6, 1.5), border="constant"),
    "Translate": image.Translate((-0.2, 0.2), (-0.2, 0.2), border="constant"),
    "Shear": image.Shear((-25, 25), (-25, 25), border="constant"),
    "Perspective": image.Perspective(border="constant"),
    "Resize up": image.Resize((301, 260)),
    "Resize down": image.Resize((47, 61)),
    "SmallestMaxSize": image.SmallestMaxSize(170),
    "LongestMaxSize": image.LongestMaxSize(70),
    "CenterCrop": image.CenterCrop((80, 90)),
    "RandomCrop": image.RandomCrop((80, 90)),
    "RandomResizedCrop": image.RandomResizedCrop((96, 96), scale=(0.3, 1)),
    "Pad": image.Pad((7, 3)),
    "PadIfNeeded": image.PadIfNeeded(200, 190),
    "ElasticTransform": image.ElasticTransform((20, 40), border="constant"),
    "GridDistortion": image.GridDistortion(distort_limit=0.12, border="constant"),
    "GridElasticDeform": image.GridElasticDeform((3, 3), (0.01, 0.03), border="constant"),
    "PiecewiseAffine": image.PiecewiseAffine((0.01, 0.015), border="constant"),
    "ThinPlateSpline": image.ThinPlateSpline((0.02, 0.04), border="constant"),
    "OpticalDistortion": image.OpticalDistortion((-0.6, 0.6), border="constant"),
    "OpticalDistortion, fisheye": image.OpticalDistortion((-0.6, 0.6), "fisheye", border="constant"),
    "SafeRotate": image.SafeRotate((-60, 60)),
    "ShiftScaleRotate": image.ShiftScaleRotate(border="constant"),
    "ZoomOut": image.ZoomOut((1, 2)),
    "LetterBox": image.LetterBox((140, 200)),
    "CropAndPad": image.CropAndPad(border="constant"),
    "RandomCropFromBorders": image.RandomCropFromBorders(),
    "RandomScale": image.RandomScale((0.7, 1.4)),
    "TenCrop": image.TenCrop((100, 110)),
    "RandomGridShuffle": image.RandomGridShuffle((2, 2)),
}
DENSE = ("ElasticTransform", "GridDistortion", "GridElasticDeform", "PiecewiseAffine", "ThinPlateSpline")
STRONG = {
    "ElasticTransform": image.ElasticTransform(border="constant"),
    "ElasticTransform fine": image.ElasticTransform((20, 40), sigma=4, border="constant"),
    "GridDistortion": image.GridDistortion(border="constant"),
    "GridElasticDeform": image.GridElasticDeform(magnitude=0.08, border="constant"),
    "PiecewiseAffine": image.PiecewiseAffine(border="constant"),
    "ThinPlateSpline": image.ThinPlateSpline(0.08, 5, border="constant"),
    "OpticalDistortion": image.OpticalDistortion((-1, 1), x=(0.3, 0.7), border="constant"),
    "Perspective": image.Perspective((0.15, 0.2), border="constant"),
}
CHAIN = [
    image.RandomCrop((110, 130)),
    image.Rotate((-20, 20), border="constant"),
    image.ElasticTransform((20, 40), border="constant"),
    image.HorizontalFlip(p=0.5),
    image.GridDistortion(distort_limit=0.1, border="constant"),
    image.Resize((100, 140)),
]


def pipelines(operations):
    for fuse in (True, False):
        for renderer in ("native", "opencv", "reference"):
            try:
                find_renderer(renderer)
            except RuntimeError:
                continue
            yield Pipeline(operations, seed=3, fuse=fuse, renderer=renderer, keypoints=Keypoints("xy", outside="keep"))


def blob(x, y, sigma):
    """A Gaussian blob centred on the point (x, y), in pixel indices."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)


def centroid(picture):
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    weights = picture.astype(np.float64)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def well_inside(point, picture, margin=14):
    height, width = picture.shape[:2]
    return margin <= point[0] <= width - 1 - margin and margin <= point[1] <= height - 1 - margin


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_blob_and_its_keypoint_land_within_a_tenth_of_a_pixel(name):
    # Cells that change places may cut a blob in two: there, one that fits into its cell.
    # A map that stretches one flank of a blob more than the other moves its centre of mass, the more the wider it is: a
    # narrow blob says where the point is. Chains of such maps are compared pixel by pixel, below.
    sigma = 0.8 if name in DENSE else 1.6
    rng = np.random.default_rng(4)
    compared = 0
    for pipeline in pipelines([OPERATIONS[name]]):
        for epoch in range(8):
            x, y = rng.uniform(30, WIDTH - 30), rng.uniform(30, HEIGHT - 30)
            if name == "RandomGridShuffle":
                x, y = rng.uniform(20, 55), rng.uniform(20, 40)
            out = pipeline(image=blob(x, y, sigma), keypoints=[[x, y]], key=name, epoch=epoch)
            if not well_inside(out["keypoints"][0], out["image"]):
                continue
            compared += 1
            distance = np.linalg.norm(centroid(out["image"]) - out["keypoints"][0])
            assert distance < 0.1, (pipeline, epoch, distance)
    assert compared >= 4


@pytest.mark.parametrize("name", [*OPERATIONS, *(f"{name} strong" for name in STRONG), "chain"])
def test_the_pixels_at_a_keypoint_are_those_of_its_source(name):
    if name == "chain":
        operations = CHAIN
    else:
        operations = [STRONG[name.removesuffix(" strong")] if name.endswith(" strong") else OPERATIONS[name]]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    places = np.stack([columns, rows], axis=2).astype(np.float32)
    points = np.random.default_rng(5).uniform((25, 25), (WIDTH - 26, HEIGHT - 26), (60, 2))
    compared = 0
    for pipeline in pipelines(operations):
        pipeline = pipeline.with_options(keypoints=Keypoints("xyv", outside="hide"))
        out = pipeline(image=places, keypoints=np.hstack([points, np.full((60, 1), 2)]), key=name, epoch=1)
        shown = out["image"].astype(np.float64)
        for (x, y, visible), source in zip(out["keypoints"], points, strict=True):
            if not visible or not well_inside((x, y), shown, 2):
                continue
            x0, y0 = int(x), int(y)
            corner = shown[y0 : y0 + 2, x0 : x0 + 2]
            across = corner[0] * (1 - (y - y0)) + corner[1] * (y - y0)
            found = across[0] * (1 - (x - x0)) + across[1] * (x - x0)
            # The distance in pixels of the source; where the picture shrinks, that many more than of the output.
            step = max(np.abs(corner[0, 1] - corner[0, 0]).max(), np.abs(corner[1, 0] - corner[0, 0]).max(), 1)
            assert np.abs(found - source).max() / step < 0.1
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("name", [*OPERATIONS, *(f"{name} strong" for name in STRONG), "chain"])
def test_polygons_oriented_boxes_and_heat_maps_agree_with_the_warped_mask(name):
    import cv2

    if name == "chain":
        operations = CHAIN
    else:
        operations = [STRONG[name.removesuffix(" strong")] if name.endswith(" strong") else OPERATIONS[name]]
    x0, y0, x1, y1 = 45, 35, 105, 85
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[y0:y1, x0:x1] = 1
    fields = {
        "mask": mask.astype(np.uint8),
        "heatmaps": mask,
        "polygons": [[x0, y0, x1, y0, x1, y1, x0, y1]],
        "oriented_boxes": [[(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, 0]],
    }
    for pipeline in pipelines(operations):
        out = pipeline(image=mask, key=name, epoch=2, **fields)
        shown = out["mask"] > 0
        if not shown.any():
            continue
        drawn = np.zeros((shown.shape[0] * 8, shown.shape[1] * 8), np.uint8)
        outline = 0.0
        for part in out["polygons"]:
            points = np.asarray(part).reshape(-1, 2)
            outline += np.hypot(*(np.roll(points, -1, axis=0) - points).T).sum()
            cv2.fillPoly(drawn, [np.rint(points * 8 - 0.5).astype(np.int32)], 1)
        covered = drawn[4::8, 4::8] > 0
        # Pixels differ along the outline only, and there only where it passes near their centre; it is drawn to an
        # eighth of a pixel, and may pass near all centres of a whole side.
        passes = 1 if pipeline.fuse or name != "chain" else 3
        assert np.count_nonzero(covered != shown) <= 0.6 * passes * outline
        assert np.count_nonzero((out["heatmaps"] > 0.5) != shown) <= 0.35 * passes * outline
        if len(out["oriented_boxes"]) == 1 and name != "RandomGridShuffle":
            x, y, w, h, angle = out["oriented_boxes"][0]
            c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            rows, columns = np.nonzero(shown)
            u, v = columns + 0.5 - x, rows + 0.5 - y
            assert np.abs(u * c - v * s).max() <= w / 2 + passes
            assert np.abs(u * s + v * c).max() <= h / 2 + passes
            # It is tight: what is seen reaches to all four sides.
            assert np.ptp(u * c - v * s) >= w - 1 - 2 * passes and np.ptp(u * s + v * c) >= h - 1 - 2 * passes


@pytest.mark.parametrize("name", [*(name for name in OPERATIONS if name != "RandomGridShuffle"), "chain"])
def test_masks_boxes_and_pixels_agree(name):
    operations = CHAIN if name == "chain" else [OPERATIONS[name]]
    picture = np.zeros((HEIGHT, WIDTH), np.float32)
    picture[40:80, 50:100] = 1
    mask = (picture > 0).astype(np.uint8)
    for pipeline in pipelines(operations):
        pipeline = pipeline.with_options(boxes=Boxes(source="masks"))
        out = pipeline(image=picture, mask=mask, masks=[mask], boxes=[[50, 40, 100, 80]], key=3, epoch=2)
        # Nearest and linear sampling may differ where the edge crosses a pixel, nowhere else.
        disagree = (out["image"] > 0.5) != (out["mask"] > 0)
        assert disagree.sum() <= 0.35 * (2 * sum(out["mask"].shape))
        np.testing.assert_array_equal(out["masks"][0], out["mask"])
        rows, columns = np.nonzero(out["mask"])
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(out["boxes"][0], tight)
        corners = pipeline.with_options(boxes="pascal_voc")(image=picture, boxes=[[50, 40, 100, 80]], key=3, epoch=2)[
            "boxes"
        ][0]
        # Each pass rounds a mask's outline to whole pixels.
        assert np.abs(corners - tight).max() < (1.6 if pipeline.fuse or name != "chain" else 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_exact_operations_equal_numpy_slicing(dtype, channels):
    rng = np.random.default_rng(0)
    source = (rng.random((11, 14, channels)) * {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]).astype(dtype)
    for flip, expected in (
        (image.HorizontalFlip(p=1), source[:, ::-1]),
        (image.VerticalFlip(p=1), source[::-1]),
        (image.Transpose(p=1), source.transpose(1, 0, 2)),
        (image.CenterCrop((5, 8)), source[3:8, 3:11]),
    ):
        for pipeline in pipelines([flip]):
            np.testing.assert_array_equal(pipeline(source), expected)
    turns = [np.rot90(source, k) for k in range(4)]
    symmetries = [*turns, *(np.rot90(source[:, ::-1], k) for k in range(4))]
    for operation, results in ((image.RandomRotate90(p=1), turns), (image.D4(p=1), symmetries)):
        for pipeline in pipelines([operation]):
            found = set()
            for key in range(40):
                out = pipeline(image=source, key=key)["image"]
                same = [i for i, r in enumerate(results) if r.shape == out.shape and np.array_equal(r, out)]
                assert len(same) == 1
                found.add(same[0])
            assert found == set(range(len(results)))
    for pipeline in pipelines([image.RandomCrop((6, 5))]):
        views = np.lib.stride_tricks.sliding_window_view(source, (6, 5), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
        out = pipeline(source)
        assert any(np.array_equal(out, views[y, x]) for y in range(6) for x in range(10))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("pad", [(2, 3, 4, 5), (40, 1, 0, 33), (0, 0, 0, 0)])
def test_every_border_equals_numpy_pad(border, pad):
    source = np.arange(7 * 9 * 3, dtype=np.uint8).reshape(7, 9, 3)
    left, top, right, bottom = pad
    fill = {"fill": 9} if border == "constant" else {}
    numpy_fill = {"constant_values": 9} if border == "constant" else {}
    expected = np.pad(source, ((top, bottom), (left, right), (0, 0)), mode=border, **numpy_fill)
    for pipeline in pipelines([image.Pad(pad, border=border, **fill)]):
        np.testing.assert_array_equal(pipeline(source), expected)


@pytest.mark.parametrize("border", BORDERS)
def test_borders_of_whole_pixel_moves_equal_numpy_pad(border):
    from covary import Integers

    source = np.random.default_rng(1).integers(0, 256, (9, 12, 3), np.uint8)
    operation = image.Translate(Integers(-30, 30), Integers(-30, 30), unit="pixels", border=border)
    padded = np.pad(source, ((40, 40), (40, 40), (0, 0)), mode=border)
    for pipeline in pipelines([operation]):
        for key in range(10):
            values = pipeline.trace(key=key, size=(9, 12))["operations"][0]["values"]
            x, y = int(values["x"]), int(values["y"])
            out = pipeline(image=source, key=key)["image"]
            np.testing.assert_array_equal(out, padded[40 - y : 49 - y, 40 - x : 52 - x])


@pytest.mark.parametrize("border", ["reflect", "wrap", "edge"])
def test_a_border_that_repeats_the_picture_clones_no_instance(border):
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:50, 3:60] = True
    for pipeline in pipelines([image.Rotate((30, 40), border=border)]):
        pipeline = pipeline.with_options(boxes=Boxes(source="masks"))
        out = pipeline(image=picture, masks=[mask], boxes=[[3, 5, 60, 50]], key=1)
        alone = pipeline.with_options(boxes="pascal_voc")(image=picture, masks=[mask], key=1)["masks"][0]
        rows, columns = np.nonzero(out["masks"][0])
        assert out["boxes"].tolist() == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
        assert out["masks"][0].sum() <= mask.sum() * 1.02
        assert alone.sum() >= out["masks"][0].sum()
        assert out["masks"][0].dtype == bool

"""Labels land where the pixels land: keypoints, masks and pictures through the same stages by the reference
renderer."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from covary.plan.changes import Displace
from covary.targets import Keypoints
from tests.targets.plans import (
    affine_maps,
    carried,
    displace,
    grids,
    projective_maps,
    rendered,
    stage,
    warp,
)

SIZE = (40, 60)
OUT = (48, 64)
FINER = 4


@st.composite
def passes(draw, steepest=0.35):
    """The coordinate maps of one stage SIZE -> OUT."""
    kind = draw(st.sampled_from(("warp", "displace warp", "warp displace", "warp displace warp")))
    change = warp(draw(st.one_of(affine_maps(SIZE, OUT), projective_maps(SIZE, OUT))), OUT)
    if kind == "displace warp":
        return (displace(draw(grids(SIZE, steepest))), change)
    if kind == "warp displace":
        return (change, displace(draw(grids(OUT, steepest))))
    if kind == "warp displace warp":
        return (change, displace(draw(grids(OUT, steepest))), warp(draw(affine_maps(OUT)), OUT))
    return (change,)


def magnified(coordinates):
    """The same stage on a finer canvas, so that positions are measured to a fraction of a pixel."""
    size = (OUT[0] * FINER, OUT[1] * FINER)
    return stage(size, *coordinates, warp(np.diag((1 / FINER, 1 / FINER, 1)), size), interpolation="linear")


def centroid(weights):
    y, x = np.indices(weights.shape)
    return np.array(((x + 0.5) * weights, (y + 0.5) * weights)).sum(axis=(1, 2)) / weights.sum() / FINER - 0.5


def well_inside(point):
    return len(point) == 1 and (point[0] > 4).all() and (point[0] < (OUT[1] - 5, OUT[0] - 5)).all()


def blob(x, y, sigma=1.0):
    rows, columns = np.indices(SIZE)
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)


PIXEL = st.tuples(st.integers(6, 53), st.integers(6, 33))


@settings(max_examples=50, deadline=None)
@given(passes(), PIXEL)
def test_a_marked_pixel_of_a_mask_and_its_keypoint_land_together(coordinates, pixel):
    x, y = pixel
    mask = np.zeros(SIZE, dtype=np.int64)
    mask[y, x] = 2**40
    point = carried({"keypoints": [pixel]}, [stage(OUT, *coordinates)], SIZE)["keypoints"]
    assume(well_inside(point))
    seen = carried({"mask": mask}, [magnified(coordinates)], SIZE)["mask"] > 0
    assert seen.any()
    np.testing.assert_allclose(centroid(seen.astype(float)), point[0], atol=0.35)


@settings(max_examples=40, deadline=None)
@given(passes(steepest=0.1), PIXEL)
def test_a_gaussian_blob_and_its_keypoint_stay_within_a_tenth_of_a_pixel(coordinates, pixel):
    point = carried({"keypoints": [pixel]}, [stage(OUT, *coordinates)], SIZE)["keypoints"]
    assume(well_inside(point))
    picture = rendered(blob(*pixel), [magnified(coordinates)])[..., 0].astype(np.float64)
    # Cut off at a third of its height, so that the blob is small against the curvature of the map.
    np.testing.assert_allclose(centroid(np.maximum(picture - picture.max() / 3, 0)), point[0], atol=0.1)


@settings(max_examples=15, deadline=None)
@given(passes(steepest=0.1), affine_maps(OUT, OUT), PIXEL)
def test_blob_and_keypoint_agree_after_two_stages(coordinates, matrix, pixel):
    first, second = stage(OUT, *coordinates), (warp(matrix, OUT),)
    between = carried({"keypoints": [pixel]}, [first], SIZE)["keypoints"]
    point = carried({"keypoints": [pixel]}, [first, stage(OUT, *second)], SIZE)["keypoints"]
    assume(well_inside(between) and well_inside(point))
    picture = rendered(blob(*pixel, sigma=2.0), [first, magnified(second)])[..., 0].astype(np.float64)
    np.testing.assert_allclose(centroid(np.maximum(picture - picture.max() / 2, 0)), point[0], atol=0.15)


@settings(max_examples=40, deadline=None)
@given(passes(), st.integers(0, 2**32))
def test_kept_points_are_those_whose_pixel_the_mask_still_shows(coordinates, seed):
    # Every pixel has its own number; the picture at a moved keypoint shows the number of the pixel it came from.
    ids = np.arange(SIZE[0] * SIZE[1], dtype=np.int32).reshape(SIZE) + 1
    points = np.random.default_rng(seed).integers((0, 0), (SIZE[1], SIZE[0]), (40, 2))
    plan = stage(OUT, *coordinates)
    out = carried({"keypoints": points, "keypoint_labels": np.arange(40)}, [plan], SIZE)
    shown = carried({"mask": ids}, [magnified(coordinates)], SIZE)["mask"]
    fine = np.floor((out["keypoints"] + 0.5) * FINER).astype(int)
    on = ((fine >= 0) & (fine < shown.shape[::-1])).all(axis=1)
    came = shown[fine[on, 1], fine[on, 0]] - 1
    source = points[out["keypoint_labels"][on]]
    distance = np.abs(np.stack((came % SIZE[1], came // SIZE[1]), axis=1) - source)
    assert (distance <= 1).all()
    lost = np.setdiff1d(np.arange(40), out["keypoint_labels"])
    computed = carried({"keypoints": points}, [plan], SIZE, keypoints=Keypoints(outside="keep"))["keypoints"][lost]
    assert not ((computed > -0.4) & (computed < (OUT[1] - 0.6, OUT[0] - 0.6))).all(axis=1).any()


def test_a_smooth_elastic_field_of_realistic_strength_keeps_all_points_on_their_blobs():
    from scipy.ndimage import gaussian_filter

    generator = np.random.default_rng(5)
    grid = gaussian_filter(generator.normal(size=(13, 17, 2)), (2, 2, 0))
    grid *= 3.0 / np.abs(grid).max()
    plan = magnified((displace(grid), warp(np.eye(3), OUT)))
    assert isinstance(plan.coordinates[0], Displace)
    for pixel in generator.integers((8, 8), (52, 32), (12, 2)):
        point = carried({"keypoints": [pixel]}, [stage(OUT, *plan.coordinates[:2])], SIZE)["keypoints"][0]
        picture = rendered(blob(*pixel), [plan])[..., 0].astype(np.float64)
        np.testing.assert_allclose(centroid(np.maximum(picture - picture.max() / 3, 0)), point, atol=0.1)

"""PRIME's primitives against their closed forms: SciPy's correlation, the sine series, displacements and folds."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe
from scipy.ndimage import correlate

from covary import Pipeline, image
from covary.plan.changes import Curve, Displace, Filter

PICTURE = np.random.Generator(np.random.PCG64(1)).integers(40, 200, (40, 50, 3), dtype=np.uint8)


def test_random_filter_equals_scipy_correlation_and_keeps_even_areas() -> None:
    operation = image.RandomFilter((0.2, 0.2), size=5)
    (change,), _ = describe(operation, [(40, 50)] * 400, 3, "uint8", seed=1)
    assert isinstance(change, Filter)
    assert change.kernel is not None
    np.testing.assert_allclose(change.kernel.sum((1, 2)), 1, atol=1e-12)
    taps = change.kernel.copy()
    taps[:, 2, 2] -= 1
    assert abs(taps.std() / (0.2 * np.sqrt(24 / 25)) - 1) < 0.02
    pipeline = Pipeline([operation])
    made = pipeline(image=PICTURE, key=3)["image"]
    smooth = PICTURE.astype(np.float64)
    # The kernel is found again from what it makes of single points.
    point = np.zeros((11, 11, 1), np.float32)
    point[5, 5] = 1
    kernel = pipeline(image=point, key=3)["image"][3:8, 3:8, 0][::-1, ::-1]
    expected = np.stack([correlate(smooth[..., c], kernel, mode="mirror") for c in range(3)], axis=2)
    np.testing.assert_allclose(made, np.clip(expected, 0, 255), atol=0.51)


def test_random_tone_is_the_sine_series_with_the_stated_deviation() -> None:
    operation = image.RandomTone((0.01, 0.01), waves=3)
    (change,), _ = describe(operation, [(4, 4)] * 500, 3, "uint8", seed=2)
    assert isinstance(change, Curve)
    bend = change.table / 255 - np.linspace(0, 1, 256)
    np.testing.assert_allclose(bend[..., [0, -1]], 0, atol=1e-6)
    inner = bend[..., 30:-30]  # nothing is clipped there
    x = np.linspace(0, 1, 256)
    basis = np.stack([np.sin(np.pi * n * x) for n in (1, 2, 3)])[:, 30:-30]
    heights, *_ = np.linalg.lstsq(basis.T, inner.reshape(-1, inner.shape[-1]).T, rcond=None)
    np.testing.assert_allclose(basis.T @ heights, inner.reshape(-1, inner.shape[-1]).T, atol=1e-5)
    deviation = heights.std(axis=1)
    np.testing.assert_allclose(deviation / deviation[0], [1, 1 / 2, 1 / 3], rtol=0.1)
    assert abs(np.sqrt((heights**2).sum(0).mean() / 2) / 0.01 - 1) < 0.05


def test_random_deformation_has_the_stated_size_and_never_folds() -> None:
    (change,), _ = describe(image.RandomDeformation((0.01, 0.01)), [(80, 160)] * 300, 3, "uint8", seed=3)
    assert isinstance(change, Displace)
    fields = np.stack(change.grids)
    for side in (fields[:, 0], fields[:, -1], fields[:, :, 0], fields[:, :, -1]):
        np.testing.assert_allclose(side, 0, atol=1e-5)
    assert abs(np.sqrt((fields[..., 0] ** 2)[:, :-1, :-1].mean()) / 1.6 - 1) < 0.1
    assert abs(np.sqrt((fields[..., 1] ** 2)[:, :-1, :-1].mean()) / 0.8 - 1) < 0.1
    (strong,), _ = describe(image.RandomDeformation((0.5, 0.5)), [(80, 160)] * 20, 3, "uint8", seed=3)
    assert isinstance(strong, Displace)
    for grid in strong.grids:
        assert np.abs(np.diff(grid, axis=0)).max() / (80 / 32) <= 0.8 + 1e-5
        assert np.abs(np.diff(grid, axis=1)).max() / (160 / 32) <= 0.8 + 1e-5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_strength_zero_does_nothing_and_yaml_keeps_it(dtype: str) -> None:
    picture = (PICTURE.astype(np.float64) * {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]).astype(dtype)
    for operation in (image.RandomFilter(), image.RandomTone(), image.RandomDeformation(), image.Prime()):
        pipeline = Pipeline([operation], seed=4)
        idle = pipeline.with_strength(0)(image=picture, key=1)["image"]
        np.testing.assert_allclose(idle, picture, atol=1e-6 if dtype == "float32" else 0)
        varied = pipeline(image=picture, key=1)["image"]
        assert varied.dtype == picture.dtype
        assert (varied != picture).any()
        assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline


def test_wrong_arguments_are_refused() -> None:
    for words, make in (
        ("size is 4", lambda: image.RandomFilter(size=4)),
        ("waves is 0", lambda: image.RandomTone(waves=0)),
        ("waves is 16", lambda: image.RandomDeformation(waves=16)),
        ("std is", lambda: image.RandomTone(2.0)),
    ):
        with pytest.raises(ValueError, match=words):
            make()

"""Normalize and ToTensor against the formula that torchvision and Albumentations document."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe
from hypothesis import given, settings
from hypothesis import strategies as st
from picturing import WHITE, draw_changes, noise_picture, pictures

from covary.ops.image.finish import Finish, Normalize, ToTensor

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("operation", [Normalize(), Normalize("imagenet")], ids=str)
def test_imagenet_equals_the_published_numbers(operation: Normalize, dtype: str) -> None:
    image = noise_picture(dtype=dtype)
    (result,), _ = pictures(operation, [image])
    expected = (image / WHITE[dtype] - MEAN) / STD
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-6)


def test_layout_hwc_is_the_same_picture_untransposed() -> None:
    image = noise_picture()
    (chw,), _ = pictures(Normalize(), [image])
    (hwc,), _ = pictures(Normalize(layout="HWC"), [image])
    np.testing.assert_array_equal(hwc, chw.transpose(1, 2, 0))


def test_half_gives_minus_one_to_one() -> None:
    image = np.array([0, 255], dtype=np.uint8).reshape(1, 2, 1)
    (result,), _ = pictures(Normalize("half"), [image])
    np.testing.assert_allclose(result.ravel(), [-1, 1], atol=1e-7)


@settings(max_examples=30)
@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(
            st.lists(st.floats(-2, 2), min_size=n, max_size=n), st.lists(st.floats(0.01, 10), min_size=n, max_size=n)
        )
    )
)
def test_numbers_of_ones_own_for_any_number_of_channels(numbers: tuple[list[float], list[float]]) -> None:
    mean, std = numbers
    image = noise_picture(channels=len(mean), dtype="float32")
    (result,), _ = pictures(Normalize(mean=mean, std=std, layout="HWC"), [image])
    np.testing.assert_allclose(result, (image - np.array(mean)) / np.array(std), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("mean", "std"), [(0.4, 0.2), (0.4, (0.2,)), ((0.4,), (0.2, 0.2)), ((0.4, 0.4), 0.2)])
def test_one_number_serves_all_channels(mean: object, std: object) -> None:
    image = noise_picture(channels=2)
    (result,), _ = pictures(Normalize(mean=mean, std=std), [image])
    np.testing.assert_allclose(result, ((image / 255 - 0.4) / 0.2).transpose(2, 0, 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_imagenet_numbers_are_refused_for_other_than_three_channels(channels: int) -> None:
    with pytest.raises(ValueError, match=rf"Normalize.*{channels} channels.*mean= and std="):
        describe(Normalize(), [(4, 4)], channels=channels)


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_to_tensor_is_division_by_white_in_chw(dtype: str, channels: int) -> None:
    image = noise_picture(channels=channels, dtype=dtype)
    (result,), _ = pictures(ToTensor(), [image])
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, (image / WHITE[dtype]).transpose(2, 0, 1), rtol=1e-6)


@pytest.mark.parametrize("dtype", list(WHITE))
def test_to_tensor_without_scale_moves_the_channels_only(dtype: str) -> None:
    image = noise_picture(dtype=dtype)
    (result,), _ = pictures(ToTensor(scale=False), [image])
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result, image.transpose(2, 0, 1))


def test_finishing_operations_are_required() -> None:
    for operation in (Normalize(), ToTensor()):
        assert isinstance(operation, Finish)
        assert operation.required


def test_shared_constants_cannot_be_changed_by_accident() -> None:
    (colour, _), _ = describe(Normalize(), [(4, 4)])
    with pytest.raises(ValueError, match="read-only"):
        colour.matrix[0, 0, 0] = 1
    image = noise_picture()
    first = draw_changes(describe(Normalize(), [image.shape[:2]])[0], [image])
    again = draw_changes(describe(Normalize(), [image.shape[:2]])[0], [image])
    np.testing.assert_array_equal(first, again)

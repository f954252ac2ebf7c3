"""What holds for every operation on values."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from describing import course_of, describe, make_view, place, values_of
from picturing import WHITE, draw_changes, noise_picture

from covary.draws.distributions import Distribution
from covary.ops.base import Course, Operation
from covary.ops.image.channels import ChannelDropout, ChannelShuffle
from covary.ops.image.colour import Brightness, ColorJitter, Contrast, Grayscale, Hue, RGBShift, Saturation
from covary.ops.image.erasing import CoarseDropout, Cutout, RandomErasing
from covary.ops.image.filters import GaussianBlur, Sharpen
from covary.ops.image.finish import Normalize, ToTensor
from covary.ops.image.noise import GaussianNoise, SaltAndPepper
from covary.ops.image.tone import Gamma, Invert, Posterize, Solarize
from covary.ops.spec import from_plain, to_plain
from covary.plan.changes import Convert, GaussianField, Impulses
from covary.plan.stages import take_change

VARIED: list[Operation] = [
    Brightness(),
    Contrast(),
    Contrast(pivot="mean"),
    Saturation(),
    Hue(0.5),
    ColorJitter(hue=0.5),
    ColorJitter(pivot="mean"),
    RGBShift(),
    Grayscale(p=1),
    ChannelShuffle(),
    ChannelDropout((0, 2), fill=(1, 2, 3)),
    Gamma((0.3, 3)),
    Posterize((1, 8)),
    Solarize((0, 1)),
    Invert(),
    GaussianBlur((0, 3)),
    Sharpen(lightness=0.5),
    GaussianNoise(mean=0.1),
    SaltAndPepper(salt=(0.2, 0.8)),
    CoarseDropout((0, 5), fill="noise"),
    CoarseDropout((0, 5), height=(2, 4), width=(0.3, 1.0)),
    Cutout((0.2, 0.8)),
    RandomErasing(p=1, value="noise"),
]
ALL = [*VARIED, Normalize(), ToTensor()]


def label(operation: Operation) -> str:
    return repr(operation)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("operation", ALL, ids=label)
def test_a_sample_alone_is_described_bit_for_bit_as_in_any_batch(operation: Operation, dtype: str) -> None:
    keys = [3, "a", 5, 99, "cats/12.jpg", 7, 8]
    sizes = [(31, 17), (1, 1), (40, 40), (5, 64), (224, 224), (2, 3), (100, 7)]
    together, _ = describe(operation, sizes, 3, dtype, keys=keys)
    for rows in ([0], [4], [6, 2, 1], [5, 3]):
        some, _ = describe(operation, [sizes[row] for row in rows], 3, dtype, keys=[keys[row] for row in rows])
        assert len(some) == len(together)
        for change, whole in zip(some, together, strict=True):
            expected = take_change(whole, np.array(rows))
            for field in dataclasses.fields(change):
                got, wanted = getattr(change, field.name), getattr(expected, field.name)
                if isinstance(wanted, tuple):
                    got, wanted = np.asarray(got), np.asarray(wanted)
                if isinstance(wanted, np.ndarray):
                    assert got.dtype == wanted.dtype
                    assert got.tobytes() == wanted.tobytes(), f"{field.name} of rows {rows}"
                else:
                    assert got == wanted


@pytest.mark.parametrize("operation", ALL, ids=label)
def test_arrays_have_the_shapes_and_dtypes_of_the_contract(operation: Operation) -> None:
    changes, view = describe(operation, [(6, 5)] * 4)
    shapes = {
        "matrix": ((4, 3, 4), "float64"),
        "pivot": ((4, 3), "float64"),
        "table": ((4, 1, 256), "float32"),
        "scale": ((4,), "float64"),
        "mean": ((4,), "float64"),
        "stream": ((4,), "uint64"),
        "amount": ((4,), "float64"),
        "salt": ((4,), "float64"),
        "count": ((4,), "int32"),
        "colour": ((4, 3), "float64"),
    }
    for change in changes:
        for field in dataclasses.fields(change):
            value = getattr(change, field.name)
            if isinstance(value, tuple):
                value = np.asarray(value)
            if not isinstance(value, np.ndarray):
                continue
            if field.name in shapes:
                assert (value.shape, value.dtype.name) == shapes[field.name], field.name
            elif field.name == "rectangles":
                assert value.dtype == np.int32
                assert value.shape[0] == 4
                assert value.shape[2] == 4
                assert change.count.max() <= value.shape[1]
            else:
                assert field.name.startswith("kernel")
                assert value.dtype == np.float64
                assert all(length % 2 == 1 for length in value.shape[1:])
    assert view.size.tolist() == [[6, 5]] * 4


@pytest.mark.parametrize("operation", VARIED, ids=label)
@pytest.mark.parametrize("dtype", list(WHITE))
def test_strength_zero_does_nothing(operation: Operation, dtype: str) -> None:
    image = noise_picture(dtype=dtype)
    idle = operation.with_strength(0)
    changes, _ = describe(idle, [image.shape[:2]] * 3, 3, dtype)
    for result in draw_changes(changes, [image] * 3) if changes else ():
        assert result.dtype == image.dtype
        np.testing.assert_allclose(result, image, rtol=0, atol=0 if dtype != "float32" else 1e-7)


@pytest.mark.parametrize("operation", [op for op in VARIED if op.with_strength(0).p > 0], ids=label)
def test_strength_one_is_the_operation_itself_and_half_lies_between(operation: Operation) -> None:
    assert operation.with_strength(1) == operation
    half, idle = operation.with_strength(0.5), operation.with_strength(0)
    for field in dataclasses.fields(operation):
        law = getattr(operation, field.name)
        if isinstance(law, Distribution) and law.identity is not None:
            far = [abs(bound - law.identity) for bound in law.bounds()]
            nearer = [abs(bound - law.identity) for bound in getattr(half, field.name).bounds()]
            assert max(nearer) <= max(far)
            assert getattr(idle, field.name).bounds() == (law.identity, law.identity)


@pytest.mark.parametrize("operation", [Normalize(), Normalize("half"), ToTensor()], ids=label)
def test_finishing_operations_are_the_same_at_any_strength(operation: Operation) -> None:
    assert operation.with_strength(0) == operation


@pytest.mark.parametrize("operation", VARIED, ids=label)
def test_p_is_the_rate_of_change(operation: Operation) -> None:
    course, _ = course_of(dataclasses.replace(operation, p=0.3), [(8, 8)] * 2000)
    active = course.records[0].active
    assert active is not None
    # Six standard deviations of a binomial share.
    assert abs(active.mean() - 0.3) < 6 * np.sqrt(0.21 / 2000)


@pytest.mark.parametrize("operation", VARIED, ids=label)
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_same_picture_changes_alike_in_every_dtype(operation: Operation, dtype: str) -> None:
    if isinstance(operation, ChannelDropout):
        operation = ChannelDropout((0, 2))
    outcomes = {}
    for name in ("uint8", dtype):
        image = noise_picture(dtype=name)
        changes, _ = describe(operation, [image.shape[:2]] * 4, 3, name)
        results = draw_changes(changes, [image] * 4, exact=True)
        outcomes[name] = np.stack(results) / WHITE[name]
    first, second = outcomes.values()
    # Values that an earlier stage would have rounded do not occur: each of these is one stage.
    tolerance = 2 / 65535 if any(isinstance(c, (GaussianField, Impulses)) for c in changes) else 1e-5
    np.testing.assert_allclose(second, first, rtol=0, atol=tolerance)


@pytest.mark.parametrize("operation", VARIED, ids=label)
def test_the_trace_repeats_the_change(operation: Operation) -> None:
    """What a trace records of one sample is enough to describe the same change again."""
    course, _ = course_of(operation, [(20, 30)])
    record = course.records[0]
    values = {slot: value[0].item() for slot, value in record.draw.values.items()}
    placed, _ = place(operation)
    again = Course(1, None, {placed.name: {"active": True, "values": values}})
    operation.apply(placed, again, make_view([(20, 30)]), None)
    assert len(again.steps) == len(course.steps)
    for step, first in zip(again.steps, course.steps, strict=True):
        for field in dataclasses.fields(step.change):
            np.testing.assert_array_equal(getattr(step.change, field.name), getattr(first.change, field.name))


@pytest.mark.parametrize("operation", VARIED, ids=label)
def test_global_random_state_is_left_alone(operation: Operation) -> None:
    before = np.random.get_state()[1].tobytes()
    describe(operation, [(8, 8)] * 3)
    assert np.random.get_state()[1].tobytes() == before


@pytest.mark.parametrize(
    ("operation", "slot", "expected"),
    [
        (GaussianNoise(0.1), "std", 0.1),
        (GaussianBlur(1.5), "sigma", 1.5),
        (Posterize(4), "bits", 4),
        (Solarize(0.25), "threshold", 0.25),
        (SaltAndPepper(0.2), "amount", 0.2),
        (Sharpen(0.3), "alpha", 0.3),
        (CoarseDropout(3), "holes", 3),
        (Cutout(16), "size", 16),
        (RandomErasing(0.1, p=1), "scale", 0.1),
    ],
    ids=str,
)
def test_a_single_number_for_an_amount_is_that_amount(operation: Operation, slot: str, expected: float) -> None:
    np.testing.assert_array_equal(values_of(operation, 5)[slot], expected)
    assert getattr(operation, slot).bounds() == (expected, expected)


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: Brightness(-1), ["Brightness", "factor", "-1"]),
        (lambda: Brightness((-0.5, 1)), ["Brightness", "factor", "-0.5", "0"]),
        (lambda: Contrast(pivot="median"), ["Contrast", "pivot", "'median'", "middle, mean"]),
        (lambda: Hue(0.6), ["Hue", "shift", "0.6", "0.5"]),
        (lambda: ColorJitter(hue=(0, 1)), ["ColorJitter", "hue", "1", "0.5"]),
        (lambda: RGBShift(20), ["RGBShift", "red", "20", "1"]),
        (lambda: Gamma((0, 1)), ["Gamma", "gamma", "0 <"]),
        (lambda: Gamma((80, 120)), ["Gamma", "gamma", "120", "100"]),
        (lambda: Posterize(9), ["Posterize", "bits", "9", "1 to 8"]),
        (lambda: Posterize((0, 4)), ["Posterize", "bits", "0", "1 to 8"]),
        (lambda: Solarize(128), ["Solarize", "threshold", "128", "0 to 1"]),
        (lambda: GaussianBlur(-1), ["GaussianBlur", "sigma", "-1"]),
        (lambda: GaussianBlur(float("nan")), ["GaussianBlur", "sigma", "nan"]),
        (lambda: GaussianBlur("strong"), ["GaussianBlur", "sigma", "'strong'"]),
        (lambda: GaussianNoise(std=-0.1), ["GaussianNoise", "std", "-0.1"]),
        (lambda: GaussianNoise(per_channel=1), ["GaussianNoise", "per_channel", "1", "True or False"]),
        (lambda: SaltAndPepper(1.5), ["SaltAndPepper", "amount", "1.5", "0 to 1"]),
        (lambda: Sharpen((0, 2)), ["Sharpen", "alpha", "2", "0 to 1"]),
        (lambda: CoarseDropout(height=(0.5, 20)), ["CoarseDropout", "height", "0.5 to 20", "pixels"]),
        (lambda: CoarseDropout(fill="mean"), ["CoarseDropout", "fill", "'mean'", "noise"]),
        (lambda: CoarseDropout(fill=(0, float("inf"), 0)), ["CoarseDropout", "fill", "inf"]),
        (lambda: CoarseDropout(2.5), ["CoarseDropout", "holes", "2.5"]),
        (lambda: Cutout((0.5, 2)), ["Cutout", "size", "0.5 to 2"]),
        (lambda: RandomErasing(value="random"), ["RandomErasing", "value", "'random'", "noise"]),
        (lambda: RandomErasing(scale=(0.1, 1.2)), ["RandomErasing", "scale", "1.2", "0 to 1"]),
        (lambda: ChannelDropout(fill=()), ["ChannelDropout", "fill", "()"]),
        (lambda: Normalize("cifar"), ["Normalize", "statistics", "'cifar'", "imagenet, half"]),
        (lambda: Normalize((0.5, 0.5)), ["Normalize", "statistics", "(0.5, 0.5)", "mean= and std="]),
        (lambda: Normalize(mean=0.5), ["Normalize", "std", "missing"]),
        (lambda: Normalize(mean=0.5, std=0), ["Normalize", "std", "0", "above 0"]),
        (lambda: Normalize("half", mean=0.5, std=1), ["Normalize", "statistics", "not both"]),
        (lambda: Normalize(mean=(0.5,) * 3, std=(0.5,) * 4), ["Normalize", "std", "mean"]),
        (lambda: Normalize(layout="NCHW"), ["Normalize", "layout", "'NCHW'", "CHW, HWC"]),
        (lambda: Normalize(p=0.5), ["Normalize", "p", "0.5", "1"]),
        (lambda: ToTensor(scale="yes"), ["ToTensor", "scale", "'yes'", "True or False"]),
    ],
)
def test_wrong_arguments_are_refused_by_name_with_what_is_allowed(make: object, parts: list[str]) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        make()  # type: ignore[operator]
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("operation", [Saturation(), Hue(), ColorJitter(), RGBShift(), Grayscale(p=1)], ids=label)
def test_colour_needs_one_or_three_channels(operation: Operation) -> None:
    with pytest.raises(ValueError, match=rf"{type(operation).__name__}.*3 \(red") as caught:
        describe(operation, [(4, 4)], channels=4)
    assert "4 channels" in str(caught.value)
    image = noise_picture(channels=1)
    changes, _ = describe(operation, [image.shape[:2]], channels=1)
    if not isinstance(operation, ColorJitter):
        assert changes == []


@pytest.mark.parametrize(
    "operation",
    [op for op in ALL if type(op) not in (Saturation, Hue, ColorJitter, RGBShift, Grayscale, ChannelDropout)]
    + [ChannelDropout((0, 9)), ColorJitter(saturation=0, hue=0), ColorJitter(saturation=0, hue=0, pivot="mean")],
    ids=label,
)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_number_of_channels(operation: Operation, channels: int) -> None:
    if isinstance(operation, Normalize):
        operation = Normalize("half")
    image = noise_picture(channels=channels)
    changes, _ = describe(operation, [image.shape[:2]], channels=channels)
    (result,) = draw_changes(changes, [image])
    assert sorted(result.shape) == sorted(image.shape)
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    "operation", [CoarseDropout(fill=(1, 2)), ChannelDropout(fill=(1, 2)), RandomErasing(value=(1, 2), p=1)]
)
def test_a_fill_needs_one_value_or_one_for_each_channel(operation: Operation) -> None:
    with pytest.raises(ValueError, match="2 values, the image has 3 channels"):
        describe(operation, [(4, 4)])


def test_no_value_operation_but_the_finishing_ones_converts() -> None:
    for operation in ALL:
        changes, _ = describe(operation, [(4, 4)])
        converts = isinstance(changes[-1], Convert)
        assert converts == isinstance(operation, (Normalize, ToTensor))


@pytest.mark.parametrize(
    "operation",
    [
        *ALL,
        GaussianNoise(0.1),
        Posterize(4),
        SaltAndPepper(0.1, salt=0.3),
        CoarseDropout(3, fill=(1, 2, 3)),
        Normalize(mean=(0.1, 0.2, 0.3), std=0.5, layout="HWC"),
        ToTensor(scale=False),
    ],
    ids=label,
)
def test_plain_data_gives_the_operation_back(operation: Operation) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(operation)))) == operation

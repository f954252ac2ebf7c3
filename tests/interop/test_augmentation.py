"""Augmentation gives on tensors what `Pipeline.batch` gives on arrays: the pixels."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from covary import OneOf, Pipeline, SomeOf, Sometimes, audio, image

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")

from covary.interop.pytorch import Augmentation  # noqa: E402
from tests.interop.tensors import DEVICES, WHITE, arrays, channels_first, equal, pictures  # noqa: E402

KEYS = ["a", "b", 7, 8, 2**60, "f"]
DTYPES = [torch.uint8, torch.uint16, torch.float32, torch.float16, torch.bfloat16, torch.float64]
# Half a unit in the last place, of numbers near 1.
ROUNDED = {torch.float16: 2**-11, torch.bfloat16: 2**-8}

TRAINING = [
    image.RandomResizedCrop(32),
    image.HorizontalFlip(),
    image.ColorJitter(p=0.8),
    image.Affine(rotate=(-20, 20), scale=(0.8, 1.2), border="constant", fill=0.3, p=0.7),
    image.GaussianNoise((0.02, 0.1), p=0.6),
    image.CoarseDropout(p=0.5),
]
SMOOTH = {
    "training": TRAINING,
    "displaced": [image.ElasticTransform((40, 60), sigma=6.0), image.GridDistortion(p=0.5)],
    "perspective": [image.Perspective(border="reflect"), image.Gamma(p=0.5)],
    "perspective, black beyond": [image.Perspective(border="constant")],
    "symmetric and wrapped": [image.Rotate((20, 60), border="symmetric"), image.Rotate((5, 9), border="wrap")],
    "cubic": [image.Rotate((-40, 40), interpolation="cubic", border="edge")],
    "halved": [image.Resize((9, 7))],
    "blurred": [image.GaussianBlur(p=0.7), image.MotionBlur(p=0.7)],
    "shaded": [image.RandomShadow(p=0.8), image.PlasmaShadow(p=0.8)],
    "noises": [OneOf([image.ShotNoise(), image.GaussianNoise(), image.MultiplicativeNoise()])],
    "groups": [
        OneOf([image.Rotate((-30, 30)), image.GaussianBlur(), image.ElasticTransform()]),
        SomeOf([image.HorizontalFlip(p=1), image.VerticalFlip(p=1), image.ColorJitter(), image.MotionBlur()], n=2),
        Sometimes([image.CoarseDropout(), image.GaussianNoise()], p=0.5),
    ],
    "function of pixels": [image.Rotate((-20, 20), p=0.6), image.MedianBlur(p=0.6), image.HorizontalFlip()],
    "sizes that differ": [image.SafeRotate((-60, 60), p=0.7), image.ColorJitter()],
    "sizes that are drawn": [image.ScaleJitter((24, 30)), image.GaussianNoise(p=0.5)],
    "unfused": [image.Rotate((-20, 20)), image.ColorJitter(), image.Rotate((-20, 20))],
}
EXACT = {
    "nothing": [],
    "mirrored and turned": [image.HorizontalFlip(), image.RandomRotate90(), image.Transpose(p=0.5)],
    "cut": [image.RandomCrop((20, 24)), image.VerticalFlip()],
    "padded": [image.PadIfNeeded(60, 50, fill=0.4), image.D4()],
    "levels": [image.HorizontalFlip(), image.Posterize(p=0.7), image.Solarize(p=0.7)],
    "grid": [image.RandomGridShuffle(p=0.7), image.RandomCrop((30, 30))],
    "impulses": [image.SaltAndPepper((0.1, 0.3), p=0.8), image.HorizontalFlip()],
    "erased": [image.CoarseDropout(fill="noise"), image.RandomErasing(p=0.5)],
}


def exact(pipeline: Pipeline) -> Pipeline:
    """The same pipeline, drawn by the float64 reference."""
    return pipeline.with_options(renderer="reference")


def assert_as_the_pipeline(pipeline: Pipeline, batch: Any, made: Any, allowed: float, epoch: Any = 3) -> None:
    """Every picture is the one that `Pipeline.batch` makes, but for `allowed` of its values' range."""
    truth = exact(pipeline).batch(arrays(batch), keys=KEYS, epoch=epoch)
    expected = list(truth) if pipeline.layout == "CHW" else channels_first(truth)
    assert isinstance(made, torch.Tensor) == isinstance(truth, np.ndarray)
    assert len(made) == len(expected)
    for mine, right in zip(made, expected, strict=True):
        assert tuple(mine.shape) == right.shape and mine.device.type == batch.device.type
        got = mine.cpu().double().numpy() if mine.is_floating_point() else mine.cpu().numpy().astype(float)
        assert np.abs(got - right).max() <= allowed


def precision(dtype: Any) -> float:
    # One level, and the share of white that positions within 1/10000 px are worth on the steepest of these pictures.
    return 1 if dtype == torch.uint8 else 40 if dtype == torch.uint16 else 6e-4 + ROUNDED.get(dtype, 0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SMOOTH)
def test_pixels_are_those_of_pipeline_batch_within_the_precision_of_float32(name: str, dtype: Any, device: str) -> None:
    pipeline = Pipeline(SMOOTH[name], seed=11, fuse=name != "unfused")
    batch = pictures(dtype).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=3)
    assert all(each.dtype == dtype for each in made)
    assert_as_the_pipeline(pipeline, batch, made, precision(dtype))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_moved_and_struck_pixels_equal_those_of_pipeline_batch(name: str, dtype: Any, device: str) -> None:
    pipeline = Pipeline(EXACT[name], seed=5)
    batch = pictures(dtype).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=3)
    whole = dtype in WHITE or name not in ("levels", "erased")
    narrow = ROUNDED.get(dtype, 0.0) if name in ("levels", "erased", "padded") else 0.0
    assert_as_the_pipeline(pipeline, batch, made, narrow if whole else 1e-6 + narrow)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3, 4, 9])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_any_number_of_channels_is_varied_as_pipeline_batch_does(channels: int, dtype: Any, device: str) -> None:
    operations = [
        image.RandomResizedCrop(32),
        image.Brightness(),
        image.Contrast(),
        image.GaussianBlur(p=0.5),
        image.GaussianNoise(),
    ]
    pipeline = Pipeline(operations, seed=2)
    batch = pictures(dtype, channels).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=[0, 1, 2, 3, 4, 5])
    assert_as_the_pipeline(pipeline, batch, made, precision(dtype), epoch=[0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "finish", [image.Normalize("imagenet"), image.Normalize("half", layout="HWC"), image.ToTensor()]
)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_finished_batches_are_channels_first_and_float(dtype: Any, finish: Any, device: str) -> None:
    pipeline = Pipeline([*TRAINING, finish], seed=3)
    batch = pictures(dtype).to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=3)
    assert made.dtype == (dtype if dtype.is_floating_point else torch.float32)
    assert made.shape == (6, 3, 32, 32)
    # Deviations of a fifth of white make numbers up to 3 of differences.
    assert_as_the_pipeline(pipeline, batch, made, 5e-3 + 4 * ROUNDED.get(dtype, 0))


@pytest.mark.parametrize("device", DEVICES)
def test_a_function_of_pixels_that_depends_on_levels_differs_in_few_of_them(device: str) -> None:
    pipeline = Pipeline([image.Rotate((-20, 20)), image.CLAHE(), image.HorizontalFlip()], seed=1)
    batch = pictures().to(device)
    made = Augmentation(pipeline)(batch, keys=KEYS, epoch=0).cpu().numpy().astype(int)
    truth = np.stack(channels_first(exact(pipeline).batch(arrays(batch), keys=KEYS))).astype(int)
    assert (np.abs(made - truth) > 1).mean() < 0.01


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["training", "groups", "noises", "blurred", "sizes that differ"])
def test_a_key_gives_the_same_alone_and_in_any_batch(name: str, device: str) -> None:
    augment, batch = Augmentation(Pipeline(SMOOTH[name], seed=4)), pictures().to(device)
    together = augment(batch, keys=KEYS, epoch=2)
    for row, key in enumerate(KEYS):
        assert equal(augment(batch[row : row + 1], keys=[key], epoch=2)[0], together[row])
    order = [4, 0, 2, 5, 1, 3]
    mixed = augment(batch[order], keys=[KEYS[row] for row in order], epoch=2)
    assert all(equal(mixed[place], together[row]) for place, row in enumerate(order))


@pytest.mark.parametrize("device", DEVICES)
def test_calls_without_keys_are_those_of_a_pipeline_that_counts(device: str) -> None:
    pipeline = Pipeline(TRAINING, seed=6)
    augment, counting, batch = Augmentation(pipeline), exact(pipeline), pictures().to(device)
    made = [augment(batch) for _ in range(3)]
    for each in made:
        truth = np.stack(channels_first(counting.batch(arrays(batch)))).astype(int)
        assert np.abs(each.cpu().numpy().astype(int) - truth).max() <= 1
    assert len({picture.cpu().numpy().tobytes() for each in made for picture in each}) == 18


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.uint8], ids=str)
def test_keys_and_epochs_may_be_tensors_as_a_data_loader_collates_them(kind: Any) -> None:
    augment, batch = Augmentation(Pipeline(TRAINING)), pictures()
    numbers = [3, 1, 4, 1, 5, 9]
    made = augment(batch, keys=torch.tensor(numbers, dtype=kind), epoch=torch.tensor([2] * 6))
    assert equal(made, augment(batch, keys=numbers, epoch=2))
    assert equal(augment(batch, keys=np.array(numbers), epoch=torch.tensor(2)), made)


def test_ranks_draw_differently_unless_keys_say_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    pipeline, batch = Pipeline(TRAINING, seed=1), pictures()
    counted, keyed = [], []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        augment = Augmentation(pipeline.with_options())
        counted += [augment(batch) for _ in range(2)]
        keyed.append(augment(batch, keys=KEYS))
    assert len({picture.numpy().tobytes() for made in counted for picture in made}) == 24
    assert equal(keyed[0], keyed[1])
    monkeypatch.delenv("WORLD_SIZE")
    assert equal(Augmentation(pipeline)(batch, keys=KEYS), keyed[0])


# What goes in and what comes out


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["training", "groups", "function of pixels", "weak", "nothing", "finished"])
def test_inputs_stay_as_they_are_and_share_no_memory_with_results(name: str, dtype: Any, device: str) -> None:
    pipeline = {
        "weak": Pipeline(SMOOTH["groups"]).with_strength(0),
        "nothing": Pipeline([]),
        "finished": Pipeline([image.ToTensor()]),
    }.get(name) or Pipeline(SMOOTH[name])
    batch = pictures(dtype).to(device)
    given = {"image": batch, "images": batch[:, None].clone(), "mask": pictures()[:, 0].to(device)}
    given["heatmaps"] = batch[:, :2].clone()
    before = {name: column.clone() for name, column in given.items()}
    made = Augmentation(pipeline)(**given, keys=KEYS)
    assert all(equal(given[name], before[name]) for name in given)
    places = {column.untyped_storage().data_ptr() for column in given.values()}
    assert all(each.untyped_storage().data_ptr() not in places for column in made.values() for each in column)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32], ids=str)
@pytest.mark.parametrize("name", ["training", "groups", "function of pixels", "displaced", "halved"])
def test_the_order_in_memory_changes_nothing(name: str, dtype: Any, device: str) -> None:
    augment, batch = Augmentation(Pipeline(SMOOTH[name])), pictures(dtype).to(device)
    plain = augment(batch, keys=KEYS)
    last = batch.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    wide = torch.zeros(*batch.shape, 2, dtype=dtype, device=device)[..., 0]
    wide.copy_(batch)
    assert last.is_contiguous(memory_format=torch.channels_last) and not wide.is_contiguous()
    for other in (last, wide, batch.flip(0).contiguous().flip(0) if dtype != torch.uint16 else wide):
        assert equal(augment(other, keys=KEYS), plain)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["training", "function of pixels"])
def test_no_gradient_flows(name: str, device: str) -> None:
    augment, batch = Augmentation(Pipeline(SMOOTH[name])), pictures(torch.float32).to(device)
    asks = batch.clone().requires_grad_()
    made = augment(asks, keys=KEYS, heatmaps=asks, keypoints=asks[:, 0, :2, :2])
    assert not made["image"].requires_grad and not made["heatmaps"].requires_grad
    assert equal(made["image"], augment(batch, keys=KEYS))
    with torch.inference_mode():
        assert equal(augment(batch, keys=KEYS), made["image"])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["training", "blurred", "displaced", "perspective", "shaded", "noises", "halved"])
def test_autocast_and_the_default_dtype_and_device_change_nothing(name: str, device: str) -> None:
    augment, batch = Augmentation(Pipeline(SMOOTH[name])), pictures(torch.float32).to(device)
    plain = augment(batch, keys=KEYS)
    with torch.autocast(device, dtype=torch.bfloat16):
        assert equal(augment(batch, keys=KEYS), plain)
    for dtype in (torch.float64, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try:
            assert equal(augment(batch, keys=KEYS), plain)
        finally:
            torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        assert equal(augment(batch, keys=KEYS), plain)


def test_the_module_can_be_copied_pickled_and_put_among_others() -> None:
    augment, batch = Augmentation(Pipeline(TRAINING, seed=9)), pictures()
    augment(batch)
    truth = augment(batch, keys=KEYS)
    for other in (copy.deepcopy(augment), pickle.loads(pickle.dumps(augment))):
        assert equal(other(batch, keys=KEYS), truth)
        assert other.pipeline == augment.pipeline
    model = torch.nn.Sequential(Augmentation(Pipeline([*TRAINING, image.ToTensor()])), torch.nn.Conv2d(3, 4, 3))
    assert model.eval()(batch).shape == (6, 4, 30, 30)
    assert list(augment.parameters()) == [] and augment.state_dict() == {}


def test_the_module_tells_its_pipeline() -> None:
    told = repr(Augmentation(Pipeline([image.HorizontalFlip(p=0.25)], seed=3)))
    assert told.startswith("Augmentation(") and "HorizontalFlip(p=0.25)" in told and "seed=3" in told


# Refusals

PLAIN = Pipeline([image.HorizontalFlip(p=1), image.Rotate((10, 20), border="constant")])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (np.zeros((2, 3, 4, 5)), TypeError, "image is a ndarray"),
        (torch.zeros(3, 4, 5), ValueError, r"image has shape \(3, 4, 5\); \(B, C, H, W\)"),
        (torch.zeros(2, 3, 0, 5), ValueError, r"image has shape \(2, 3, 0, 5\)"),
        (torch.zeros(2, 3, 4, 5, dtype=torch.int64), TypeError, "image is int64; allowed are uint8, .*float64"),
    ],
)
def test_what_is_no_batch_is_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Augmentation(PLAIN)(given)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"keys": [1, 2]}, ValueError, "keys has 2 entries for 6 samples"),
        ({"keys": [1.5] * 6}, TypeError, "key: got float"),
        ({"epoch": [1, 2]}, ValueError, "epoch is .* for each of the 6 samples"),
        ({"boxes": [[[1, 2, 3, 4]]]}, ValueError, "boxes has 1 entries for 6 samples"),
        ({"boxes": torch.zeros(6, 2, 3)}, ValueError, "boxes of sample 0"),
        ({"label": 3}, TypeError, "label is a int; an entry for each sample"),
        ({"label": torch.tensor(3)}, TypeError, "label is a Tensor; an entry for each sample"),
        ({"mask": torch.zeros(6, 40, 47)}, ValueError, r"mask: expected .* 40 x 48 pixels, got one of shape"),
        ({"mask": [np.zeros((40, 48))] * 6}, ValueError, "mask: expected a tensor .* got a list"),
        ({"mask": torch.zeros(6, 40, 48, dtype=torch.bfloat16)}, TypeError, "mask is bfloat16; allowed are bool"),
        ({"heatmaps": torch.zeros(6, 2, 20, 48)}, ValueError, "heatmaps: expected .* 40 x 48 pixels"),
        ({"heatmaps": torch.zeros(6, 2, 40, 48).long()}, TypeError, "heatmaps is int64; allowed are uint8"),
        ({"images": torch.zeros(6, 40, 48)}, ValueError, r"images: expected a tensor \(B, C, H, W\) or"),
        ({"images": torch.zeros(6, 0, 3, 40, 48)}, ValueError, "images: expected"),
        ({"depth": torch.zeros(6, 1, 40, 48).int()}, TypeError, "depth is int32; allowed are uint8"),
        ({"depth": torch.zeros(6, 1, 48, 40)}, ValueError, "depth: expected"),
    ],
)
def test_an_error_names_the_field(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    augment = Augmentation(PLAIN.with_options(targets={"depth": "image"}))
    with pytest.raises(error, match=message):
        augment(pictures(), **fields)


def test_refused_calls_are_not_counted() -> None:
    augment, batch = Augmentation(Pipeline(TRAINING)), pictures()
    with pytest.raises(ValueError, match="mask"):
        augment(batch, mask=torch.zeros(6, 3, 3))
    assert equal(augment(batch), Augmentation(Pipeline(TRAINING))(batch))


def test_a_fill_or_a_pair_that_a_raster_cannot_hold_is_refused() -> None:
    filled = Augmentation(PLAIN.with_options(mask_fill=300))
    with pytest.raises(ValueError, match="mask_fill is 300, which mask of dtype uint8 cannot hold"):
        filled(pictures(), mask=torch.zeros(6, 40, 48, dtype=torch.uint8))
    classes = Augmentation(PLAIN.with_options(mask_pairs=[(1, 256)]))
    with pytest.raises(ValueError, match="mask_pairs names 256, which mask of dtype uint8 cannot hold"):
        classes(pictures(), mask=torch.zeros(6, 40, 48, dtype=torch.uint8))
    paired = Augmentation(PLAIN.with_options(heatmap_pairs=[(0, 4)]))
    with pytest.raises(ValueError, match=r"heatmaps: the pair \(0, 4\) names a channel beyond the 2"):
        paired(pictures(), heatmaps=torch.zeros(6, 2, 40, 48))


def test_what_is_no_pipeline_of_images_is_refused() -> None:
    with pytest.raises(TypeError, match=r"pipeline is a list; a covary\.Pipeline is needed"):
        Augmentation([image.HorizontalFlip()])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no operations on images"):
        Augmentation(Pipeline([audio.Gain()]))

"""The PyTorch renderer: batches of tensors where they lie, and as a renderer among others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covary import Boxes, OneOf, Pipeline, image
from covary.draws import streams
from covary.plan.changes import Colour, Curve, Displace, Fill, GaussianField, Pixels, Warp
from covary.plan.stages import Stage, ValueStep
from covary.render import reference

from . import strategies

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")

from covary.render.torch import draw, render  # noqa: E402
from covary.render.torch.noise import gaussian_values, picture_bits  # noqa: E402

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def batch(seed: int, count: int, size: tuple[int, int] = (9, 12), dtype: str = "uint8", channels: int = 3) -> Any:
    """(B, C, H, W) tensor, and the same as (H, W, C) arrays."""
    generator = np.random.default_rng(seed)
    sources = [strategies.random_picture(generator, size, channels, dtype) for _ in range(count)]
    return torch.from_numpy(np.stack(sources).transpose(0, 3, 1, 2).copy()), sources


def shifts(offsets: Any, size: tuple[int, int] = (9, 12), out: tuple[int, int] | None = None, **options: Any) -> Stage:
    """A stage that moves each sample by its own whole number of columns."""
    matrix = np.tile(np.eye(3), (len(offsets), 1, 1))
    matrix[:, 0, 2] = offsets
    sizes = np.tile(np.array(out or size), (len(offsets), 1))
    return Stage(sizes, coordinates=(Warp(matrix, sizes),), border="wrap", interpolation="nearest", **options)


def expected(passes: Any, sources: Any) -> list[Any]:
    """What the reference makes of the same passes, sample by sample in order."""
    made: dict[int, Any] = {}
    for rows, stages in passes:
        chosen = range(len(sources)) if rows is None else rows.tolist()
        made.update(zip(chosen, reference.render(stages, [sources[row] for row in chosen]), strict=True))
    return [made[row].transpose(2, 0, 1) for row in range(len(sources))]


@pytest.mark.parametrize("device", DEVICES)
@settings(quick, max_examples=50)
@given(data=st.data())
def test_groups_of_rows_in_any_order_equal_the_reference(device: str, data: Any) -> None:
    count, dtype = data.draw(st.integers(1, 7)), data.draw(st.sampled_from(strategies.LABEL_DTYPES))
    pictures, sources = batch(data.draw(strategies.seeds), count, dtype=dtype)
    order = np.array(data.draw(st.permutations(range(count))))
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=2)))
    # Sizes may differ from group to group; one group goes through no stage, one through two.
    outs = data.draw(st.lists(st.sampled_from([(9, 12), (5, 8)]), min_size=3, max_size=3))
    passes = []
    for number, rows in enumerate(np.split(order, cuts)):
        if len(rows):
            moves = rows.astype(float) + number
            stages = [(), (shifts(moves, out=outs[1]),), (shifts(moves), shifts(-moves, out=outs[2]))][number]
            passes.append((rows, stages))
    made = draw(passes, pictures.to(device))
    right = expected(passes, sources)
    assert isinstance(made, torch.Tensor) == (len({each.shape for each in right}) == 1)
    for mine, one in zip(made, right, strict=True):
        assert mine.device.type == device and mine.dtype == pictures.dtype
        np.testing.assert_array_equal(mine.cpu().numpy(), one)


def test_all_samples_at_once_and_sizes_that_differ_within_a_group() -> None:
    pictures, sources = batch(0, 3)
    sizes = np.array([[9, 12], [4, 5], [9, 12]])
    stage = Stage(sizes, coordinates=(Warp(np.tile(np.eye(3), (3, 1, 1)), sizes),))
    made = draw([(None, (stage,))], pictures)
    assert isinstance(made, list)
    for mine, right in zip(made, expected([(None, (stage,))], sources), strict=True):
        np.testing.assert_array_equal(mine.numpy(), right)


@pytest.mark.parametrize("rows", [None, np.array([0, 1]), np.array([1, 0])])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_results_are_the_callers_own(rows: Any, dtype: str) -> None:
    pictures, _ = batch(0, 2, dtype=dtype)
    for stages in ((), (Stage(np.array([[9, 12]] * 2)),), (Stage(np.array([[9, 12]] * 2), dtype="float32"),)):
        before = pictures.clone()
        made = draw([(rows, stages)], pictures)
        made.zero_()
        assert torch.equal(pictures, before)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("width", [1, 7, 8, 31, 64, 129])
def test_nan_is_zero_in_integer_pictures(width: int, dtype: str, device: str) -> None:
    pictures, sources = batch(1, 2, (5, width), dtype)
    matrix = np.tile(np.eye(3, 4), (2, 1, 1))
    matrix[1, 0, 3], matrix[0, 1, 3], matrix[0, 2, 3] = np.nan, np.inf, -np.inf
    stage = Stage(np.array([[5, width]] * 2), values=(ValueStep(Colour(matrix)),))
    made = draw([(None, (stage,))], pictures.to(device)).cpu().numpy()
    assert not made[1, 0].any() and not made[0, 2].any()
    assert (made[0, 1] == strategies.white_of(dtype)).all()
    np.testing.assert_array_equal(made, expected([(None, (stage,))], sources))


@pytest.mark.parametrize("device", DEVICES)
def test_stages_that_are_wrong_are_refused(device: str) -> None:
    pictures, _ = batch(0, 2)
    wrong = Stage(np.array([[9, 12], [9, 13]]))
    with pytest.raises(ValueError, match=r"stage\.size: sample 1 is \(9, 12\).*got \(9, 13\)"):
        draw([(None, (wrong,))], pictures.to(device))
    bright = Stage(np.array([[9, 12]] * 2), values=(ValueStep(Curve(np.zeros((2, 1, 256), np.float32))),))
    with pytest.raises(ValueError, match="takes uint8, uint16 or float32 pictures, not int64"):
        draw([(None, (bright,))], pictures.long().to(device))
    shrunk = Pixels(lambda picture: picture[:2], ({}, {}))
    with pytest.raises(ValueError, match="has to return the same"):
        draw([(None, (Stage(np.array([[9, 12]] * 2), pixels=shrunk),))], pictures.to(device))


# As a renderer among others


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_outputs_are_filled_whether_they_are_a_list_or_one_array(layout: Any) -> None:
    _, sources = batch(2, 3)
    stage = shifts([1, 2, 3], dtype="float32", layout=layout)
    right = np.stack(reference.render([stage], sources))
    whole = np.full_like(right, -1)
    several = [np.full_like(each, -1) for each in right]
    for outputs in (whole, several):
        made = render([stage], sources, outputs=outputs)
        for mine, output, one in zip(made, outputs, right, strict=True):
            assert np.shares_memory(mine, output)
            np.testing.assert_array_equal(output, one)


def test_outputs_that_do_not_fit_are_refused() -> None:
    _, sources = batch(2, 2)
    stage = shifts([1, 2])
    with pytest.raises(ValueError, match="outputs: 1 arrays for 2 sources"):
        render([stage], sources, outputs=[np.zeros((9, 12, 3), np.uint8)])
    with pytest.raises(ValueError, match=r"outputs: expected uint8 \(9, 12, 3\), got float32 \(9, 12, 3\)"):
        render([stage], sources, outputs=np.zeros((2, 9, 12, 3), np.float32))


PIPELINES = {
    "colours": [image.RandomResizedCrop(16), image.ColorJitter(), image.GaussianNoise(), image.Normalize("half")],
    "displaced": [image.ElasticTransform((10, 20), sigma=4.0), image.HorizontalFlip()],
    "groups": [OneOf([image.Rotate((-30, 30), border="constant"), image.GaussianBlur(), image.Perspective()])],
    "pixels": [image.HorizontalFlip(), image.MedianBlur(), image.CoarseDropout()],
    "nothing": [],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_on_pytorch_gives_what_the_reference_gives(name: str) -> None:
    options: Any = {"seed": 3, "boxes": Boxes(source="masks")}
    pipeline = Pipeline(PIPELINES[name], renderer="torch", **options)
    truth = Pipeline(PIPELINES[name], renderer="reference", **options)
    generator = np.random.default_rng(0)
    pictures = [strategies.random_picture(generator, size, 3, "uint8") for size in ((24, 20), (30, 33), (24, 20))]
    masks = [strategies.random_picture(generator, picture.shape[:2], 1, "uint8")[:, :, 0] for picture in pictures]
    heatmaps = [(picture / 255).astype(np.float32) for picture in pictures]
    objects = [np.stack([mask > 100, mask > 200]) for mask in masks]
    corners = [[[0, 0, 10, 10], [0, 0, 10, 10]]] * 3
    fields = {"image": pictures, "mask": masks, "heatmaps": heatmaps, "masks": objects, "boxes": corners}
    made, right = (each.batch(**fields, keys=[1, 2, 3]) for each in (pipeline, truth))
    alone = [
        pipeline(**{field: values[row] for field, values in fields.items()}, key=row + 1)["image"] for row in range(3)
    ]
    allowed = 0.01 if name == "colours" else 1
    for row in range(3):
        assert made["image"][row].dtype == right["image"][row].dtype
        assert np.abs(made["image"][row].astype(float) - right["image"][row]).max() <= allowed
        np.testing.assert_array_equal(alone[row], made["image"][row])
        np.testing.assert_allclose(made["heatmaps"][row], right["heatmaps"][row], atol=1e-3)
        assert (made["mask"][row] != right["mask"][row]).mean() < 5e-3
        assert (made["masks"][row] != right["masks"][row]).mean() < 5e-3


def test_a_pipeline_on_pytorch_is_written_and_read() -> None:
    pipeline = Pipeline([image.HorizontalFlip()], renderer="torch")
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    assert Pipeline.from_dict(pipeline.to_dict()).renderer == "torch"


# Random numbers


@pytest.mark.parametrize("device", DEVICES)
def test_normal_values_of_all_numbers_are_bit_equal_to_numpys(device: str) -> None:
    every = torch.arange(65536, device=device)
    right = streams.gaussian_values(np.arange(65536, dtype=np.uint16))
    assert gaussian_values(every).cpu().numpy().tobytes() == right.tobytes()


@pytest.mark.parametrize("device", DEVICES)
@settings(quick, max_examples=25)
@given(
    keys=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3),
    tag=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 140), st.integers(1, 4)),
)
def test_the_numbers_of_a_picture_are_numpys(device: str, keys: Any, tag: int, shape: Any) -> None:
    made = picture_bits(np.array(keys, np.uint64), tag, *shape, torch.device(device)).cpu().numpy()
    for row, key in enumerate(keys):
        right = streams.picture_bits(np.uint64(key), tag, *shape)
        np.testing.assert_array_equal(made[row], right.transpose(2, 0, 1))


def test_pytorchs_global_state_is_left_alone() -> None:
    pictures, sources = batch(3, 2)
    sizes = np.array([[9, 12]] * 2)
    noise = ValueStep(GaussianField(np.array([20.0, 30.0]), np.zeros(2), np.array([1, 2], np.uint64)))
    grids = tuple(np.random.default_rng(0).normal(size=(2, 3, 3, 2)))
    fill = ValueStep(Fill(np.zeros((2, 3))))
    stages = (Stage(sizes, (Displace(grids),), border="constant", values=(fill, noise)),)
    torch.manual_seed(1)
    state, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    threads, grad, dtype = torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()
    draw([(None, stages)], pictures)
    render(stages, sources, threads=3)
    assert torch.equal(torch.get_rng_state(), state) and (np.random.get_state()[1] == numpys).all()
    assert (torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()) == (threads, grad, dtype)
    assert not torch.is_autocast_enabled("cpu")


MISSING = """
import sys
sys.modules["torch"] = None
import numpy as np
from covary import Pipeline, image
try:
    Pipeline([image.HorizontalFlip()], renderer="torch")(np.zeros((4, 4, 3), np.uint8))
except ModuleNotFoundError as error:
    print(error)
"""


def test_where_pytorch_is_missing_the_error_says_how_to_install_it() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "PyTorch is not installed; renderer 'torch' needs it: pip install torch"


def test_pytorch_is_not_imported_before_it_is_asked_for() -> None:
    code = "import sys, covary, covary.render, covary.pipeline; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

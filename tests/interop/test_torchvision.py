"""Pipelines of torchvision, made ours: by the names of classes and their attributes, as torchvision keeps them.

Its own pixels are the truth where it is installed (benchmarks/converted.py).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from covary import Pipeline, image
from covary.draws.distributions import Constant, Uniform
from covary.interop import from_torchvision
from covary.interop.conversion import ConversionError, ConversionWarning
from covary.interop.torchvision_v2 import REASONS, TRANSLATIONS, convert_torchvision
from covary.ops.base import Operation

PAGE = Path(__file__).parent.parent.parent / "docs" / "counterparts.toml"
NAMES = tomllib.loads(PAGE.read_text(encoding="utf-8"))["torchvision"]["operations"]
# These are read by the walk itself.
WALKED = {"RandomApply", "RandomChoice", "RandomErasing", "RandomPhotometricDistort", "SanitizeBoundingBoxes"}


class Foreign:
    """What every object of torchvision is here: something to call, with attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update({"training": True, "_fill": 0, **attributes})

    def __call__(self, picture: Any) -> Any:
        return picture


def theirs(name: str, **attributes: Any) -> Foreign:
    """An object whose class has that name."""
    made: Foreign = type(name, (Foreign,), {})(**attributes)
    return made


def compose(*things: Foreign) -> Foreign:
    return theirs("Compose", transforms=list(things))


def converted(name: str, **attributes: Any) -> tuple[Operation, ...]:
    return convert_torchvision(compose(theirs(name, **attributes))).pipeline.operations


def single(name: str, **attributes: Any) -> Any:
    (operation,) = converted(name, **attributes)
    return operation


def test_the_page_of_counterparts_and_the_converter_know_the_same_operations() -> None:
    # ToTensor is of the older transforms.
    assert (set(TRANSLATIONS) | set(REASONS) | WALKED) - {"ToTensor"} == set(NAMES)
    assert all(NAMES[name].startswith("-") or "." in NAMES[name] for name in set(REASONS) - {
        "ConvertBoundingBoxFormat", "SetClampingMode", "SanitizeKeyPoints"
    })  # fmt: skip


def test_a_training_pipeline() -> None:
    pipeline = convert_torchvision(
        compose(
            theirs("RandomResizedCrop", size=[24, 24], scale=(0.3, 1.0), ratio=(0.75, 4 / 3), _log_ratio=None),
            theirs("RandomHorizontalFlip", p=0.3),
            theirs("ColorJitter", brightness=(0.8, 1.2), contrast=None, saturation=None, hue=None),
            theirs("ToImage"),
            theirs("ToDtype", dtype="torch.float32", scale=True),
            theirs("Normalize", mean=[0.5, 0.5, 0.5], std=[0.5, 0.25, 0.5], inplace=False),
        )
    ).pipeline
    assert [type(each).__name__ for each in pipeline.operations] == [
        "RandomResizedCrop",
        "HorizontalFlip",
        "ColorJitter",
        "Normalize",
    ]
    assert pipeline.operations[1].p == 0.3
    out = pipeline(np.full((40, 50, 3), 255, dtype=np.uint8))
    assert out.shape == (3, 24, 24) and out.dtype == np.float32


def test_random_affine_turns_the_other_way_than_random_rotation() -> None:
    turned = single("RandomRotation", degrees=[10.0, 30.0], interpolation="bilinear", expand=False, center=None, fill=0)
    affine = single("RandomAffine", degrees=[10.0, 30.0], translate=None, scale=None, shear=None, center=None, fill=0)
    assert turned.degrees == Uniform(10, 30, identity=0)
    assert affine.rotate == Uniform(-30, -10, identity=0)
    leaning = single("RandomAffine", degrees=[0.0, 0.0], shear=[4.0, 8.0], interpolation="nearest", fill=0)
    assert (leaning.x, leaning.y) == (Uniform(-8, -4, identity=0), Constant(0, identity=0))
    assert leaning.interpolation == "nearest"
    whole = converted("RandomAffine", degrees=[-5.0, 5.0], translate=(0.1, 0.2), scale=(0.9, 1.1), fill=0)
    assert [type(each).__name__ for each in whole] == ["Scale", "Rotate", "Translate"]


def test_sizes() -> None:
    assert single(
        "Resize", size=[40], interpolation="bilinear", max_size=None, antialias=True
    ) == image.SmallestMaxSize(40)
    assert single("Resize", size=[40, 50], max_size=None) == image.Resize((40, 50))
    assert single("Resize", size=None, max_size=60) == image.LongestMaxSize(60)
    assert single("RandomResize", min_size=10, max_size=13) == image.RandomShortestSize((10, 11, 12))
    # RandomCrop keeps its padding as left, right, top, bottom.
    padded = converted("RandomCrop", size=(9, 9), padding=[1, 2, 3, 4], pad_if_needed=False, padding_mode="reflect")
    assert padded == (image.Pad((1, 3, 2, 4), border="reflect"), image.RandomCrop((9, 9)))


def test_thresholds_are_levels_of_uint8() -> None:
    assert single("RandomSolarize", threshold=51, p=1.0).threshold == Constant(0.2, identity=1)
    assert single("GaussianNoise", mean=0.1, sigma=0.2, clip=True) == image.GaussianNoise(Constant(0.2), Constant(0.1))


def test_erasing_behind_normalize_paints_the_mean() -> None:
    conversion = convert_torchvision(
        compose(
            theirs("ToTensor"),
            theirs("Normalize", mean=[0.4, 0.5, 0.6], std=[0.2, 0.2, 0.2], inplace=False),
            theirs("RandomErasing", p=1.0, scale=(0.5, 0.5), ratio=(1.0, 1.0), value=[0.0], inplace=False),
        )
    )
    erasing, _ = conversion.pipeline.operations
    assert erasing.value == pytest.approx((102, 127.5, 153))
    # There 0 is painted behind Normalize; here it comes out of it.
    out = conversion.pipeline(np.full((32, 32, 3), 7, dtype=np.uint8), key=3)
    assert np.isclose(out, 0, atol=0.02).all(axis=0).mean() == pytest.approx(0.5, abs=0.05)


def test_choices_and_chances() -> None:
    flip, grey = theirs("RandomHorizontalFlip", p=0.5), theirs("RandomGrayscale", p=0.2)
    choice = convert_torchvision(theirs("RandomChoice", transforms=[flip, grey], p=[0.25, 0.75])).pipeline.operations[0]
    assert choice.weights == (0.25, 0.75)
    assert [each.p for each in choice.operations] == [0.5, 0.2]
    (group,) = convert_torchvision(theirs("RandomApply", transforms=[flip, grey], p=0.3)).pipeline.operations
    assert group.p == 0.3 and [each.p for each in group.operations] == [0.5, 0.2]


def test_boxes_are_sanitised_by_the_pipeline() -> None:
    made = convert_torchvision(compose(theirs("SanitizeBoundingBoxes", min_size=3.0, min_area=4.0, labels_getter=None)))
    assert made.pipeline.boxes.min_area == 9


@pytest.mark.filterwarnings("ignore::covary.interop.conversion.ConversionWarning")
def test_what_has_no_equal_is_named_at_once() -> None:
    things = compose(
        theirs("Lambda", lambd=abs, types=()),
        theirs("Mystery"),
        theirs("RandomRotation", degrees=[0, 9], center=[3, 4], fill=0),
    )
    with pytest.raises(ConversionError) as caught:
        from_torchvision(things)
    assert [each.operation for each in caught.value.missing] == ["Lambda", "Mystery", "RandomRotation"]
    with pytest.warns(ConversionWarning, match="Mystery: is not known here"):
        pipeline = from_torchvision(things, missing="skip")
    assert isinstance(pipeline, Pipeline) and len(pipeline.operations) == 1
    with pytest.raises(ValueError, match="got a int"):
        from_torchvision(3)


def test_the_library_itself_agrees_pixel_by_pixel() -> None:
    pytest.importorskip("torchvision")
    from benchmarks.converted import torchvision_cases
    from benchmarks.photographs import photographs

    assert torchvision_cases(photographs(1, 160, 200)[0]) == []

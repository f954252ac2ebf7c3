"""Pipelines of Albumentations, made ours.

The truth is what Albumentations 2.0.8 itself wrote (the file beside this one, made by
benchmarks/albumentations_fixtures.py), and its own pixels where it is installed (benchmarks/converted.py).
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from covary import OneOf, Pipeline, Sequential, SomeOf, image
from covary.draws.distributions import Constant, Integers, Uniform
from covary.interop import from_albumentations
from covary.interop.albumentations import REASONS, TRANSLATIONS, convert_albumentations
from covary.interop.conversion import Conversion, ConversionError, ConversionWarning
from covary.ops.base import Operation

HERE = Path(__file__).parent
WRITTEN = json.loads((HERE / "albumentations_2_0_8.json").read_text(encoding="utf-8"))
COUNTERPARTS = tomllib.loads((HERE.parent.parent / "docs" / "counterparts.toml").read_text(encoding="utf-8"))
NAMES = COUNTERPARTS["albumentations"]["operations"]
# Abstract classes, which the file holds as the library exports them.
TEMPLATES = {"DualTransform", "ImageOnlyTransform", "Transform3D"}
COMBINATORS = {"OneOf", "OneOrOther", "SomeOf", "Sequential", "ReplayCompose"}
SIZE = (64, 96)


def written(name: str, **changes: Any) -> dict[str, Any]:
    """What Albumentations writes for an operation, with some arguments changed."""
    return {"__version__": "2.0.8", "transform": {**WRITTEN["operations"][name], **changes}}


def converted(name: str, **changes: Any) -> tuple[Operation, ...]:
    return convert_albumentations(written(name, **changes), size=SIZE).pipeline.operations


def single(name: str, **changes: Any) -> Any:
    (operation,) = converted(name, **changes)
    return operation


def names_in(operations: Any) -> set[str]:
    return {type(each).__name__ for each in operations} | {
        name for each in operations for name in names_in(each.children)
    }


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_the_page_of_counterparts_says_is_what_the_converter_makes(name: str) -> None:
    here = [part.strip().rpartition(".")[2] for part in NAMES[name].partition(":")[0].split(",")]
    if name in COMBINATORS:
        return
    if name not in TRANSLATIONS:
        # Left out on purpose, or made otherwise than by a pipeline of pictures: with a reason.
        assert name in REASONS
        return
    if here == ["-"]:
        assert name == "NoOp"
        return
    conversion = convert_albumentations(written(name), missing="skip", size=SIZE)
    if conversion.missing:
        # Not there yet: then the operation of that name is what is missing.
        assert [each.what for each in conversion.missing] == [f"covary has no {here[0]}"]
        assert not hasattr(image, here[0])
    else:
        assert set(here) & names_in(conversion.pipeline.operations) or name == "Affine"


def test_no_translation_is_for_an_operation_that_albumentations_does_not_have() -> None:
    assert set(TRANSLATIONS) | set(REASONS) <= set(NAMES)
    assert set(WRITTEN["operations"]) - TEMPLATES <= set(NAMES)


@pytest.mark.parametrize("name", sorted(set(WRITTEN["operations"]) - TEMPLATES))
def test_every_default_of_albumentations_is_converted_with_its_probability(name: str) -> None:
    conversion = convert_albumentations(written(name), missing="skip", size=SIZE)
    p = WRITTEN["operations"][name]["p"]
    for operation in conversion.pipeline.operations:
        assert operation.p == p or len(conversion.pipeline.operations) > 1
    # It can be written, read, and applied.
    again = Pipeline.from_yaml(conversion.pipeline.to_yaml())
    assert again.operations == conversion.pipeline.operations
    picture = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    boxes = np.array([[10.0, 12.0, 40.0, 50.0]])
    conversion.pipeline(image=picture, mask=picture[..., 0], boxes=boxes, box_labels=[1], key=1)


@pytest.mark.parametrize("name", sorted(WRITTEN["pipelines"]))
def test_whole_pipelines_are_converted_and_run(name: str) -> None:
    conversion = convert_albumentations(WRITTEN["pipelines"][name], missing="skip")
    for each in conversion.missing:
        assert each.what.startswith("covary has no ")
    picture = np.random.default_rng(1).integers(0, 256, (180, 200, 3), dtype=np.uint8)
    assert conversion.pipeline(picture).dtype == (np.float32 if name == "classification" else np.uint8)


def test_units_are_ours() -> None:
    assert single("HueSaturationValue", hue_shift_limit=[-9, 18]).hue.bounds() == pytest.approx((-0.05, 0.1))
    assert single("HueSaturationValue", sat_shift_limit=[-51, 51]).saturation.bounds() == pytest.approx((-0.2, 0.2))
    assert single("RGBShift", r_shift_limit=[-51, 0]).red == Uniform(-0.2, 0, identity=0)
    assert single("RandomGamma", gamma_limit=[50, 200]).gamma == Uniform(0.5, 2, identity=1)
    assert single("RandomScale", scale_limit=[-0.5, 0.25]).scale == Uniform(0.5, 1.25, identity=1)
    assert single("ThinPlateSpline", scale_range=[0.2, 0.4]).scale.bounds() == pytest.approx((0.02, 0.04))
    brightness = single("RandomBrightnessContrast", brightness_limit=[-0.3, 0.1], contrast_limit=[-0.2, 0.4])
    assert brightness.factor.bounds() == pytest.approx((0.8, 1.4))
    assert brightness.offset == Uniform(-0.3, 0.1, identity=0)
    # Its shears lean the other way.
    shear = single("Affine", shear={"x": [3, 9], "y": [0, 0]})
    assert shear.x == Uniform(-9, -3, identity=0)


def test_lengths_in_pixels_and_in_shares() -> None:
    holes = single("CoarseDropout", hole_height_range=[4, 9], hole_width_range=[0.1, 0.3], num_holes_range=[2, 5])
    assert (holes.height, holes.width) == (Integers(4, 9), Uniform(0.1, 0.3))
    assert holes.holes.bounds() == (2, 5)
    bands = single("XYMasking", mask_x_length=[0, 48], mask_y_length=[16, 32])
    assert (bands.width, bands.height) == (Uniform(0, 0.5), Uniform(0.25, 0.5))
    with pytest.raises(ConversionError, match=r"mask_x_length is counted in pixels.*size="):
        convert_albumentations(written("XYMasking"))


def test_an_affine_map_keeps_the_order_of_albumentations() -> None:
    scale, turn = {"x": [0.8, 1.2], "y": [0.8, 1.2]}, [-10, 10]
    made = converted("Affine", p=0.7, scale=scale, rotate=turn, shear={"x": [-5, 5], "y": [0, 0]})
    (group,) = made
    assert isinstance(group, Sequential) and group.p == 0.7
    assert [type(each).__name__ for each in group.operations] == ["Stretch", "Rotate", "Shear"]
    kept = single("Affine", p=1.0, scale=scale, keep_ratio=True)
    assert type(kept).__name__ == "Scale"


def test_chances_of_a_choice_are_its_weights() -> None:
    flips = [{"__class_fullname__": f"{name}Flip", "p": p} for name, p in (("Horizontal", 0.2), ("Vertical", 0.6))]
    choice = {"__class_fullname__": "OneOf", "p": 0.4, "transforms": flips}
    made = convert_albumentations({"transform": choice}).pipeline.operations[0]
    assert made == OneOf((image.HorizontalFlip(p=1.0), image.VerticalFlip(p=1.0)), weights=(0.2, 0.6), p=0.4)
    assert made.weights == pytest.approx((0.25, 0.75))
    or_other = convert_albumentations({"transform": {**choice, "__class_fullname__": "OneOrOther"}})
    assert or_other.pipeline.operations[0].weights == pytest.approx((0.4, 0.6))
    some = convert_albumentations({"transform": {**choice, "__class_fullname__": "SomeOf", "n": 2}})
    assert some.pipeline.operations[0] == SomeOf((image.HorizontalFlip(p=0.2), image.VerticalFlip(p=0.6)), n=2, p=0.4)


def test_a_choice_that_does_nothing_stays_one() -> None:
    children = [{"__class_fullname__": "NoOp", "p": 1.0}, {"__class_fullname__": "Transpose", "p": 1.0}]
    choice = {"__class_fullname__": "OneOf", "p": 1.0, "transforms": children}
    made = convert_albumentations({"transform": choice}).pipeline
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    shapes = [made(picture, key=key).shape for key in range(200)]
    assert 60 < shapes.count((3, 4)) < 140


def test_normalising_comes_last_and_to_tensor_settles_its_layout() -> None:
    normalize, to_tensor = WRITTEN["operations"]["Normalize"], WRITTEN["operations"]["ToTensorV2"]
    flip = {"__class_fullname__": "HorizontalFlip", "p": 0.5}
    whole = {"__class_fullname__": "Compose", "p": 1.0, "transforms": [normalize, flip, to_tensor]}
    conversion = convert_albumentations({"transform": whole})
    names = [type(each).__name__ for each in conversion.pipeline.operations]
    assert names == ["HorizontalFlip", "Normalize"]
    assert conversion.pipeline.operations[1].layout == "CHW"
    assert any("stands behind Normalize" in each.what for each in conversion.differences)
    alone = convert_albumentations({"transform": {**whole, "transforms": [normalize]}}).pipeline.operations[0]
    assert alone.layout == "HWC"
    picture = np.random.default_rng(2).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    expected = (picture / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(Pipeline([alone])(picture), expected, atol=1e-5)


def test_boxes_and_keypoints_are_those_of_the_pipeline() -> None:
    boxes = convert_albumentations(WRITTEN["pipelines"]["detection"], missing="skip").pipeline.boxes
    assert (boxes.format, boxes.min_area, boxes.min_visibility) == ("coco", 16, 0.1)
    points = convert_albumentations(WRITTEN["pipelines"]["keypoints"], missing="skip").pipeline.keypoints
    assert points.policy == "keep"


@pytest.mark.filterwarnings("ignore::covary.interop.conversion.ConversionWarning")
def test_everything_without_an_equal_is_named_at_once() -> None:
    inner = [{"__class_fullname__": "Lambda", "p": 1.0}, {"__class_fullname__": "Mystery", "p": 1.0}]
    crop = {**WRITTEN["operations"]["Rotate"], "crop_border": True, "p": 1.0}
    whole = {"__class_fullname__": "Compose", "p": 1.0, "transforms": [crop, {**inner[0]}, inner[1]]}
    with pytest.raises(ConversionError) as caught:
        from_albumentations({"transform": whole})
    assert [(each.place, each.operation) for each in caught.value.missing] == [
        ("transforms[0]", "Rotate"),
        ("transforms[1]", "Lambda"),
        ("transforms[2]", "Mystery"),
    ]
    assert "crop_border=True" in str(caught.value)
    with pytest.warns(ConversionWarning, match="Mystery"):
        pipeline = from_albumentations({"transform": whole}, missing="skip")
    assert [type(each).__name__ for each in pipeline.operations] == ["Rotate"]
    with pytest.raises(ValueError, match="allowed: raise, skip"):
        from_albumentations({"transform": whole}, missing="ignore")  # type: ignore[arg-type]


def test_an_argument_that_no_translation_reads_is_named() -> None:
    with pytest.raises(ConversionError, match="strength=3 has no equal"):
        convert_albumentations(written("HorizontalFlip", strength=3))


def test_masks_are_filled_as_there() -> None:
    assert convert_albumentations(written("Rotate")).pipeline.mask_fill == 0
    with pytest.raises(ConversionError, match="fill_mask=3 has no equal"):
        convert_albumentations(written("CoarseDropout", fill_mask=3))
    assert convert_albumentations(written("Rotate", fill_mask=255)).pipeline.mask_fill == 255


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_files_that_albumentations_saved(form: str, tmp_path: Path) -> None:
    data = WRITTEN["pipelines"]["segmentation"]
    path = tmp_path / f"saved.{form}"
    path.write_text(json.dumps(data) if form == "json" else yaml.safe_dump(data), encoding="utf-8")
    assert convert_albumentations(path).pipeline.operations == convert_albumentations(data).pipeline.operations
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="no pipeline of Albumentations"):
        convert_albumentations(path)


def test_an_object_that_cannot_be_written_is_walked_through() -> None:
    class Lambda:
        p = 1.0

        def to_dict(self) -> dict[str, Any]:
            raise ValueError("no name")

    class Compose:
        p = 1.0
        transforms = (SimpleNamespace(to_dict=lambda: written("HorizontalFlip")), Lambda())

        def to_dict(self) -> dict[str, Any]:
            raise ValueError("no name")

    conversion = convert_albumentations(Compose(), missing="skip")
    assert conversion.pipeline.operations == (image.HorizontalFlip(p=0.5),)
    assert [each.operation for each in conversion.missing] == ["Lambda"]


def test_the_library_itself_agrees_pixel_by_pixel() -> None:
    pytest.importorskip("albumentations")
    from benchmarks.converted import albumentations_cases
    from benchmarks.photographs import photographs

    assert albumentations_cases(photographs(1, 160, 200)[0]) == []


def test_converting_imports_no_other_library() -> None:
    conversion = convert_albumentations(written("CoarseDropout"))
    assert isinstance(conversion, Conversion)
    assert conversion.pipeline.operations[0].holes == Integers(1, 2, identity=0)
    assert single("Solarize").threshold == Constant(0.5, identity=1)

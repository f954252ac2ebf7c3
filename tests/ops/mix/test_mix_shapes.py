"""Polygons, oriented boxes, line strings, heat maps and further images of mixed pictures lie where their pixels lie."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing import noise
from numpy.typing import NDArray

from covary import LineStrings, OrientedBoxes, Polygons, mix
from covary.targets.pixels import fill_polygon

SIDE, COUNT = 72, 4
EVERY = [
    mix.Mosaic(),
    mix.Mosaic(size=(90, 100)),
    mix.CutMix(),
    mix.ResizeMix((0.3, 0.9)),
    mix.SaliencyMix(),
    mix.FMix(),
    mix.PatchMix(grid=4),
    mix.CopyPaste(share=1.0),
]
BLENDING = [mix.MixUp(1.0, pairs=True), mix.DetectionMixUp(pairs=True)]


def turned(centre: NDArray[np.float64], sides: tuple[float, float], degrees: float) -> NDArray[np.float64]:
    """The corners of a rectangle whose side w points `degrees` anticlockwise on the screen."""
    angle = np.radians(degrees)
    along, across = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
    return np.array([centre + u * sides[0] * along + v * sides[1] * across for u, v in CORNERS])


CORNERS = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))


def scene(seed: int) -> dict[str, Any]:
    """Four pictures of four channels; in sample i one turned rectangle, in channel i."""
    rng = np.random.default_rng(seed)
    centres, degrees = rng.uniform(20, SIDE - 20, (COUNT, 2)), rng.uniform(-180, 180, COUNT)
    sides = [tuple(each) for each in rng.uniform(10, 24, (COUNT, 2))]
    corners = [turned(*each) for each in zip(centres, sides, degrees, strict=True)]
    masks = [fill_polygon(each, (SIDE, SIDE)) for each in corners]
    images = np.zeros((COUNT, SIDE, SIDE, COUNT), np.float32)
    for index, mask in enumerate(masks):
        images[index, :, :, index] = mask
    return {
        "image": images,
        "label": np.arange(COUNT),
        "mask": np.stack([mask * np.uint8(index + 1) for index, mask in enumerate(masks)]),
        "masks": [[mask] for mask in masks],
        "polygons": [[each] for each in corners],
        "polygon_labels": [[index] for index in range(COUNT)],
        "oriented_boxes": [
            np.array([[*centre, *side, angle]]) for centre, side, angle in zip(centres, sides, degrees, strict=True)
        ],
        "oriented_box_labels": [[index] for index in range(COUNT)],
        "line_strings": [[np.array([(a + d) / 2, (b + c) / 2])] for a, b, c, d in corners],
        "line_string_labels": [[index] for index in range(COUNT)],
        "heatmaps": images.copy(),
        "images": np.stack([images, images], axis=1),
        "depth": [(image * 9).astype(np.float32) for image in images],
        "organs": np.stack([mask * np.uint8(index + 1) for index, mask in enumerate(masks)]),
        "outlines": [[each.ravel().tolist()] for each in corners],
        "outlines_labels": [[index] for index in range(COUNT)],
    }


TARGETS = {"depth": "image", "organs": "mask", "outlines": "polygons"}


def filled(polygons: Any, labels: Any, index: int, size: tuple[int, int]) -> NDArray[np.bool_]:
    found = np.zeros(size, bool)
    for polygon, label in zip(polygons, labels, strict=True):
        if label == index:
            found |= fill_polygon(np.reshape(polygon, (-1, 2)), size)
    return found


def thick(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The middles of squares of three pixels."""
    middles: NDArray[np.bool_] = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return middles


@pytest.mark.parametrize("mixer", EVERY, ids=repr)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_shapes_heat_maps_and_further_images_show_what_the_pixels_show(mixer: mix.Mixer, seed: int) -> None:
    out = mixer(scene(seed), classes=COUNT, seed=seed, layout="HWC", targets=TARGETS)
    for row in range(COUNT):
        image = out["image"][row]
        size = image.shape[:2]
        np.testing.assert_allclose(out["heatmaps"][row], image, atol=1e-4)
        np.testing.assert_allclose(np.asarray(out["depth"][row]), image * 9, atol=1e-3)
        for further in out["images"][row]:
            np.testing.assert_array_equal(further, image)
        np.testing.assert_array_equal(out["organs"][row], out["mask"][row])
        for index in range(COUNT):
            shown = image[:, :, index] > 0.5
            for name, labels in (("polygons", "polygon_labels"), ("outlines", "outlines_labels")):
                drawn = filled(out[name][row], out[labels][row], index, size)
                assert not thick(drawn != shown).any()
            boxes = [
                box
                for box, label in zip(out["oriented_boxes"][row], out["oriented_box_labels"][row], strict=True)
                if label == index
            ]
            ys, xs = np.nonzero(thick(shown))
            assert boxes or not len(xs)
            held = np.zeros(len(xs), bool)
            for x, y, w, h, angle in boxes:
                grown = turned(np.array([x, y]), (w + 2, h + 2), angle)
                held |= fill_polygon(grown, size)[ys, xs]
            assert held.all()
            for line, label in zip(out["line_strings"][row], out["line_string_labels"][row], strict=True):
                middle = (line[0] + line[-1]) / 2
                x, y = np.clip(middle, 0, (size[1] - 1, size[0] - 1)).astype(int)
                # A line runs along its object's axis, and is where the object is to be seen.
                short = np.hypot(*(line[-1] - line[0])) < 4
                assert label != index or short or shown[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()


@pytest.mark.parametrize("mixer", BLENDING, ids=repr)
def test_blended_pictures_have_the_shapes_of_both_and_blended_heat_maps(mixer: mix.Mixer) -> None:
    fields = scene(3)
    out = mixer(fields, classes=COUNT, layout="HWC", targets=TARGETS)
    for row in range(COUNT):
        partner, lam = int(out["target_b"][row]), out["lam"][row]
        both = [row] if lam == 1 else [row, partner]
        np.testing.assert_allclose(out["heatmaps"][row], out["image"][row], atol=1e-6)
        np.testing.assert_allclose(np.asarray(out["depth"][row]), out["image"][row] * 9, atol=1e-4)
        np.testing.assert_array_equal(out["images"][row, 1], out["image"][row])
        np.testing.assert_array_equal(out["organs_b"][row], out["mask_b"][row])
        for labels, weights in (
            ("polygon_labels", "polygon_weights"),
            ("oriented_box_labels", "oriented_box_weights"),
            ("line_string_labels", "line_string_weights"),
            ("outlines_labels", "outlines_weights"),
        ):
            assert out[labels][row] == both
            np.testing.assert_allclose(out[weights][row], [lam, 1 - lam][: len(both)], atol=1e-6)
        np.testing.assert_array_equal(out["polygons"][row][-1], fields["polygons"][both[-1]][0])


def test_detection_mixup_lays_masks_and_heat_maps_onto_the_common_canvas() -> None:
    images = [np.full((4, 6, 3), 100, np.uint8), np.full((8, 2, 3), 200, np.uint8)]
    maps = [np.full((4, 6, 1), 0.5, np.float32), np.full((8, 2, 1), 1, np.float32)]
    fields = {"image": images, "heatmaps": maps, "mask": [image[:, :, 0] for image in images]}
    out = mix.DetectionMixUp(pairs=True)(fields, layout="HWC")
    for row in range(2):
        lam = out["lam"][row]
        sides = np.zeros((2, 8, 6))
        sides[0, :4], sides[1, :, :2] = 0.5, 1
        own, other = sides if row == 0 else sides[::-1]
        np.testing.assert_allclose(out["heatmaps"][row][:, :, 0], lam * own + (1 - lam) * other, atol=1e-6)
        np.testing.assert_array_equal(out["mask"][row] > 0, own > 0)
        np.testing.assert_array_equal(out["mask_b"][row] > 0, other > 0)


def test_a_peak_lands_where_the_centre_of_its_object_lands() -> None:
    ys, xs = np.mgrid[:SIDE, :SIDE]
    centres = np.random.default_rng(0).integers(15, SIDE - 15, (COUNT, 2))
    peaks = [np.exp(-(np.hypot(xs - x, ys - y) ** 2) / 18).astype(np.float32)[:, :, None] for x, y in centres]
    fields = {"image": noise(COUNT, SIDE, SIDE), "heatmaps": peaks, "keypoints": [[each] for each in centres.tolist()]}
    found = 0
    for epoch in range(6):
        out = mix.Mosaic()(fields, epoch=epoch)
        for row in range(COUNT):
            for x, y in out["keypoints"][row]:
                near = out["heatmaps"][row][round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2, 0]
                if 3 < x < SIDE - 4 and 3 < y < SIDE - 4:
                    assert near.max() > 0.85
                    found += 1
    assert found > 20


@pytest.mark.parametrize("form", ["corners", "normalised"])
def test_shapes_of_other_formats_are_the_same_shapes(form: str) -> None:
    def written(corners: NDArray[np.float64]) -> NDArray[np.float64]:
        return (corners / SIDE if form == "normalised" else corners).reshape(-1, 8)

    fields = scene(5)
    plain = {name: fields[name] for name in ("image", "oriented_boxes", "polygons", "line_strings")}
    others = {
        **plain,
        "oriented_boxes": [
            written(np.array([turned(np.array([x, y]), (w, h), angle)]))
            for ((x, y, w, h, angle),) in plain["oriented_boxes"]
        ],
    }
    options: dict[str, Any] = {"oriented_boxes": OrientedBoxes("corners", normalised=form == "normalised")}
    if form == "normalised":
        options |= {"polygons": Polygons("normalised"), "line_strings": LineStrings("normalised")}
        others |= {name: [[each[0] / SIDE] for each in plain[name]] for name in ("polygons", "line_strings")}
    for mixer in (mix.Mosaic(), mix.CutMix()):
        out = mixer(plain, layout="HWC", epoch=2)
        same = mixer(others, layout="HWC", epoch=2, **options)
        for row in range(COUNT):
            corners = [turned(np.array([x, y]), (w, h), angle) for x, y, w, h, angle in out["oriented_boxes"][row]]
            np.testing.assert_allclose(same["oriented_boxes"][row], written(np.array(corners)), atol=1e-6)
            for name in ("polygons", "line_strings"):
                scale = SIDE if form == "normalised" else 1
                for one, other in zip(out[name][row], same[name][row], strict=True):
                    np.testing.assert_allclose(one, other * scale, atol=1e-6)


def test_objects_of_another_number_go_along_by_where_they_lie() -> None:
    masks = np.zeros((2, 2, 30, 30), bool)
    masks[:, 0, 2:10, 2:10] = masks[:, 1, 16:28, 16:28] = True
    squares = [[[3, 3], [9, 3], [9, 9], [3, 9]], [[17, 17], [20, 17], [20, 20]], [[22, 22], [27, 22], [27, 27]]]
    fields = {
        "image": np.zeros((2, 30, 30, 3), np.uint8),
        "masks": list(masks),
        "polygons": [squares, squares],
        "polygon_labels": [["a", "b", "b"], ["c", "d", "d"]],
        "line_strings": [[[[0, 5], [29, 5]]]] * 2,
    }
    mixer = mix.CopyPaste(share=0.5, scale=(1.0, 1.0), shift=(0.0, 0.0))
    seen = set()
    for epoch in range(12):
        out = mixer(fields, epoch=epoch)
        small = len(out["masks"][0]) - 2, tuple(label for label in out["polygon_labels"][0] if label in "cd")
        pasted = [tuple(np.argwhere(mask)[0].tolist()) for mask in out["masks"][0][-small[0] :]] if small[0] else []
        assert ("c" in small[1]) == ((2, 2) in pasted) or small[0] == 0
        assert small[1].count("d") == 2 * ((16, 16) in pasted)
        if (2, 2) in pasted:  # of the partner's line what lies on the object; of the own one what lies beside it
            assert sorted(np.ravel(line).tolist() for line in out["line_strings"][0]) == [
                [0, 5, 2, 5],
                [2, 5, 10, 5],
                [10, 5, 29, 5],
            ]
        seen.add(small[1])
    assert len(seen) >= 3


@pytest.mark.parametrize("mixer", [mix.PixMix(pool=1), mix.AugMixViews()], ids=repr)
@pytest.mark.parametrize("name", ["images", "right"])
def test_mixers_of_one_picture_refuse_further_images(mixer: mix.Mixer, name: str) -> None:
    further = noise(2, 8, 8, "uint8", "HWC")
    fields = {"image": further, name: further[:, None] if name == "images" else further}
    with pytest.raises(ValueError, match=f"{type(mixer).__name__}: {name} is a further image of the samples"):
        mixer(fields, targets={"right": "image"})


def test_images_alone_are_mixed_as_the_first_with_others_beside_it() -> None:
    several = [noise(3, 20, 24, "uint8", "HWC") for _ in range(2)]
    out = mix.CutMix()({"images": [list(pair) for pair in zip(*several, strict=True)]}, layout="HWC")
    alone = mix.CutMix()({"image": several[0], "images": np.stack(several, axis=1)}, layout="HWC")
    assert set(out) == {"images"} and set(alone) == {"image", "images"}
    for row in range(3):
        np.testing.assert_array_equal(out["images"][row][0], alone["image"][row])
        np.testing.assert_array_equal(np.stack(out["images"][row]), alone["images"][row])


def test_cutout_takes_the_same_square_out_of_further_images() -> None:
    pictures = np.full((3, 16, 16, 3), 9, np.uint8)
    out = mix.Cutout()({"image": pictures, "right": pictures.copy()}, targets={"right": "image"})
    np.testing.assert_array_equal(out["image"], out["right"])
    assert (out["right"] == 0).any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"polygons": [[], [], []]}, "polygons 3"),
        ({"images": [np.zeros((1, 8, 8, 3)), np.zeros((2, 8, 8, 3))]}, "images are .1, 2. for different samples"),
        ({"heatmaps": [np.zeros((8, 8, 1), np.float32), None]}, "heatmaps of sample 1 is None"),
        ({"heatmaps": [np.zeros((9, 8, 1), np.float32)] * 2}, "heatmaps has shape .9, 8, 1."),
        ({"polygons": [[[[0, 0], [1, 1]]]] * 2}, r"polygons of sample 0\[0\] has 2 points"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mix.CutMix(0.5)({"image": noise(2, 8, 8), **fields})


def test_the_options_of_a_pipeline_reach_the_mixers_through_the_loader() -> None:
    from covary import Loader, Pipeline, image

    fields = scene(7)
    columns = {name: fields[name] for name in ("image", "label", "heatmaps", "depth")}
    columns |= {name: [[each[0].tolist()] for each in fields[name]] for name in ("oriented_boxes",)}
    scaled = [[(np.asarray(each[0]) / SIDE).tolist()] for each in fields["polygons"]]

    class Shapes:
        keys, classes, labels, splits, categories = range(COUNT), tuple("abcd"), np.arange(COUNT), None, {}

        def __len__(self) -> int:
            return COUNT

        def read(self, index: int) -> dict[str, Any]:
            return {
                **{name: values[index] for name, values in columns.items()},
                "polygons": [np.array(each) for each in scaled[index]],
                "polygon_labels": [index],
            }

    pipeline = Pipeline([image.HorizontalFlip()], polygons="normalised", targets={"depth": "image"})
    with Loader(Shapes(), pipeline, batch_size=COUNT, mix=mix.Mosaic(), workers=0, channels=None) as loader:
        (batch,) = loader
    for row in range(COUNT):
        np.testing.assert_allclose(batch.heatmaps[row], batch.image[row], atol=1e-4)
        np.testing.assert_allclose(batch.depth[row], batch.image[row] * 9, atol=1e-3)
        for index in range(COUNT):
            polygons = [np.asarray(each) * SIDE for each in batch.polygons[row]]
            drawn = filled(polygons, batch.polygon_labels[row], index, (SIDE, SIDE))
            assert not thick(drawn != (batch.image[row][:, :, index] > 0.5)).any()


@pytest.mark.parametrize("with_boxes", [False, True])
def test_an_object_at_the_edge_is_pasted_once_and_not_drawn_out(with_boxes: bool) -> None:
    masks = np.zeros((2, 1, 30, 30), bool)
    masks[:, 0, :10, 5:15] = True
    fields: dict[str, Any] = {
        "image": masks[:, 0, :, :, None].repeat(3, axis=3) * np.uint8(200),
        "masks": list(masks),
        "polygons": [[[[5, 0], [15, 0], [15, 10], [5, 10]]]] * 2,
    }
    if with_boxes:
        fields["boxes"] = [np.array([[5.0, 0, 15, 10]])] * 2
    out = mix.CopyPaste(share=1.0, scale=(0.5, 0.5), shift=(0.2, 0.2))(fields)
    drawn = fill_polygon(np.array(out["polygons"][0][-1]), (30, 30))
    np.testing.assert_array_equal(out["masks"][0][-1], drawn)
    assert drawn.sum() == 25 and (out["image"][0][..., 0] > 0).sum() == (drawn | masks[0, 0]).sum()

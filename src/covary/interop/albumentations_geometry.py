"""Geometry of Albumentations, made ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from covary.draws.distributions import Constant, Distribution, Integers, LogUniform
from covary.interop.conversion import Foreign, Translation, as_tuples, ours, spread
from covary.ops.base import Operation
from covary.ops.combine import OneOf, Sequential

BORDERS = {0: "constant", 1: "edge", 2: "symmetric", 3: "wrap", 4: "reflect"}
INTERPOLATIONS = {0: "nearest", 1: "linear", 2: "cubic", 3: "linear", 4: "cubic", 5: "linear", 6: "nearest"}
# The noise of its elastic field is divided by its largest value, which for 256 to 512 px is about this many standard
# deviations.
_LARGEST = 4.7
# Heights of RandomSizedCrop are drawn among so many.
_HEIGHTS = 16


def sampling(f: Foreign) -> dict[str, Any]:
    """Interpolation; masks are sampled by nearest here, always."""
    number = f("interpolation", 1)
    f.usual("mask_interpolation", 0, 6)
    f.idle("area_for_downscale")
    if number in (3, 4):
        f.differs({3: "pictures are averaged wherever they shrink", 4: "Lanczos is cubic here"}[number])
    return {"interpolation": INTERPOLATIONS.get(number, "linear")}


def framing(f: Foreign) -> dict[str, Any]:
    """Border and fill."""
    border, fill = BORDERS.get(f("border_mode", 0), "constant"), f("fill", 0)
    f.idle("fill_mask", "keypoint_remapping_method")
    return {"border": border, **({"fill": fill} if border == "constant" else {})}


def _geometry(f: Foreign) -> dict[str, Any]:
    f.usual("rotate_method", "largest_box")
    return {**framing(f), **sampling(f)}


def same(name: str) -> Translation:
    """An operation without arguments."""
    return lambda f: [ours(name)]


def _size(f: Foreign) -> tuple[int, int]:
    if f("size") is not None:
        return (int(f("size")[0]), int(f("size")[1]))
    return (int(f("height")), int(f("width")))


def _rotate(f: Foreign) -> Sequence[Operation]:
    f.usual("crop_border", False)
    return [ours("Rotate", degrees=f.span("limit", 90), **_geometry(f))]


def _axes(value: Any, identity: float, factor: float = 1.0) -> tuple[Distribution, Distribution]:
    """Laws along x and y of what Albumentations keeps for both; in our unit, `factor` times theirs."""
    value = as_tuples(value) if not isinstance(value, dict) else value
    if not isinstance(value, dict):
        value = {"x": value, "y": value}
    laws = [spread(as_tuples(value.get(axis, identity)), factor) for axis in ("x", "y")]
    return laws[0], laws[1]


def _is(law: Distribution, value: float) -> bool:
    return law.bounds() == (value, value)


def _affine(f: Foreign) -> Sequence[Operation]:
    f.usual("fit_output", False)
    if f("balanced_scale", False):
        f.differs("balanced_scale: smaller and larger are not drawn equally often here")
    style = _geometry(f)
    keep = bool(f("keep_ratio", False))
    scale_x, scale_y = _axes(f("scale", 1.0), 1)
    # Its shears lean the other way.
    shear_x, shear_y = _axes(f("shear", 0.0), 0, -1.0)
    rotate = f.span("rotate", 0)
    percent, pixels = f("translate_percent"), f("translate_px")
    if keep and scale_x == scale_y:
        made = [ours("Scale", scale=scale_x, **style)]
    else:
        made = [ours("Stretch", x=scale_x, y=scale_x if keep else scale_y, **style)]
    if _is(scale_x, 1) and _is(scale_y, 1):
        made = []
    if not _is(rotate, 0):
        made.append(ours("Rotate", degrees=rotate, **style))
    if not (_is(shear_x, 0) and _is(shear_y, 0)):
        made.append(ours("Shear", x=shear_x, y=shear_y, **style))
        if not (_is(shear_x, 0) or _is(shear_y, 0)):
            f.differs("shears happen one after the other here, at once there: they differ by the product of both")
    made += _shift(percent, pixels, style)
    return made


def _shift(percent: Any, pixels: Any, style: dict[str, Any]) -> list[Operation]:
    if percent is not None:
        x, y = _axes(percent, 0)
        return [] if _is(x, 0) and _is(y, 0) else [ours("Translate", x=x, y=y, **style)]
    if pixels is None:
        return []
    x, y = (Integers(int(low), int(high)) for low, high in (law.bounds() for law in _axes(pixels, 0)))
    return [] if _is(x, 0) and _is(y, 0) else [ours("Translate", x=x, y=y, unit="pixels", **style)]


def _shift_scale_rotate(f: Foreign) -> Sequence[Operation]:
    style = _geometry(f)
    shared = f("shift_limit", 0.0625)
    x, y = (spread(_about(f(name) if f(name) is not None else shared)) for name in ("shift_limit_x", "shift_limit_y"))
    scale = spread(_about(f("scale_limit", 0.1)), offset=1)
    rotate = spread(_about(f("rotate_limit", 45)))
    if x == y:
        return [ours("ShiftScaleRotate", shift=x, scale=scale, rotate=rotate, **style)]
    return [
        ours("Scale", scale=scale, **style),
        ours("Rotate", degrees=rotate, **style),
        ours("Translate", x=x, y=y, **style),
    ]


def _about(value: Any) -> Any:
    """A single number stands for both signs."""
    return value if isinstance(value, tuple) else (-value, value)


def _safe_rotate(f: Foreign) -> Sequence[Operation]:
    f.idle(
        "balanced_scale", "fit_output", "keep_ratio", "rotate", "scale", "shear", "translate_percent", "translate_px"
    )
    f.differs("the picture keeps its proportions here; there it is stretched to the canvas")
    return [ours("SafeRotate", degrees=f.span("limit", 90), keep_size=True, **_geometry(f))]


def _perspective(f: Foreign) -> Sequence[Operation]:
    f.usual("keep_size", True)
    f.usual("fit_output", False)
    low, high = f.span("scale", (0.05, 0.1)).bounds()
    f.differs("corners move evenly, inwards and outwards; there inwards, by a normal law of the same mean square")
    scale = spread((min(0.24, math.sqrt(3) * low), min(0.24, math.sqrt(3) * high)))
    return [ours("Perspective", scale=scale, **_geometry(f))]


def _resize(f: Foreign) -> Sequence[Operation]:
    return [ours("Resize", size=_size(f), **sampling(f))]


def _one_side(name: str) -> Translation:
    def translate(f: Foreign) -> Sequence[Operation]:
        sizes, pair, style = f("max_size"), f("max_size_hw"), sampling(f)
        if sizes is None and pair is not None:
            if name != "LongestMaxSize" or None in pair:
                f.no_equal(f"max_size_hw={pair}")
            return [ours("ScaleJitter", size=(int(pair[0]), int(pair[1])), scale=Constant(1.0), **style)]
        several = sizes if isinstance(sizes, tuple) else (sizes,)
        made = tuple(ours(name, max_size=int(size), **style) for size in several)
        return made if len(made) == 1 else [OneOf(made)]

    return translate


def _random_scale(f: Foreign) -> Sequence[Operation]:
    return [ours("RandomScale", scale=f.span("scale_limit", (-0.1, 0.1), offset=1), **sampling(f))]


def _padded_crop(name: str) -> Translation:
    def translate(f: Foreign) -> Sequence[Operation]:
        size, padded, position, style = _size(f), f("pad_if_needed", False), f("pad_position", "center"), framing(f)
        crop = ours(name, size=size)
        if not padded:
            return [crop]
        return [ours("PadIfNeeded", min_height=size[0], min_width=size[1], position=position, **style), crop]

    return translate


def _crop(f: Foreign) -> Sequence[Operation]:
    f.usual("pad_if_needed", False)
    f.idle("pad_position", "border_mode", "fill", "fill_mask")
    left, top, right, bottom = (int(f(name, 0)) for name in ("x_min", "y_min", "x_max", "y_max"))
    return [ours("Crop", size=(bottom - top, right - left), left=left, top=top)]


def _random_resized_crop(f: Foreign) -> Sequence[Operation]:
    ratio = f("ratio", (3 / 4, 4 / 3))
    scale = f.span("scale", (0.08, 1.0))
    return [ours("RandomResizedCrop", size=_size(f), scale=scale, ratio=LogUniform(*ratio), **sampling(f))]


def _random_sized_crop(f: Foreign) -> Sequence[Operation]:
    low, high = (int(end) for end in f("min_max_height"))
    ratio, size, style = f.number("w2h_ratio", 1.0), _size(f), sampling(f)
    count = min(_HEIGHTS, high - low + 1)
    if count < high - low + 1:
        f.differs(f"the height is one of {count} between {low} and {high}")
    heights = [low + round(index * (high - low) / max(1, count - 1)) for index in range(count)]
    made = tuple(
        Sequential((ours("RandomCrop", size=(height, max(1, int(height * ratio)))), ours("Resize", size=size, **style)))
        for height in heights
    )
    return [OneOf(made)] if len(made) > 1 else made


def _around_boxes(name: str, sized: bool) -> Translation:
    def translate(f: Foreign) -> Sequence[Operation]:
        erosion = f.number("erosion_rate", 0.0)
        more: dict[str, Any] = {"size": _size(f), **sampling(f)} if sized else {}
        return [ours(name, erosion=erosion, **more)]

    return translate


def _at_least_one_box(f: Foreign) -> Sequence[Operation]:
    return [ours("AtLeastOneBBoxRandomCrop", size=_size(f), erosion=f.number("erosion_factor", 0.0))]


def _non_empty_mask(f: Foreign) -> Sequence[Operation]:
    f.usual("ignore_channels", None)
    ignore = tuple(int(value) for value in f("ignore_values") or ())
    return [ours("CropNonEmptyMaskIfExists", size=_size(f), ignore=ignore)]


def _near_box(f: Foreign) -> Sequence[Operation]:
    down, across = f("max_part_shift", (0.0, 0.3))
    if down != across:
        f.differs(f"both axes are shifted by up to {max(down, across)} here; there {down} down and {across} across")
    f.differs(
        f"the first of the field boxes is cut out here; there what {f('cropping_bbox_key', 'cropping_bbox')} says"
    )
    reach = min(0.45, max(down, across))
    return [ours("RandomCropNearBBox", shift=(-reach, reach), which="first")]


def _from_borders(f: Foreign) -> Sequence[Operation]:
    sides = {side: spread((0.0, f.number(f"crop_{side}", 0.1))) for side in ("left", "top", "right", "bottom")}
    return [ours("RandomCropFromBorders", **sides)]


def _crop_and_pad(f: Foreign) -> Sequence[Operation]:
    percent, pixels, style = f("percent"), f("px"), {**framing(f), **sampling(f)}
    given, unit = (percent, "fraction") if pixels is None else (pixels, "pixels")
    if not isinstance(given, tuple):
        given = (given, given)
    if len(given) == 4 and len(set(given)) == 1 and not isinstance(given[0], tuple):
        given = (given[0], given[0])
    if len(given) == 4 and isinstance(given[0], tuple) and len(set(given)) == 1:
        given = given[0]
    if len(given) != 2:
        f.no_equal(f"its four sides have ranges of their own ({given})")
    if not f("sample_independently", True) and given[0] != given[1]:
        f.differs("the four sides draw by themselves")
    # The upper end of its pixels is left out where it differs from the lower one.
    low, high = given[0], max(given[0], given[1] - 1)
    amount = Integers(int(low), int(high)) if unit == "pixels" else spread(given)
    return [ours("CropAndPad", amount=amount, unit=unit, keep_size=bool(f("keep_size", True)), **style)]


def _pad(f: Foreign) -> Sequence[Operation]:
    padding = f("padding", 0)
    if isinstance(padding, tuple):
        padding = tuple(int(side) for side in padding)
    return [ours("Pad", padding=padding, **framing(f))]


def _pad_if_needed(f: Foreign) -> Sequence[Operation]:
    f.idle("padding")
    heights, widths = (f("min_height"), f("pad_height_divisor")), (f("min_width"), f("pad_width_divisor"))
    divisors = {value[1] for value in (heights, widths)}
    if len(divisors) > 1:
        f.no_equal(f"height and width have divisors of their own ({heights[1]}, {widths[1]})")
    arguments = {"min_height": int(heights[0] or 1), "min_width": int(widths[0] or 1), "divisor": divisors.pop() or 1}
    return [ours("PadIfNeeded", position=f("position", "center"), **arguments, **framing(f))]


def _elastic(f: Foreign) -> Sequence[Operation]:
    f.usual("same_dxdy", False)
    f.idle("approximate")
    sigma, alpha = f.number("sigma", 50), f.number("alpha", 1)
    if f("noise_distribution", "gaussian") == "gaussian":
        alpha /= _LARGEST
        f.differs(f"alpha is the factor on noise of unit variance here: theirs / {_LARGEST}")
    else:
        alpha /= math.sqrt(3)
        f.differs("the noise is normal here, of the same variance")
    return [ours("ElasticTransform", alpha=Constant(alpha), sigma=float(max(1.0, sigma)), **_geometry(f))]


def _grid_distortion(f: Foreign) -> Sequence[Operation]:
    if not f("normalized", True):
        f.differs("normalized=False: the four sides stay here")
    style = {**sampling(f)}
    framing(f)
    limit = f.span("distort_limit", (-0.3, 0.3))
    return [ours("GridDistortion", num_steps=int(f("num_steps", 5)), distort_limit=limit, **style)]


def _grid_elastic(f: Foreign) -> Sequence[Operation]:
    across, down = f("num_grid_xy")
    reach = f.number("magnitude", 10) / min(f.sides("magnitude"))
    return [ours("GridElasticDeform", grid=(int(down), int(across)), magnitude=Constant(reach), **sampling(f))]


def _piecewise(f: Foreign) -> Sequence[Operation]:
    counts = {}
    for ours_name, name in (("rows", "nb_rows"), ("columns", "nb_cols")):
        low, high = f.whole(name, 4).bounds()
        counts[ours_name] = max(2, round((low + high) / 2))
        if low != high:
            f.differs(f"{name}: always {counts[ours_name]} here; there {low:g} to {high:g}")
    factor = 1 / min(f.sides("absolute_scale")) if f("absolute_scale", False) else 1.0
    scale = f.span("scale", (0.03, 0.05), factor)
    f.differs("bilinear between the knots; there affine on triangles")
    return [ours("PiecewiseAffine", scale=scale, **counts, **_geometry(f))]


def _thin_plate(f: Foreign) -> Sequence[Operation]:
    points = int(f("num_control_points", 4))
    # It divides its scale by ten.
    return [ours("ThinPlateSpline", scale=f.span("scale_range", (0.2, 0.4), 0.1), points=points, **_geometry(f))]


def _optical(f: Foreign) -> Sequence[Operation]:
    # Both its modes are polynomials of the distance from the centre: "camera" moves the corners by 3/4 of the limit,
    # "fisheye" by the limit itself; ours by a quarter of `distort`, and zooms so that corners stay.
    factor = 3.0 if f("mode", "camera") == "camera" else 4.0
    f.differs("the corners stay where they are: the same bend, up to a zoom")
    return [ours("OpticalDistortion", distort=f.span("distort_limit", (-0.05, 0.05), factor), **_geometry(f))]


def _grid_shuffle(f: Foreign) -> Sequence[Operation]:
    return [ours("RandomGridShuffle", grid=tuple(int(side) for side in f("grid", (3, 3))))]


def _morphological(f: Foreign) -> Sequence[Operation]:
    low, high = f.whole("scale", (2, 3)).bounds()
    # Its elements are ellipses so many pixels wide.
    radius = Integers(int(low) // 2, max(1, int(high) // 2))
    f.differs("masks grow and shrink with light shapes, but boxes stay")
    return [ours("Morphological", radius=radius, operation=f("operation", "dilation"), objects="light")]


GEOMETRY: dict[str, Translation] = {
    "Affine": _affine,
    "AtLeastOneBBoxRandomCrop": _at_least_one_box,
    "BBoxSafeRandomCrop": _around_boxes("BBoxSafeRandomCrop", sized=False),
    "CenterCrop": _padded_crop("CenterCrop"),
    "Crop": _crop,
    "CropAndPad": _crop_and_pad,
    "CropNonEmptyMaskIfExists": _non_empty_mask,
    "D4": same("D4"),
    "ElasticTransform": _elastic,
    "GridDistortion": _grid_distortion,
    "GridElasticDeform": _grid_elastic,
    "HorizontalFlip": same("HorizontalFlip"),
    "LongestMaxSize": _one_side("LongestMaxSize"),
    "Morphological": _morphological,
    "OpticalDistortion": _optical,
    "Pad": _pad,
    "PadIfNeeded": _pad_if_needed,
    "Perspective": _perspective,
    "PiecewiseAffine": _piecewise,
    "RandomCrop": _padded_crop("RandomCrop"),
    "RandomCropFromBorders": _from_borders,
    "RandomCropNearBBox": _near_box,
    "RandomGridShuffle": _grid_shuffle,
    "RandomResizedCrop": _random_resized_crop,
    "RandomRotate90": same("RandomRotate90"),
    "RandomScale": _random_scale,
    "RandomSizedBBoxSafeCrop": _around_boxes("RandomSizedBBoxSafeCrop", sized=True),
    "RandomSizedCrop": _random_sized_crop,
    "Resize": _resize,
    "Rotate": _rotate,
    "SafeRotate": _safe_rotate,
    "ShiftScaleRotate": _shift_scale_rotate,
    "SmallestMaxSize": _one_side("SmallestMaxSize"),
    "SquareSymmetry": same("D4"),
    "ThinPlateSpline": _thin_plate,
    "Transpose": same("Transpose"),
    "VerticalFlip": same("VerticalFlip"),
}

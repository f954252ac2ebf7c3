"""Pipelines of torchvision (transforms.v2, and the older transforms), made ours: of its objects, by the names of their
classes.

torchvision itself is not needed, and not imported. Each operation is translated argument by argument, into our units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from covary.draws.distributions import Constant, Integers, LogUniform
from covary.interop.conversion import (
    Conversion,
    Foreign,
    Log,
    Missing,
    Translation,
    as_tuples,
    concluded,
    idle,
    ours,
    spread,
    translated,
    with_chance,
)
from covary.ops.base import Operation
from covary.ops.combine import OneOf, Sequential
from covary.ops.image.finish import Normalize, ToTensor
from covary.pipeline import Pipeline
from covary.targets import Boxes

_INTERPOLATIONS = {"nearest": "nearest", "nearest-exact": "nearest", "bilinear": "linear", "bicubic": "cubic"}
_NUMBERS = {0: "nearest", 2: "linear", 3: "cubic"}

_BATCHES = "mixes several pictures: give the Loader a mixer (mix=), as covary.mix.CutMix or covary.mix.MixUp"
_LABELS = "labels are described once, by the pipeline's boxes= and keypoints="
REASONS: dict[str, str] = {
    "CutMix": _BATCHES,
    "MixUp": _BATCHES,
    "RandomOrder": "the order of a pipeline is part of what it says",
    "RGB": "readers give the channels that are asked for (channels=3)",
    "Lambda": "a function cannot be written down: declare an operation of your own",
    "LinearTransformation": "a whitening matrix of the whole data set belongs to the model",
    "ToPILImage": "arrays in, arrays out",
    "UniformTemporalSubsample": "choosing frames belongs to reading a video",
    "ConvertBoundingBoxFormat": _LABELS,
    "SetClampingMode": _LABELS,
    "SanitizeKeyPoints": _LABELS,
}


def from_torchvision(source: Any, *, missing: Missing = "raise") -> Pipeline:
    """A pipeline with the same operations, ranges and probabilities.

    Args:
        source: a `Compose` of torchvision, a single operation, or a list of them.
        missing: what becomes of operations and arguments that have no equal: "raise" names all of them in one error,
            "skip" leaves them out with a warning for each. Default "raise".

    What is there but made in another way (another law, another formula) is named in a warning. Pictures are (H, W, C)
    arrays here, and results are arrays; behind ToTensor, or ToImage and ToDtype, they are float32 (C, H, W) from 0 to 1
    as there.

    Raises:
        ConversionError: something has no equal, and `missing` is "raise".
        ValueError: `source` is none of those allowed.
    """
    conversion = convert_torchvision(source, missing=missing)
    conversion.warn()
    return conversion.pipeline


def convert_torchvision(source: Any, *, missing: Missing = "raise") -> Conversion:
    """As `from_torchvision`, with lists of what was left out and of what is made in another way, and no warning."""
    if not isinstance(source, (list, tuple)) and not callable(source):
        raise ValueError(
            f"from_torchvision: got a {type(source).__name__}; allowed: a Compose, or a list of operations"
        )
    log = Log()
    walk = _Walk(log)
    given = list(getattr(source, "transforms", [source])) if not isinstance(source, (list, tuple)) else source
    if type(source).__name__ in ("RandomApply", "RandomChoice", "RandomOrder"):
        given = [source]
    operations = [made for index, each in enumerate(given) for made in walk(each, f"transforms[{index}]")]
    options = {} if walk.boxes is None else {"boxes": walk.boxes}
    return concluded(operations, log, missing, options)


@dataclass
class _Walk:
    """One walk through a pipeline, which knows the form that pictures have by then.

    Attributes:
        white: what stands for white by then: 255, or 1 behind ToTensor.
        normalised: mean and standard deviation, behind Normalize.
        boxes: what was said about boxes.
    """

    log: Log
    white: float = 255.0
    normalised: Normalize | None = None
    boxes: Boxes | None = None

    def __call__(self, thing: Any, place: str) -> list[Operation]:
        name = type(thing).__name__
        arguments = {key: value for key, value in _attributes(thing).items() if key != "transforms"}
        foreign = Foreign(name, place, arguments, self.log)
        if name in ("Compose", "Sequential", "ModuleList", "RandomApply", "RandomChoice"):
            return self._combined(foreign, [*getattr(thing, "transforms", thing)])
        p = foreign.arguments.get("p", 1.0)
        if name == "RandomErasing":
            return translated(foreign, self._erasing, None, float(p))
        if name == "SanitizeBoundingBoxes":
            return translated(foreign, self._sanitise, None, 1.0)
        if name == "RandomPhotometricDistort":
            return translated(foreign, _distort, None, 1.0)
        made = translated(foreign, TRANSLATIONS.get(name), REASONS.get(name), float(p))
        for each in made:
            if isinstance(each, Normalize):
                self.normalised = each
            elif isinstance(each, ToTensor) and each.scale:
                self.white = 1.0
        return made

    def _combined(self, foreign: Foreign, things: Iterable[Any]) -> list[Operation]:
        inner = [self(each, f"{foreign.place}.{foreign.name}[{index}]") for index, each in enumerate(things)]
        together = [each for made in inner for each in made]
        if foreign.name not in ("RandomApply", "RandomChoice"):
            return together
        p = foreign("p")
        if any(isinstance(each, (Normalize, ToTensor)) for each in together):
            foreign.lost("holds Normalize or a change of type: all pictures of a batch need the same form")
            return []
        if foreign.name == "RandomApply":
            return with_chance([*together], float(0.5 if p is None else p), foreign)
        # A choice that has no equal is left out; one that does nothing stays one.
        lost = {each.place for each in self.log.missing}
        kept = [
            (made, weight)
            for index, (made, weight) in enumerate(zip(inner, p or [1.0] * len(inner), strict=True))
            if made or f"{foreign.place}.{foreign.name}[{index}]" not in lost
        ]
        operations = [made[0] if len(made) == 1 else Sequential(tuple(made)) if made else idle() for made, _ in kept]
        weights = [float(weight) for _, weight in kept]
        if not operations:
            return []
        return [OneOf(tuple(operations), weights=None if len(set(weights)) == 1 else tuple(weights))]

    def _erasing(self, f: Foreign) -> Sequence[Operation]:
        value = f("value", 0)
        f.idle("inplace")
        f.read.update(name for name in f.arguments if name.startswith("_"))
        if isinstance(value, (list, tuple)) and len(value) == 1:
            value = value[0]
        paint: Any = "noise" if value is None or value == "random" else self._levels(value)
        if paint == "noise":
            f.differs("the noise is uniform; there Gaussian")
        ratio = LogUniform(*f("ratio", (0.3, 3.3)))
        return [ours("RandomErasing", scale=f.span("scale", (0.02, 0.33)), ratio=ratio, value=paint)]

    def _levels(self, value: Any) -> Any:
        """A colour as levels of uint8, which the picture has where ours paints: in front of Normalize."""
        numbers = as_tuples(list(value)) if isinstance(value, (list, tuple)) else (float(value),)
        if self.normalised is not None:
            mean, std = (_three(part) for part in self.normalised.numbers())
            numbers = tuple(m + s * n for m, s, n in zip(mean, std, _three(numbers), strict=True))
        white = 255.0 if self.white == 1 or self.normalised is not None else 1.0
        levels = tuple(min(255.0, max(0.0, number * white)) for number in numbers)
        return levels[0] if len(set(levels)) == 1 else levels

    def _sanitise(self, f: Foreign) -> Sequence[Operation]:
        f.idle("labels_getter")
        side, area = f.number("min_size", 1.0), f.number("min_area", 1.0)
        self.boxes = replace(self.boxes or Boxes(), min_area=max(area, side * side))
        if side > 1:
            f.differs(f"boxes below {side:g} x {side:g} px in area are dropped; there those with a shorter side")
        return []


def _attributes(thing: Any) -> dict[str, Any]:
    """What an operation was given: its public attributes, but for what every module has."""
    known = {name: value for name, value in vars(thing).items() if not name.startswith("_")}
    known.pop("training", None)
    return known


def _three(numbers: Any) -> tuple[float, ...]:
    values = tuple(numbers) if isinstance(numbers, tuple) else (numbers,)
    return values if len(values) > 1 else values * 3


def _pair(value: Any) -> tuple[Any, Any]:
    """A number for both, or two; a sequence of one number stands for both."""
    if not isinstance(value, (list, tuple)):
        return value, value
    return (value[0], value[0]) if len(value) == 1 else (value[0], value[1])


def _sampling(f: Foreign) -> dict[str, Any]:
    given = f("interpolation", "bilinear")
    name = getattr(given, "value", given)
    known = _INTERPOLATIONS.get(name) if isinstance(name, str) else _NUMBERS.get(name)
    if known is None:
        f.differs(f"interpolation {name} is cubic here")
    if f("antialias", True) is False:
        f.differs("antialias=False: pictures are averaged wherever they shrink")
    return {"interpolation": known or "cubic"}


def _filled(f: Foreign) -> Any:
    fill = f("fill", 0)
    if isinstance(fill, dict):
        f.lost(f"fill={fill!r}: ours is the picture's; masks have the pipeline's mask_fill")
        return 0
    return 0 if fill is None else tuple(fill) if isinstance(fill, (list, tuple)) else fill


def _frame(f: Foreign) -> dict[str, Any]:
    return {"border": "constant", "fill": _filled(f), **_sampling(f)}


def _padding_style(f: Foreign) -> dict[str, Any]:
    mode, fill = f("padding_mode", "constant"), _filled(f)
    return {"border": mode, **({"fill": fill} if mode == "constant" else {})}


def _same(name: str, **fixed: Any) -> Translation:
    return lambda f: [ours(name, **fixed)]


def _crop_size(f: Foreign) -> tuple[int, int]:
    height, width = _pair(f("size"))
    return int(height), int(width)


def _rotation(f: Foreign) -> Sequence[Operation]:
    f.usual("center", None)
    style, degrees = _frame(f), f.span("degrees", 0)
    return [ours("SafeRotate" if f("expand", False) else "Rotate", degrees=degrees, **style)]


def _affine(f: Foreign) -> Sequence[Operation]:
    f.usual("center", None)
    style = _frame(f)
    # It turns clockwise, unlike RandomRotation, and its shears lean the other way.
    rotate = f.span("degrees", 0, -1.0)
    scale = spread(f("scale") or (1.0, 1.0))
    shear = f("shear") or (0.0, 0.0)
    if not isinstance(shear, tuple):
        shear = (-shear, shear)
    lean_x = spread((shear[0], shear[1]), -1.0)
    lean_y = spread((shear[2], shear[3]), -1.0) if len(shear) == 4 else Constant(0.0)
    right, down = f("translate") or (0.0, 0.0)
    x, y = spread((-right, right)), spread((-down, down))
    if lean_x == lean_y and x == y:
        return [ours("Affine", rotate=rotate, scale=scale, shear=lean_x, translate=x, **style)]
    laws: list[tuple[str, dict[str, Any], float]] = [
        ("Scale", {"scale": scale}, 1.0),
        ("Shear", {"x": lean_x, "y": lean_y}, 0.0),
        ("Rotate", {"degrees": rotate}, 0.0),
        ("Translate", {"x": x, "y": y}, 0.0),
    ]
    made = [
        ours(name, **parts, **style)
        for name, parts, nothing in laws
        if any(law.bounds() != (nothing, nothing) for law in parts.values())
    ]
    return made or [ours("Rotate", degrees=Constant(0.0), **style)]


def _perspective(f: Foreign) -> Sequence[Operation]:
    f.differs("corners move inwards and outwards, by half as far; there inwards alone")
    return [ours("Perspective", scale=Constant(min(0.24, f.number("distortion_scale", 0.5) / 2)), **_frame(f))]


def _elastic(f: Foreign) -> Sequence[Operation]:
    alpha, sigma = _pair(f("alpha", 50.0)), _pair(f("sigma", 5.0))
    for name, (first, second) in (("alpha", alpha), ("sigma", sigma)):
        if first != second:
            f.differs(f"{name}: the same along both axes, {first:g}")
    # Its noise is uniform in -1 to 1, and its unit half a pixel.
    strength = Constant(float(alpha[0]) / (2 * math.sqrt(3)))
    return [ours("ElasticTransform", alpha=strength, sigma=float(max(1.0, sigma[0])), **_frame(f))]


def _pad(f: Foreign) -> Sequence[Operation]:
    padding = f("padding")
    sides = tuple(int(side) for side in padding) if isinstance(padding, tuple) else int(padding)
    return [
        ours("Pad", padding=sides[0] if isinstance(sides, tuple) and len(sides) == 1 else sides, **_padding_style(f))
    ]


def _random_crop(f: Foreign) -> Sequence[Operation]:
    style, size, padding = _padding_style(f), _crop_size(f), f("padding")
    made = []
    if padding:
        if not isinstance(padding, tuple):
            padding = (padding,) * 4
        if len(padding) == 4:  # kept as left, right, top, bottom
            padding = (padding[0], padding[2], padding[1], padding[3])
        made.append(ours("Pad", padding=tuple(int(side) for side in padding), **style))
    return [*made, ours("RandomCrop", size=size, **(style if f("pad_if_needed", False) else {}))]


def _center_crop(f: Foreign) -> Sequence[Operation]:
    return [ours("CenterCrop", size=_crop_size(f), border="constant")]


def _resized_crop(f: Foreign) -> Sequence[Operation]:
    f.read.update(name for name in f.arguments if name.startswith("_"))
    laws = {"scale": f.span("scale", (0.08, 1.0)), "ratio": LogUniform(*f("ratio", (3 / 4, 4 / 3)))}
    return [ours("RandomResizedCrop", size=_crop_size(f), **laws, **_sampling(f))]


def _resize(f: Foreign) -> Sequence[Operation]:
    size, longest, style = f("size"), f("max_size"), _sampling(f)
    if size is None:
        return [ours("LongestMaxSize", max_size=int(longest), **style)]
    if isinstance(size, tuple) and len(size) == 2:
        return [ours("Resize", size=(int(size[0]), int(size[1])), **style)]
    shorter = int(_pair(size)[0])
    if longest is not None:
        return [ours("RandomShortestSize", min_size=(shorter,), max_size=int(longest), **style)]
    return [ours("SmallestMaxSize", max_size=shorter, **style)]


def _random_resize(f: Foreign) -> Sequence[Operation]:
    sizes = tuple(range(int(f("min_size")), int(f("max_size"))))
    return [ours("RandomShortestSize", min_size=sizes, **_sampling(f))]


def _shortest(f: Foreign) -> Sequence[Operation]:
    sizes, longest = f("min_size"), f("max_size")
    sizes = tuple(int(size) for size in (sizes if isinstance(sizes, tuple) else (sizes,)))
    return [
        ours("RandomShortestSize", min_size=sizes, max_size=None if longest is None else int(longest), **_sampling(f))
    ]


def _scale_jitter(f: Foreign) -> Sequence[Operation]:
    height, width = _pair(f("target_size"))
    return [
        ours("ScaleJitter", size=(int(height), int(width)), scale=f.span("scale_range", (0.1, 2.0)), **_sampling(f))
    ]


def _crops(name: str, **flips: str) -> Translation:
    def translate(f: Foreign) -> Sequence[Operation]:
        f.differs("one of the crops is drawn; there all are given")
        more = {ours_name: bool(f(theirs, False)) for ours_name, theirs in flips.items()}
        return [ours(name, size=_crop_size(f), **more)]

    return translate


def _zoom_out(f: Foreign) -> Sequence[Operation]:
    fill = _filled(f)
    return [ours("ZoomOut", ratio=f.span("side_range", (1.0, 4.0)), border="constant", fill=fill)]


def _iou_crop(f: Foreign) -> Sequence[Operation]:
    f.usual("trials", 40)
    options = f("options") or f("sampler_options") or (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
    scale = spread((f("min_scale", 0.3), f("max_scale", 1.0)))
    ratio = LogUniform(f("min_aspect_ratio", 0.5), f("max_aspect_ratio", 2.0))
    return [ours("IoUCrop", scale=scale, ratio=ratio, overlaps=tuple(float(option) for option in options))]


def _jitter(f: Foreign) -> Sequence[Operation]:
    laws = {name: spread(f(name) or (1.0, 1.0)) for name in ("brightness", "contrast", "saturation")}
    hue = spread(f("hue") or (0.0, 0.0))
    if hue.bounds() != (0, 0):
        f.differs("the hue turns linearly and keeps the luma; there it is that of HSV")
    return [ours("ColorJitter", **laws, hue=hue, pivot="mean")]


def _distort(f: Foreign) -> Sequence[Operation]:
    # Each of its parts happens with p, all of them by themselves.
    laws = {name: f.span(name, (0.5, 1.5)) for name in ("brightness", "contrast", "saturation")}
    each = Constant(float(f("p", 0.5)))
    f.differs("the hue turns linearly and keeps the luma; there it is that of HSV")
    return [ours("PhotoMetricDistort", **laws, hue=f.span("hue", (-0.05, 0.05)), each=each, pivot="mean")]


def _grey(f: Foreign) -> Sequence[Operation]:
    if f("num_output_channels", 1) != 3:
        f.differs("the three channels stay, all alike")
    return [ours("Grayscale", p=1.0)]


def _equalize(f: Foreign) -> Sequence[Operation]:
    f.differs("OpenCV's formula; there Pillow's")
    return [ours("Equalize")]


def _sharpness(f: Foreign) -> Sequence[Operation]:
    return [ours("Sharpness", factor=Constant(f.number("sharpness_factor", 1.0)))]


def _posterize(f: Foreign) -> Sequence[Operation]:
    bits = int(f("bits"))
    return [ours("Posterize", bits=Integers(bits, bits))]


def _solarize(f: Foreign) -> Sequence[Operation]:
    threshold = f.number("threshold", 128)
    # Levels of uint8; pictures that are floats have thresholds up to 1.
    return [ours("Solarize", threshold=Constant(threshold if threshold <= 1 else min(1.0, threshold / 255)))]


def _blur(f: Foreign) -> Sequence[Operation]:
    sigma, kernel = f.span("sigma", (0.1, 2.0)), _pair(f("kernel_size", 0))
    if 0 < max(kernel) < 2 * math.ceil(3 * sigma.bounds()[1]) + 1:
        f.differs(f"kernels are as wide as sigma asks; there {max(kernel)} pixels")
    return [ours("GaussianBlur", sigma=sigma)]


def _noise(f: Foreign) -> Sequence[Operation]:
    f.idle("clip")
    return [ours("GaussianNoise", std=Constant(f.number("sigma", 0.1)), mean=Constant(f.number("mean", 0.0)))]


def _jpeg(f: Foreign) -> Sequence[Operation]:
    low, high = _pair(f("quality"))
    return [ours("ImageCompression", quality=Integers(int(low), int(high)))]


def _normalize(f: Foreign) -> Sequence[Operation]:
    f.idle("inplace")
    mean, std = (tuple(float(number) for number in f(name)) for name in ("mean", "std"))
    return [ours("Normalize", mean=mean, std=std)]


def _dtype(f: Foreign) -> Sequence[Operation]:
    dtype = str(f("dtype", "torch.float32"))
    scale = bool(f("scale", f.name == "ConvertImageDtype"))
    if dtype != "torch.float32":
        f.lost(f"dtype={dtype}: ours gives float32, or leaves the picture's own")
        return []
    return [ours("ToTensor", scale=scale)]


def _policy(name: str, **numbers: str) -> Translation:
    def translate(f: Foreign) -> Sequence[Operation]:
        _sampling(f)
        _filled(f)
        f.idle("num_magnitude_bins", "all_ops", "severity", "mixture_width", "chain_depth", "alpha", "magnitude")
        f.differs("its operations and their ranges are ours")
        return [ours(name, **{ours_name: f(theirs) for ours_name, theirs in numbers.items()})]

    return translate


def _auto_augment(f: Foreign) -> Sequence[Operation]:
    _sampling(f)
    _filled(f)
    policy = getattr(f("policy"), "value", "imagenet")
    return [ours("AutoAugment", policy=str(policy))]


def _rand_augment(f: Foreign) -> Sequence[Operation]:
    _sampling(f)
    _filled(f)
    bins = f.number("num_magnitude_bins", 31)
    if bins != 31:
        f.differs("magnitudes are counted from 0 to 30")
    return [ours("RandAugment", n=int(f("num_ops", 2)), magnitude=Constant(f.number("magnitude", 9) * 30 / (bins - 1)))]


def _nothing(f: Foreign) -> Sequence[Operation]:
    f.idle(*f.arguments)
    return []


_FLOATS: Callable[[Foreign], Sequence[Operation]] = _same("ToTensor", scale=True)
_LAYOUT: Callable[[Foreign], Sequence[Operation]] = _same("ToTensor", scale=False)

TRANSLATIONS: dict[str, Translation] = {
    "AugMix": _policy("AugMix"),
    "AutoAugment": _auto_augment,
    "CenterCrop": _center_crop,
    "ClampBoundingBoxes": _nothing,
    "ClampKeyPoints": _nothing,
    "ColorJitter": _jitter,
    "ConvertImageDtype": _dtype,
    "ElasticTransform": _elastic,
    "FiveCrop": _crops("FiveCrop"),
    "GaussianBlur": _blur,
    "GaussianNoise": _noise,
    "Grayscale": _grey,
    "Identity": _nothing,
    "JPEG": _jpeg,
    "Normalize": _normalize,
    "PILToTensor": _LAYOUT,
    "Pad": _pad,
    "RandAugment": _rand_augment,
    "RandomAdjustSharpness": _sharpness,
    "RandomAffine": _affine,
    "RandomAutocontrast": _same("AutoContrast"),
    "RandomChannelPermutation": _same("ChannelShuffle"),
    "RandomCrop": _random_crop,
    "RandomEqualize": _equalize,
    "RandomGrayscale": _same("Grayscale"),
    "RandomHorizontalFlip": _same("HorizontalFlip"),
    "RandomInvert": _same("Invert"),
    "RandomIoUCrop": _iou_crop,
    "RandomPerspective": _perspective,
    "RandomPosterize": _posterize,
    "RandomResize": _random_resize,
    "RandomResizedCrop": _resized_crop,
    "RandomRotation": _rotation,
    "RandomShortestSize": _shortest,
    "RandomSolarize": _solarize,
    "RandomVerticalFlip": _same("VerticalFlip"),
    "RandomZoomOut": _zoom_out,
    "Resize": _resize,
    "ScaleJitter": _scale_jitter,
    "TenCrop": _crops("TenCrop", vertical="vertical_flip"),
    "ToDtype": _dtype,
    "ToImage": _LAYOUT,
    "ToPureTensor": _nothing,
    "ToTensor": _FLOATS,
    "TrivialAugmentWide": _policy("TrivialAugmentWide", levels="num_magnitude_bins"),
}

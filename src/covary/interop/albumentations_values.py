"""Colour, filters, noise, parts painted over and weather of Albumentations, made ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from covary.draws.distributions import Constant, Integers, LogUniform, Uniform
from covary.interop.albumentations_geometry import same, sampling
from covary.interop.conversion import Foreign, Translation, ours, spread
from covary.ops.base import Operation
from covary.ops.combine import OneOf

# Its limits of values are levels of uint8, its hues OpenCV's units of two degrees.
_LEVEL = 1 / 255
_HUE = 1 / 180


def _normalize(f: Foreign) -> Sequence[Operation]:
    kind = f("normalization", "standard")
    if kind != "standard":
        f.no_equal(f"normalization={kind!r}: ours has fixed numbers")
    mean, std = (_numbers(f(name, default)) for name, default in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229,))))
    white = f.number("max_pixel_value", 255.0)
    if white not in (1.0, 255.0, 65535.0):
        # It is divided by another number than white; taken for uint8.
        f.differs(f"max_pixel_value={white:g}: taken for uint8 pictures")
        mean, std = (tuple(number * white / 255 for number in numbers) for numbers in (mean, std))
    return [ours("Normalize", mean=mean, std=std, layout="HWC")]


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(float(number) for number in value) if isinstance(value, tuple) else (float(value),)


def _to_tensor(f: Foreign) -> Sequence[Operation]:
    f.usual("transpose_mask", False)
    return [ours("ToTensor", scale=False)]


def _brightness_contrast(f: Foreign) -> Sequence[Operation]:
    f.usual("ensure_safe_range", False)
    if not f("brightness_by_max", True):
        f.lost("brightness_by_max=False: ours is a share of white, not of the picture's mean")
    factor = f.span("contrast_limit", (-0.2, 0.2), offset=1)
    return [ours("Brightness", factor=factor, offset=f.span("brightness_limit", (-0.2, 0.2)))]


def _jitter(f: Foreign) -> Sequence[Operation]:
    laws = {name: f.span(name, (0.8, 1.2)) for name in ("brightness", "contrast", "saturation")}
    hue = f.span("hue", (-0.5, 0.5))
    if hue.bounds() != (0, 0):
        f.differs("the hue turns linearly and keeps the luma; there it is that of HSV")
    return [ours("ColorJitter", **laws, hue=hue, pivot="mean")]


def _hue_saturation_value(f: Foreign) -> Sequence[Operation]:
    hue = f.span("hue_shift_limit", 20, _HUE)
    laws = {"saturation": f.span("sat_shift_limit", 30, _LEVEL), "value": f.span("val_shift_limit", 20, _LEVEL)}
    return [ours("HueSaturationValue", hue=hue, **laws)]


def _rgb_shift(f: Foreign) -> Sequence[Operation]:
    f.idle("approximation", "noise_params", "noise_type", "spatial_mode")
    shifts = zip(("red", "green", "blue"), ("r_shift_limit", "g_shift_limit", "b_shift_limit"), strict=True)
    return [ours("RGBShift", **{name: f.span(limit, (-20, 20), _LEVEL) for name, limit in shifts})]


def _channel_dropout(f: Foreign) -> Sequence[Operation]:
    return [ours("ChannelDropout", channels=f.whole("channel_drop_range", 1), fill=f("fill", 0))]


def _grey(f: Foreign) -> Sequence[Operation]:
    f.usual("num_output_channels", 3)
    if f("method", "weighted_average") != "weighted_average":
        f.differs(f"method={f('method')!r}: ours is the weighted average (luma)")
    return [ours("Grayscale", p=1.0)]


def _gamma(f: Foreign) -> Sequence[Operation]:
    return [ours("Gamma", gamma=f.span("gamma_limit", (80, 120), 0.01))]


def _posterize(f: Foreign) -> Sequence[Operation]:
    bits = f("num_bits", 4)
    if isinstance(bits, tuple) and any(isinstance(each, tuple) for each in bits):
        f.no_equal("num_bits of each channel by itself")
    return [ours("Posterize", bits=f.whole("num_bits", 4))]


def _solarize(f: Foreign) -> Sequence[Operation]:
    return [ours("Solarize", threshold=f.span("threshold_range", (0.5, 0.5)))]


def _equalize(f: Foreign) -> Sequence[Operation]:
    f.usual("mask", None)
    f.usual("by_channels", True)
    f.idle("mask_params")
    if f("mode", "cv") == "pil":
        f.differs("OpenCV's formula; there Pillow's")
    return [ours("Equalize")]


def _auto_contrast(f: Foreign) -> Sequence[Operation]:
    f.usual("ignore", None)
    if f("method", "cdf") == "cdf":
        f.differs('stretched straight between the darkest and the lightest value (their method "pil")')
    return [ours("AutoContrast", cutoff=f.span("cutoff", 0, 0.01))]


def _clahe(f: Foreign) -> Sequence[Operation]:
    tiles = tuple(int(side) for side in f("tile_grid_size", (8, 8)))
    return [ours("CLAHE", clip_limit=f.span("clip_limit", (1, 4)), tile_grid_size=tiles)]


def _tone_curve(f: Foreign) -> Sequence[Operation]:
    f.differs("the control points stand at 1/3 and 2/3, so that scale 0 changes nothing")
    return [ours("RandomToneCurve", scale=f.span("scale", 0.1), per_channel=bool(f("per_channel", False)))]


def _fancy_pca(f: Foreign) -> Sequence[Operation]:
    f.differs("the directions are ImageNet's; there those of each picture")
    return [ours("FancyPCA", alpha=f.span("alpha", 0.1))]


def _planckian(f: Foreign) -> Sequence[Operation]:
    f.idle("mode", "sampling_method")
    f.differs("temperatures are evenly spread; there 6000 K parts them 2 to 3")
    return [ours("PlanckianJitter", temperature=f.span("temperature_limit", (3000, 15000)))]


def _plasma(f: Foreign) -> Sequence[Operation]:
    f.idle("plasma_size", "roughness")
    f.differs("the roughness of clouds is ours")
    most = {name: max(abs(end) for end in f(name, (-0.3, 0.3))) for name in ("brightness_range", "contrast_range")}
    brightness = ours("PlasmaBrightness", intensity=spread((0.0, most["brightness_range"])))
    return [brightness, ours("PlasmaContrast", intensity=spread((0.0, most["contrast_range"])))]


def _plasma_shadow(f: Foreign) -> Sequence[Operation]:
    f.idle("plasma_size", "roughness")
    f.differs("the roughness of clouds is ours")
    return [ours("PlasmaShadow", intensity=f.span("shadow_intensity_range", (0.3, 0.7)))]


def _illumination(f: Foreign) -> Sequence[Operation]:
    low, high = f("intensity_range", (0.01, 0.2))
    f.usual("angle_range", (0, 360))
    f.usual("center_range", (0.1, 0.9))
    mode, sigma = f("mode", "linear"), f.span("sigma_range", (0.2, 1.0))
    lighter = ours("Illumination", mode=mode, intensity=spread((low, high)), sigma=sigma)
    darker = ours("Illumination", mode=mode, intensity=spread((-high, -low)), sigma=sigma)
    effect = f("effect_type", "both")
    return [OneOf((lighter, darker))] if effect == "both" else [lighter if effect == "brighten" else darker]


def _gauss_noise(f: Foreign) -> Sequence[Operation]:
    f.idle("noise_scale_factor")
    arguments = {"std": f.span("std_range", (0.2, 0.44)), "mean": f.span("mean_range", 0)}
    return [ours("GaussianNoise", **arguments, per_channel=bool(f("per_channel", True)))]


def _salt_and_pepper(f: Foreign) -> Sequence[Operation]:
    return [ours("SaltAndPepper", amount=f.span("amount", (0.01, 0.06)), salt=f.span("salt_vs_pepper", (0.4, 0.6)))]


def _sharpen(f: Foreign) -> Sequence[Operation]:
    method = f("method", "kernel")
    alpha, lightness = f.span("alpha", (0.2, 0.5)), f.span("lightness", (0.5, 1.0))
    size, sigma = int(f.number("kernel_size", 5)), f.number("sigma", 1.0)
    if method == "kernel":
        return [ours("Sharpen", alpha=alpha, lightness=lightness)]
    f.differs(f"a kernel of {size} pixels is as wide as sigma asks here")
    return [ours("UnsharpMask", sigma=Constant(sigma), amount=alpha, threshold=Constant(0.0))]


def _gaussian_blur(f: Foreign) -> Sequence[Operation]:
    sigma = f.span("sigma_limit", (0.5, 3.0))
    sizes = f("blur_limit", 0)
    largest = max(sizes) if isinstance(sizes, tuple) else sizes
    if largest and largest < 2 * round(3 * sigma.bounds()[1]) + 1:
        f.differs(f"kernels are as wide as sigma asks; there {largest} pixels at most")
    return [ours("GaussianBlur", sigma=sigma)]


def _odd(f: Foreign, name: str, default: Any) -> tuple[int, int]:
    """Limits of the side of a kernel; one number is the upper one, 3 the lower."""
    value = f(name, default)
    low, high = value if isinstance(value, tuple) else (3, value)
    return int(low), int(high)


def _kernel(name: str) -> Translation:
    def translate(f: Foreign) -> Sequence[Operation]:
        low, high = _odd(f, "blur_limit", (3, 7))
        # Its sides are odd: 2 * radius + 1.
        return [ours(name, radius=Integers(low // 2, max(low, high) // 2))]

    return translate


def _paint(f: Foreign) -> Any:
    fill = f("fill", 0)
    f.usual("fill_mask", None)
    if not isinstance(fill, str):
        return fill
    if fill.startswith("inpaint"):
        f.lost(f"fill={fill!r}: ours paints, it does not restore")
        return 0
    if fill == "random_uniform":
        f.differs("each pixel has a colour of its own; there each hole")
    return "noise"


def _lengths(value: Any) -> Any:
    """Lengths as ours: pixels where they are whole numbers, else shares."""
    low, high = value if isinstance(value, tuple) else (value, value)
    if high > 1 or (isinstance(low, int) and isinstance(high, int)):
        return Integers(max(1, int(low)), max(1, int(high)))
    return spread((low, high))


def _coarse_dropout(f: Foreign) -> Sequence[Operation]:
    sides = {side: _lengths(f(f"hole_{side}_range", (0.1, 0.2))) for side in ("height", "width")}
    return [ours("CoarseDropout", holes=f.whole("num_holes_range", (1, 2)), **sides, fill=_paint(f))]


def _constrained(f: Foreign) -> Sequence[Operation]:
    f.usual("bbox_labels", None)
    values = tuple(int(value) for value in f("mask_indices") or ())
    sides = {side: f.span(f"hole_{side}_range", (0.1, 0.1)) for side in ("height", "width")}
    more = {"within": "mask", "values": values} if values else {"within": "boxes"}
    holes = f.whole("num_holes_range", 1)
    return [ours("ConstrainedCoarseDropout", holes=holes, **sides, **more, fill=_paint(f))]


def _erasing(f: Foreign) -> Sequence[Operation]:
    ratio = LogUniform(*f("ratio", (0.3, 3.3)))
    return [ours("RandomErasing", scale=f.span("scale", (0.02, 0.33)), ratio=ratio, value=_paint(f), p=1.0)]


def _grid_dropout(f: Foreign) -> Sequence[Operation]:
    f.usual("shift_xy", (0, 0))
    holes, units = f("holes_number_xy"), f("unit_size_range")
    if holes is not None:
        cells = Integers(int(min(holes)), int(max(holes)))
        if holes[0] != holes[1]:
            f.differs("cells are square")
    elif units is not None:
        side = min(f.sides("unit_size_range"))
        cells = Integers(max(1, round(side / units[1])), max(1, round(side / units[0])))
    else:
        cells = Integers(2, 10)  # units of a tenth to half of the side
    shift = bool(f("random_offset", True))
    return [ours("GridDropout", ratio=f.span("ratio", 0.5), cells=cells, shift=shift, fill=_paint(f))]


def _bands(f: Foreign) -> Sequence[Operation]:
    height, width = f.sides("mask_x_length")
    lengths = {"width": f.span("mask_x_length", 0, 1 / width), "height": f.span("mask_y_length", 0, 1 / height)}
    counts = {"columns": f.whole("num_masks_x", 0), "rows": f.whole("num_masks_y", 0)}
    return [ours("XYMasking", **counts, **lengths, fill=_paint(f))]


def _mask_dropout(f: Foreign) -> Sequence[Operation]:
    f.usual("fill_mask", 0, None)  # what vanishes is no longer set
    fill = f("fill", 0)
    paint = "inpaint" if isinstance(fill, str) and fill.startswith("inpaint") else fill
    return [ours("MaskDropout", max_objects=f.whole("max_objects", 1), fill=paint)]


def _additive_noise(f: Foreign) -> Sequence[Operation]:
    f.idle("approximation")
    params = f.arguments.get("noise_params") or {}
    f.idle("noise_params")
    kind, mode = f("noise_type", "uniform"), f("spatial_mode", "constant")
    if kind == "uniform":
        low, high = params.get("ranges", [(-0.1, 0.1)])[0]
        scale = max(abs(low), abs(high))
    else:
        given = params.get("std_range") or params.get("scale_range") or (0.1, 0.1)
        scale = max(given)
    # The deviation of uniform numbers between -1 and 1 is 1 / sqrt(3), Laplace's is sqrt(2) scales.
    factor = {"uniform": 3**-0.5, "laplace": 2**0.5, "beta": 0.5}.get(kind, 1.0)
    f.differs("the noise is centred, of the same deviation")
    where = {"per_channel": mode != "shared", "elementwise": mode != "constant"}
    return [ours("AdditiveNoise", distribution=kind, std=Constant(float(scale) * factor), **where)]


def _advanced_blur(f: Foreign) -> Sequence[Operation]:
    laws = {"sigma_x": f.span("sigma_x_limit", (0.2, 1.0)), "sigma_y": f.span("sigma_y_limit", (0.2, 1.0))}
    laws |= {"angle": f.span("rotate_limit", (-90, 90)), "beta": f.span("beta_limit", (0.5, 8.0))}
    f.idle("blur_limit")
    noise = max(abs(end - 1) for end in f("noise_limit", (0.9, 1.1)))
    return [ours("AdvancedBlur", **laws, noise=Constant(noise))]


def _aberration(f: Foreign) -> Sequence[Operation]:
    sampling(f)
    f.idle("mode")
    first, second = f("primary_distortion_limit", (-0.02, 0.02)), f("secondary_distortion_limit", (-0.05, 0.05))
    most = max(abs(end) for end in (*first, *second)) / 2
    f.differs("red and blue are magnified; there bent by a lens")
    return [ours("ChromaticAberration", red=Uniform(-most, most), blue=Uniform(-most, most))]


def _defocus(f: Foreign) -> Sequence[Operation]:
    return [ours("Defocus", radius=f.span("radius", (3, 10)), alias_blur=f.span("alias_blur", (0.1, 0.5)))]


def _downscale(f: Foreign) -> Sequence[Operation]:
    pair = f.arguments.get("interpolation_pair") or {}
    f.idle("interpolation_pair")
    f.differs(f"pictures are averaged where they shrink; there interpolations are {dict(pair)}")
    return [ours("Downscale", scale=f.span("scale_range", 0.25))]


def _emboss(f: Foreign) -> Sequence[Operation]:
    return [ours("Emboss", alpha=f.span("alpha", (0.2, 0.5)), strength=f.span("strength", (0.2, 0.7)))]


def _glass(f: Foreign) -> Sequence[Operation]:
    f.idle("mode")
    numbers = {"max_delta": f.whole("max_delta", 4), "iterations": f.whole("iterations", 2)}
    return [ours("GlassBlur", sigma=f.span("sigma", 0.7), **numbers)]


def _stain(f: Foreign) -> Sequence[Operation]:
    f.idle("method", "preset")
    f.usual("augment_background", False)
    f.differs("the stains' colours are fixed")
    laws = {
        "factor": f.span("intensity_scale_range", (0.7, 1.3)),
        "shift": f.span("intensity_shift_range", (-0.2, 0.2)),
    }
    return [ours("HEStain", **laws)]


def _iso(f: Foreign) -> Sequence[Operation]:
    low, high = f("intensity", (0.1, 0.5))
    shift = max(f("color_shift", (0.01, 0.05)))
    f.differs("the noise of light and of colour is Gaussian, of about its size")
    # Its noise of light: a Poisson number of about a fifth of the intensity, times the intensity.
    light = spread((0.4 * low * low**0.5, 0.4 * high * high**0.5))
    return [ours("ISONoise", luminance=light, colour=spread((shift * low, shift * high)))]


def _compression(f: Foreign) -> Sequence[Operation]:
    quality = f.whole("quality_range", (99, 100))
    f.differs("red and blue are encoded as they are; there they are exchanged, and lose otherwise")
    return [ours("ImageCompression", quality=quality, format=f("compression_type", "jpeg"))]


def _motion(f: Foreign) -> Sequence[Operation]:
    low, high = _odd(f, "blur_limit", (3, 7))
    laws = {"angle": f.span("angle_range", (0, 360)), "direction": f.span("direction_range", (-1, 1))}
    f.idle("allow_shifted")
    return [ours("MotionBlur", length=Uniform(low, high), **laws)]


def _multiplicative(f: Foreign) -> Sequence[Operation]:
    arguments = {name: bool(f(name, False)) for name in ("per_channel", "elementwise")}
    return [ours("MultiplicativeNoise", multiplier=f.span("multiplier", (0.9, 1.1)), **arguments)]


def _pixel_dropout(f: Foreign) -> Sequence[Operation]:
    f.usual("mask_drop_value", None)
    fill = f("drop_value", 0)
    return [
        ours(
            "PixelDropout",
            amount=f.span("dropout_prob", 0.01),
            per_channel=bool(f("per_channel", False)),
            fill="noise" if fill is None else fill,
        )
    ]


def _ringing(f: Foreign) -> Sequence[Operation]:
    low, high = _odd(f, "blur_limit", (7, 15))
    size = (low + high) // 4 * 2 + 1
    if low != high:
        f.differs(f"kernels are {size} pixels wide; there {low} to {high}")
    return [ours("RingingOvershoot", size=size, cutoff=f.span("cutoff", (0.785, 1.571)))]


def _shot(f: Foreign) -> Sequence[Operation]:
    f.differs("photons are counted on the values; there on linear light (gamma 2.2)")
    return [ours("ShotNoise", scale=f.span("scale_range", (0.1, 0.3)))]


def _spatter(f: Foreign) -> Sequence[Operation]:
    f.idle("color")
    names = {"mean": 0.65, "std": 0.3, "gauss_sigma": 2, "cutout_threshold": 0.68, "intensity": 0.6}
    f.idle(*names)
    f.differs("drops are ours, of the default size and number")
    return [ours("Spatter", mode=f("mode", "rain"))]


def _superpixels(f: Foreign) -> Sequence[Operation]:
    sampling(f)
    f.idle("max_size")
    return [ours("Superpixels", replace=f.span("p_replace", (0, 0.1)), segments=f.whole("n_segments", 100))]


def _unsharp(f: Foreign) -> Sequence[Operation]:
    f.idle("blur_limit")
    sigma = f("sigma_limit", 0)
    if sigma in (0, (0, 0)):
        # OpenCV takes it from the kernel's side: 3 to 7 pixels.
        sigma = (0.8, 1.4)
    arguments = {"sigma": spread(sigma), "amount": f.span("alpha", (0.2, 0.5))}
    return [ours("UnsharpMask", **arguments, threshold=Constant(f.number("threshold", 10) * _LEVEL))]


def _zoom_blur(f: Foreign) -> Sequence[Operation]:
    f.idle("step_factor")
    return [ours("ZoomBlur", factor=f.span("max_factor", (1, 1.31)))]


def _weather(name: str, remark: str, **spans: tuple[str, Any]) -> Translation:
    """Weather is painted in ways of our own: ranges that mean the same are kept, all others are ours."""

    def translate(f: Foreign) -> Sequence[Operation]:
        f.idle(*f.arguments)
        f.differs(f"is painted in another way; {remark}")
        return [ours(name, **{ours_name: f.span(theirs, default) for ours_name, (theirs, default) in spans.items()})]

    return translate


def _region(f: Foreign, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """A part of the picture: left, top, right and bottom as shares of it."""
    return tuple(float(side) for side in f(name, default))


def _shadow(f: Foreign) -> Sequence[Operation]:
    region = _region(f, "shadow_roi", (0, 0.5, 1, 1))
    laws = {"intensity": f.span("shadow_intensity_range", 0.5), "shadows": f.whole("num_shadows_limit", (1, 2))}
    return [ours("RandomShadow", **laws, corners=int(f("shadow_dimension", 5)), region=region)]


def _gravel(f: Foreign) -> Sequence[Operation]:
    f.differs(f"is painted in another way; {_OWN}, but for place and number")
    region = _region(f, "gravel_roi", (0.1, 0.4, 0.9, 0.9))
    return [ours("RandomGravel", patches=f.whole("number_of_patches", 2), region=region)]


def _flare(f: Foreign) -> Sequence[Operation]:
    f.idle("src_radius", "src_color", "angle_range", "num_flare_circles_range", "method")
    f.differs(f"is painted in another way; {_OWN}, but for its place")
    return [ours("RandomSunFlare", region=_region(f, "flare_roi", (0, 0, 1, 0.5)))]


_OWN = "its ranges are ours"

VALUES: dict[str, Translation] = {
    "AdditiveNoise": _additive_noise,
    "AdvancedBlur": _advanced_blur,
    "AutoContrast": _auto_contrast,
    "Blur": _kernel("Blur"),
    "CLAHE": _clahe,
    "ChannelDropout": _channel_dropout,
    "ChannelShuffle": same("ChannelShuffle"),
    "ChromaticAberration": _aberration,
    "CoarseDropout": _coarse_dropout,
    "ColorJitter": _jitter,
    "ConstrainedCoarseDropout": _constrained,
    "Defocus": _defocus,
    "Downscale": _downscale,
    "Emboss": _emboss,
    "Equalize": _equalize,
    "Erasing": _erasing,
    "FancyPCA": _fancy_pca,
    "GaussNoise": _gauss_noise,
    "GaussianBlur": _gaussian_blur,
    "GlassBlur": _glass,
    "GridDropout": _grid_dropout,
    "HEStain": _stain,
    "HueSaturationValue": _hue_saturation_value,
    "ISONoise": _iso,
    "Illumination": _illumination,
    "ImageCompression": _compression,
    "InvertImg": same("Invert"),
    "MaskDropout": _mask_dropout,
    "MedianBlur": _kernel("MedianBlur"),
    "MotionBlur": _motion,
    "MultiplicativeNoise": _multiplicative,
    "NoOp": lambda f: [],
    "Normalize": _normalize,
    "PixelDropout": _pixel_dropout,
    "PlanckianJitter": _planckian,
    "PlasmaBrightnessContrast": _plasma,
    "PlasmaShadow": _plasma_shadow,
    "Posterize": _posterize,
    "RGBShift": _rgb_shift,
    "RandomBrightnessContrast": _brightness_contrast,
    "RandomFog": _weather("RandomFog", _OWN),
    "RandomGamma": _gamma,
    "RandomGravel": _gravel,
    "RandomRain": _weather("RandomRain", "its slant is kept", slant=("slant_range", (-10, 10))),
    "RandomShadow": _shadow,
    "RandomSnow": _weather("RandomSnow", _OWN),
    "RandomSunFlare": _flare,
    "RandomToneCurve": _tone_curve,
    "RingingOvershoot": _ringing,
    "SaltAndPepper": _salt_and_pepper,
    "Sharpen": _sharpen,
    "ShotNoise": _shot,
    "Solarize": _solarize,
    "Spatter": _spatter,
    "Superpixels": _superpixels,
    "ToGray": _grey,
    "ToSepia": same("Sepia"),
    "ToTensorV2": _to_tensor,
    "UnsharpMask": _unsharp,
    "XYMasking": _bands,
    "ZoomBlur": _zoom_blur,
}

"""Pipelines of Albumentations, made ours: of what it writes (`to_dict`, `save`), or of its objects.

Albumentations itself is not needed, and not imported. Each operation is translated argument by argument, into our
units: degrees, shares of white, shares of the circle of hues.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from covary.interop.albumentations_geometry import GEOMETRY
from covary.interop.albumentations_values import VALUES
from covary.interop.conversion import (
    Conversion,
    Foreign,
    Log,
    Missing,
    Translation,
    checked_sides,
    concluded,
    idle,
    translated,
    with_chance,
)
from covary.ops.base import Operation
from covary.ops.combine import OneOf, Sequential, SomeOf
from covary.ops.image.finish import Normalize, ToTensor
from covary.ops.image.spatial import Size
from covary.pipeline import Pipeline
from covary.targets import Boxes, Keypoints

TRANSLATIONS: dict[str, Translation] = {**GEOMETRY, **VALUES}

_BATCHES = "mixes several pictures: give the Loader a mixer (mix=), as covary.mix.Mosaic or covary.mix.CopyPaste"
_REFERENCES = "its reference pictures are not written down: give them to covary's operation of this name"
_SPECTROGRAM = "a spectrogram is no picture: see covary.spectrogram"
_FORM = "pictures keep their dtype from end to end: Normalize and ToTensor give the model's"
_VOLUME = "works on volumes: see covary's operations on them"
REASONS: dict[str, str] = {
    "FDA": _REFERENCES,
    "HistogramMatching": _REFERENCES,
    "PixelDistributionAdaptation": _REFERENCES,
    "Mosaic": _BATCHES,
    "OverlayElements": _BATCHES,
    "FrequencyMasking": _SPECTROGRAM,
    "TimeMasking": _SPECTROGRAM,
    "TimeReverse": _SPECTROGRAM,
    "FromFloat": _FORM,
    "ToFloat": _FORM,
    "ToRGB": "readers give the channels that are asked for (channels=3)",
    "Lambda": "a function cannot be written down: declare an operation of your own",
    "TextImage": "writing on pictures is no variation of what they show",
    "SelectiveChannelTransform": "colour operations take ranges for each channel",
    "RandomOrder": "the order of a pipeline is part of what it says",
    **dict.fromkeys(
        ("CenterCrop3D", "CoarseDropout3D", "CubicSymmetry", "Pad3D", "PadIfNeeded3D", "RandomCrop3D", "ToTensor3D"),
        _VOLUME,
    ),
}
_BOX_FORMATS = {"pascal_voc": "pascal_voc", "coco": "coco", "yolo": "yolo", "albumentations": "normalised"}


def from_albumentations(source: Any, *, missing: Missing = "raise", size: Size | None = None) -> Pipeline:
    """A pipeline with the same operations, ranges and probabilities.

    Args:
        source: an Albumentations object (`Compose` or a single operation), what its `to_dict` gives, or the path of a
            JSON or YAML file that it saved.
        missing: what becomes of operations and arguments that have no equal: "raise" names all of them in one error,
            "skip" leaves them out with a warning for each. Default "raise".
        size: of the pictures in pixels, a whole number for a square or (height, width): needed where Albumentations
            counts in pixels what is a share of the picture here.

    What is there but made in another way (another law, another formula) is named in a warning.

    Returns:
        A pipeline; its results are NumPy arrays, also where ToTensorV2 stood.

    Raises:
        ConversionError: something has no equal, and `missing` is "raise".
        ValueError: `source` is none of those allowed.
    """
    conversion = convert_albumentations(source, missing=missing, size=size)
    conversion.warn()
    return conversion.pipeline


def convert_albumentations(source: Any, *, missing: Missing = "raise", size: Size | None = None) -> Conversion:
    """As `from_albumentations`, with lists of what was left out and of what is made in another way, and no warning."""
    data = _written(source)
    data = data.get("transform", data)
    log = Log(checked_sides(size))
    options = _options(data, log)
    operations = _walk(data, "transforms", log)
    fills = _mask_fills(data)
    if fills:
        options["mask_fill"] = fills[0]
        if len(fills) > 1:
            Foreign("Compose", "fill_mask", {}, log).lost(f"masks are filled with {fills}, ours with one value")
    return concluded(operations, log, missing, options)


def _written(source: Any) -> Mapping[str, Any]:
    """What `to_dict` gives for whatever stands for a pipeline."""
    if isinstance(source, Mapping):
        data: Any = source
    elif isinstance(source, (str, Path)):
        text = Path(source).read_text(encoding="utf-8")
        data = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    elif hasattr(source, "to_dict") or hasattr(source, "transforms"):
        data = _of_object(source)
    else:
        raise ValueError(
            f"from_albumentations: got a {type(source).__name__}; allowed: an Albumentations object, what its to_dict "
            "gives, or the path of a file that it saved"
        )
    if not isinstance(data, Mapping) or not ("transform" in data or "__class_fullname__" in data):
        raise ValueError("from_albumentations: no pipeline of Albumentations: there is no 'transform' in it")
    return data


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"from_albumentations: neither JSON nor YAML that can be read safely: {error}") from None


def _of_object(thing: Any) -> dict[str, Any]:
    """An object as `to_dict` would write it; one that refuses to be written is named alone."""
    try:
        written: dict[str, Any] = thing.to_dict()
        return dict(written.get("transform", written))
    except (AttributeError, TypeError, ValueError, NotImplementedError):
        data = {"__class_fullname__": type(thing).__name__, "p": getattr(thing, "p", 1.0)}
    if hasattr(thing, "transforms"):
        data["transforms"] = [_of_object(inner) for inner in thing.transforms]
        for name in ("n", "replace", "additional_targets"):
            if hasattr(thing, name):
                data[name] = getattr(thing, name)
        for field, kind in (("bbox_params", "bboxes"), ("keypoint_params", "keypoints")):
            processor = getattr(thing, "processors", {}).get(kind)
            data[field] = None if processor is None else dict(vars(processor.params))
    return data


def _walk(data: Mapping[str, Any], place: str, log: Log) -> list[Operation]:
    """The operations that stand for one of theirs."""
    name = str(data.get("__class_fullname__", "")).rpartition(".")[2]
    arguments = {key: value for key, value in data.items() if key not in ("__class_fullname__", "transforms")}
    foreign = Foreign(name, place, arguments, log)
    p = 1.0 if data.get("always_apply") else float(data.get("p", 1.0))
    if name in _COMBINATORS:
        children = [dict(child) for child in data.get("transforms", ())]
        return _COMBINATORS[name](foreign, children, p)
    return translated(foreign, TRANSLATIONS.get(name), REASONS.get(name), p)


def _each(foreign: Foreign, children: Iterable[Mapping[str, Any]]) -> list[list[Operation]]:
    inside = "transforms" if foreign.place == "transforms" else f"{foreign.place}.{foreign.name}"
    return [_walk(child, f"{inside}[{index}]", foreign.log) for index, child in enumerate(children)]


def _sequence(foreign: Foreign, children: list[dict[str, Any]], p: float) -> list[Operation]:
    made = [operation for operations in _each(foreign, children) for operation in operations]
    if p == 1:
        return made
    ends = [each for each in made if isinstance(each, (Normalize, ToTensor))]
    if ends:
        foreign.differs(f"p={p}: the form of the result is given always")
    body = [each for each in made if each not in ends]
    return [*with_chance(body, p, foreign), *ends]


def _forced(child: dict[str, Any]) -> dict[str, Any]:
    """What is chosen is always applied; two combinators have another use for p, or do not listen."""
    name = str(child.get("__class_fullname__", "")).rpartition(".")[2]
    return child if name in ("SomeOf", "OneOrOther") else {**child, "p": 1.0}


def _alternatives(foreign: Foreign, children: list[dict[str, Any]]) -> tuple[list[Operation], list[float]]:
    """One operation for each child that has an equal, always applied, and the child's own probability."""
    operations, chances = [], []
    for child, made in zip(children, _each(foreign, [_forced(child) for child in children]), strict=True):
        name = str(child.get("__class_fullname__", "")).rpartition(".")[2]
        if any(isinstance(each, (Normalize, ToTensor)) for each in made):
            foreign.lost(f"{name} in a choice: all pictures of a batch need the same form")
            continue
        if not made and name != "NoOp":
            continue  # it has been written down
        operations.append(made[0] if len(made) == 1 else Sequential(tuple(made)) if made else idle())
        chances.append(float(child.get("p", 1.0)))
    return operations, chances


def _one_of(foreign: Foreign, children: list[dict[str, Any]], p: float) -> list[Operation]:
    # There the probabilities of the children are their weights, and the chosen one is always applied.
    operations, weights = _alternatives(foreign, children)
    if not operations:
        return []
    even = len(set(weights)) == 1
    return [OneOf(tuple(operations), weights=None if even else tuple(weights), p=p)]


def _one_or_other(foreign: Foreign, children: list[dict[str, Any]], p: float) -> list[Operation]:
    operations, _ = _alternatives(foreign, [children[0], children[-1]] if children else [])
    if len(operations) < 2:
        return operations
    return [OneOf(tuple(operations), weights=(p, 1 - p))]


def _some_of(foreign: Foreign, children: list[dict[str, Any]], p: float) -> list[Operation]:
    # There each of the chosen keeps its own probability.
    operations = []
    for made in _each(foreign, children):
        if made:
            operations.append(made[0] if len(made) == 1 else Sequential(tuple(made)))
    n = int(foreign("n", 1))
    if foreign("replace", False):
        foreign.lost("replace=True: ours are different ones")
    if not operations or not n:
        return []
    if n > len(operations):
        foreign.lost(f"n={n}: more than the {len(operations)} operations that are left")
        n = len(operations)
    return [SomeOf(tuple(operations), n=n, p=p)]


_COMBINATORS: dict[str, Callable[[Foreign, list[dict[str, Any]], float], list[Operation]]] = {
    "Compose": _sequence,
    "ReplayCompose": _sequence,
    "Sequential": _sequence,
    "OneOf": _one_of,
    "OneOrOther": _one_or_other,
    "SomeOf": _some_of,
}


def _options(data: Mapping[str, Any], log: Log) -> dict[str, Any]:
    """The pipeline's boxes and keypoints."""
    options: dict[str, Any] = {}
    if data.get("bbox_params"):
        options["boxes"] = _boxes(Foreign("BboxParams", "bbox_params", data["bbox_params"], log))
    if data.get("keypoint_params"):
        options["keypoints"] = _keypoints(Foreign("KeypointParams", "keypoint_params", data["keypoint_params"], log))
    if data.get("additional_targets"):
        named = data["additional_targets"]
        Foreign("Compose", "additional_targets", {}, log).lost(f"{named!r}: fields have our names here")
    return options


def _boxes(given: Foreign) -> Boxes:
    form = str(given("format"))
    if form not in _BOX_FORMATS:
        given.lost(f"format={form!r} is not known")
    labels = given("label_fields", ())
    if labels and tuple(labels) != ("box_labels",):
        given.differs(f"labels of boxes are in the field box_labels here (there: {', '.join(labels)})")
    # Boxes that have less are dropped there too, but by their sides.
    for side in ("min_width", "min_height"):
        if given(side, 0):
            given.lost(f"{side}={given(side)!r}: ours are dropped by area and by visibility")
    given.usual("max_accept_ratio", None)
    given.idle("check_each_transform", "clip", "filter_invalid_bboxes", "type")
    return Boxes(
        _BOX_FORMATS.get(form, "pascal_voc"),  # type: ignore[arg-type]
        min_area=float(given("min_area", 0) or 0),
        min_visibility=float(given("min_visibility", 0) or 0),
    )


def _keypoints(given: Foreign) -> Keypoints:
    form = str(given("format"))
    if form != "xy":
        given.lost(f"format={form!r}: ours are x and y, further columns are carried along unchanged")
    labels = given("label_fields", ())
    if labels and tuple(labels) != ("keypoint_labels",):
        given.differs(f"labels of keypoints are in the field keypoint_labels here (there: {', '.join(labels)})")
    return Keypoints("xy", outside="drop" if given("remove_invisible", True) else "keep")


def _mask_fills(data: Mapping[str, Any]) -> list[float]:
    """The values other than 0 that masks are filled with, over the whole pipeline."""
    inner: Sequence[Mapping[str, Any]] = data.get("transforms", ())
    found = {fill for child in inner for fill in _mask_fills(child)}
    fill = data.get("fill_mask")
    if data.get("border_mode") == 0 and isinstance(fill, (int, float)) and fill:
        found.add(float(fill))
    return sorted(found)

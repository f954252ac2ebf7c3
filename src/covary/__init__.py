"""covary: vary the data; the labels covary.

Everything public is here; what it needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covary import data as data
    from covary import expand as expand
    from covary import interop as interop
    from covary import learn as learn
    from covary import pack as pack
    from covary import presets as presets
    from covary import prove as prove
    from covary.data.loader import Loader as Loader
    from covary.draws.distributions import Beta as Beta
    from covary.draws.distributions import Choice as Choice
    from covary.draws.distributions import Constant as Constant
    from covary.draws.distributions import Integers as Integers
    from covary.draws.distributions import LogUniform as LogUniform
    from covary.draws.distributions import Normal as Normal
    from covary.draws.distributions import Signed as Signed
    from covary.draws.distributions import Uniform as Uniform
    from covary.ops import audio as audio
    from covary.ops import image as image
    from covary.ops import mix as mix
    from covary.ops import spectrogram as spectrogram
    from covary.ops import text as text
    from covary.ops import volume as volume
    from covary.ops.combine import OneOf as OneOf
    from covary.ops.combine import Sequential as Sequential
    from covary.ops.combine import SomeOf as SomeOf
    from covary.ops.combine import Sometimes as Sometimes
    from covary.ops.image.policies import RandAugment as RandAugment
    from covary.ops.policies import TrivialAugment as TrivialAugment
    from covary.pipeline import Pipeline as Pipeline
    from covary.targets import Boxes as Boxes
    from covary.targets import Keypoints as Keypoints
    from covary.targets import LineStrings as LineStrings
    from covary.targets import OrientedBoxes as OrientedBoxes
    from covary.targets import Polygons as Polygons

__version__ = "0.1.0"

# Public name -> the module that holds it.
_HOMES = {
    "Loader": "covary.data.loader",
    "Pipeline": "covary.pipeline",
    **dict.fromkeys(("OneOf", "SomeOf", "Sequential", "Sometimes"), "covary.ops.combine"),
    "RandAugment": "covary.ops.image.policies",
    "TrivialAugment": "covary.ops.policies",
    **dict.fromkeys(
        ("Uniform", "LogUniform", "Normal", "Beta", "Choice", "Integers", "Constant", "Signed"),
        "covary.draws.distributions",
    ),
    **dict.fromkeys(("Boxes", "Keypoints", "LineStrings", "OrientedBoxes", "Polygons"), "covary.targets"),
}
_ROOMS = {
    "audio": "covary.ops.audio",
    "data": "covary.data",
    "expand": "covary.expand",
    "image": "covary.ops.image",
    "interop": "covary.interop",
    "learn": "covary.learn",
    "mix": "covary.ops.mix",
    "pack": "covary.pack",
    "presets": "covary.presets",
    "prove": "covary.prove",
    "spectrogram": "covary.ops.spectrogram",
    "text": "covary.ops.text",
    "volume": "covary.ops.volume",
}

__all__ = ["__version__", *_HOMES, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in _ROOMS:
        value = import_module(_ROOMS[name])
    else:
        raise AttributeError(f"module 'covary' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

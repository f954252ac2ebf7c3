"""What an operation can do to a sample, in words that rules speak of: mirror it, turn it over, play it backwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from covary.draws.distributions import Choice, Distribution, LogUniform
from covary.ops.base import Operation, qualified_name

Kind: TypeAlias = Literal[
    "mirror",
    "upside down",
    "half turn",
    "quarter turn",
    "diagonal mirror",
    "size",
    "colour",
    "inversion",
    "crop",
    "backwards",
    "pitch",
    "channels swapped",
    "words dropped",
    "opposites",
    "roles swapped",
    "numbers changed",
    "gender swapped",
]


@dataclass(frozen=True)
class Effect:
    """Something that an operation does.

    Attributes:
        kind: of effect.
        strength: of the operation above which it does it; 0 if at any.
        values: of a choice with which it does it; empty where it is no matter of choice.
    """

    kind: Kind
    strength: float = 0.0
    values: frozenset[float] = frozenset()


QUARTER, HALF = 45.0, 90.0  # degrees above which a picture is nearer to a quarter turn, to being upside down
SEMITONES = 3.0  # from which on a voice is another one's
_SYMMETRIES: Mapping[Kind, frozenset[float]] = {
    "quarter turn": frozenset((1, 3)),
    "half turn": frozenset((2,)),
    "mirror": frozenset((4,)),
    "upside down": frozenset((5,)),
    "diagonal mirror": frozenset((6, 7)),
}


def effects_of(operation: Operation) -> list[Effect]:
    """What an operation does that rules know of; of most there is nothing to say."""
    found = _EFFECTS.get(qualified_name(type(operation)))
    return [] if found is None or operation.p == 0 else found(operation)


def _always(*kinds: Kind) -> Callable[[Operation], list[Effect]]:
    return lambda operation: [Effect(kind) for kind in kinds]


def _turns(field: str) -> Callable[[Operation], list[Effect]]:
    def found(operation: Operation) -> list[Effect]:
        low, high = operation.law(field).bounds()
        widest = max(abs(low), abs(high))
        limits: tuple[tuple[Kind, float], ...] = (("quarter turn", QUARTER), ("half turn", HALF))
        return [Effect(kind, limit / widest) for kind, limit in limits if widest > limit]

    return found


def _symmetries(field: str) -> Callable[[Operation], list[Effect]]:
    def found(operation: Operation) -> list[Effect]:
        law = operation.law(field)
        low, high = law.bounds()
        every = law.values if isinstance(law, Choice) else tuple(range(int(low), int(high) + 1))
        values = {value % 4 if field == "turns" else value: value for value in every}
        return [
            Effect(kind, 0.0, frozenset(values[v] for v in marks & values.keys()))
            for kind, marks in _SYMMETRIES.items()
            if marks & values.keys()
        ]

    return found


def _beyond(field: str, kind: Kind, limit: float) -> Callable[[Operation], list[Effect]]:
    """The effect where a range goes further than `limit` from its identity."""

    def found(operation: Operation) -> list[Effect]:
        widest = _widest(operation.law(field))
        return [Effect(kind, limit / widest)] if widest > limit else []

    return found


def _widest(law: Distribution) -> float:
    low, high = law.bounds()
    identity = law.identity or 0.0
    if isinstance(law, LogUniform) and identity > 0:
        return max(identity / low, high / identity) - 1
    return max(abs(low - identity), abs(high - identity))


_EFFECTS: Mapping[str, Callable[[Operation], list[Effect]]] = {
    "image.HorizontalFlip": _always("mirror"),
    "image.VerticalFlip": _always("upside down"),
    "image.Transpose": _always("diagonal mirror"),
    "image.RandomRotate90": _symmetries("turns"),
    "image.D4": _symmetries("symmetry"),
    "image.Rotate": _turns("degrees"),
    "image.Affine": lambda o: [*_turns("rotate")(o), *_beyond("scale", "size", 0.15)(o)],
    "image.Scale": _beyond("scale", "size", 0.15),
    "image.RandomResizedCrop": lambda o: [*_beyond("scale", "size", 0.3)(o), *_beyond("scale", "crop", 0.7)(o)],
    "image.Hue": _beyond("shift", "colour", 0.05),
    "image.ColorJitter": _beyond("hue", "colour", 0.05),
    "image.RGBShift": _beyond("red", "colour", 0.15),
    "image.ChannelShuffle": _always("colour"),
    "image.ChannelDropout": _always("colour"),
    "image.Grayscale": _always("colour"),
    "image.Invert": _always("inversion", "colour"),
    "audio.Reverse": _always("backwards"),
    "audio.PitchShift": _beyond("semitones", "pitch", SEMITONES),
    "audio.Speed": _beyond("factor", "pitch", 2 ** (SEMITONES / 12) - 1),
    "audio.ChannelSwap": _always("channels swapped"),
    "audio.Pan": _always("channels swapped"),
    "text.RandomDeletion": _always("words dropped"),
    "text.StopWordDeletion": _always("words dropped"),
    "text.SentenceDeletion": _always("words dropped"),
    "text.SpanCrop": _always("words dropped"),
    "text.TreeCrop": _always("words dropped"),
    "text.AntonymReplacement": _always("opposites"),
    "text.SubjectObjectSwap": _always("roles swapped"),
    "text.EntitySwap": _always("roles swapped"),
    "text.NumberJitter": _always("numbers changed"),
    "text.DateJitter": _always("numbers changed"),
    "text.GenderSwap": _always("gender swapped"),
}

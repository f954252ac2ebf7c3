"""Published policies for pictures: which operations, how strong, how likely."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

from covary.draws.distributions import Constant, Integers, Range, Signed
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.combine import Sequential
from covary.ops.image.affine import Rotate, Shear, Translate
from covary.ops.image.autoaugment import TABLES
from covary.ops.image.colour import Brightness, Contrast, Saturation
from covary.ops.image.filters import Sharpness
from covary.ops.image.histogram import AutoContrast, Equalize
from covary.ops.image.spatial import Fill
from covary.ops.image.tone import Invert, Posterize, Solarize
from covary.ops.policies import Member, Numbers, Policy, even_levels, listed
from covary.plan.changes import BORDERS, Bools, Border

Table = Literal["imagenet", "cifar10", "svhn"]

# What a magnitude does not weaken: these are all or nothing in the papers.
_WHOLE = ("AutoContrast", "Equalize", "Invert")
_MAGNITUDES = 30  # the highest of RandAugment
_STEPS = 9  # the highest of AutoAugment


@dataclass(frozen=True)
class Reach:
    """How far the operations go at full magnitude.

    Attributes:
        shear: as the tangent of the angle.
        shift: of a translation, in `unit`.
        unit: "fraction" or "pixels".
        degrees: of a rotation.
        factor: by which brightness, colour, contrast and sharpness go to either side of 1.
        bits: that posterize keeps.
    """

    shear: float
    shift: float
    unit: str
    degrees: float
    factor: float
    bits: int


USUAL = Reach(shear=0.3, shift=150 / 331, unit="fraction", degrees=30, factor=0.9, bits=4)
WIDE = Reach(shear=0.99, shift=32, unit="pixels", degrees=135, factor=0.99, bits=2)


@lru_cache(maxsize=64)
def space(reach: Reach, border: Border, fill: Fill) -> Mapping[str, Member]:
    """The operations of the AutoAugment family at full magnitude, by their names in the papers."""
    outside = {"border": border, "fill": fill}
    slant = _either(math.degrees(math.atan(reach.shear)))
    shift, factor = _either(reach.shift), _either(reach.factor, identity=1)
    made: dict[str, Operation] = {
        "ShearX": Shear(slant, 0, **outside),  # type: ignore[arg-type]
        "ShearY": Shear(0, slant, **outside),  # type: ignore[arg-type]
        "TranslateX": Translate(shift, 0, reach.unit, **outside),  # type: ignore[arg-type]
        "TranslateY": Translate(0, shift, reach.unit, **outside),  # type: ignore[arg-type]
        "Rotate": Rotate(_either(reach.degrees), **outside),  # type: ignore[arg-type]
        "Brightness": Brightness(factor),
        "Color": Saturation(factor),
        "Contrast": Contrast(factor, "mean"),
        "Sharpness": Sharpness(factor),
        "Posterize": Posterize(Integers(reach.bits, reach.bits)),
        "Solarize": Solarize(Constant(0)),
        "AutoContrast": AutoContrast(),
        "Equalize": Equalize(),
        "Invert": Invert(),
    }
    return {name: Member(each, name not in _WHOLE) for name, each in made.items()}


def _either(distance: float, identity: float = 0) -> Signed:
    return Signed(distance, distance, identity=identity)


def _fourteen(reach: Reach, border: Border, fill: Fill) -> tuple[Member, ...]:
    """The identity and the thirteen operations of RandAugment and TrivialAugment."""
    named = space(reach, border, fill)
    return Member(None), *(member for name, member in named.items() if name != "Invert")


@dataclass(frozen=True, repr=False)
class _Published(Policy):
    """A policy of pictures with the operations of the AutoAugment family."""

    border: Border = field(default="constant", kw_only=True)
    fill: Fill = field(default=0, kw_only=True)

    def check(self) -> None:
        super().check()
        self.one_of("border", BORDERS)
        # The operations say what is wrong with a fill.
        self.members()


@operation
class TrivialAugmentWide(_Published):
    """Apply one of fourteen operations, or none, at a random strength.

    Identity, shears to a slope of 0.99, translations by up to 32 pixels, rotations by up to 135 degrees, brightness,
    colour, contrast and sharpness by up to 0.99 about 1, posterize down to 2 bits, solarize down to 0, autocontrast
    and equalize; each to either side where it has two. Shears are about the centre, and grow evenly in the angle.

    Args:
        levels: how many strengths there are, evenly from 0 to 1, both included. Default 31, as in the paper.
        border: what lies outside the picture. Default "constant", as in the paper.
        fill: its colour, in the image's own range: a number, or one for each channel. Default 0.
        strength: in [0, 1], of the whole policy. Default 1.
        p: probability that any is applied.

    Pictures of one or three channels. `TrivialAugment` does the same with operations of your own.

    Paper: Müller and Hutter 2021, "TrivialAugment: tuning-free yet state-of-the-art data augmentation".

    Helps: photographs; nothing to tune, and as good as policies that were searched for.
    Hurts: classes that depend on orientation, position or colour; pictures below 64 pixels, which it may push off the
        canvas.
    """

    levels: int = 31

    uniforms = ("level",)

    def check(self) -> None:
        super().check()
        self.whole_number("levels", 2, 1 << 16)

    def members(self) -> Sequence[Member]:
        return _fourteen(WIDE, self.border, self.fill)

    def weaken(self, draw: Draw, number: int) -> Numbers:
        return even_levels(draw("level"), self.levels)


@operation
class RandAugment(_Published):
    """Apply `n` operations one after the other, each drawn from all of them, at one magnitude.

    Identity, shears to a slope of 0.3, translations by up to 45 % of the side, rotations by up to 30 degrees,
    brightness, colour, contrast and sharpness by up to 0.9 about 1, posterize down to 4 bits, solarize down to 0,
    autocontrast and equalize; each to either side where it has two. Shears are about the centre, and grow evenly in the
    angle. Distortion never falls as the magnitude rises.

    Args:
        n: how many. Default 2.
        magnitude: 0, nothing, to 30, as far as the operations go: a number, a pair (low, high) or a distribution.
            Default 9.
        operations: others to choose from, of any modality, with the ranges that they have at magnitude 30. Default:
            those above, for pictures of one or three channels.
        border: what lies outside the picture, for the operations above. Default "constant", as in the paper.
        fill: its colour, in the image's own range: a number, or one for each channel. Default 0.
        strength: in [0, 1], of the whole policy. Default 1.
        p: probability that any is applied.

    Paper: Cubuk et al. 2020, "RandAugment: practical automated data augmentation with a reduced search space".
    Posterize and solarize, which grew weaker with the magnitude in several libraries, grow stronger here.

    Helps: photographs, larger models and longer schedules with larger magnitudes.
    Hurts: classes that depend on orientation, position or colour; small models at magnitudes above 10.
    """

    n: int = 2
    magnitude: Range = ranged(default=Constant(9.0), low=0, high=_MAGNITUDES)
    operations: Sequence[Operation] | None = None

    def check(self) -> None:
        self.whole_number("n", 1, 16)
        if self.operations is not None:
            listed(self, self.operations)
        super().check()

    @property
    def rounds(self) -> int:
        return self.n

    def members(self) -> Sequence[Member]:
        if self.operations is not None:
            return [Member(child) for child in self.operations]
        return _fourteen(USUAL, self.border, self.fill)

    def weaken(self, draw: Draw, number: int) -> Numbers:
        return draw("magnitude") / _MAGNITUDES


@operation
class UniformAugment(_Published):
    """Apply `n` operations one after the other, each half of the time and at a random strength.

    The operations are those of `RandAugment` and inversion, at strengths drawn evenly from 0 to full. In the paper the
    probability of each is itself drawn evenly from 0 to 1, which comes to one half.

    Args:
        n: how many are drawn. Default 2, as in the paper.
        border: what lies outside the picture. Default "constant".
        fill: its colour, in the image's own range: a number, or one for each channel. Default 0.
        strength: in [0, 1], of the whole policy. Default 1.
        p: probability that any is applied.

    Pictures of one or three channels.

    Paper: LingChen et al. 2020, "UniformAugment: a search-free probabilistic data augmentation approach".

    Helps: photographs, without tuning.
    Hurts: classes that depend on orientation, position or colour.
    """

    n: int = 2

    def check(self) -> None:
        self.whole_number("n", 1, 16)
        super().check()

    @property
    def rounds(self) -> int:
        return self.n

    def slots(self) -> tuple[str, ...]:
        own = (f"{slot}{number}" for number in range(self.n) for slot in ("level", "happens"))
        return (*super().slots(), *own)

    def members(self) -> Sequence[Member]:
        return tuple(space(USUAL, self.border, self.fill).values())

    def weaken(self, draw: Draw, number: int) -> Numbers:
        return draw(f"level{number}")

    def happens(self, draw: Draw, number: int) -> Bools:
        happens: Bools = draw(f"happens{number}") < 0.5
        return happens


@operation
class AutoAugment(_Published):
    """Apply one of 25 published pairs of operations, each operation with its probability and magnitude.

    Args:
        policy: the table, by the data on which it was searched: "imagenet", "cifar10" or "svhn". Default "imagenet".
        border: what lies outside the picture. Default "constant", as in the paper.
        fill: its colour, in the image's own range: a number, or one for each channel. Default 0.
        strength: in [0, 1], of the whole policy. Default 1.
        p: probability that any pair is applied.

    The operations are those of `RandAugment` and inversion, in ten magnitudes from 0 to full. Pictures of one or three
    channels.

    Paper: Cubuk et al. 2019, "AutoAugment: learning augmentation strategies from data". The tables are those of
    torchvision.

    Helps: data like those that the table was searched on; TrivialAugment does as well on most, without a search.
    Hurts: other data: "svhn" and "cifar10" invert colours and shift far.
    """

    policy: Table = "imagenet"

    def check(self) -> None:
        self.one_of("policy", get_args(Table))
        super().check()

    def members(self) -> Sequence[Member]:
        return _pairs(self.policy, self.border, self.fill)


@lru_cache(maxsize=64)
def _pairs(policy: Table, border: Border, fill: Fill) -> tuple[Member, ...]:
    named = space(USUAL, border, fill)

    def drawn(name: str, probability: float, step: int | None) -> Operation:
        whole = named[name].operation
        assert whole is not None
        return dataclasses.replace(whole if step is None else whole.with_strength(step / _STEPS), p=probability)

    return tuple(Member(Sequential([drawn(*first), drawn(*second)])) for first, second in TABLES[policy])

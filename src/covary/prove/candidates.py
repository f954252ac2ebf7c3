"""What a search chooses from: operations worth trying in each modality, and the policies made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from covary.draws.distributions import Constant, Uniform
from covary.ops import audio, image, text
from covary.ops.base import Operation
from covary.ops.image.policies import RandAugment
from covary.ops.mix import CutMix, Mixer, MixUp
from covary.ops.policies import TrivialAugment
from covary.ops.view import Modality
from covary.pipeline import Pipeline
from covary.prove.task import Task
from covary.prove.trial import NONE, Policy


def menu(task: Task) -> tuple[Operation, ...]:
    """The operations of a modality that a search tries, at full strength; a check then drops and weakens some.

    Colour is left out for pictures without.
    """
    if task.modality == "audio":
        return _SOUNDS
    if task.modality == "text":
        return _TEXTS
    colourful = all(picture.shape[2] == 3 for picture in task.samples)
    return (*_PICTURES, *_COLOURS) if colourful else _PICTURES


_PICTURES: tuple[Operation, ...] = (
    image.Rotate((-30, 30)),
    image.Translate((-0.2, 0.2), (-0.2, 0.2)),
    image.Scale((0.7, 1.4)),
    image.Stretch((0.75, 1.3), (0.75, 1.3)),
    image.Shear((-20, 20), (-20, 20)),
    image.Perspective(),
    image.ElasticTransform(),
    image.HorizontalFlip(),
    image.VerticalFlip(),
    image.RandomRotate90(),
    image.Brightness((0.4, 1.6)),
    image.Contrast((0.4, 1.6)),
    image.Gamma((0.5, 2.0)),
    image.Sharpness((0.1, 1.9)),
    image.GaussianBlur((0.0, 1.5)),
    image.GaussianNoise((0.0, 0.15)),
    image.Posterize((3, 8)),
    image.Solarize(Uniform(0, 1)),
    image.AutoContrast(),
    image.Equalize(),
    image.Invert(),
    image.CoarseDropout(),
)
_COLOURS: tuple[Operation, ...] = (image.Saturation((0.2, 1.8)), image.Hue((-0.1, 0.1)), image.Grayscale(p=1.0))

_SOUNDS: tuple[Operation, ...] = (
    audio.Gain((-12, 6)),
    audio.PolarityInversion(),
    audio.Shift(),
    audio.TimeStretch(),
    audio.PitchShift(),
    audio.Speed(),
    audio.Reverse(),
    audio.GaussianSNR(),
    audio.ColorNoise(),
    audio.LowPass(),
    audio.HighPass(),
    audio.BandStop(),
    audio.SevenBandEQ(),
    audio.Room(),
    audio.Tanh(),
    audio.TelephoneBand(),
    audio.TimeMask(),
)

_TEXTS: tuple[Operation, ...] = (
    text.RandomDeletion(Constant(0.3)),
    text.RandomSwap(Constant(0.3)),
    text.SynonymReplacement(),
    text.RandomInsertion(),
    text.StopWordDeletion(),
    text.KeyboardTypo(),
    text.CharacterDeletion(),
    text.CharacterTranspose(),
    text.OcrNoise(),
    text.CaseNoise(),
    text.WordMerge(),
    text.WordSplit(),
    text.PunctuationInsertion(),
    text.SentenceShuffle(),
    text.SentenceDeletion(),
    text.SpanCrop(),
)


def candidates(
    task: Task, safe: Sequence[Operation], presets: Mapping[str, Sequence[Operation]] | None = None
) -> tuple[Policy, ...]:
    """The arms of a search, those first that most deserve a run.

    Args:
        task: for its modality.
        safe: operations that leave the labels true, at full strength.
        presets: operations of presets by their names, as a check has left them; those without any are passed over.
    """
    trivial = _policy("trivial", [TrivialAugment(safe)]) if safe else None
    usual = [_policy(name, operations) for name, operations in (presets or {}).items() if operations]
    arms = [NONE]
    if trivial is not None:
        arms += [trivial, _policy("rand", [RandAugment(min(2, len(safe)), 15, safe)])]
    arms += usual
    arms += _published(task)
    if trivial is not None:
        arms += [
            _policy("rand, one at a time", [RandAugment(1, 20, safe)]),
            _policy("rand, weak", [RandAugment(min(2, len(safe)), 8, safe)]),
            _policy("rand, strong", [RandAugment(min(3, len(safe)), 20, safe)]),
            _policy("trivial, half of the time", [TrivialAugment(safe, p=0.5)]),
        ]
    arms += [_weaker(arm, 0.5) for arm in usual]
    if trivial is not None and usual:
        first = next(operations for operations in (presets or {}).values() if operations)
        arms.append(_policy(f"{usual[0].name} and trivial", [*first, TrivialAugment(safe)]))
    for mixer in _mixers(task.modality):
        arms += [_with(arm, mixer) for arm in (NONE, trivial, *usual[:1]) if arm is not None]
    return tuple(arms)


def _policy(name: str, operations: Sequence[Operation]) -> Policy:
    return Policy(name, Pipeline(operations))


def _published(task: Task) -> list[Policy]:
    """The policies of the papers, for pictures that they can be applied to."""
    if task.modality != "image" or any(picture.shape[2] not in (1, 3) for picture in task.samples):
        return []
    return [
        _policy("TrivialAugmentWide", [image.TrivialAugmentWide()]),
        _policy("RandAugment", [image.RandAugment()]),
    ]


def _weaker(arm: Policy, strength: float) -> Policy:
    assert arm.pipeline is not None
    return Policy(f"{arm.name} at {strength:g}", arm.pipeline.with_strength(strength), arm.mix)


def _mixers(modality: Modality) -> list[Mixer]:
    """What mixes finished batches; texts cannot be mixed, and of spectrograms no rectangles be exchanged."""
    usual: dict[Modality, list[Mixer]] = {"image": [MixUp(0.2), CutMix(1.0)], "audio": [MixUp(0.2)], "text": []}
    return usual[modality]


def _with(arm: Policy, mixer: Mixer) -> Policy:
    name = type(mixer).__name__ if arm.pipeline is None else f"{arm.name} and {type(mixer).__name__}"
    return Policy(name, arm.pipeline, (mixer,))

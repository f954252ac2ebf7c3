"""What goes wrong with samples in the field: changes of fixed strength, on which trained models are tested.

After Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions and perturbations",
near their third of five severities: the sample is worse, its class still plain. None is ever tested that an arm has
been trained on, nor a near relation of it.

`covary.image.corruptions` is that benchmark itself: pictures alone, five severities, the published constants and
arithmetic. Here is one strength each, for sounds and texts too, made as far as can be by the operations that a pipeline
may hold, whose names say what is kin to what. Where both have a thing, they differ: light is scaled here and raised in
HSV there, contrast is about mid-grey here and about each channel's mean there, displacements and noise come of other
draws, sides of coarse pixels are rounded here and cut off there, and the JPEG encoder is another. Scores of runs
that were made at different times are compared, so what is made here must not change with the benchmark's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops import audio, image, text
from covary.ops.base import Operation
from covary.ops.view import WHITE, Modality
from covary.pipeline import Pipeline
from covary.prove.inputs import varied_samples
from covary.prove.task import Task
from covary.prove.trial import Policy

Picture: TypeAlias = NDArray[Any]

SEED = 0x434F5252  # of the corruptions' draws: the same in all runs and arms


@dataclass(frozen=True, eq=False)
class Corruption:
    """One thing that goes wrong.

    Attributes:
        name: for people.
        kin: names of operations that make this or nearly this; trained on one of them, a model is not tested on it.
        operation: makes the operation for pictures of S px on their shorter side (0 for all else); None where `change`
            does it.
        change: of one picture, instead of an operation.
    """

    name: str
    kin: frozenset[str]
    operation: Callable[[int], Operation] | None = None
    change: Callable[[Picture], Picture] | None = None


def corruptions_for(modality: Modality) -> tuple[Corruption, ...]:
    """All corruptions of a modality."""
    return {"image": _pictures, "audio": _sounds, "text": _texts}[modality]()


def held_out(modality: Modality, policies: Sequence[Policy]) -> tuple[tuple[Corruption, ...], tuple[str, ...]]:
    """The corruptions that none of the policies trains on, and the names of those left out."""
    trained = {name for policy in policies for name in _names(policy)}
    every = corruptions_for(modality)
    kept = tuple(corruption for corruption in every if not corruption.kin & trained)
    return kept, tuple(corruption.name for corruption in every if corruption not in kept)


def corrupted(task: Task, indices: NDArray[np.int64], corruption: Corruption) -> list[dict[str, Any]]:
    """Samples under a corruption, as the fields of a pipeline; a function of the samples and their keys."""
    if corruption.change is not None:
        samples = [task.fields(i) for i in indices.tolist()]
        return [{**sample, "image": corruption.change(sample["image"])} for sample in samples]
    assert corruption.operation is not None
    if task.modality != "image":
        return varied_samples(task, indices, Pipeline([corruption.operation(0)], seed=SEED), 0)
    made: dict[int, dict[str, Any]] = {}
    sides = np.array([min(task.samples[i].shape[:2]) for i in indices.tolist()], dtype=np.int64)
    for side in np.unique(sides).tolist():
        rows = np.flatnonzero(sides == side)
        pipeline = Pipeline([corruption.operation(side)], seed=SEED)
        made.update(zip(rows.tolist(), varied_samples(task, indices[rows], pipeline, 0), strict=True))
    return [made[row] for row in range(len(indices))]


def _names(policy: Policy) -> Iterator[str]:
    """The types of all that a policy does, combinators and what they hold included."""
    operations = list(policy.pipeline.operations) if policy.pipeline is not None else []
    while operations:
        operation = operations.pop()
        yield type(operation).__name__
        operations += operation.children
    for mixer in policy.mix:
        yield type(mixer).__name__
        yield from (type(inner).__name__ for inner in getattr(mixer, "operations", None) or ())


def _fixed(name: str, operation: Callable[[int], Operation], *kin: str) -> Corruption:
    return Corruption(name, frozenset(kin), operation)


# Policies that vary light and colour, each by its own list of operations.
_POLICIES = ("RandAugment", "TrivialAugment", "TrivialAugmentWide", "AutoAugment", "AugMix", "AugMixViews")
_TONE = ("ColorJitter", "PhotoMetricDistort", "RandomToneCurve", *_POLICIES)
_LIGHT = ("Brightness", "RGBShift", "Gamma", "Illumination", "PlasmaBrightness", "PlasmaShadow", "Vignetting")


@cache
def _pictures() -> tuple[Corruption, ...]:
    return (
        _fixed("Gaussian noise", lambda s: image.GaussianNoise((0.12, 0.12)), *_NOISE),
        _fixed("salt and pepper", lambda s: image.SaltAndPepper((0.05, 0.05)), *_NOISE),
        _fixed("blur", lambda s: image.GaussianBlur((max(0.5, s / 50),) * 2), *_BLUR),
        _fixed("bright", lambda s: image.Brightness((1.4, 1.4)), *_LIGHT, *_TONE),
        _fixed("dark", lambda s: image.Brightness((0.5, 0.5)), *_LIGHT, *_TONE),
        _fixed(
            "low contrast",
            lambda s: image.Contrast((0.4, 0.4)),
            "Contrast",
            "PlasmaContrast",
            "Equalize",
            "CLAHE",
            *_TONE,
        ),
        _fixed(
            "elastic",
            lambda s: image.ElasticTransform((max(2.0, s / 4),) * 2, sigma=max(1.0, s / 16)),
            "ElasticTransform",
            "GridDistortion",
            "OpticalDistortion",
            "ThinPlateSpline",
            "PiecewiseAffine",
            "GridElasticDeform",
        ),
        Corruption("pixelated", frozenset({"Pixelate", "Downscale", "Resample"}), change=pixelated),
        Corruption("JPEG", frozenset({"Jpeg", "JPEG", "ImageCompression", "Compression"}), change=through_jpeg),
    )


_NOISE = (
    "GaussianNoise",
    "SaltAndPepper",
    "ISONoise",
    "ShotNoise",
    "PoissonNoise",
    "SpeckleNoise",
    "MultiplicativeNoise",
)
_BLUR = ("GaussianBlur", "MotionBlur", "Defocus", "BoxBlur", "MedianBlur", "ZoomBlur", "GlassBlur", "AdvancedBlur")


def pixelated(picture: Picture, share: float = 0.6) -> Picture:
    """A picture in coarser pixels: shrunk by area to a share of its sides, and back by nearest neighbour."""
    import cv2

    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (max(1, round(width * share)), max(1, round(height * share))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)).reshape(picture.shape)


def through_jpeg(picture: Picture, quality: int = 15) -> Picture:
    """A picture, there and back through JPEG; of one or three channels, others stay as they are."""
    import cv2

    channels = picture.shape[2]
    if channels not in (1, 3):
        return picture
    top = WHITE[picture.dtype.name]
    plain = np.rint(np.clip(picture, 0, top) * (255 / top)).astype(np.uint8)
    # OpenCV has blue first.
    done, code = cv2.imencode(".jpg", plain[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as JPEG")
    back = np.asarray(cv2.imdecode(code, cv2.IMREAD_UNCHANGED)).reshape(picture.shape)[..., ::-1] * (top / 255)
    return np.ascontiguousarray(back if picture.dtype == np.float32 else np.rint(back)).astype(picture.dtype)


@cache
def _sounds() -> tuple[Corruption, ...]:
    noise = ("GaussianNoise", "GaussianSNR", "ColorNoise", "BackgroundNoise", "ShortNoises")
    bands = ("LowPass", "BandPass", "TelephoneBand", "Downsample", "AirAbsorption", "HighShelf")
    found = (
        _fixed("noise at 10 dB", lambda s: audio.GaussianSNR((10, 10)), *noise),
        _fixed("brown noise at 5 dB", lambda s: audio.ColorNoise((5, 5), slope_db=(-6.02, -6.02)), *noise),
        _fixed(
            "room",
            lambda s: audio.Room(seconds=(0.6, 0.6), size_m=(8, 8), distance_m=(3, 3)),
            "Room",
            "ImpulseResponse",
            "Echo",
        ),
        _fixed("dull", lambda s: audio.LowPass((1500, 1500)), *bands),
        _fixed("telephone", lambda s: audio.TelephoneBand(), "HighPass", "LowShelf", *bands),
        _fixed(
            "clipped", lambda s: audio.ClippingDistortion((0.3, 0.3)), "ClippingDistortion", "Clip", "Tanh", "Limiter"
        ),
        _fixed(
            "packets lost",
            lambda s: audio.PacketLoss((0.15, 0.15), burst=(2, 2), concealment="silence"),
            "PacketLoss",
            "TimeMask",
        ),
        _fixed("quiet", lambda s: audio.Gain((-15, -15)), "Gain", "GainTransition", "Normalize", "Compressor"),
    )
    if not _writes_mp3():
        return found
    return (*found, _fixed("MP3", lambda s: audio.Mp3((0.7, 0.7)), "Mp3", "Vorbis", "Opus", "Gsm", "MuLaw"))


def _writes_mp3() -> bool:
    """Whether this libsndfile has MP3 (1.1 and later)."""
    import soundfile

    return "MP3" in soundfile.available_formats()


@cache
def _texts() -> tuple[Corruption, ...]:
    letters = ("KeyboardTypo", "CharacterInsertion", "CharacterSubstitution", "CharacterDeletion", "CharacterTranspose")
    return (
        _fixed("typing errors", lambda s: text.KeyboardTypo((0.08, 0.08)), *letters),
        _fixed("letters missing", lambda s: text.CharacterDeletion((0.08, 0.08)), *letters),
        _fixed("OCR errors", lambda s: text.OcrNoise((0.15, 0.15)), "OcrNoise", "Homoglyphs", "Leet"),
        _fixed("capitals", lambda s: text.CaseNoise((1, 1), mode="upper"), "CaseNoise"),
        _fixed("words joined", lambda s: text.WordMerge((0.2, 0.2)), "WordMerge"),
        _fixed("words split", lambda s: text.WordSplit((0.2, 0.2)), "WordSplit"),
        _fixed("misspellings", lambda s: text.Misspelling((1, 1)), "Misspelling", *letters),
        _fixed("blanks", lambda s: text.WhitespaceNoise((0.5, 0.5)), "WhitespaceNoise"),
        _fixed(
            "words missing", lambda s: text.RandomDeletion((0.2, 0.2)), "RandomDeletion", "StopWordDeletion", "SpanCrop"
        ),
    )

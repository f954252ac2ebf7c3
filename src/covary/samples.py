"""Samples of any kind, each part of them through the operations that are for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.courses import Courses
from covary.further import SEVERAL, has_further, leading, names_of
from covary.images import Images
from covary.ops.base import Course, Operation
from covary.ops.view import Modality
from covary.sound_samples import SoundSamples
from covary.stacks import STACKS, FrameNoise, is_stack

if TYPE_CHECKING:
    from covary.texts import Varied

IMAGES: frozenset[Modality] = frozenset({"image"})
SOUNDS: frozenset[Modality] = frozenset({"audio"})
TEXTS: frozenset[Modality] = frozenset({"text"})

# The fields that operations of a modality act on.
CONTENTS: Mapping[Modality, tuple[str, ...]] = {
    "image": ("image", "video", "volume"),
    "volume": ("volume",),
    "audio": ("audio",),
    "text": ("text",),
}


def modalities_of(operations: Iterable[Operation]) -> frozenset[Modality]:
    """What operations act on."""
    listed = list(operations)
    own = {operation.modality for operation in listed if operation.modality is not None}
    return frozenset(own).union(*(modalities_of(operation.children) for operation in listed))


@dataclass(frozen=True, eq=False)
class Samples:
    """How a pipeline treats samples.

    Attributes:
        images: how it treats their pictures.
        sounds: how it treats their sounds.
        modalities: what it has operations for; all else passes by.
        protect: what no operation on text may touch.
        frame_noise: whether the frames of a video and the slices of a volume have noise of their "own".
    """

    images: Images
    sounds: SoundSamples
    modalities: frozenset[Modality]
    protect: tuple[str, ...]
    frame_noise: FrameNoise = "own"

    def columns(
        self, columns: Mapping[str, Sequence[Any]], courses: Courses, threads: int, name: str | None
    ) -> dict[str, Any]:
        """Vary a batch whose fields are given by name, one entry for each sample.

        Args:
            columns: the fields.
            courses: where the numbers come from.
            threads: cores to use.
            name: of what came without a name, if anything did.
        """
        count = len(next(iter(columns.values())))
        if self.modalities == TEXTS and list(columns) == ["text"] and all(text is not None for text in columns["text"]):
            return {"text": self._texts(columns["text"], None, courses(np.arange(count))).texts}
        if self.are_sounds(columns):
            sounds = self.sounds.of_batch(columns)
            plan = self.sounds.plan_several(sounds, 1, courses(np.arange(count)))
            return self.sounds.draw_several(sounds, plan, threads)
        if self.modalities == IMAGES and columns.get("image") is not None and not _any_stack(columns):
            rest = {field: values for field, values in columns.items() if field != "image"}
            samples = [{field: values[row] for field, values in rest.items()} if rest else {} for row in range(count)]
            where = "images" if name == "image" else "image"
            outputs, labels = self.images.vary(columns["image"], samples, courses, threads, where)
        else:
            samples = [{field: values[row] for field, values in columns.items()} for row in range(count)]
            outputs, labels = self.vary(samples, courses, threads)
        return self._gathered(outputs, labels)

    def _gathered(self, outputs: Any, labels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The fields of all samples by name, and the finished pictures, if all have one."""
        if not labels[0] and outputs is not None:
            return {"image": outputs}
        varied: dict[str, Any] = {
            field: [label.get(field) for label in labels] for field in dict.fromkeys(f for e in labels for f in e)
        }
        for name in STACKS:
            if name in varied:
                varied[name] = _stacked(varied[name])
        if None in (rates := varied.get("rate", ())):
            varied["rate"] = [self.sounds.rate if rate is None else rate for rate in rates]
        return varied if outputs is None else {"image": outputs, **{f: v for f, v in varied.items() if f != "image"}}

    def vary(
        self, samples: Sequence[Mapping[str, Any]], courses: Courses, threads: int
    ) -> tuple[Any, list[dict[str, Any]]]:
        """Vary samples of any kinds: each part of them by the operations that are for it.

        Returns:
            The finished pictures, if all samples have one, and all fields of each sample.
        """
        varied = [dict(sample) for sample in samples]
        alone = self._led(varied) if "image" in self.modalities else []
        for sample in varied:
            self._check_content(sample)
        pictures = self._vary_pictures(varied, courses, threads) if "image" in self.modalities else None
        for row in alone:
            del varied[row]["image"]
        self.vary_stacks(varied, courses, threads)
        self.vary_beside(varied, courses, threads)
        return None if alone else pictures, varied

    def _led(self, samples: list[dict[str, Any]]) -> list[int]:
        """Let the first of several images lead where a sample has no `image`; which samples those are."""
        alone = []
        for row, sample in enumerate(samples):
            image, fields = leading(sample)
            if sample.get("image") is None and image is not None:
                alone.append(row)
                samples[row] = {"image": image, **fields}
        return alone

    def _vary_pictures(self, samples: list[dict[str, Any]], courses: Courses, threads: int) -> Any:
        """Vary the pictures of samples, whose places in the list the results take.

        Returns:
            The finished pictures, if all samples have one.
        """
        rows = _having(samples, "image")
        if not rows:
            return None
        images = [samples[row].pop("image") for row in rows]
        some = [samples[row] for row in rows]
        pictures, labels = self.images.vary(images, some, _part(courses, rows), threads, "image")
        _put(samples, rows, ({"image": picture, **label} for picture, label in zip(pictures, labels, strict=True)))
        return pictures if len(rows) == len(samples) else None

    def vary_some(self, samples: Sequence[Mapping[str, Any]], courses: Courses, threads: int) -> list[dict[str, Any]]:
        """Vary samples of any kinds; those that there are no operations for come back as they are.

        Raises:
            ValueError: a video or volume that is no array.
        """
        varied = [dict(sample) for sample in samples]
        rows = [row for row, sample in enumerate(varied) if self._varies(sample)]
        if rows:
            _, made = self.vary([varied[row] for row in rows], _part(courses, rows), threads)
            _put(varied, rows, made)
        return varied

    def _varies(self, sample: Mapping[str, Any]) -> bool:
        """Whether a sample has anything that there are operations for."""
        several = "image" in self.modalities and sample.get(SEVERAL) is not None
        if self.modalities & {"image", "volume"}:
            for name in STACKS:
                if isinstance(sample.get(name), (bytes, list, tuple)):
                    raise ValueError(
                        f"{name} is a {type(sample[name]).__name__}; a NumPy array of three or four axes is needed"
                    )
        return several or any(_holds(sample, name) for name in _contents(self.modalities))

    def are_sounds(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether a batch is one of sounds that come with no more than their rates."""
        if self.modalities != SOUNDS or "audio" not in columns or not columns.keys() <= {"audio", "rate"}:
            return False
        return type(None) not in set(map(type, columns["audio"]))

    def are_pictures(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether a batch holds pictures and nothing else, and no operation looks at labels."""
        return self.modalities == IMAGES and list(columns) == ["image"] and not self.images.layout.looks

    def is_one_picture(self, sample: Mapping[str, Any]) -> bool:
        """Whether a sample is a picture and labels, with operations for pictures alone."""
        if self.modalities != IMAGES or sample.get("image") is None:
            return False
        # Most samples have none of these fields, which is soon said.
        return self._pictures_beside.isdisjoint(sample) or not (
            has_stack(sample) or has_further(sample, self.images.labels.targets)
        )

    @cached_property
    def _pictures_beside(self) -> frozenset[str]:
        """The fields that hold pictures, but for `image`."""
        return frozenset((*STACKS, *names_of(self.images.labels.targets)))

    def name_of(self, content: Any) -> str:
        """As which field a bare array or string is meant."""
        if isinstance(content, str):
            return "text"
        if self.modalities & {"image", "volume"} and np.ndim(content) > 2:
            if "volume" in self.modalities:
                return "volume"
            if np.ndim(content) == 4:
                return "video"
        return "audio" if self.modalities == SOUNDS else "image"

    def _check_content(self, sample: Mapping[str, Any]) -> None:
        """Refuse a sample with nothing to vary, or whose labels could belong to two things."""
        contents = [name for name in dict.fromkeys(_contents(self.modalities)) if _holds(sample, name)]
        if not contents:
            raise self.nothing(sample)
        pictures = [name for name in CONTENTS["image"] if name in contents]
        if "image" in self.modalities and len(pictures) > 1:
            raise ValueError(
                f"a sample has {' and '.join(pictures)}: labels could belong to either; give a sample one of them"
            )

    def vary_stacks(self, samples: list[dict[str, Any]], courses: Courses, threads: int) -> None:
        """Vary the videos and volumes of samples, whose places in the list the results take."""
        if "image" in self.modalities and (rows := _having(samples, "video")):
            from covary.videos import vary_videos

            some = [samples[row] for row in rows]
            _put(samples, rows, vary_videos(self.images, some, _part(courses, rows), threads, self.frame_noise))
        if self.modalities & {"image", "volume"} and (rows := _having(samples, "volume")):
            from covary.volumes import vary_volumes

            some = [samples[row] for row in rows]
            _put(samples, rows, vary_volumes(self.images, some, _part(courses, rows), threads, self.frame_noise))

    def vary_beside(self, samples: list[dict[str, Any]], courses: Courses, threads: int) -> None:
        """Vary the sounds and texts of samples, whose places in the list the results take."""
        if "audio" in self.modalities and (rows := _having(samples, "audio")):
            some = [samples[row] for row in rows]
            _put(samples, rows, self.sounds.vary(some, courses(np.array(rows)), threads))
        if "text" in self.modalities:
            self._vary_texts(samples, courses)

    def _vary_texts(self, samples: list[dict[str, Any]], courses: Courses) -> None:
        rows = _having(samples, "text")
        if not rows:
            return
        texts = [samples[row].pop("text") for row in rows]
        made = self._texts(texts, [samples[row] for row in rows], courses(np.array(rows)))
        for row, text, label in zip(rows, made.texts, made.fields, strict=True):
            samples[row] = {"text": text, **label}

    def _texts(self, texts: Sequence[str], fields: Sequence[Mapping[str, Any]] | None, course: Course) -> Varied:
        from covary.texts import vary_texts

        return vary_texts(self.images.layout, texts, fields, course, protect=self.protect)

    def nothing(self, fields: Mapping[str, Any]) -> TypeError:
        """The error for a sample with nothing to vary."""
        for name in STACKS:
            if fields.get(name) is not None and not has_stack(fields):
                what = f"a {type(fields[name]).__name__}"
                return TypeError(f"{name} is {what}; a NumPy array of three or four axes is needed")
        names = sorted(self.modalities)
        return TypeError(f"no {' or '.join(names)} among the fields {sorted(fields)}; pass {names[0]}=...")


def has_stack(fields: Mapping[str, Any]) -> bool:
    """Whether a sample has a video or a volume."""
    return any(is_stack(fields.get(name)) for name in STACKS)


def _any_stack(columns: Mapping[str, Sequence[Any]]) -> bool:
    return any(name in columns and any(is_stack(value) for value in columns[name]) for name in STACKS)


def _contents(modalities: Iterable[Modality]) -> Iterator[str]:
    for modality in modalities:
        yield from CONTENTS[modality]


def _stacked(arrays: list[Any]) -> Any:
    """One array where all agree, else the list."""
    kinds = {(array.shape, array.dtype) if isinstance(array, np.ndarray) else None for array in arrays}
    return np.stack(arrays) if len(kinds) == 1 and None not in kinds else arrays


def _having(samples: Sequence[Mapping[str, Any]], content: str) -> list[int]:
    """Which samples have an image, a sound or a text."""
    return [row for row, sample in enumerate(samples) if _holds(sample, content)]


def _holds(sample: Mapping[str, Any], content: str) -> bool:
    value = sample.get(content)
    return is_stack(value) if content in STACKS else value is not None


def _put(samples: list[dict[str, Any]], rows: Sequence[int], made: Iterable[dict[str, Any]]) -> None:
    """Put samples in the places of others."""
    for row, sample in zip(rows, made, strict=True):
        samples[row] = sample


def _part(courses: Courses, rows: Sequence[int]) -> Courses:
    """The courses of some samples, which count anew."""
    chosen = np.array(rows)
    return lambda part: courses(chosen[part])

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
from covary.stacks import STACKS, FrameNoise, is_stack
from covary.waves import Stored

if TYPE_CHECKING:
    from covary.plan.audio import AudioPlan
    from covary.sounds import Sound, Sounds
    from covary.targets.events import Target
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
        modalities: what it has operations for; all else passes by.
        time_labels: how fields that move in time are written, by name.
        rate: of sounds that come without one.
        protect: what no operation on text may touch.
        frame_noise: whether the frames of a video and the slices of a volume have noise of their "own".
    """

    images: Images
    modalities: frozenset[Modality]
    time_labels: Mapping[str, Target]
    rate: int | None
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
            sounds = self.sounds_of(columns)
            return self.draw_several(sounds, self.plan_several(sounds, 1, courses(np.arange(count))), threads)
        if self.modalities == IMAGES and columns.get("image") is not None and not _any_stack(columns):
            rest = {field: values for field, values in columns.items() if field != "image"}
            samples = [{field: values[row] for field, values in rest.items()} if rest else {} for row in range(count)]
            where = "images" if name == "image" else "image"
            outputs, labels = self.images.vary(columns["image"], samples, courses, threads, where)
        else:
            samples = [{field: values[row] for field, values in columns.items()} for row in range(count)]
            outputs, labels = self.vary(samples, courses, threads)
        if not labels[0] and outputs is not None:
            return {"image": outputs}
        varied = {
            field: [label.get(field) for label in labels] for field in dict.fromkeys(f for e in labels for f in e)
        }
        for name in STACKS:
            if name in varied:
                varied[name] = _stacked(varied[name])
        if None in (rates := varied.get("rate", ())):
            varied["rate"] = [self.rate if rate is None else rate for rate in rates]
        return varied if outputs is None else {"image": outputs, **{f: v for f, v in varied.items() if f != "image"}}

    def vary(
        self, samples: Sequence[Mapping[str, Any]], courses: Courses, threads: int
    ) -> tuple[Any, list[dict[str, Any]]]:
        """Vary samples of any kinds: each part of them by the operations that are for it.

        Returns:
            The finished pictures, if all samples have one, and all fields of each sample.
        """
        varied = [dict(sample) for sample in samples]
        alone: list[int] = []
        if "image" in self.modalities:
            for row, sample in enumerate(varied):
                image, fields = leading(sample)
                if sample.get("image") is None and image is not None:
                    alone.append(row)
                    varied[row] = {"image": image, **fields}
        for sample in varied:
            self._check_content(sample)
        pictures = None
        if "image" in self.modalities:
            rows = _having(varied, "image")
            if rows:
                images = [varied[row].pop("image") for row in rows]
                some = [varied[row] for row in rows]
                pictures, labels = self.images.vary(images, some, _part(courses, rows), threads, "image")
                for row, picture, label in zip(rows, pictures, labels, strict=True):
                    varied[row] = {"image": picture, **label}
                pictures = pictures if len(rows) == len(varied) and not alone else None
                for row in alone:
                    del varied[row]["image"]
        self.vary_stacks(varied, courses, threads)
        self.vary_beside(varied, courses, threads)
        return pictures, varied

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
        if "audio" in self.modalities:
            self._vary_sounds(samples, courses, threads)
        if "text" in self.modalities:
            self._vary_texts(samples, courses)

    def _vary_sounds(self, samples: list[dict[str, Any]], courses: Courses, threads: int) -> None:
        from covary.sounds import vary_sounds

        rows = _having(samples, "audio")
        if not rows:
            return
        sounds = [samples[row].pop("audio") for row in rows]
        given = [samples[row].pop("rate", None) for row in rows]
        made = vary_sounds(
            self.images.layout,
            sounds,
            self._rates_of(sounds, given),
            [samples[row] for row in rows],
            courses(np.array(rows)),
            targets=self.targets,
            fuse=self.images.fuse,
            threads=threads,
        )
        for row, wave, before, rate, label in zip(rows, made.waves, given, made.rates, made.fields, strict=True):
            samples[row] = {"audio": wave, **self._told(before, rate), **label}

    def are_sounds(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether a batch is one of sounds that come with no more than their rates."""
        if self.modalities != SOUNDS or "audio" not in columns or not columns.keys() <= {"audio", "rate"}:
            return False
        return type(None) not in set(map(type, columns["audio"]))

    def sounds_of(self, columns: Mapping[str, Sequence[Any]]) -> Sounds:
        """The sounds of such a batch, checked."""
        from covary.sounds import Sounds

        sounds = list(columns["audio"])
        given = columns.get("rate")
        rates: list[Any] = [None] * len(sounds) if given is None else list(given)
        return Sounds.of(sounds, self._rates_of(sounds, rates), told=rates.count(None) < len(rates))

    def plan_several(self, sounds: Sounds, times: int, course: Course) -> AudioPlan:
        """The passes of several batches like this one, one after the other."""
        from covary.sounds import plan_sounds

        sizes, rates, given = sounds.sizes, sounds.rates, sounds.given
        if times > 1:
            sizes, rates, given = np.tile(sizes, (times, 1)), np.tile(rates, times), given * times
        return plan_sounds(self.images.layout, given, sizes, rates, course, self.images.fuse)

    def draw_several(self, sounds: Sounds, plan: AudioPlan, threads: int) -> dict[str, Any]:
        """A batch, as planned."""
        from covary.sounds import draw_sounds

        made = draw_sounds(plan, sounds.given, None, self.targets, threads)
        told = sounds.told or made.rates != [self.rate] * sounds.count
        return {"audio": made.waves, "rate": made.rates} if told else {"audio": made.waves}

    def _told(self, given: Any, rate: int) -> dict[str, int]:
        """The rate among the results: where it came with the sound, or where it is no longer the pipeline's own."""
        return {} if given is None and rate == self.rate else {"rate": rate}

    def sound_of(self, fields: Mapping[str, Any]) -> Sound:
        """The sound of one sample, checked, with its other fields."""
        from covary.sounds import Sound

        rest = dict(fields)
        audio, rate = rest.pop("audio", None), rest.pop("rate", None)
        if audio is None:
            raise self.nothing(fields)
        return Sound.of(audio, rate, self._rate_of(audio), rest)

    def plan_sound(self, sound: Sound, count: int, course: Course) -> AudioPlan:
        """The passes of several sounds like this one."""
        from covary.sounds import plan_sounds

        sizes, rates = np.tile(sound.size, (count, 1)), np.full(count, sound.rate, dtype=np.int64)
        return plan_sounds(self.images.layout, [sound.given] * count, sizes, rates, course, self.images.fuse)

    def draw_sound(self, sound: Sound, plan: AudioPlan) -> dict[str, Any]:
        """One sample, as planned."""
        from covary.sounds import draw_sounds

        made = draw_sounds(plan, [sound.given], [sound.fields] if sound.fields else None, self.targets, 1)
        return {"audio": made.waves[0], **self._told(sound.given_rate, made.rates[0]), **made.fields[0]}

    def _rates_of(self, sounds: Sequence[Any], given: list[Any]) -> list[Any]:
        """The rates of sounds, of which some may have come without one."""
        if given.count(None) == len(given) and set(map(type, sounds)) == {np.ndarray}:
            return [self.rate] * len(given)
        return [self._rate_of(sound) if rate is None else rate for sound, rate in zip(sounds, given, strict=True)]

    def _rate_of(self, sound: Any) -> int | None:
        """The rate of a sound that came without one."""
        if isinstance(sound, np.ndarray):
            return self.rate  # arrays are told first: to ask for a protocol costs more
        return sound.rate if isinstance(sound, Stored) else self.rate

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

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """How all fields are written that move in time."""
        from covary.targets.events import TARGETS

        return {**TARGETS, **self.time_labels}

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

"""Sounds as sources of an expansion: varied, and encoded in their own format and subtype."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.data.audio import AudioError, StoredSound, left_or_read
from covary.data.dataset import Sample, SampleError
from covary.data.encode_audio import encode_audio
from covary.expand.names import variation_name
from covary.expand.sources import Entry, Made
from covary.expand.variations import BATCH_LIMIT, BATCH_VALUES, canonical

if TYPE_CHECKING:
    from covary.expand.layout import Layout
    from covary.expand.rows import Recipe
    from covary.pipeline import Pipeline


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSound:
    """A sound in its file, and what belongs to it.

    Attributes:
        sound: of which no more is decoded than variations look at.
        clean: the same sound without what was added to it, if there is such a one.
        fields: its other fields: what is marked in it, and all that the data set says of it.
    """

    sound: StoredSound
    clean: StoredSound | None
    fields: Sample

    @property
    def told(self) -> dict[str, Any]:
        return {**self.measures, "channels": self.sound.channels, "dtype": self.sound.subtype}

    @property
    def measures(self) -> dict[str, int]:
        return {"samples": self.sound.length, "rate": self.sound.rate}

    @property
    def labels_text(self) -> None:
        """An original is as its source is."""

    def variations(
        self, pipeline: Pipeline, recipe: Recipe, layout: Layout, entry: Entry, epochs: Sequence[int]
    ) -> Iterator[Made]:
        try:
            yield from self._varied(pipeline, recipe, layout, entry, epochs)
        except AudioError as error:
            raise SampleError(entry.key, str(error)) from None

    def _varied(
        self, pipeline: Pipeline, recipe: Recipe, layout: Layout, entry: Entry, epochs: Sequence[int]
    ) -> Iterator[Made]:
        sound = self.sound
        stored = {**self.fields, **left_or_read(sound, self.clean, entry.key)}
        fields = {name: value for name, value in stored.items() if value is not None}
        at_once = max(1, min(BATCH_LIMIT, BATCH_VALUES // (sound.length * sound.channels)))
        for start in range(0, len(epochs), at_once):
            part = list(epochs[start : start + at_once])
            varied, traces = pipeline.traced([fields] * len(part), keys=[entry.key] * len(part), epoch=part)
            for epoch, sample, trace in zip(part, varied, traces, strict=True):
                wave, rate = sample["audio"], int(sample["rate"])
                if wave.shape[-1] == 0:
                    raise ValueError(f"it leaves nothing of the sound in variation {epoch}")
                data = encode_audio(np.atleast_2d(wave), rate, sound.format, sound.subtype, quality=recipe.quality)
                yield Made(
                    variation_name(entry.name, epoch, "same"),
                    epoch,
                    data,
                    sha256(data).hexdigest(),
                    canonical(trace),
                    _moved_text(self.fields, sample),
                    {"samples": wave.shape[-1], "rate": rate},
                    self._beside(layout, recipe, entry, epoch, sample),
                )

    def _beside(
        self, layout: Layout, recipe: Recipe, entry: Entry, epoch: int, sample: Sample
    ) -> list[tuple[str, bytes]]:
        """The clean sound in a file of its own."""
        if self.clean is None:
            return []
        (name,) = layout.part_names(entry, variation_name(entry.name, epoch, "same"))
        form = self.clean.format, self.clean.subtype
        return [(name, encode_audio(sample["clean"], int(sample["rate"]), *form, quality=recipe.quality))]


def _moved_text(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The fields that the change has moved, as JSON by name; None where there are none."""
    # A column called rate may be that of speech: whose it is, the table's layout knows.
    names = [name for name in before if name != "rate" and name in now and now[name] is not before[name]]
    moved = {name: _plain(now[name]) for name in names}
    moved = {name: value for name, value in moved.items() if value != _plain(before[name])}
    # The names in a word or an event keep their order: it is that of the rows that are written.
    return json.dumps(moved, separators=(",", ":")) if moved else None


def _plain(value: Any) -> Any:
    """A field as JSON has it."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value

"""Pictures as sources of an expansion: decoded, varied, encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from covary.data.decode import decode
from covary.expand.names import OutputFormat, variation_name, written_format
from covary.expand.sources import Entry, Labels, Made, Raw
from covary.expand.variations import encoded, labels_text
from covary.plan.changes import Image

if TYPE_CHECKING:
    from covary.expand.layout import Layout
    from covary.expand.rows import Recipe
    from covary.pipeline import Pipeline


class PictureReader(Protocol):
    """Reads the sources of a data set of pictures."""

    def labels(self, entry: Entry, facts: str | None, raw: Raw, picture: Image) -> Labels:
        """What goes through the pipeline with the decoded picture.

        Args:
            facts: what the file common to all sources says of this one.

        Raises:
            AnnotationError, SampleError: it makes no sense for this picture.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class OpenedPicture:
    """A picture, decoded, and what belongs to it.

    Attributes:
        raw: as it was read.
        picture: (H, W, C) pixels.
        labels: what goes through the pipeline with it.
    """

    raw: Raw
    picture: Image
    labels: Labels

    @property
    def told(self) -> dict[str, Any]:
        return {**self.measures, "channels": self.picture.shape[2], "dtype": self.picture.dtype.name}

    @property
    def measures(self) -> dict[str, int]:
        return {"height": self.picture.shape[0], "width": self.picture.shape[1]}

    @property
    def labels_text(self) -> str | None:
        return labels_text(None if self.labels.objects is None else self.labels.objects.instances)

    def variations(
        self, pipeline: Pipeline, recipe: Recipe, layout: Layout, entry: Entry, epochs: Sequence[int]
    ) -> Iterator[Made]:
        wanted: OutputFormat = recipe.format  # type: ignore[assignment]
        format = written_format(entry.name, wanted)
        mask = None if self.labels.mask is None else self.labels.mask.pixels
        file = self.raw.file_for(recipe.decode)
        for made in encoded(
            pipeline, self.picture, entry.key, epochs, format, recipe.quality, self.labels.objects, mask, file
        ):
            variation = made.variation
            path = variation_name(entry.name, variation.epoch, wanted)
            yield Made(
                path,
                variation.epoch,
                made.data,
                made.sha256,
                made.trace,
                made.labels,
                {"height": variation.image.shape[0], "width": variation.image.shape[1]},
                layout.parts(entry, path, variation, self.labels.mask),
            )


def opened_picture(reader: PictureReader, entry: Entry, facts: str | None, raw: Raw) -> OpenedPicture:
    """Decode a picture, with its labels.

    Raises:
        DecodeError, AnnotationError, SampleError: it cannot be used.
    """
    picture = decode(raw.content) if isinstance(raw.content, bytes) else raw.content
    return OpenedPicture(raw, picture, reader.labels(entry, facts, raw, picture))

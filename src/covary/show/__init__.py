"""What a pipeline does, to be looked at: a sheet of pictures, a page of sounds, texts with their edits marked."""

from __future__ import annotations

import os
from collections.abc import Sized
from pathlib import Path
from typing import Literal, NamedTuple, TextIO, TypeAlias

from covary.data.dataset import Dataset, Sample
from covary.data.folder import Problem
from covary.data.open import open_dataset
from covary.pipeline import Pipeline
from covary.samples import modalities_of
from covary.show.pictures import contact_sheet
from covary.show.subject import heading, named

__all__ = ["Shown", "contact_sheet", "show"]

Content: TypeAlias = Literal["image", "audio", "text"]

CONTENTS: tuple[Content, ...] = ("image", "audio", "text")
HTML = frozenset((".html", ".htm"))
SHEET, PAGE = "sheet.png", "sheet.html"


class Shown(NamedTuple):
    """What was shown.

    Attributes:
        path: of the file that was written; None: it was printed.
        skipped: samples that could not be shown, and why.
    """

    path: Path | None
    skipped: tuple[Problem, ...]


def show(
    source: str | os.PathLike[str] | Dataset,
    pipeline: Pipeline | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    count: int = 6,
    times: int = 5,
    annotations: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    file: TextIO | None = None,
) -> Shown:
    """Show samples of a data set and variations of each: those that training and `expand` see, variation k at epoch k.

    Pictures come as one sheet with their boxes, masks and keypoints. Sounds come as a page of HTML that needs nothing
    but itself: waveform, spectrogram, events and a player for each. Texts are printed with their edits marked, or come
    as such a page. Where a pipeline varies several of them, pictures are shown; a page (.html) shows sounds or else
    texts.

    Args:
        source: path of a data set of any kind, or a `Dataset`.
        pipeline: a Pipeline, or the path of its YAML file.
        out: file to write. Default: sheet.png for pictures, sheet.html for sounds; texts are printed.
        count: samples to show, taken evenly from the classes.
        times: variations of each.
        annotations: a COCO file for a plain folder of pictures.
        seed: in place of the pipeline's own.
        file: where texts are printed; standard output by default.

    Raises:
        ValueError: nothing can be shown, or `out` has another ending.
        OSError: a file cannot be read or written.
    """
    varying, name = named(pipeline, seed)
    on_page = out is not None and Path(out).suffix.lower() in HTML
    content, dataset = _content(source, varying, on_page)
    if content == "image" or dataset is None:
        sheet = Path(SHEET if out is None else out)
        return Shown(
            sheet, contact_sheet(source, pipeline, sheet, count=count, times=times, annotations=annotations, seed=seed)
        )
    if out is not None and not on_page:
        what = "sounds are shown" if content == "audio" else "texts are printed, or shown"
        raise ValueError(f"{out}: {what} as a page; allowed: .html")
    title = source if isinstance(source, str | os.PathLike) else type(source).__name__
    title = Path(os.path.realpath(title)).name
    if content == "audio":
        from covary.show.sound_page import sound_page
        from covary.show.sounds import sound_rows

        sounds, skipped = sound_rows(dataset, varying, count=count, times=times)
        _some(sounds, source, content, skipped)
        about = heading(varying, name, "sound", len(sounds), times)
        return Shown(_written(PAGE if out is None else out, sound_page(title, about, sounds)), skipped)
    from covary.show.terminal import print_texts
    from covary.show.text_page import text_page
    from covary.show.texts import text_rows

    texts, skipped = text_rows(dataset, varying, count=count, times=times)
    _some(texts, source, content, skipped)
    about = heading(varying, name, "text", len(texts), times)
    if out is None:
        print_texts(title, about, texts, file)
        return Shown(None, skipped)
    return Shown(_written(out, text_page(title, about, texts)), skipped)


def _content(
    source: str | os.PathLike[str] | Dataset, pipeline: Pipeline, on_page: bool
) -> tuple[Content, Dataset | None]:
    """What is to be shown, and the data set that it is in; None for pictures, which are opened otherwise."""
    varied = modalities_of(pipeline.operations)
    if "image" in varied and not (on_page and len(varied) > 1):
        return "image", None
    if not varied:
        try:
            dataset = open_dataset(source)
        except (ValueError, OSError):
            return "image", None  # which says what is wrong
        first = next((fields for index in range(len(dataset)) if (fields := _fields(dataset, index))), {})
        content: Content = next((each for each in CONTENTS if first.get(each) is not None), "image")
        return content, dataset
    return "audio" if "audio" in varied else "text", open_dataset(source)


def _fields(dataset: Dataset, index: int) -> Sample | None:
    """The fields of a sample, if it can be read."""
    try:
        return dataset.read(index)
    except (ValueError, OSError):
        return None


def _some(rows: Sized, source: object, content: str, skipped: tuple[Problem, ...]) -> None:
    if not len(rows):
        what = {"audio": "sound", "text": "text"}[content]
        raise ValueError(
            f"{source}: no {what} there can be shown" + "".join(f"; {p.name}: {p.reason}" for p in skipped[:1])
        )


def _written(out: str | os.PathLike[str], data: bytes) -> Path:
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path

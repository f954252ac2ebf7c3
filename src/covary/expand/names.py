"""Where an output lies: a function of its source's name alone, no other file can change it, no two share it.

Variations: `<stem>__<k>.<ext>` where the format stays the source's own; `<whole name>__<k>.<ext>` where all outputs get
one format, so that a.jpg and a.png stay apart (a.jpg__0.png, a.png__0.png). After the last "__" there are only digits
and the ending, so the source's name can be read back from it.

Originals keep their name, unless it ends in `__<digits>` or `__original` before the ending: then `__original` is added.
So no original can take a variation's name.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

from covary.data.encode import EXTENSIONS
from covary.data.header import Format

OutputFormat: TypeAlias = Literal["same", "png", "jpeg", "webp"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
ShardFormat: TypeAlias = Literal["webdataset", "parquet"]
SHARD_FORMATS: tuple[ShardFormat, ...] = get_args(ShardFormat)

_ENDINGS: dict[OutputFormat, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
_TAKEN = re.compile(r"__([0-9]+|original)\Z")


def variation_name(source: str, epoch: int, format: OutputFormat) -> str:
    """Name of a source's variation, relative to the output folder."""
    if format == "same":
        stem, ending = _parted(source)
        return f"{stem}__{epoch}{ending}"
    return f"{source}__{epoch}{_ENDINGS[format]}"


def original_name(source: str) -> str:
    """Name of a source's original, relative to the output folder."""
    stem, ending = _parted(source)
    return f"{stem}__original{ending}" if _TAKEN.search(stem) else source


def _parted(name: str) -> tuple[str, str]:
    """A name and its ending, "" where it has none: rows of tables have none."""
    folder, slash, last = name.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    return (f"{folder}{slash}{stem}", f"{dot}{ending}") if dot else (name, "")


def written_format(source: str, format: OutputFormat) -> Format:
    """The format in which a source's variations are written."""
    if format != "same":
        return format
    return EXTENSIONS["." + source.rpartition(".")[2].lower()]

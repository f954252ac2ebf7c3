"""What commands are told: the arguments and options that several of them have, and what options can be."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Originals(StrEnum):
    """What becomes of the originals."""

    none = "none"
    link = "link"
    copy = "copy"


class OutputFormat(StrEnum):
    """In which format variations are written."""

    same = "same"
    png = "png"
    jpeg = "jpeg"
    webp = "webp"


class ExpandFormat(StrEnum):
    """In which format an expansion is written: pictures, or shards of them."""

    same = "same"
    png = "png"
    jpeg = "jpeg"
    webp = "webp"
    webdataset = "webdataset"
    parquet = "parquet"


class Engine(StrEnum):
    """What carries out an expansion."""

    local = "local"
    ray = "ray"


class Decode(StrEnum):
    """How much of a JPEG is decoded."""

    full = "full"
    scaled = "scaled"


class OnError(StrEnum):
    """What a picture that cannot be used does."""

    skip = "skip"
    stop = "raise"


Source = Annotated[Path, typer.Argument(metavar="SRC", help="Data set: a folder, or the file that describes it.")]
PipelineFile = Annotated[Path, typer.Option("--pipeline", "-p", help="YAML file of the pipeline.")]
Annotations = Annotated[Path | None, typer.Option(help="COCO file with boxes, regions and keypoints of the pictures.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads. [default: every core]", show_default=False)]
Quality = Annotated[int, typer.Option(min=1, max=100, help="For JPEG, and for WebP (100: lossless).")]
Kind = Annotated[str | None, typer.Option(help="Of the data set: folder, coco, yolo, voc ... [default: look]")]
Split = Annotated[str | None, typer.Option(help="Only this part of the data, such as train.")]

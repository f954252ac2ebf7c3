"""Reading and writing data: data sets of any kind, decoding, encoding, annotation files.

Everything public is here; what it needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covary.data.array_folder import ArrayFolder as ArrayFolder
    from covary.data.arrays import Arrays as Arrays
    from covary.data.audio import AudioFolder as AudioFolder
    from covary.data.audio import StoredSound as StoredSound
    from covary.data.audio import open_sound as open_sound
    from covary.data.audio import read_audio as read_audio
    from covary.data.coco_dataset import CocoDataset as CocoDataset
    from covary.data.dataset import Dataset as Dataset
    from covary.data.dataset import Encoded as Encoded
    from covary.data.dataset import Sample as Sample
    from covary.data.dataset import SampleError as SampleError
    from covary.data.huggingface import HuggingFaceDataset as HuggingFaceDataset
    from covary.data.images import ImageFolder as ImageFolder
    from covary.data.instances import Category as Category
    from covary.data.instances import Instance as Instance
    from covary.data.items import Items as Items
    from covary.data.masks import decode_mask as decode_mask
    from covary.data.open import open_dataset as open_dataset
    from covary.data.pairs import MaskPairs as MaskPairs
    from covary.data.subset import Subset as Subset
    from covary.data.tables import TableDataset as TableDataset
    from covary.data.texts import TextFolder as TextFolder
    from covary.data.texts import TextLines as TextLines
    from covary.data.voc import VocDataset as VocDataset
    from covary.data.webdataset import WebDataset as WebDataset
    from covary.data.yolo import YoloDataset as YoloDataset

# Public name -> the module that holds it.
_HOMES = {
    "open_dataset": "covary.data.open",
    **dict.fromkeys(("Dataset", "Encoded", "Sample", "SampleError"), "covary.data.dataset"),
    **dict.fromkeys(("Category", "Instance"), "covary.data.instances"),
    "ImageFolder": "covary.data.images",
    "MaskPairs": "covary.data.pairs",
    "CocoDataset": "covary.data.coco_dataset",
    "YoloDataset": "covary.data.yolo",
    "VocDataset": "covary.data.voc",
    "TableDataset": "covary.data.tables",
    "HuggingFaceDataset": "covary.data.huggingface",
    "WebDataset": "covary.data.webdataset",
    **dict.fromkeys(("AudioFolder", "StoredSound", "open_sound", "read_audio"), "covary.data.audio"),
    **dict.fromkeys(("TextFolder", "TextLines"), "covary.data.texts"),
    "ArrayFolder": "covary.data.array_folder",
    "Arrays": "covary.data.arrays",
    "Items": "covary.data.items",
    "Subset": "covary.data.subset",
    "decode_mask": "covary.data.masks",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'covary.data' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Packing: a data set shrunk once to a bounded size, in WebDataset shards, for faster epochs."""

from covary.pack.packing import pack
from covary.pack.report import PackReport

__all__ = ["PackReport", "pack"]

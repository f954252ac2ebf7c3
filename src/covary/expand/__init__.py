"""Offline expansion: a folder of pictures in, a larger one out, with a record of every change."""

from covary.expand.errors import ExpandError
from covary.expand.expansion import expand
from covary.expand.merging import Merged, merge
from covary.expand.report import Report
from covary.expand.verify import Verification, verify

__all__ = ["ExpandError", "Merged", "Report", "Verification", "expand", "merge", "verify"]

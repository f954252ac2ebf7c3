"""Offline expansion: a folder of pictures in, a larger one out, with a record of every change."""

import sys
from types import ModuleType
from typing import Any

from covary.expand.errors import ExpandError
from covary.expand.report import Report
from covary.expand.run import expand
from covary.expand.verify import Verification, verify


class _Room(ModuleType):
    """This package, which can be called like the function of its name.

    `covary.expand` is both: importing any module of this package binds the name to the package.
    """

    def __call__(self, *arguments: Any, **options: Any) -> Report:
        return expand(*arguments, **options)


sys.modules[__name__].__class__ = _Room

__all__ = ["ExpandError", "Report", "Verification", "expand", "verify"]

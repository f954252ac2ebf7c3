"""The error that stops an expansion."""

from __future__ import annotations


class ExpandError(Exception):
    """An expansion or its check cannot begin or go on; the message says why and what helps.

    What was finished before is on disk and in the manifest: the same command goes on from there.
    """

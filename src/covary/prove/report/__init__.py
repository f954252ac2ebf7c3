"""The page of an experiment."""

from __future__ import annotations

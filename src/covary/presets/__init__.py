"""Pipelines for kinds of data: what usually helps there, and without what does harm there.

Each preset says what it leaves out and why. They are starting points: `covary check` says whether one is safe on your
data, `covary prove` whether it helps.
"""

from covary.presets.pictures import (
    digits,
    documents,
    driving,
    faces,
    histology,
    industrial,
    photos,
    satellite,
    xray,
)
from covary.presets.sounds import sounds, speech
from covary.presets.standard import standard
from covary.presets.texts import text

__all__ = [
    "digits",
    "documents",
    "driving",
    "faces",
    "histology",
    "industrial",
    "photos",
    "satellite",
    "sounds",
    "speech",
    "standard",
    "text",
    "xray",
]

"""One sound as a figure: what is marked in it, its waveform and its spectrogram over one axis of time."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from covary.data.encode import encode
from covary.drawing import COLOURS, Rgb
from covary.ops.audio.features import LogMel
from covary.plan.changes import Image
from covary.show.page import escape
from covary.show.sounds import Mark, SoundVersion
from covary.waves import to_float

# All in units of the figure, which the page scales to its width.
WIDTH = 1000
LEFT = 46
PLOT = WIDTH - LEFT - 8
LANE = 17
WAVE = 84
SPECTRUM = 110
GAP = 6
AXIS = 20
CHARACTER = 6.2  # of a label, about

BANDS = 80
MOST_FRAMES = 700
RANGE_DB = 80  # from the loudest to what is black
HEAD = "head"


@dataclass(frozen=True, slots=True)
class Scale:
    """What the figures of one sample have in common, so that they can be compared.

    Attributes:
        per_second: units of the figure.
        peak: the amplitude at the waveform's edge.
        loudest: power in dB of the spectrograms' brightest place.
        colours: of the labels.
    """

    per_second: float
    peak: float
    loudest: float
    colours: Mapping[str, str]

    @classmethod
    def of(cls, versions: Sequence[SoundVersion]) -> Scale:
        """The scale at which all versions fit."""
        longest = max(version.seconds for version in versions)
        peak = max(float(abs(to_float(version.wave)).max(initial=0)) for version in versions)
        loudest = max(float(spectrogram(version)[0].max(initial=-100.0)) for version in versions)
        labels = dict.fromkeys(mark.label for each in versions for marks in each.marks.values() for mark in marks)
        colours = {label: _css(COLOURS[index % len(COLOURS)]) for index, label in enumerate(labels)}
        return cls(PLOT / longest if longest > 0 else PLOT, peak or 1.0, loudest, colours)

    def x(self, seconds: float) -> float:
        """Where a moment is."""
        return LEFT + seconds * self.per_second


def spectrogram(version: SoundVersion) -> tuple[NDArray[np.float32], float]:
    """Power in mel bands, (bands, frames) in dB, of all channels together; and the seconds from frame to frame.

    Frame i is centred on i times that.
    """
    rate, samples = version.rate, version.wave.shape[1]
    size = 1 << max(6, ceil(log2(max(rate, 1) * 0.04)))
    hop = max(1, rate // 100, ceil(samples / MOST_FRAMES))
    bands = LogMel(rate=rate, size=size, hop=hop, bands=BANDS, log="db")
    mono = to_float(version.wave).mean(axis=0, dtype=np.float32)
    return bands(mono), hop / rate


def figure(version: SoundVersion, scale: Scale) -> str:
    """The figure as inline SVG."""
    lanes = {name: _lanes(marks, scale) for name, marks in version.marks.items()}
    top = sum(max(numbers, default=-1) + 1 for numbers in lanes.values()) * LANE + (GAP if any(lanes.values()) else 0)
    middle = top + WAVE + GAP
    height = middle + SPECTRUM + AXIS
    parts = [_wave(version, scale, top), _spectrum(version, scale, middle), _axis(version, scale, height)]
    row = 0
    for name, numbers in lanes.items():
        marks = zip(version.marks[name], numbers, strict=True)
        parts += [_mark(name, mark, scale, (row + lane) * LANE, height - AXIS) for mark, lane in marks]
        row += max(numbers, default=-1) + 1
    parts.append(f'<line class="{HEAD}" x1="{LEFT}" x2="{LEFT}" y1="{top}" y2="{height - AXIS}"/>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" data-left="{LEFT}" data-scale="{scale.per_second:.6f}" role="img" '
        f'aria-label="{escape(_told(version))}">{"".join(parts)}</svg>'
    )


def _css(colour: Rgb) -> str:
    red, green, blue = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def _told(version: SoundVersion) -> str:
    """The figure in words."""
    said = [
        f"{name}: " + "; ".join(f"{mark.label} {mark.start:.3f} to {mark.end:.3f} s".strip() for mark in marks)
        for name, marks in version.marks.items()
        if marks
    ]
    return ". ".join([f"Waveform and spectrogram of {version.title}, {version.seconds:.3f} s", *said])


def _wave(version: SoundVersion, scale: Scale, top: float) -> str:
    wave = to_float(version.wave)
    width = version.seconds * scale.per_second
    middle, half = top + WAVE / 2, WAVE / 2
    shape = ""
    if wave.shape[1]:
        columns = min(wave.shape[1], max(1, round(width)))
        starts = np.arange(columns) * wave.shape[1] // columns
        high = np.maximum.reduceat(wave.max(axis=0), starts) / scale.peak
        low = np.minimum.reduceat(wave.min(axis=0), starts) / scale.peak
        across = LEFT + (np.arange(columns) + 0.5) * width / columns
        # Silence is a line, not nothing.
        above = middle - np.maximum(high, 0) * half - 0.4
        below = middle - np.minimum(low, 0) * half + 0.4
        points = [*zip(across, above, strict=True), *zip(across[::-1], below[::-1], strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shape = f'<polygon class="wave" points="{path}"/>'
    return (
        f'<rect class="frame" x="{LEFT}" y="{top}" width="{width:.2f}" height="{WAVE}"/>{shape}'
        f'<text x="{LEFT - 4}" y="{top + 10}" text-anchor="end">{scale.peak:.2g}</text>'
        f'<text x="{LEFT - 4}" y="{top + WAVE - 2}" text-anchor="end">-{scale.peak:.2g}</text>'
    )


def _spectrum(version: SoundVersion, scale: Scale, top: float) -> str:
    power, hop = spectrogram(version)
    width = version.seconds * scale.per_second
    labels = (
        f'<text x="{LEFT - 4}" y="{top + 10}" text-anchor="end">{version.rate / 2000:g} kHz</text>'
        f'<text x="{LEFT - 4}" y="{top + SPECTRUM - 2}" text-anchor="end">0</text>'
    )
    if not power.shape[1]:
        return labels
    data = b64encode(encode(_coloured(power, scale.loudest), "png")).decode("ascii")
    column = hop * scale.per_second
    # Its first column is centred on the beginning: half of it lies before.
    return (
        f'<svg x="{LEFT}" y="{top}" width="{width:.2f}" height="{SPECTRUM}" overflow="hidden">'
        f'<image x="{-column / 2:.3f}" y="0" width="{power.shape[1] * column:.3f}" height="{SPECTRUM}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{data}"/></svg>{labels}'
    )


def _coloured(power: NDArray[np.float32], loudest: float) -> Image:
    """A spectrogram as a picture, low frequencies below."""
    import cv2

    grey = np.clip((power[::-1] - (loudest - RANGE_DB)) * (255 / RANGE_DB), 0, 255).astype(np.uint8)
    made: Image = cv2.applyColorMap(np.ascontiguousarray(grey), cv2.COLORMAP_MAGMA)[:, :, ::-1]
    return np.ascontiguousarray(made)


def _axis(version: SoundVersion, scale: Scale, height: float) -> str:
    """Ticks at round numbers of seconds."""
    step = _round_step(90 / scale.per_second)
    parts = []
    for number in range(int(version.seconds / step + 1e-9) + 1):
        seconds = number * step
        x = scale.x(seconds)
        parts.append(
            f'<line class="tick" x1="{x:.2f}" x2="{x:.2f}" y1="{height - AXIS}" y2="{height - AXIS + 4}"/>'
            f'<text x="{x:.2f}" y="{height - 4}" text-anchor="middle">{seconds:.6g} s</text>'
        )
    return "".join(parts)


def _round_step(least: float) -> float:
    """The least of 1, 2, 5, 10 ... times a power of ten that is not below."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9)))


def _lanes(marks: Sequence[Mark], scale: Scale) -> list[int]:
    """In which lane each mark stands, so that none lies on another or its label."""
    ends: list[float] = []
    lanes = [0] * len(marks)
    for index in sorted(range(len(marks)), key=lambda index: (marks[index].start, marks[index].end)):
        mark = marks[index]
        start = scale.x(mark.start)
        lane = next((number for number, end in enumerate(ends) if end <= start + 1e-6), len(ends))
        ends[lane : lane + 1] = [max(scale.x(mark.end), start + 2)]
        lanes[index] = lane
    return lanes


def _mark(name: str, mark: Mark, scale: Scale, top: float, bottom: float) -> str:
    """An event: a bar with its label, and lines at its start and end down through waveform and spectrogram."""
    colour = scale.colours[mark.label]
    x, end = scale.x(mark.start), scale.x(mark.end)
    edges = "".join(
        f'<line x1="{at:.2f}" x2="{at:.2f}" y1="{top + LANE - 2}" y2="{bottom}" stroke="{colour}"/>'
        for at in dict.fromkeys((x, end))
    )
    shown = mark.label[: max(0, int((end - x - 4) / CHARACTER))] if end > x else mark.label[:12]
    return (
        f'<g class="mark" data-field="{escape(name)}" data-label="{escape(mark.label)}" data-start="{mark.start:.6f}" '
        f'data-end="{mark.end:.6f}"><title>{escape(name)}: {escape(mark.label)} {mark.start:.3f} to {mark.end:.3f} s'
        f'</title><rect x="{x:.2f}" y="{top}" width="{max(end - x, 1):.2f}" height="{LANE - 2}" fill="{colour}" '
        f'stroke="{colour}"/><text x="{x + 3:.2f}" y="{top + LANE - 6}">{escape(shown)}</text>{edges}</g>'
    )

"""Examples of what a policy does, as HTML: originals and variations side by side."""

from __future__ import annotations

import base64
import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.prove.task import Task
from covary.prove.trial import Policy

ROWS = 5
TIMES = 4
SIDE = 96  # px
MOST_WORDS = 300  # characters of a text


def examples(task: Task, policy: Policy) -> str:
    """A table of samples, one of each of the first classes, and variations of them; "" where there is no pipeline."""
    if policy.pipeline is None:
        return ""
    body, _ = policy.pipeline.parted()
    found = [int(np.flatnonzero(task.labels == label)[0]) for label in np.unique(task.labels)[:ROWS]]
    rows = []
    for index in found:
        fields = task.fields(index)
        made = [fields]
        for epoch in range(TIMES):
            out = body(**fields, key=task.keys[index], epoch=epoch)
            made.append({name: out[name] for name in fields})
        cells = "".join(f"<td>{_shown(task, sample)}</td>" for sample in made)
        rows.append(f"<tr><th>{html.escape(task.classes[int(task.labels[index])])}</th>{cells}</tr>")
    head = "<tr><th></th><th>original</th>" + f'<th colspan="{TIMES}">variations</th></tr>'
    return f'<table class="examples">{head}{"".join(rows)}</table>'


def _shown(task: Task, sample: dict[str, Any]) -> str:
    if task.modality == "text":
        text = sample["text"]
        return html.escape(text if len(text) <= MOST_WORDS else text[:MOST_WORDS] + " ...")
    picture = sample["image"] if task.modality == "image" else _spectrogram(sample["audio"], int(sample["rate"]))
    return f'<img src="{_embedded(picture)}" alt="">'


def _embedded(picture: NDArray[Any]) -> str:
    from covary.data.encode import encode
    from covary.drawing import viewable

    shown, _ = viewable(picture, SIDE)
    return "data:image/png;base64," + base64.b64encode(encode(shown, "png")).decode()


def _spectrogram(wave: NDArray[Any], rate: int) -> NDArray[np.uint8]:
    """A sound as a picture: low pitches at the bottom, loud is dark."""
    from covary.ops.audio.features import LogMel

    size = 1 << max(5, round(np.log2(rate * 0.025)))
    bands = LogMel(rate=rate, size=size, hop=max(1, size // 2), bands=40, least=1e-6)
    energy = np.asarray(bands(np.atleast_2d(wave).mean(0, dtype=np.float32)))
    energy = energy.reshape(40, -1)[::-1]
    scaled = (energy - energy.min()) / max(float(np.ptp(energy)), 1e-6)
    return np.asarray(255 * (1 - scaled), dtype=np.uint8)[..., None]

"""Samples stacked to batches, and mixed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.data import default_collate

from covary.draws.keys import Key
from covary.interop.forms import is_tensor, tensor_array, to_tensors
from covary.interop.pytorch.keyed import Samples
from covary.interop.pytorch.places import place_of_draws
from covary.ops.mix.base import Mixers, alternatives, mix_batch
from covary.ops.mix.labels import Classes
from covary.pipeline import Pipeline


class Collate:
    """A `collate_fn` that stacks samples, and mixes them.

    What has one shape in all samples is stacked; annotations and everything else of differing lengths stays a list.
    With mixers, pictures and labels are mixed as a batch: in dicts, `target` holds the soft labels (B, K), float32,
    that sum to one; of tuples (picture, label) the label becomes them.

    Of a data set made by `wrap`, the draws depend on its keys and epoch alone. Of any other they are told apart by
    worker and batch, as those of `Transform`.

    Args:
        mix: a mixer of `covary.mix`, or a list of mixers and (mixer, weight) pairs; each sample is given one of them.
        classes: how many classes there are, or their names. Needed for labels that are class numbers.
        seed: of the mixing's randomness, in [0, 2**64). Default 0.
        then: a pipeline for the mixed pictures, such as `Pipeline([Normalize("imagenet")])` behind mixers that need
            pictures before they are normalised.
        layout: how pictures lie. Default: tensors are "CHW", arrays "HWC".

    Raises:
        ValueError: a seed that is none; at the call: labels or pictures that cannot be mixed.
    """

    def __init__(
        self,
        mix: Mixers | None = None,
        *,
        classes: Classes = None,
        seed: int = 0,
        then: Pipeline | None = None,
        layout: str | None = None,
    ) -> None:
        if layout not in (None, "CHW", "HWC"):
            raise ValueError(f"Collate: layout is {layout!r}; allowed: 'CHW', 'HWC' or None")
        self.mix = alternatives(mix) if mix else None
        self.classes = classes
        self.seed = seed
        self.then = then
        self.layout = layout
        self._calls = itertools.count()

    def __call__(self, samples: Sequence[Any]) -> Any:
        """One batch of samples as a data set gives them."""
        first = samples[0]
        if isinstance(first, Mapping):
            fields = {name: stack([sample[name] for sample in samples]) for name in first}
            return self._mixed(fields, samples, first.get("image"))
        if isinstance(first, (tuple, list)):
            columns = [stack(column) for column in zip(*samples, strict=True)]
            if not self._changes or len(columns) < 2:
                return tuple(columns)
            fields = self._mixed({"image": columns[0], "label": columns[1]}, samples, first[0])
            return (fields["image"], fields.get("target", fields["label"]), *columns[2:])
        return self._mixed({"image": stack(samples)}, samples, first)["image"]

    @property
    def _changes(self) -> bool:
        return self.mix is not None or self.then is not None

    def _mixed(self, fields: dict[str, Any], samples: Sequence[Any], picture: Any) -> dict[str, Any]:
        if not self._changes:
            return fields
        layout = self.layout or ("CHW" if is_tensor(picture) else "HWC")
        arrays = {name: tensor_array(value, name) if is_tensor(value) else value for name, value in fields.items()}
        keys, epoch = self._identities(samples)
        if self.mix is not None:
            arrays = mix_batch(
                self.mix, arrays, classes=self.classes, seed=self.seed, epoch=epoch, keys=keys, layout=layout
            )
        if self.then is not None:
            pictures = ("image",) if self.mix is None else self.mix.pictures
            arrays |= {name: self._finished(arrays[name], layout, keys, epoch) for name in pictures}
        return {
            name: fields[name] if value is fields.get(name) else to_tensors(value) for name, value in arrays.items()
        }

    def _finished(self, pictures: Any, layout: str, keys: Sequence[Key], epoch: int) -> Any:
        assert self.then is not None
        plain = np.moveaxis(pictures, -3, -1) if layout == "CHW" else pictures
        return self.then.batch(plain, keys=keys, epoch=epoch)

    def _identities(self, samples: Sequence[Any]) -> tuple[Sequence[Key], int]:
        if isinstance(samples, Samples):
            return samples.keys, samples.epoch
        call = f"{place_of_draws()}, batch {next(self._calls)}"
        return [f"{call}, sample {row}" for row in range(len(samples))], 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_calls": itertools.count()}


def stack(values: Sequence[Any]) -> Any:
    """The values of one field: stacked where all have one shape, else a list of them."""
    if isinstance(values[0], Mapping):
        return list(values)
    try:
        return default_collate(list(values))
    except (TypeError, RuntimeError):
        return list(values)

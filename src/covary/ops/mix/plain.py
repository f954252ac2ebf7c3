"""Mixers as plain data: what YAML files hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from covary.ops.mix.base import Alternatives, Mixer, Mixers, alternatives
from covary.ops.spec import declared_from_plain, to_plain


def mixers_to_plain(mixers: Mixers | Alternatives) -> list[dict[str, Any]]:
    """Mixers as a list of {name: {argument: value}}, defaults left out, weights as `weight`."""
    known = alternatives(mixers)
    plain = [
        {name.removeprefix("mix."): arguments} for mixer in known.mixers for name, arguments in to_plain(mixer).items()
    ]
    if len(set(known.weights)) > 1:
        for entry, weight in zip(plain, known.weights, strict=True):
            next(iter(entry.values()))["weight"] = weight
    return plain


def mixers_from_plain(data: Any) -> tuple[tuple[Mixer, float], ...]:
    """The mixers that plain data describes, with their weights: what `mix_batch` takes.

    Args:
        data: a list of {name: {argument: value}} or bare names, such as [{"MixUp": {"alpha": 0.2}}, "CutMix"]; the
            argument `weight` (1 where there is none) is the chance of an alternative against the others.

    Raises:
        ValueError: an unknown name or argument (the nearest known one is suggested), or a refused value.
    """
    if not isinstance(data, list) or not data:
        raise ValueError(f"mix: got {data!r}; a list of mixers is needed, such as [{{MixUp: {{alpha: 0.2}}}}]")
    return tuple(_from_plain(entry) for entry in data)


def _from_plain(entry: Any) -> tuple[Mixer, float]:
    weight = 1.0
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, arguments),) = entry.items()
        if isinstance(arguments, Mapping):
            weight = arguments.get("weight", 1.0)
            entry = {name: {key: value for key, value in arguments.items() if key != "weight"}}
    return declared_from_plain(entry, Mixer, "a mixer"), weight

"""Mixing inside a PyTorch network: the activations of a layer in place of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from covary.draws.keys import Key
from covary.ops.mix.base import BetaMixer, Draws
from covary.ops.mix.batch import Made, read_batch
from covary.ops.mix.labels import Classes

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

INPUT = "input"


@dataclass(frozen=True, slots=True, eq=False)
class HiddenMix:
    """What is mixed in one forward pass.

    Attributes:
        layer: where.
        target: (B, K) float32 soft targets, (B,) for quantities; a tensor, as all below.
        target_a, target_b: the labels of each sample and of its partner, int64 class numbers or float32 rows.
        lam: (B,) float32 share of the sample itself.
        partners: (B,) int64.
    """

    layer: str
    target: Tensor
    target_a: Tensor
    target_b: Tensor
    lam: Tensor
    partners: Tensor


@dataclass(frozen=True, repr=False)
class _Law(BetaMixer):
    uniforms = ("lam", "layer")


class HiddenMixUp:
    """Manifold mixup: blend the activations of one layer, drawn for each batch, as MixUp blends inputs.

    For any modality and network: the layer's output (every floating tensor in it, if it is a tuple or list) is mixed
    along its batch axis, with one lambda and one partner for each sample, those of the targets.

    Args:
        model: the network.
        layers: names of modules as in `model.named_modules()`, of which one is drawn for each batch; "input" is the
            model's own input.
        alpha: shape of Beta(alpha, alpha), the law of lambda. Default 2, as in the paper.
        p: probability in [0, 1] that a sample is mixed.
        seed: of all randomness, in [0, 2**64).
        name: what the random slots are bound to.
        batch_axis: of the activations: 0, or 1 for recurrent layers that take time first.

    Paper: Verma et al. 2019, "Manifold mixup: better representations by interpolating hidden states". There one lambda
    serves a batch; here each sample has its own.

    Raises:
        ValueError: a wrong argument, or a layer that the model has not.

    Helps: classification where inputs cannot be blended (text, graphs, variable lengths) or features should be smooth.
    Hurts: small networks and short schedules; batch normalisation behind the layer sees mixed statistics.

    Example:
        >>> import torch
        >>> from covary import mix
        >>> model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
        >>> hidden = mix.HiddenMixUp(model, ["input", "0", "1"])
        >>> with hidden([0, 1, 2, 1], classes=3, keys=["a", "b", "c", "d"], epoch=5) as mixed:
        ...     logits = model(torch.ones(4, 8))
        >>> loss = mix.soft_cross_entropy(logits, mixed.target)
    """

    def __init__(
        self,
        model: Module,
        layers: Sequence[str],
        *,
        alpha: float = 2.0,
        p: float = 1.0,
        seed: int = 0,
        name: str = "HiddenMixUp",
        batch_axis: int = 0,
    ) -> None:
        modules = dict(model.named_modules())
        names = (layers,) if isinstance(layers, str) else tuple(layers)
        if not names:
            raise ValueError("HiddenMixUp: layers is empty; name one module at least, or 'input'")
        for layer in names:
            if layer != INPUT and layer not in modules:
                known = ", ".join(repr(known) for known in list(modules)[1:13])
                raise ValueError(f"HiddenMixUp: the model has no layer {layer!r}; it has {known} ..., and 'input'")
        if batch_axis not in (0, 1):
            raise ValueError(f"HiddenMixUp: batch_axis is {batch_axis!r}; allowed: 0 or 1")
        self.model = model
        self.layers = names
        self.seed = seed
        self.batch_axis = batch_axis
        self._law = _Law(alpha, p=p, name=name)

    @contextmanager
    def __call__(
        self,
        label: Any,
        *,
        classes: Classes = None,
        epoch: int | Sequence[int] = 0,
        keys: Sequence[Key] | None = None,
    ) -> Iterator[HiddenMix]:
        """Mix in the first forward pass inside a `with` block.

        Args:
            label: of the batch, as for `mix_batch`.
            classes: how many there are, or their names; needed for class numbers.
            epoch: one for all, or one for each sample.
            keys: B identities. Default: 0 to B - 1; without keys give each batch another `epoch`.

        Raises:
            ValueError: a wrong argument; or the layer gave no floating tensor of the batch's length.
            RuntimeError: the layer was not run in the block.
        """
        mixed = self.draw(label, classes=classes, epoch=epoch, keys=keys)
        ran = False

        def behind(_module: Module, _arguments: Any, output: Any) -> Any:
            nonlocal ran
            if ran:
                return None
            ran = True
            return self._mixed(output, mixed)

        def before(_module: Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
            nonlocal ran
            if ran:
                return None
            ran = True
            values = self._mixed([*arguments, *named.values()], mixed)
            return tuple(values[: len(arguments)]), dict(zip(named, values[len(arguments) :], strict=True))

        if mixed.layer == INPUT:
            handle = self.model.register_forward_pre_hook(before, with_kwargs=True)
        else:
            handle = self.model.get_submodule(mixed.layer).register_forward_hook(behind)
        try:
            yield mixed
        finally:
            handle.remove()
        if not ran:
            raise RuntimeError(f"HiddenMixUp: the layer {mixed.layer!r} was not run inside the block")

    def draw(
        self,
        label: Any,
        *,
        classes: Classes = None,
        epoch: int | Sequence[int] = 0,
        keys: Sequence[Key] | None = None,
    ) -> HiddenMix:
        """What will be mixed; the arguments are those of a call."""
        import torch

        batch = read_batch(
            {"label": label},
            classes=classes,
            seed=self.seed,
            epoch=epoch,
            keys=keys,
            layout=None,
        )
        draw = Draws(self._law, f"mix.{self._law.name}", batch)
        active = (draw("p") < self._law.p) & (batch.count > 1)
        partners = np.where(active, draw.partners(), np.arange(batch.count))
        shares = np.where(active, self._law.shares(draw), 1.0)
        made = Made(batch)
        for row in range(batch.count):
            made.pair(row, partners[row], shares[row])
        out = made.result(pairs=True)
        place = draw("layer")[draw.first()] if batch.count else 0.0
        return HiddenMix(
            self.layers[min(int(place * len(self.layers)), len(self.layers) - 1)],
            target=torch.from_numpy(out["target"]),
            target_a=torch.from_numpy(out["target_a"]),
            target_b=torch.from_numpy(out["target_b"]),
            lam=torch.from_numpy(out["lam"]),
            partners=torch.from_numpy(partners.astype(np.int64)),
        )

    def _mixed(self, value: Any, mixed: HiddenMix) -> Any:
        """A layer's output with its floating tensors mixed."""
        import torch

        if isinstance(value, (tuple, list)):
            parts = [self._blend(part, mixed) if self._is_batch(part, mixed) else part for part in value]
            if not any(self._is_batch(part, mixed) for part in value):
                self._refuse(value, mixed)
            return (
                parts if isinstance(value, list) else type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
            )
        if not isinstance(value, torch.Tensor) or not self._is_batch(value, mixed):
            self._refuse(value, mixed)
        return self._blend(value, mixed)

    def _is_batch(self, value: Any, mixed: HiddenMix) -> bool:
        import torch

        return (
            isinstance(value, torch.Tensor)
            and value.is_floating_point()
            and value.ndim > self.batch_axis
            and value.shape[self.batch_axis] == len(mixed.lam)
        )

    def _blend(self, value: Tensor, mixed: HiddenMix) -> Tensor:
        import torch

        axes = [1] * value.ndim
        axes[self.batch_axis] = -1
        share = mixed.lam.to(value.device, value.dtype).reshape(axes)
        # From the partner to the sample: equal ones stay exactly what they are.
        return torch.lerp(value.index_select(self.batch_axis, mixed.partners.to(value.device)), value, share)

    def _refuse(self, value: Any, mixed: HiddenMix) -> None:
        import torch

        parts = value if isinstance(value, (tuple, list)) else [value]
        said = [
            f"{part.dtype} {tuple(part.shape)}" if isinstance(part, torch.Tensor) else type(part).__name__
            for part in parts
        ]
        raise ValueError(
            f"HiddenMixUp: the layer {mixed.layer!r} gives {', '.join(said)}; a floating tensor with {len(mixed.lam)} "
            f"samples along axis {self.batch_axis} is needed"
        )

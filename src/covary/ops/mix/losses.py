"""Losses for mixed targets and several views, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Reduction: TypeAlias = Literal["mean", "sum", "none"]
Losses = TypeVar("Losses", bound=Any)


def soft_cross_entropy(logits: Tensor, target: Any, reduction: Reduction = "mean") -> Tensor:
    """Cross-entropy against soft targets: minus the sum over the classes of target * log softmax(logits).

    Computed in float32 whatever the logits' dtype.

    Args:
        logits: (B, K, ...).
        target: of the same shape, a tensor or a NumPy array; such as `target` of a mixed batch.
        reduction: "mean" over the samples (and positions), "sum", or "none".

    Raises:
        ValueError: shapes differ, or an unknown reduction.
    """
    import torch

    wanted = torch.as_tensor(target, device=logits.device)
    if wanted.shape != logits.shape:
        raise ValueError(
            f"soft_cross_entropy: target has shape {tuple(wanted.shape)}, logits {tuple(logits.shape)}; they must agree"
        )
    losses = -(wanted.float() * torch.log_softmax(logits.float(), dim=1)).sum(dim=1)
    return _reduced(losses, reduction)


def two_target_cross_entropy(
    logits: Tensor, target_a: Any, target_b: Any, lam: Any, reduction: Reduction = "mean"
) -> Tensor:
    """lam * cross-entropy against the one target + (1 - lam) * cross-entropy against the other.

    The same as `soft_cross_entropy` against the mixed target, without soft rows: for class numbers, and for class masks
    (`mask` and `mask_b`).

    Args:
        logits: (B, K, ...).
        target_a, target_b: class numbers (B, ...), or soft targets of the logits' shape; tensors or NumPy arrays.
        lam: (B,) share of the first, or one number.
        reduction: "mean" over the samples (and positions), "sum", or "none".

    Raises:
        ValueError: shapes do not fit, or an unknown reduction.
    """
    import torch

    share = torch.as_tensor(lam, device=logits.device, dtype=torch.float32)
    if share.shape not in ((), logits.shape[:1]):
        raise ValueError(
            f"two_target_cross_entropy: lam has shape {tuple(share.shape)}; allowed: one number, or one for each "
            f"of the {len(logits)} samples"
        )
    first, second = (_losses(logits, target, name) for target, name in ((target_a, "target_a"), (target_b, "target_b")))
    share = share.reshape(share.shape + (1,) * (first.ndim - 1)) if share.ndim else share
    return _reduced(share * first + (1 - share) * second, reduction)


def jensen_shannon(logits: Sequence[Any], reduction: Reduction = "mean") -> Any:
    """How much the predictions for several views of the samples disagree: their Jensen-Shannon divergence in nats.

    Hendrycks et al. 2020 (AugMix) add 12 times this to the cross-entropy of the first view.

    Args:
        logits: one (B, K) for each view, two or more: PyTorch tensors, or NumPy arrays, which give NumPy back.
        reduction: "mean" over the samples, "sum", or "none".

    Raises:
        ValueError: fewer than two views, shapes that differ, or an unknown reduction.
    """
    if len(logits) < 2 or len({tuple(each.shape) for each in logits}) > 1:
        shapes = [tuple(each.shape) for each in logits]
        raise ValueError(f"jensen_shannon: got logits of shapes {shapes}; two or more of one shape are needed")
    if not hasattr(logits[0], "detach"):
        return _reduced(_divergence(np.stack([np.asarray(each, dtype=np.float64) for each in logits])), reduction)
    import torch

    logs = torch.stack([torch.log_softmax(each.float(), dim=1) for each in logits])
    # The logarithm of the mean prediction, from logarithms, so that small probabilities keep their gradients.
    middle = torch.logsumexp(logs, dim=0) - torch.log(torch.tensor(float(len(logits))))
    return _reduced((logs.exp() * (logs - middle)).sum(dim=2).mean(dim=0), reduction)


def _divergence(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) Jensen-Shannon divergences of the softmax of (V, B, K) logits."""
    from scipy.special import log_softmax, logsumexp

    logs = log_softmax(logits, axis=2)
    middle = logsumexp(logs, axis=0) - np.log(len(logits))
    divergence: NDArray[np.float64] = (np.exp(logs) * (logs - middle)).sum(axis=2).mean(axis=0)
    return divergence


def _losses(logits: Tensor, target: Any, name: str) -> Tensor:
    import torch

    wanted = torch.as_tensor(target, device=logits.device)
    if wanted.shape == logits.shape:
        return soft_cross_entropy(logits, wanted, "none")
    if wanted.shape != (logits.shape[0], *logits.shape[2:]) or wanted.is_floating_point():
        raise ValueError(
            f"two_target_cross_entropy: {name} is {wanted.dtype} {tuple(wanted.shape)} for logits "
            f"{tuple(logits.shape)}; allowed: class numbers without the class axis, or soft targets of the same shape"
        )
    return torch.nn.functional.cross_entropy(logits.float(), wanted.long(), reduction="none")


def _reduced(losses: Losses, reduction: str) -> Losses:
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction is {reduction!r}; allowed: mean, sum, none")
    total: Losses = losses.mean() if reduction == "mean" else losses.sum()
    return total

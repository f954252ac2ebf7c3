"""covary in PyTorch.

`Transform` for any data set, `wrap` for keyed variations, `Collate` for mixing, `Batches` for a Loader, `Augmentation`
for batches of tensors on a GPU.
"""

from covary.interop.missing import missing

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise missing("torch", error) from None

from covary.interop.pytorch.augmentation import Augmentation
from covary.interop.pytorch.collate import Collate
from covary.interop.pytorch.keyed import Samples, Wrapped, wrap
from covary.interop.pytorch.stream import Batches, tensors_of
from covary.interop.pytorch.transform import Transform

__all__ = ["Augmentation", "Batches", "Collate", "Samples", "Transform", "Wrapped", "tensors_of", "wrap"]

"""Operations of the others that have no row of their own among the single operations, and why.

By their names there. Not asked for, because they are no operation on one picture: those that are found in another room
than `covary.image` (volumes, which benchmarks.volumes has, mixtures of several samples, spectrograms, sounds),
combinators and fields.
"""

from __future__ import annotations

ALBUMENTATIONS = {
    "RandomSizedCrop": "two operations here; RandomResizedCrop and RandomCrop are compared",
    "SquareSymmetry": "another name of D4",
    "ToTensorV2": "a view with the axes in another order, nothing computed; ToTensor is compared with ToFloat",
}

TORCHVISION = {
    "ConvertImageDtype": "the old name of ToDtype",
    "PILToTensor": "copies the same bytes",
    "RandomGrayscale": "Grayscale with a probability",
    "ToImage": "a view with the axes in another order, nothing computed; ToTensor is compared with ToDtype",
    "ToPureTensor": "the same tensor under another class",
}

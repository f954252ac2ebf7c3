"""Where a picture draws the eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.ops.mix.batch import Layout, size_of
from covary.plan.changes import Image

SIDE = 64  # px of the picture that is looked at
SMOOTHING = 2.5  # px of it
FLOOR = 1e-3  # amplitudes below this share of the largest count as it


def spectral_residual(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """The saliency of a small grey picture: what its spectrum has beyond a smooth one.

    Hou and Zhang 2007, "Saliency detection: a spectral residual approach".

    Args:
        grey: (H, W) float32.

    Returns:
        (H, W) float32, not negative.
    """
    import cv2

    spectrum = np.fft.fft2(grey - grey.mean())
    amplitude = np.abs(spectrum)
    # The logarithm of zeros, which a drawn shape on plain ground has many of, would outweigh all else.
    smallest = FLOOR * max(float(amplitude.max()), 1e-30)
    log = np.log(np.maximum(amplitude, smallest)).astype(np.float32)
    # A spectrum has no borders: frequency 0 follows the last one.
    smooth = cv2.blur(cv2.copyMakeBorder(log, 1, 1, 1, 1, cv2.BORDER_WRAP), (3, 3))[1:-1, 1:-1]
    phase = spectrum / np.maximum(amplitude, smallest)
    residual = np.abs(np.fft.ifft2(np.exp(log - smooth) * phase)) ** 2
    return np.asarray(cv2.GaussianBlur(residual.astype(np.float32), (0, 0), SMOOTHING))


def most_salient(image: Image, layout: Layout) -> tuple[float, float]:
    """x and y of the most salient point of a picture, in pixels; its middle where nothing stands out."""
    import cv2

    height, width = size_of(image, layout)
    shrunk = (min(SIDE, width), min(SIDE, height))
    planes = [image] if layout == "HW" else np.moveaxis(image, 0 if layout == "CHW" else 2, 0)
    small = sum(
        cv2.resize(np.ascontiguousarray(plane, dtype=np.float32), shrunk, interpolation=cv2.INTER_AREA)
        for plane in planes
    )
    grey = np.asarray(small, dtype=np.float32)
    if np.ptp(grey) <= 1e-6 * max(1.0, float(np.abs(grey).max())):
        return width / 2, height / 2
    row, column = np.unravel_index(int(spectral_residual(grey).argmax()), grey.shape)
    return (int(column) + 0.5) * width / shrunk[0], (int(row) + 0.5) * height / shrunk[1]

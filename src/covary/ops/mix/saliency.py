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
    from scipy.ndimage import gaussian_filter, uniform_filter

    spectrum = np.fft.fft2(grey - grey.mean())
    amplitude = np.abs(spectrum)
    # The logarithm of zeros, which a drawn shape on plain ground has many of, would outweigh all else.
    smallest = FLOOR * max(float(amplitude.max()), 1e-30)
    log = np.log(np.maximum(amplitude, smallest)).astype(np.float32)
    # A spectrum has no borders: frequency 0 follows the last one.
    smooth = uniform_filter(log, 3, mode="wrap")
    phase = spectrum / np.maximum(amplitude, smallest)
    residual = np.abs(np.fft.ifft2(np.exp(log - smooth) * phase)) ** 2
    return np.asarray(gaussian_filter(residual.astype(np.float32), SMOOTHING, truncate=3))


def most_salient(image: Image, layout: Layout) -> tuple[float, float]:
    """x and y of the most salient point of a picture, in pixels; its middle where nothing stands out."""
    height, width = size_of(image, layout)
    rows, columns = (np.arange(min(SIDE, length)) * length // min(SIDE, length) for length in (height, width))
    across = 1 if layout == "CHW" else 0
    # Rows first: they lie together, so that this pass over all pixels is a sum of long arrays.
    small = _means(_means(image, rows, across), columns, across + 1)
    if layout != "HW":
        small = small.sum(axis=0 if layout == "CHW" else 2)
    if np.ptp(small) <= 1e-6 * max(1.0, float(np.abs(small).max())):
        return width / 2, height / 2
    row, column = np.unravel_index(int(spectral_residual(small).argmax()), small.shape)
    return (int(column) + 0.5) * width / len(columns), (int(row) + 0.5) * height / len(rows)


def _means(values: Image, starts: NDArray[np.intp], axis: int) -> NDArray[np.float32]:
    """Means of runs along one axis."""
    lengths = np.diff(starts, append=values.shape[axis]).astype(np.float32)
    means: NDArray[np.float32] = np.add.reduceat(values, starts, axis=axis, dtype=np.float32)
    means /= lengths.reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    return means

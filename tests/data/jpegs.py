"""JPEGs to decode: waves without a symmetry, and a blob whose place can be measured."""

import io

import numpy as np
from PIL import Image as Pillow


def photograph(height=40, width=60, channels=3, seed=0):
    """A smooth picture with no symmetry; (H, W) for one channel."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / (7 + c) + seed) * np.cos(y / (5 + 2 * c)) + x * 0.5 for c in range(channels)]
    picture = np.clip(np.dstack(waves), 0, 255).astype(np.uint8)
    return picture[:, :, 0] if channels == 1 else picture


def blob_picture(size, centre, sigma=9.0):
    """A bright blob about `centre` (x, y), in continuous coordinates, on black; (H, W, 3)."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    blob = 250 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(blob).astype(np.uint8)[:, :, None], 3, axis=2)


def centroid(picture):
    """Where the brightness is centred: (x, y) in continuous coordinates."""
    weight = np.asarray(picture, np.float64).sum(axis=2)
    weight = np.where(weight > 60, weight - 60, 0)
    y, x = np.mgrid[0 : weight.shape[0], 0 : weight.shape[1]] + 0.5
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def jpeg(picture, orientation=1, quality=95):
    """The file of a picture, with an EXIF orientation where it is not 1."""
    buffer = io.BytesIO()
    exif = Pillow.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    Pillow.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=0, exif=exif)
    return buffer.getvalue()

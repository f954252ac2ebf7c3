"""Pictures in which every object is a shape of a colour of its own, so that it is found in any variation."""

import numpy as np

from covary import Pipeline, image
from covary.data.encode import encode
from covary.targets.pixels import fill_polygon

COLOURS = {"disc": (250, 20, 20), "bar": (20, 250, 20), "arrow": (30, 30, 250)}
NAMES = tuple(COLOURS)
HEIGHT, WIDTH = 72, 96


def pipeline(seed=3):
    """Flips, turns and crops; beyond the picture nothing is shown, so that no shape is there twice."""
    return Pipeline(
        [
            image.HorizontalFlip(p=0.5),
            image.VerticalFlip(p=0.3),
            image.Rotate((-40, 40), border="constant"),
            image.RandomResizedCrop((64, 80), scale=(0.4, 1.0)),
        ],
        seed=seed,
    )


def outline(name, x, y):
    """Corners of a shape about a place, in continuous coordinates."""
    if name == "disc":
        turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        return np.stack([x + 9 * np.cos(turns), y + 9 * np.sin(turns)], axis=1)
    if name == "bar":
        return np.array([[x - 14, y - 4], [x + 14, y - 4], [x + 14, y + 4], [x - 14, y + 4]], dtype=float)
    return np.array([[x - 10, y - 8], [x + 10, y - 2], [x - 10, y + 8], [x - 5, y]], dtype=float)


def scene(number):
    """A picture, and of each shape in it its name and its corners."""
    random = np.random.default_rng(number)
    pixels = random.integers(90, 110, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    objects = []
    for place, name in enumerate(NAMES[: 1 + number % 3]):
        corners = outline(name, 18 + 30 * place + random.uniform(-2, 2), random.uniform(16, HEIGHT - 16))
        pixels[fill_polygon(corners, (HEIGHT, WIDTH))] = COLOURS[name]
        objects.append((name, corners))
    return pixels, objects


def write_scene(path, number):
    """Write a scene as PNG; returns its objects."""
    pixels, objects = scene(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(pixels, "png"))
    return objects


def bounds(corners):
    """x0, y0, x1, y1 of corners."""
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def pixels_of(picture, name):
    """Rows and columns of the pixels that are clearly of a shape's colour."""
    away = np.abs(picture[..., :3].astype(int) - COLOURS[name]).max(axis=-1)
    return np.nonzero(away < 60)


def check_covered(picture, found):
    """Every shape that is to be seen has a box that covers it within a pixel, and every box lies in the picture.

    Args:
        picture: (H, W, 3) RGB.
        found: name and x0, y0, x1, y1 of each box.
    """
    boxes = dict(found)
    assert len(boxes) == len(list(found))
    height, width = picture.shape[:2]
    for name, (x0, y0, x1, y1) in boxes.items():
        assert -1e-3 <= x0 < x1 <= width + 1e-3 and -1e-3 <= y0 < y1 <= height + 1e-3, name
    seen = 0
    for name in NAMES:
        rows, columns = pixels_of(picture, name)
        if len(rows) < 6:
            continue
        seen += 1
        x0, y0, x1, y1 = boxes[name]
        assert x0 <= columns.min() + 1 and y0 <= rows.min() + 1, name
        assert x1 >= columns.max() and y1 >= rows.max(), name
    return seen


def check_tight(picture, found, slack=2):
    """The boxes are no larger than what they cover, but for `slack` pixels a side (shapes cut at the edge aside)."""
    for name, (x0, y0, x1, y1) in found:
        rows, columns = pixels_of(picture, name)
        if len(rows) < 30:
            continue
        assert x0 >= columns.min() - slack and y0 >= rows.min() - slack, name
        assert x1 <= columns.max() + 1 + slack and y1 <= rows.max() + 1 + slack, name

"""Data sets of scenes in the layouts of several kinds."""

import io

import numpy as np
import yaml
from PIL import Image as Pillow
from shapes import HEIGHT, NAMES, WIDTH, bounds, write_scene

from covary.data.instances import Category, Instance
from covary.data.voc import voc_text
from covary.targets.pixels import fill_polygon

CATEGORIES = {number: Category(number, name) for number, name in enumerate(NAMES, 1)}
PALETTE = [channel for number in range(256) for channel in (number, 255 - number, 7 * number % 256)]


def numbers(values):
    return " ".join(f"{value:.6f}" for value in np.asarray(values).ravel())


def yolo_set(root, segments=False, parts=("train", "val"), pictures=4):
    """A data set of scenes in the layout that Ultralytics' tools make."""
    number = 0
    for part in parts:
        for _ in range(pictures):
            objects = write_scene(root / f"images/{part}/s{number}.png", number)
            lines = []
            for name, corners in objects:
                if segments:
                    shares = corners / (WIDTH, HEIGHT)
                else:
                    x0, y0, x1, y1 = bounds(corners)
                    shares = np.array([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
                lines.append(f"{NAMES.index(name)} {numbers(shares)}\n")
            label = root / f"labels/{part}/s{number}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text("".join(lines))
            number += 1
    content = {"path": ".", **{part: f"images/{part}" for part in parts}, "names": dict(enumerate(NAMES))}
    (root / "data.yaml").write_text(yaml.safe_dump(content))
    return root


def indexed(values):
    picture = Pillow.fromarray(values, "P")
    picture.putpalette(PALETTE)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def voc_set(root, pictures=6, masks=()):
    """Scenes with their XML files; some with masks; every third one is for validation."""
    for folder in (
        "Annotations",
        "ImageSets/Main",
        "ImageSets/Segmentation",
        "SegmentationClass",
        "SegmentationObject",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    lists = {"train": [], "val": []}
    for number in range(pictures):
        objects = write_scene(root / f"JPEGImages/s{number}.png", number)
        instances = []
        by_class, by_object = np.zeros((2, HEIGHT, WIDTH), np.uint8)
        for place, (name, corners) in enumerate(objects, 1):
            x0, y0, x1, y1 = bounds(corners)
            x0, y0, x1, y1 = np.floor(x0), np.floor(y0), np.ceil(x1), np.ceil(y1)
            note = {"difficult": 1, "pose": "Left"} if place == 2 else {}
            instances.append(Instance(NAMES.index(name) + 1, (x0, y0, x1 - x0, y1 - y0), extra=note))
            inside = fill_polygon(corners, (HEIGHT, WIDTH))
            by_class[inside], by_object[inside] = NAMES.index(name) + 1, place
        text = voc_text(instances, (HEIGHT, WIDTH), CATEGORIES, filename=f"s{number}.png", folder="JPEGImages")
        (root / f"Annotations/s{number}.xml").write_text(text)
        if number in masks:
            (root / f"SegmentationClass/s{number}.png").write_bytes(indexed(by_class))
            (root / f"SegmentationObject/s{number}.png").write_bytes(indexed(by_object))
        lists["val" if number % 3 == 2 else "train"].append(f"s{number}\n")
    for part, lines in lists.items():
        (root / f"ImageSets/Main/{part}.txt").write_text("".join(lines))
        (root / f"ImageSets/Segmentation/{part}.txt").write_text(
            "".join(line for line in lines if int(line[1:]) in masks)
        )
    return root

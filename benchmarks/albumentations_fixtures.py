"""Write tests/interop/albumentations_2_0_8.json: what Albumentations itself writes for operations and pipelines.

    .venv-bench/bin/python -m benchmarks.albumentations_fixtures

`operations` holds `to_dict` of every operation with its defaults (and with the least that it must be given),
`pipelines` some pipelines as projects have them.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import peers

FILE = Path(__file__).parent.parent / "tests" / "interop" / "albumentations_2_0_8.json"

# What cannot be left out.
NEEDED: dict[str, dict[str, Any]] = {
    "AtLeastOneBBoxRandomCrop": {"height": 32, "width": 48},
    "CenterCrop": {"height": 32, "width": 48},
    "CropAndPad": {"percent": (-0.1, 0.1)},
    "CropNonEmptyMaskIfExists": {"height": 32, "width": 48},
    "Crop": {"x_min": 4, "y_min": 8, "x_max": 52, "y_max": 40},
    "GridElasticDeform": {"num_grid_xy": (4, 5), "magnitude": 8},
    "LongestMaxSize": {"max_size": 64},
    "Pad": {"padding": (4, 6)},
    "RandomCrop": {"height": 32, "width": 48},
    "RandomResizedCrop": {"size": (32, 48)},
    "RandomSizedBBoxSafeCrop": {"height": 32, "width": 48},
    "RandomSizedCrop": {"min_max_height": (24, 40), "size": (32, 48)},
    "Resize": {"height": 32, "width": 48},
    "SmallestMaxSize": {"max_size": 32},
    "PadIfNeeded": {"min_height": 80, "min_width": 96},
    "XYMasking": {"num_masks_x": (1, 2), "num_masks_y": 1, "mask_x_length": (2, 6), "mask_y_length": 5},
    "FDA": {"read_fn": None, "metadata_key": "fda_metadata"},
    "CenterCrop3D": {"size": (8, 16, 16)},
    "RandomCrop3D": {"size": (8, 16, 16)},
    "Pad3D": {"padding": 2},
    "PadIfNeeded3D": {"min_zyx": (16, 16, 16)},
    "TextImage": {"font_path": "font.ttf"},
}


def operations(library: Any) -> dict[str, Any]:
    """`to_dict` of every operation, by name; those that cannot be written are left out."""
    written = {}
    for name, kind in sorted(vars(library).items()):
        if not inspect.isclass(kind) or not issubclass(kind, library.BasicTransform) or inspect.isabstract(kind):
            continue
        try:
            written[name] = library.to_dict(kind(**NEEDED.get(name, {})))["transform"]
        except Exception as error:  # templates, and what the library refuses to write
            print(f"{name}: {type(error).__name__}: {str(error)[:100]}")
    return written


def pipelines(a: Any) -> dict[str, Any]:
    """Pipelines of several tasks."""
    return {
        "classification": a.Compose(
            [
                a.RandomResizedCrop((224, 224), scale=(0.3, 1.0)),
                a.HorizontalFlip(p=0.5),
                a.OneOf([a.RandomBrightnessContrast(p=1), a.RandomGamma(p=0.5), a.CLAHE(p=0.5)], p=0.3),
                a.HueSaturationValue(hue_shift_limit=9, sat_shift_limit=20, val_shift_limit=10, p=0.4),
                a.SomeOf(
                    [a.GaussNoise(p=0.7), a.GaussianBlur(p=0.5), a.ImageCompression(quality_range=(50, 90), p=1)],
                    n=2,
                    p=0.5,
                ),
                a.CoarseDropout(p=0.5),
                a.Normalize(),
                a.ToTensorV2(),
            ]
        ),
        "detection": a.Compose(
            [
                a.LongestMaxSize(640),
                a.PadIfNeeded(640, 640, border_mode=cv2.BORDER_CONSTANT, fill=114),
                a.Affine(scale=(0.8, 1.2), rotate=(-10, 10), translate_percent=(-0.1, 0.1), shear=(-5, 5), p=0.8),
                a.BBoxSafeRandomCrop(p=0.3),
                a.OneOrOther(a.HorizontalFlip(), a.VerticalFlip(), p=0.9),
            ],
            bbox_params=a.BboxParams(format="coco", label_fields=["labels"], min_area=16, min_visibility=0.1),
        ),
        "segmentation": a.Compose(
            [
                a.ShiftScaleRotate(shift_limit=0.05, scale_limit=0.2, rotate_limit=30, p=0.9),
                a.Sequential([a.ElasticTransform(alpha=60, sigma=8, p=0.5), a.GridDistortion(p=0.5)], p=0.4),
                a.RandomCrop(128, 160, pad_if_needed=True),
                a.D4(),
                a.ToTensorV2(),
            ]
        ),
        "keypoints": a.Compose(
            [a.Rotate(limit=45, border_mode=cv2.BORDER_REFLECT_101, p=1), a.RandomScale(0.2), a.Resize(96, 96)],
            keypoint_params=a.KeypointParams(format="xy", remove_invisible=False),
            p=0.9,
        ),
    }


def plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def main() -> None:
    library = peers.albumentations()
    if library is None:
        raise SystemExit("Albumentations is not installed")
    written = {
        "version": library.__version__,
        "operations": plain(operations(library)),
        "pipelines": {name: plain(library.to_dict(made)) for name, made in pipelines(library).items()},
    }
    FILE.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

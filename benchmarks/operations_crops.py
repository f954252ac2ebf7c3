"""Crops that look at labels or are given, and canvases of other sizes, in covary and in the others."""

from __future__ import annotations

from benchmarks.operation import BLACK, Operation

OPERATIONS = (
    Operation(
        "Crop",
        lambda i: i.Crop((224, 224), 24, 16),
        lambda a: a.Crop(24, 16, 248, 240),
    ),
    Operation("FiveCrop", lambda i: i.FiveCrop.all(224), torchvision=lambda v: v.FiveCrop(224)),
    Operation("TenCrop", lambda i: i.TenCrop.all(224), torchvision=lambda v: v.TenCrop(224)),
    Operation(
        "AtLeastOneBBoxRandomCrop",
        lambda i: i.AtLeastOneBBoxRandomCrop(224),
        lambda a: a.AtLeastOneBBoxRandomCrop(224, 224),
        labels="boxes",
    ),
    Operation(
        "BBoxSafeRandomCrop",
        lambda i: i.BBoxSafeRandomCrop(),
        lambda a: a.BBoxSafeRandomCrop(),
        labels="boxes",
    ),
    Operation(
        "RandomCropNearBBox",
        lambda i: i.RandomCropNearBBox((0, 0.3), "first"),
        lambda a: a.RandomCropNearBBox((0, 0.3)),
        labels="boxes",
    ),
    Operation(
        "RandomSizedBBoxSafeCrop",
        lambda i: i.RandomSizedBBoxSafeCrop(224),
        lambda a: a.RandomSizedBBoxSafeCrop(224, 224),
        labels="boxes",
    ),
    Operation(
        "CropNonEmptyMaskIfExists",
        lambda i: i.CropNonEmptyMaskIfExists(224),
        lambda a: a.CropNonEmptyMaskIfExists(224, 224),
        labels="mask",
    ),
    Operation("IoUCrop", lambda i: i.IoUCrop(), torchvision=lambda v: v.RandomIoUCrop(), labels="boxes"),
    Operation(
        "ZoomOut",
        lambda i: i.ZoomOut((1, 2), **BLACK),
        torchvision=lambda v: v.RandomZoomOut(0, (1.0, 2.0), 1.0),
    ),
    Operation(
        "ScaleJitter",
        lambda i: i.ScaleJitter(256, (0.5, 2.0)),
        torchvision=lambda v: v.ScaleJitter((256, 256), (0.5, 2.0)),
    ),
    Operation(
        "RandomShortestSize",
        lambda i: i.RandomShortestSize((192, 224, 288, 320), 400),
        torchvision=lambda v: v.RandomShortestSize([192, 224, 288, 320], 400),
    ),
    Operation(
        "RandomShortestSize, any between",
        lambda i: i.RandomShortestSize(tuple(range(192, 321))),
        torchvision=lambda v: v.RandomResize(192, 321),
    ),
)

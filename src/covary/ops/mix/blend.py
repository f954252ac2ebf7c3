"""Samples blended value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import operation
from covary.ops.mix.base import BetaMixer, Draws, Floats
from covary.ops.mix.batch import DTYPES, WEIGHTS, Batch, Layer, Layout, Made, size_of, window
from covary.ops.mix.objects import has_objects, joined, objects_of
from covary.ops.mix.pieces import Pieces
from covary.plan.changes import Image

STACKS = ("video", "volume")
STEPS = 65536  # lambda is a multiple of 1 / 65536, with which blends of uint8 and uint16 are exact before rounding


def blend(first: NDArray[Any], second: NDArray[Any], share: float, out: NDArray[Any]) -> None:
    """out = share * first + (1 - share) * second; integers to nearest (uint8: ties to even, uint16: ties up).

    Args:
        first, second, out: arrays of one shape and dtype: uint8, uint16 or floating.
        share: a multiple of 1 / 65536 in [0, 1].
    """
    if share == 1:
        np.copyto(out, first)
    elif out.dtype == np.uint8:
        _blend_bytes(first, second, share, out)
    elif out.dtype == np.uint16:
        weight = np.uint32(share * STEPS)
        sums = np.multiply(first, weight, dtype=np.uint32)
        sums += np.multiply(second, np.uint32(STEPS) - weight, dtype=np.uint32)
        sums += np.uint32(STEPS // 2)
        sums >>= np.uint32(16)
        np.copyto(out, sums, casting="unsafe")
    else:
        # In this order, equal values stay exactly what they are, and no product and sum can be contracted into one.
        np.subtract(first, second, out=out)
        np.multiply(out, out.dtype.type(share), out=out)
        np.add(out, second, out=out)


def _blend_bytes(first: NDArray[Any], second: NDArray[Any], share: float, out: NDArray[Any]) -> None:
    """By OpenCV, in float32: 8 bits times 16 bits and their sum fit its 24, so that only the result is rounded."""
    import cv2

    flat = [np.ascontiguousarray(array).reshape(1, -1) for array in (first, second)]
    if out.flags.c_contiguous:
        cv2.addWeighted(flat[0], share, flat[1], 1 - share, 0, dst=out.reshape(1, -1))
    else:
        np.copyto(out, cv2.addWeighted(flat[0], share, flat[1], 1 - share, 0).reshape(out.shape))


def in_steps(share: Floats) -> Floats:
    """Shares as multiples of 1 / 65536."""
    return np.rint(share * STEPS) / STEPS


@operation
class MixUp(BetaMixer):
    """Blend each sample with a partner: lam of its own values and labels, 1 - lam of the partner's.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, drawn for each sample. Default 0.2, of the 0.1 to 0.4
            that the paper found best for ImageNet; torchvision's 1.0 blends most samples halfway and underfits.
        field: which field is blended, a stacked array of any shape (float32, uint8, uint16). Default "image".
        pairs: whether `target_a`, `target_b` and `lam` come out too, and `mask_b` where there is a `mask`.

    Paper: Zhang et al. 2018, "mixup: beyond empirical risk minimization". Lambda is a multiple of 1 / 65536.

    Heat maps, further images and floating masks are blended. Class masks have no average: ask for `pairs=True`, which
    leaves `mask` as it is and adds `mask_b`, the partner's, for a loss of two targets. Boxes, instance masks,
    keypoints, polygons and line strings are those of both samples; `box_weights`, `oriented_box_weights`,
    `polygon_weights` and `line_string_weights`, float32, say lam and 1 - lam for each of them.

    With field="video" or "volume", `label` may be of each frame or slice: class numbers (B, T) or rows (B, T, K). They
    are mixed frame by frame, with the sample's lambda: `target` is (B, T, K), each row summing to one.

    Helps: image classification with large networks (CIFAR-10, PreAct-ResNet-18: 5.6 to 4.2 % error); noisy labels.
    Hurts: small networks and long schedules, which may lose; tasks whose classes depend on fine detail. It can look
    calibrated and be worse after temperature scaling.
    """

    alpha: float = 0.2
    field: str = "image"

    def frames(self, fields: Mapping[str, Any]) -> int | None:
        values = fields.get(self.field) if self.field in STACKS else None
        return int(values.shape[1]) if isinstance(values, np.ndarray) and values.ndim > 2 else None

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        shares, partners = in_steps(self.shares(draw)).tolist(), draw.partners().tolist()
        if self.field != "image":
            self._blend_field(batch, rows, partners, shares, made)
        for row in rows:
            made.pair(row, partners[row], shares[row])
        if self.field != "image":
            return
        batch.field("image")
        for layer in batch.layers():
            self._blend_layer(batch, layer, rows, partners, shares, made)
        if has_objects(batch):
            self._join_objects(batch, rows, partners, shares, made)

    def _blend_field(
        self, batch: Batch, rows: list[int], partners: Sequence[int], shares: Sequence[float], made: Made
    ) -> None:
        """Blend the values of a field that is no picture."""
        values = self._values(batch)
        beside = [each.name for each in batch.objects()] + [each.name for each in batch.layers()]
        if self.field in STACKS and beside:
            raise ValueError(f"{beside[0]} beside {self.field} cannot be mixed; leave it out, or mix pictures")
        room = made.room(self.field)
        for row in rows:
            blend(values[row], values[partners[row]], shares[row], room.open(row))

    def _values(self, batch: Batch) -> NDArray[Any]:
        values = batch.stack(self.field)
        if values.dtype not in DTYPES:
            raise TypeError(f"{self.field} has dtype {values.dtype}; allowed are float32, uint8 and uint16")
        return values

    def both(self, batch: Batch, layer: Layer, row: int, partner: int) -> tuple[Image, Image]:
        """The pixels of a sample and of its partner, on one canvas.

        Raises:
            TypeError, ValueError: they do not agree, or are not in one array.
        """
        if layer.name == "image":
            values = self._values(batch)
            return values[row], values[partner]
        own, other = batch.pixels(layer, row)[0], batch.pixels(layer, partner)[0]
        if own.shape != other.shape:
            raise ValueError(
                f"{layer.name} of two samples have shapes {own.shape} and {other.shape}; one size is needed"
            )
        return own, other

    def objects(self, batch: Batch, row: int, partner: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The objects of a sample and of its partner, on one canvas."""
        return objects_of(batch, row), objects_of(batch, partner)

    def _blend_layer(
        self,
        batch: Batch,
        layer: Layer,
        rows: list[int],
        partners: Sequence[int],
        shares: Sequence[float],
        made: Made,
    ) -> None:
        room = made.room(layer.name)
        classes = layer.kind == "mask" and not all(
            batch.pixels(layer, row)[0].dtype.kind == "f" for row in range(min(1, batch.count))
        )
        if classes and not self.pairs:
            raise ValueError(
                f"{layer.name} has dtype {batch.pixels(layer, 0)[0].dtype}, and class masks have no average: pass "
                f"pairs=True for `{layer.name}_b` beside `{layer.name}`, give floating masks, or take CutMix"
            )
        if classes:
            made.second_masks.setdefault(layer.name, {})
        for row in rows:
            if shares[row] == 1:
                continue
            own, other = self.both(batch, layer, row, partners[row])
            if classes:
                room.put(row, own.copy())
                made.second_masks[layer.name][row] = other
            elif own.dtype != other.dtype:
                raise ValueError(f"{layer.name}[{row}] is {own.dtype}, its partner {other.dtype}; they must agree")
            else:
                blend(own, other, shares[row], room.fresh(row, own.shape, own.dtype))

    def _join_objects(
        self, batch: Batch, rows: list[int], partners: Sequence[int], shares: Sequence[float], made: Made
    ) -> None:
        weighed = [field.name for field in batch.objects() if field.kind in WEIGHTS]
        for name in weighed:
            made.object_weights.setdefault(name, {})
        for row in rows:
            if shares[row] == 1:
                continue
            own, other = self.objects(batch, row, partners[row])
            made.put_objects(row, joined(batch, own, other))
            for name in weighed:
                counts = [len(side.get(name, ())) for side in (own, other)]
                made.object_weights[name][row] = np.repeat(np.array([shares[row], 1 - shares[row]], np.float32), counts)


@operation
class DetectionMixUp(MixUp):
    """Blend pictures with their objects: all boxes of both stay, weighted by lam and 1 - lam.

    Pictures of different sizes, in a list, are laid onto a black canvas of the larger height and width, unscaled and at
    its upper left corner.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda. Default 1.5, as in the paper, so that both pictures are
            seen.
        field: which field is blended. Default "image".
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Zhang et al. 2019, "Bag of freebies for training object detection neural networks". `box_weights` are the
    weights of the boxes in the loss.

    Helps: detectors trained long; objects in places where they are not expected (an elephant in a room).
    Hurts: short schedules; small objects, which fade into the other picture.
    """

    alpha: float = 1.5

    def both(self, batch: Batch, layer: Layer, row: int, partner: int) -> tuple[Image, Image]:
        if isinstance(batch.fields.get("image"), np.ndarray):
            return super().both(batch, layer, row, partner)
        images, layout = batch.images()
        canvas = _canvas(images, layout, row, partner)
        (own, own_layout), (other, other_layout) = batch.pixels(layer, row), batch.pixels(layer, partner)
        if own.dtype != other.dtype or own_layout != other_layout:
            raise ValueError(
                f"{layer.name}[{row}] is {own.dtype} {own.shape}, its partner {other.dtype} {other.shape}; "
                "they must agree"
            )
        return _padded(own, own_layout, canvas), _padded(other, other_layout, canvas)

    def objects(self, batch: Batch, row: int, partner: int) -> tuple[dict[str, Any], dict[str, Any]]:
        images, layout = batch.images()
        canvas = _canvas(images, layout, row, partner)
        if size_of(images[row], layout) == canvas == size_of(images[partner], layout):
            return objects_of(batch, row), objects_of(batch, partner)
        whole = np.array([[0, 0, canvas[1], canvas[0]]] * 2)
        sizes = np.array([canvas, canvas], dtype=np.int64)
        eyes = np.tile(np.eye(3), (2, 1, 1))
        own, other = Pieces.of(batch, [row, partner], eyes, whole, sizes, "constant").labels()
        return own, other


def _canvas(images: Sequence[Image], layout: Layout, row: int, partner: int) -> tuple[int, int]:
    """The larger height and the larger width of two pictures."""
    (height, width), (other_height, other_width) = (size_of(images[index], layout) for index in (row, partner))
    return max(height, other_height), max(width, other_width)


def _padded(image: Image, layout: Layout, canvas: tuple[int, int]) -> Image:
    height, width = size_of(image, layout)
    if (height, width) == canvas:
        return image
    channels = image.shape[0 if layout == "CHW" else -1]
    shape = {"CHW": (channels, *canvas), "HWC": (*canvas, channels), "HW": canvas}[layout]
    padded = np.zeros(shape, dtype=image.dtype)
    window(padded, layout, (0, 0, width, height))[...] = image
    return padded

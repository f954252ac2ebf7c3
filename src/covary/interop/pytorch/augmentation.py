"""A pipeline as a module: batches of tensors are varied where they lie, on a GPU for instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from covary.draws.keys import Key
from covary.further import SEVERAL
from covary.interop.pytorch.places import drawing_at, place_of_draws
from covary.pipeline import Pipeline
from covary.planned import Planned
from covary.render.torch import draw
from covary.render.torch.stages import picked, signed
from covary.targets.carry import LABELS
from covary.targets.heatmaps import heatmap_stages
from covary.targets.masks import check_fill, mask_stages, painted
from covary.targets.pairs import Pairs, traded
from covary.targets.path import Path, mirrors

_TAKEN = (torch.uint8, torch.uint16, torch.float32)
_NARROWED = (torch.float16, torch.bfloat16, torch.float64)  # computed in float32
_FIGURES = (*_TAKEN, *_NARROWED)
_WHOLE = (torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32, torch.int64)
_RASTERS = {  # dtypes, and shapes in words, by kind
    "image": (_FIGURES, "(B, C, H, W) or (B, N, C, H, W)", (4, 5)),
    "heatmaps": (_FIGURES, "(B, H, W) or (B, K, H, W)", (3, 4)),
    "mask": ((torch.bool, *_WHOLE, torch.float16, torch.float32, torch.float64), "(B, H, W) or (B, K, H, W)", (3, 4)),
}
_LABELS = frozenset({"masks", *LABELS, *LABELS.values()})


class Augmentation(torch.nn.Module):
    """A pipeline as a `torch.nn.Module`: batches (B, C, H, W) in, varied batches out, on the device where they lie.

    The operations are described on the CPU, as always; their pixels are computed by PyTorch on the batch's device: each
    sample is sampled once, all samples together. A key's draws are the same as in `Pipeline.batch`, noise included, and
    pixels agree with it to the precision of float32.

    Masks and heat maps are moved on the device too. Boxes, keypoints and other labels are moved on the CPU and come
    back as tensors on the batch's device. Operations that are functions of pixels (CLAHE, JPEG, medians, weather and
    others that no coordinate map, colour matrix, tone curve, filter, noise or erasure can say) work on the CPU: their
    batches travel there and back, which is right and slow; better leave them to the Loader.

    Every call is another variation, unless keys say otherwise: ranks of a distributed training draw differently, and a
    key means the same in all of them. No gradient flows through it, and autocast has no part in it.

    Args:
        pipeline: image operations, and those on texts and sounds that come with the images. Batches keep their dtype;
            where it ends in `Normalize` or `ToTensor` whole numbers become float32, and floats stay what they are
            (bfloat16 in, bfloat16 out).

    Raises:
        TypeError: `pipeline` is none.
        ValueError: it has no operations on images.

    Example:
        >>> import torch
        >>> from covary import Pipeline, image
        >>> from covary.interop.pytorch import Augmentation
        >>> augment = Augmentation(Pipeline([image.RandomResizedCrop(32), image.HorizontalFlip()]))
        >>> augment(torch.zeros(8, 3, 48, 64)).shape
        torch.Size([8, 3, 32, 32])
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        if not isinstance(pipeline, Pipeline):
            raise TypeError(f"Augmentation: pipeline is a {type(pipeline).__name__}; a covary.Pipeline is needed")
        if pipeline.operations and "image" not in pipeline.modalities:
            raise ValueError("Augmentation: the pipeline has no operations on images")
        self.pipeline = pipeline
        self._place: str | None = None
        self._own = pipeline

    def forward(
        self, image: Tensor, *, keys: Sequence[Key] | None = None, epoch: int | Sequence[int] = 0, **fields: Any
    ) -> Any:
        """Vary a batch.

        Args:
            image: (B, C, H, W); uint8 and uint16 from 0 to white, floats from 0 to 1. float16, bfloat16 and float64
                are computed in float32.
            keys: B identities, a tensor of whole numbers for instance. Default: the module counts its samples.
            epoch: one for all, or one for each sample.
            fields: an entry for each sample, under the names of `Pipeline.batch`. On the batch's device are moved
                `mask` (B, H, W) or (B, K, H, W), `heatmaps` (B, K, H, W), `images` (B, N, C, H, W), and further fields
                that the pipeline's `targets` treat as one of these. Labels (`boxes`, `keypoints`, `masks` (N, H, W)
                of each sample ...) may be a tensor (B, N, ...), or a list of tensors, arrays or lists. What the
                pipeline has nothing for comes back as it is, the same object.

        Returns:
            Without fields the batch: (B, C, H', W'), or a list of (C, H', W') where results differ in size. With fields
            a dict, the batch under "image". Labels that came as tensors are tensors on the batch's device: one where
            they came in one and still agree in shape, else a list. Floats keep their dtype.

        Raises:
            TypeError, ValueError: an input of a wrong type, dtype or shape; the message names it.
        """
        with torch.no_grad():
            return self._varied(image, _numbers(keys), _numbers(epoch), fields)

    def _varied(self, image: Tensor, keys: Any, epoch: Any, fields: Mapping[str, Any]) -> Any:
        _check(image, keys, fields)
        count, channels, height, width = image.shape
        kinds = {name: _kind(name, self.pipeline) for name in fields}
        rasters = {name: kind for name, kind in kinds.items() if kind in _RASTERS}
        for name, kind in rasters.items():
            _check_raster(fields[name], name, kind, image, self.pipeline)
        pipeline = self.pipeline
        if keys is None:
            pipeline = self._counting()
            keys = pipeline.next_keys(count)
        moved_too = _moved_names(pipeline, fields)
        labels = _by_sample({name: fields[name] for name in fields if name in moved_too and name not in rasters}, count)
        taken = image.float() if image.dtype in _NARROWED else image
        planned = pipeline.planned(
            np.tile(np.array([height, width], np.int64), (count, 1)),
            keys=keys,
            epoch=epoch,
            channels=channels,
            dtype=_name(taken.dtype),
            fields=_looked_at(labels, fields, rasters) if pipeline.looks_at_labels else None,
        )
        made = _like(_drawn(planned, taken), image.dtype)
        if not fields:
            return made
        moved = pipeline.beside(planned.carry(labels), keys=keys, epoch=epoch)
        out: dict[str, Any] = {"image": made}
        for name, column in fields.items():
            if rasters.get(name) == "image":
                out[name] = _further(planned, column)
            elif name in rasters:
                out[name] = _raster(planned, column, name, rasters[name], pipeline)
            elif name in labels[0]:
                out[name] = _column([sample[name] for sample in moved], column, image.device)
            else:
                out[name] = column
        return out

    def _counting(self) -> Pipeline:
        """What counts the calls of this process: the pipeline, with a seed of its own in each worker and rank."""
        place = place_of_draws()
        if place != self._place:
            self._place, self._own = place, drawing_at(place, self.pipeline)
        return self._own

    def extra_repr(self) -> str:
        return repr(self.pipeline)


def _numbers(given: Any) -> Any:
    """Keys and epochs as a pipeline takes them: no tensors."""
    return given.tolist() if isinstance(given, Tensor) else given


def _kind(name: str, pipeline: Pipeline) -> str:
    return "image" if name == SEVERAL else pipeline.targets.get(name, name)


def _check(image: Any, keys: Sequence[Key] | None, fields: Mapping[str, Any]) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"image is a {type(image).__name__}; a tensor (B, C, H, W) is needed")
    if image.ndim != 4 or 0 in image.shape:
        raise ValueError(f"image has shape {tuple(image.shape)}; (B, C, H, W) with at least one pixel is needed")
    _check_dtype(image, "image", _FIGURES)
    for name, column in (("keys", keys), *fields.items()):
        if column is None:
            continue
        if not hasattr(column, "__len__") or (isinstance(column, Tensor) and column.ndim == 0):
            raise TypeError(f"{name} is a {type(column).__name__}; an entry for each sample is needed")
        if len(column) != len(image):
            raise ValueError(f"{name} has {len(column)} entries for {len(image)} samples")


def _check_raster(column: Any, name: str, kind: str, image: Tensor, pipeline: Pipeline) -> None:
    if column is None:
        return
    dtypes, shapes, axes = _RASTERS[kind]
    size = image.shape[-2:]
    if not isinstance(column, Tensor) or column.ndim not in axes or column.shape[-2:] != size or 0 in column.shape:
        got = f"one of shape {tuple(column.shape)}" if isinstance(column, Tensor) else f"a {type(column).__name__}"
        raise ValueError(f"{name}: expected a tensor {shapes} of the image's {size[0]} x {size[1]} pixels, got {got}")
    _check_dtype(column, name, dtypes)
    if kind == "mask":
        check_fill(pipeline.mask_fill, np.empty(0, _name(column.dtype)), name)
        _check_pairs(pipeline.mask_pairs, column, name)
    if kind == "heatmaps":
        traded(pipeline.heatmap_pairs, column.shape[1] if column.ndim == 4 else 1, name, "channel")


def _check_pairs(pairs: Pairs, mask: Tensor, name: str) -> None:
    if name != "mask" or mask.is_floating_point() or mask.dtype == torch.bool:
        return
    limits = torch.iinfo(mask.dtype)
    for value in (value for pair in pairs for value in pair):
        if not limits.min <= value <= limits.max:
            raise ValueError(f"mask_pairs names {value!r}, which mask of dtype {_name(mask.dtype)} cannot hold")


def _check_dtype(tensor: Tensor, name: str, allowed: Sequence[torch.dtype]) -> None:
    if tensor.dtype not in allowed:
        raise TypeError(f"{name} is {_name(tensor.dtype)}; allowed are {', '.join(map(_name, allowed))}")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _moved_names(pipeline: Pipeline, fields: Mapping[str, Any]) -> set[str]:
    """The fields for which the pipeline may have something; with sounds and texts any may belong to these."""
    given = {name for name, column in fields.items() if column is not None}
    if pipeline.modalities & {"audio", "text"}:
        return given
    return given & {*_LABELS, *pipeline.targets, *[f"{name}_labels" for name in pipeline.targets]}


def _by_sample(columns: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Labels as `Pipeline.batch` takes them: tensors as arrays."""
    known = {name: _as_array(column) for name, column in columns.items()}
    return [{name: _as_array(column[row]) for name, column in known.items()} for row in range(count)]


def _as_array(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    known = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
    return known.detach().cpu().numpy()


def _looked_at(
    labels: Sequence[Mapping[str, Any]], fields: Mapping[str, Any], rasters: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The labels with masks in main memory, for operations that look at them before they draw."""
    known = [dict(sample) for sample in labels]
    for name in (name for name, kind in rasters.items() if kind == "mask"):
        for sample, mask in zip(known, fields[name], strict=True):
            sample[name] = _as_array(mask if mask.ndim == 2 else mask.permute(1, 2, 0))
    return known


def _drawn(planned: Planned, pictures: Tensor) -> Tensor | list[Tensor]:
    return draw([(group.rows, group.stages) for group in planned.groups], pictures)


def _like(made: Tensor | list[Tensor], dtype: torch.dtype) -> Tensor | list[Tensor]:
    """Results of pictures of a dtype that was widened to be computed are narrowed again."""
    if dtype not in _NARROWED:
        return made
    return made.to(dtype) if isinstance(made, Tensor) else [each.to(dtype) for each in made]


def _further(planned: Planned, column: Tensor | None) -> Any:
    """Further images, which share the draws: (B, C, H, W), or several of each sample, (B, N, C, H, W)."""
    if column is None:
        return None
    taken = column.float() if column.dtype in _NARROWED else column
    assert planned.again is not None
    own = planned.again(column.shape[-3], _name(taken.dtype))
    if column.ndim == 4:
        return _like(_drawn(own, taken), column.dtype)
    views = [_like(_drawn(own, view), column.dtype) for view in taken.unbind(1)]
    if all(isinstance(view, Tensor) for view in views):
        return _stacked([view for view in views if isinstance(view, Tensor)], 1)
    return [_stacked(several, 0) for several in zip(*views, strict=True)]


def _stacked(tensors: Sequence[Tensor], axis: int) -> Tensor:
    return torch.stack([signed(each) for each in tensors], axis).view(tensors[0].dtype)


def _raster(planned: Planned, column: Tensor | None, name: str, kind: str, pipeline: Pipeline) -> Any:
    """Masks or heat maps, moved by the pictures' geometry."""
    if column is None:
        return None
    layers = column if column.ndim == 4 else column[:, None]
    taken = layers.float() if kind == "heatmaps" and layers.dtype in _NARROWED else layers
    fill = pipeline.mask_fill if kind == "mask" else 0.0
    stages_of = mask_stages if kind == "mask" else heatmap_stages
    colours = [[float(fill)] * layers.shape[1]]
    passes = []
    for group in planned.groups:
        stages = stages_of(group.stages)
        passes.append((group.rows, painted(stages, colours * len(stages[0].size)) if stages else ()))
    moved = draw(passes, taken)
    if kind == "heatmaps":
        moved = _like(moved, layers.dtype)
    pairs: Pairs = pipeline.heatmap_pairs if kind == "heatmaps" else pipeline.mask_pairs if name == "mask" else ()
    for row in _mirrored(planned) if pairs else ():
        moved[row] = _swapped(moved[row], pairs, kind, name)
    if column.ndim == 4:
        return moved
    return moved[:, 0] if isinstance(moved, Tensor) else [each[0] for each in moved]


def _mirrored(planned: Planned) -> list[int]:
    """The samples in which left and right trade places."""
    found = []
    for group in planned.groups:
        rows = np.arange(len(planned.sizes)) if group.rows is None else group.rows
        path = Path(group.stages, planned.sizes[rows])
        found += [int(row) for place, row in enumerate(rows) if mirrors(path.legs(place))]
    return found


def _swapped(layers: Tensor, pairs: Pairs, kind: str, name: str) -> Tensor:
    if kind == "heatmaps":
        return picked(layers, np.array(traded(pairs, len(layers), name, "channel")))
    came = swapped = signed(layers)
    for left, right in pairs:
        if came.dtype != layers.dtype:  # classes as signed numbers of the same bits
            left, right = (
                signed(torch.tensor(value, dtype=layers.dtype, device="cpu")).item() for value in (left, right)
            )
        for old, new in ((left, right), (right, left)):
            swapped = torch.where(came == old, torch.full_like(came, new), swapped)
    return swapped.view(layers.dtype)


def _column(values: list[Any], came: Any, device: torch.device) -> Any:
    """Labels in the form in which they came."""
    if not isinstance(came, Tensor):
        return [_as_tensor(value, each, device) for value, each in zip(values, came, strict=True)]
    tensors = [_as_tensor(value, came, device) for value in values]
    return _stacked(tensors, 0) if len({tensor.shape for tensor in tensors}) == 1 else tensors


def _as_tensor(value: Any, came: Any, device: torch.device) -> Any:
    """A label as a tensor of its own where it came in a tensor."""
    if not isinstance(came, Tensor):
        return value
    made = torch.tensor(np.asarray(value), device=device)
    return made.to(came.dtype) if came.is_floating_point() else made

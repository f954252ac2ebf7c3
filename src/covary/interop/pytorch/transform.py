"""A pipeline as the transform of any data set of PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from covary.draws.keys import Key
from covary.interop.forms import to_tensor
from covary.interop.pytorch.places import drawing_at, place_of_draws
from covary.interop.samples import Varying
from covary.pipeline import Pipeline

_NOTHING = object()


class Transform:
    """A pipeline as the `transform=` or `transforms=` of a data set.

    It takes what data sets give: a picture; a picture and its target, as the `transforms=` of torchvision's data sets
    is called; a tuple (picture, target); or a dict with a picture under "image". Pictures are PIL images, tensors
    (C, H, W) or arrays (H, W, C). Where the pipeline ends in `Normalize` or `ToTensor` they become tensors, float32
    (C, H, W), and PIL masks become int64 tensors (H, W) of class numbers; otherwise everything comes back in the form
    in which it came.

    A target is a mask (H, W); a dict with `boxes`, `masks`, `keypoints`, `labels` and `area`, a row per object, as
    torchvision's detection models take it; a list of COCO entries; or anything else, which comes back as it is. Boxes
    are written as the pipeline's `boxes` says (by default x0, y0, x1, y1). Where an object leaves the picture, its row
    goes from all columns.

    Without keys every call is another variation. Worker processes of a DataLoader take theirs from the seed that
    PyTorch gives each of them for each epoch: none repeats another's, nor an earlier epoch's, and `torch.manual_seed`
    with the same number of workers gives the same again. For variations that depend on nothing but the sample and the
    epoch, see `wrap`.

    Args:
        pipeline: the pipeline.
        rows: columns of a target, besides those that covary knows, that have a row per object.

    Raises:
        TypeError: `pipeline` is none.
    """

    def __init__(self, pipeline: Pipeline, *, rows: Iterable[str] = ()) -> None:
        if not isinstance(pipeline, Pipeline):
            raise TypeError(f"Transform: pipeline is a {type(pipeline).__name__}; a covary.Pipeline is needed")
        self.pipeline = pipeline
        self.rows = tuple(rows)
        self._place: str | None = None
        self._varying = Varying(pipeline, to_tensor, self.rows)

    def __call__(self, image: Any, target: Any = _NOTHING, *, key: Key | None = None, epoch: int = 0) -> Any:
        """A variation.

        Args:
            image: a picture, a tuple (picture, target) or a dict.
            target: what belongs to the picture, where it comes by itself; then a tuple comes back.
            key: the sample's identity. Default: this transform counts its calls.
            epoch: which of the sample's variations.

        Raises:
            TypeError, ValueError: a field of a wrong type, dtype or shape; the message names it.
        """
        sample = image if target is _NOTHING else (image, target)
        if key is None:
            return self._counting().one(sample, epoch=epoch)
        return Varying(self.pipeline, to_tensor, self.rows).one(sample, key, epoch)

    def _counting(self) -> Varying:
        """What counts the calls of this process: the pipeline, with a seed of its own in each worker and rank."""
        place = place_of_draws()
        if place != self._place:
            own = drawing_at(place, self.pipeline)
            self._place, self._varying = place, Varying(own, to_tensor, self.rows)
        return self._varying

    def __repr__(self) -> str:
        return f"Transform({self.pipeline!r})"

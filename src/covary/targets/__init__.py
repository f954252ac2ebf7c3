"""Labels that pass through the same coordinate maps as the pixels."""

from covary.targets.boxes import Boxes
from covary.targets.carry import carry
from covary.targets.keypoints import Keypoints
from covary.targets.oriented import OrientedBoxes
from covary.targets.polygons import LineStrings, Polygons

__all__ = ["Boxes", "Keypoints", "LineStrings", "OrientedBoxes", "Polygons", "carry"]

"""Labels that pass through the same coordinate maps as the pixels."""

from covary.targets.boxes import Boxes
from covary.targets.carry import carry
from covary.targets.keypoints import Keypoints

__all__ = ["Boxes", "Keypoints", "carry"]

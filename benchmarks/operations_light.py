"""Light that falls unevenly, in covary and in Albumentations."""

from __future__ import annotations

from benchmarks.operation import OFF, Operation

OPERATIONS = (
    Operation(
        "PlasmaBrightness",
        lambda i: i.PlasmaBrightness(0.3),
        lambda a: a.PlasmaBrightnessContrast((-0.3, 0.3), OFF, p=1),
        at_least=5,
    ),
    Operation(
        "PlasmaContrast",
        lambda i: i.PlasmaContrast(0.3),
        lambda a: a.PlasmaBrightnessContrast(OFF, (-0.3, 0.3), p=1),
        at_least=5,
    ),
    Operation(
        "PlasmaShadow", lambda i: i.PlasmaShadow((0.3, 0.7)), lambda a: a.PlasmaShadow((0.3, 0.7), p=1), at_least=5
    ),
    Operation(
        "Illumination, linear",
        lambda i: i.Illumination("linear", (-0.2, 0.2)),
        lambda a: a.Illumination("linear", p=1),
    ),
    Operation(
        "Illumination, corner",
        lambda i: i.Illumination("corner", (-0.2, 0.2)),
        lambda a: a.Illumination("corner", p=1),
    ),
    Operation(
        "Illumination, gaussian",
        lambda i: i.Illumination("gaussian", (-0.2, 0.2)),
        lambda a: a.Illumination("gaussian", p=1),
    ),
)

"""Weather and road, in covary and in Albumentations."""

from __future__ import annotations

from benchmarks.operation import Operation

OPERATIONS = (
    Operation("RandomFog", lambda i: i.RandomFog(), lambda a: a.RandomFog(p=1), at_least=5),
    Operation("RandomRain", lambda i: i.RandomRain(), lambda a: a.RandomRain(p=1)),
    Operation("RandomSnow, lying", lambda i: i.RandomSnow(mode="lying"), lambda a: a.RandomSnow(p=1), at_least=5),
    Operation(
        "RandomSnow, falling",
        lambda i: i.RandomSnow(mode="falling"),
        lambda a: a.RandomSnow(method="texture", p=1),
        at_least=5,
    ),
    Operation("Spatter, rain", lambda i: i.Spatter(), lambda a: a.Spatter(p=1), at_least=5),
    Operation("Spatter, mud", lambda i: i.Spatter(mode="mud"), lambda a: a.Spatter(mode="mud", p=1), at_least=5),
    Operation("RandomShadow", lambda i: i.RandomShadow(), lambda a: a.RandomShadow(p=1), at_least=5),
    Operation("RandomSunFlare", lambda i: i.RandomSunFlare(), lambda a: a.RandomSunFlare(p=1)),
    Operation("RandomGravel", lambda i: i.RandomGravel(), lambda a: a.RandomGravel(p=1)),
)

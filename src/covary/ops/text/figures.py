"""Operations on numbers and dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

from covary.draws.distributions import Integers
from covary.ops.base import operation, ranged
from covary.ops.text.base import TextOperation, share
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.plan.edits import Edit, Edits

# A number by itself: not a part of a date, a time, a version, a telephone number or a word.
_NUMBER = re.compile(
    r"(?<![\w.,:/\-])(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?(?![.,:/\-]?\d|[-/:]\w)", re.ASCII
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")


@operation
class NumberJitter(TextOperation):
    """Change numbers by a little, in their own form: 1,250.50 stays a number with a comma and two decimals.

    Args:
        amount: by how much at most, as a fraction of the number: 0.1 gives 90 to 110 for 100. Default 0.1. Identity: 0.
        years: whether numbers that look like years (1500 to 2099) change too. Default False.

    Whole numbers stay whole; numbers in dates, times, versions and codes stay as they are.

    Helps: tasks in which the exact number does not matter.
    Hurts: arithmetic, questions and answers, facts.
    """

    amount: Any = share(0.1)
    years: bool = False
    lifts = ("numbers",)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        amount = drawn["amount"]
        if amount == 0:
            return []
        edits = []
        for match in _NUMBER.finditer(page.text):
            old = match[0]
            if not page.is_free(*match.span(), guard) or (_YEAR.fullmatch(old) and not self.years):
                continue
            new = _jittered(old, 1 + amount * (2 * numbers() - 1))
            if new != old:
                edits.append(Edit(*match.span(), new))
        return edits


def _jittered(number: str, factor: float) -> str:
    decimals = len(number.partition(".")[2])
    value = round(float(number.replace(",", "")) * factor, decimals)
    return f"{value:{',' if ',' in number else ''}.{decimals}f}"


_MONTHS = "January February March April May June July August September October November December".split()
_SHORT = [month[:3] for month in _MONTHS]
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|{'|'.join(_SHORT)})"
_DAY, _YEAR_OF = r"(?P<day>0?[1-9]|[12]\d|3[01])", r"(?P<year>1[5-9]\d\d|20\d\d)"
_DATES = tuple(
    re.compile(rf"(?<![\w/.\-]){pattern}(?![\w/\-]|\.\d)", re.ASCII)
    for pattern in (
        rf"{_YEAR_OF}-(?P<number>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])",
        rf"{_DAY} {_MONTH},? {_YEAR_OF}",
        rf"{_MONTH} {_DAY},? {_YEAR_OF}",
        rf"{_DAY}\.(?P<number>0?[1-9]|1[0-2])\.{_YEAR_OF}",
    )
)
_SLASHED = {
    "dmy": re.compile(rf"(?<![\w/.\-]){_DAY}/(?P<number>0?[1-9]|1[0-2])/{_YEAR_OF}(?![\w/\-])", re.ASCII),
    "mdy": re.compile(rf"(?<![\w/.\-])(?P<number>0?[1-9]|1[0-2])/{_DAY}/{_YEAR_OF}(?![\w/\-])", re.ASCII),
}


@operation
class DateJitter(TextOperation):
    """Move all dates of a text by the same number of days, each in its own form.

    Args:
        days: by how many, drawn once for a text, so that the time between two dates stays; a number x means -x to x.
            Default -30 to 30. Identity: 0.
        order: how dates with slashes are read, "dmy" or "mdy"; None leaves them alone. Default None.

    Known are 2024-03-05, 5 March 2024, March 5, 2024 (months also by three letters) and 5.3.2024.

    Helps: letters, reports and records, whose dates a model should not learn by heart.
    Hurts: history, days of the week beside the date, questions about time.
    """

    days: Any = ranged(default=Integers(-30, 30, identity=0))
    order: Literal["dmy", "mdy"] | None = None
    lifts = ("numbers",)

    def check(self) -> None:
        if self.order not in (None, "dmy", "mdy"):
            self.refuse("order", repr(self.order), "'dmy', 'mdy' or None")

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        days = int(drawn["days"])
        if days == 0:
            return []
        patterns = _DATES if self.order is None else (*_DATES, _SLASHED[self.order])
        found = [match for pattern in patterns for match in pattern.finditer(page.text)]
        edits: list[Edit] = []
        for match in sorted(found, key=lambda match: match.start()):
            new = _moved(match, days)
            if new is not None and page.is_free(*match.span(), guard) and (not edits or match.start() >= edits[-1].end):
                edits.append(Edit(*match.span(), new))
        return edits


def _moved(match: re.Match[str], days: int) -> str | None:
    """The date so many days later in the form of the match; None if there is no such date."""
    parts = match.groupdict()
    name = parts.get("month")
    month = int(parts["number"]) if name is None else _SHORT.index(name[:3]) + 1
    try:
        moved = date(int(parts["year"]), month, int(parts["day"])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    padded = "-" in match[0] or any(part.startswith("0") for part in parts.values())
    digits = "02d" if padded else "d"
    written = {"year": f"{moved.year:04d}", "day": f"{moved.day:{digits}}"}
    if name is None:
        written["number"] = f"{moved.month:{digits}}"
    else:
        written["month"] = (_MONTHS if name in _MONTHS and name not in _SHORT else _SHORT)[moved.month - 1]
    if name == "May":  # both the month and its short form: long, as months mostly are
        written["month"] = _MONTHS[moved.month - 1]
    text, last = "", match.start()
    for group in sorted(written, key=match.start):
        text += match.string[last : match.start(group)] + written[group]
        last = match.end(group)
    return text + match.string[last : match.end()]

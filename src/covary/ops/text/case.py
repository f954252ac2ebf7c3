"""A replacement is written as the word that it replaces was."""

from __future__ import annotations


def written_like(old: str, new: str) -> str:
    """The new word in the case of the old: all capitals, a capital first letter, or as it is.

    A word of one capital letter, such as "I" or "A", says no more than that its first letter is a capital.
    """
    if old[:1].islower() or old == new:
        return new
    if len(old) > 1 and old.isupper():
        return new.upper()
    if old[:1].isupper():
        return new[:1].upper() + new[1:]
    return new

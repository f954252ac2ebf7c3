"""What letters are mistaken for: keys side by side, shapes alike, accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache

# The letter rows of each layout, and how far each row starts to the right of the one above, in keys.
_ROWS = {
    "qwerty": (("qwertyuiop", "asdfghjkl", "zxcvbnm"), (0.0, 0.25, 0.75)),
    "qwertz": (("qwertzuiopü", "asdfghjklöä", "yxcvbnm"), (0.0, 0.25, 0.75)),
    "azerty": (("azertyuiop", "qsdfghjklm", "wxcvbn"), (0.0, 0.25, 0.75)),
    "dvorak": (("\0\0\0pyfgcrl", "aoeuidhtns", "\0qjkxbmwvz"), (0.0, 0.25, 0.75)),
    "colemak": (("qwfpgjluy", "arstdhneio", "zxcvbkm"), (0.0, 0.25, 0.75)),
    "russian": (("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"), (0.0, 0.25, 0.75)),
}
LAYOUTS = tuple(_ROWS)


@cache
def neighbours(layout: str) -> Mapping[str, str]:
    """The letters whose keys touch each letter's key, in small letters."""
    rows, offsets = _ROWS[layout]
    keys = [
        (letter, offset + column, row)
        for row, (letters, offset) in enumerate(zip(rows, offsets, strict=True))
        for column, letter in enumerate(letters)
        if letter != "\0"
    ]
    return {
        letter: "".join(other for other, u, v in keys if other != letter and abs(u - x) <= 1 and abs(v - y) <= 1)
        for letter, x, y in keys
    }


@cache
def typing_slips(layout: str) -> Mapping[str, tuple[str, ...]]:
    """What each ASCII letter may become under a hand that misses its key."""
    small = {letter: tuple(keys) for letter, keys in neighbours(layout).items() if letter.isascii()}
    capital = {letter.upper(): tuple(key.upper() for key in keys) for letter, keys in small.items()}
    return small | capital


# Shapes that scanners and readers of print confuse, each way; several letters may look like one.
_ALIKE = """
0 O D Q o, 1 l I i |, 2 Z z, 5 S s, 6 b G, 8 B, 9 g q, c e o, u v, n h, f t, i j, C G, E F, K X, M N, P R, U V, V Y,
a o, rn m, cl d, vv w, ri n, li h, nn m, ii u, fi fl
"""


@cache
def print_confusions() -> Mapping[str, tuple[str, ...]]:
    """What print may be misread as: one or two characters -> the readings."""
    table: dict[str, list[str]] = {}
    for group in _ALIKE.split(","):
        shapes = group.split()
        for shape in shapes:
            table.setdefault(shape, []).extend(other for other in shapes if other != shape)
    return {shape: tuple(dict.fromkeys(readings)) for shape, readings in table.items()}


# A Latin letter, and those of other alphabets with the same look (after Unicode's confusables).
_SAME_LOOK = """
aаɑ cсϲ dԁ eе gɡ hһ iіι jј kκ lⅼ mⅿ nո oоο pрρ qԛ rг sѕ tτ uυս vνⅴ wԝ xхⅹ yуү zᴢ AАΑ BВΒ CСϹ DⅮ EЕΕ FϜ GԌ HНΗ
IІΙ JЈ KКΚ LⅬ MМΜ NΝ OОΟ PРΡ SЅ TТΤ UՍ VⅤ WԜ XХΧ YҮΥ ZΖ
"""
HOMOGLYPHS: Mapping[str, str] = {group[0]: group[1:] for group in _SAME_LOOK.split()}

_SIGNS = {group[0]: group[1:] for group in "a4@ b8 c( e3 g96 h# i1! l1| o0 s5$ t7+ z2".split()}
LEET: Mapping[str, str] = _SIGNS | {letter.upper(): signs for letter, signs in _SIGNS.items()}

_ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327"


@cache
def accented(letter: str) -> tuple[str, ...]:
    """The single characters that are this letter with an accent: "e" gives è, é, ê ..."""
    made = (unicodedata.normalize("NFC", letter + accent) for accent in _ACCENTS)
    return tuple(character for character in made if len(character) == 1)


@cache
def plain(letter: str) -> str:
    """The letter without its accents: "é" gives "e"."""
    parts = unicodedata.normalize("NFD", letter)
    return "".join(part for part in parts if not unicodedata.combining(part))

"""Words, their parts of speech, senses and irregular forms.

A lexicon is a text file, gzipped if its name ends in ".gz", of four parts with an empty line between them:

    covary-lexicon<TAB>1                      the format
    language<TAB>en                           any further lines of name<TAB>value

    big large great>12                        senses, numbered from 0: words that may stand for each other, the most
                                              frequent first; behind ">" the number of a more general sense
    large<TAB>a23.0!small,4.7 n.9             words in small letters: for each part of speech (n noun, v verb, a
                                              adjective, r adverb) the senses in order: how often it was met (nothing:
                                              0), behind "." its number, behind each "!" a word of opposite meaning

    go<TAB>VBD:went VBN:gone                  irregular forms, or all forms of a language without rules: NNS; VBZ, VBG,
                                              VBD, VBN; JJR, JJS; RBR, RBS (tags of the Penn Treebank); several with ","
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ENGLISH = Path(__file__).parent / "lexicons" / "en.txt.gz"

PARTS = {"n": "noun", "v": "verb", "a": "adjective", "r": "adverb"}


class Sense(NamedTuple):
    """A meaning of a word.

    Attributes:
        met: how often the word was met in this sense.
        number: of the sense; None where no words can stand for it.
        opposites: words of opposite meaning.
    """

    met: int
    number: int | None
    opposites: tuple[str, ...]


class Lexicon:
    """The words of a language. Entries stay packed until they are asked for.

    Args:
        text: of the file, see the module.
        name: what to call it in messages.

    Raises:
        ValueError: the text has another form.
    """

    def __init__(self, text: str, name: str) -> None:
        parts = text.split("\n\n")
        if len(parts) != 4 or not parts[0].startswith("covary-lexicon\t1"):
            raise ValueError(
                f"{name} is no lexicon: it needs the line 'covary-lexicon', a tab and '1', and three parts behind it"
            )
        heads = dict(line.split("\t", 1) for line in parts[0].splitlines() if "\t" in line)
        self.language = heads.get("language", "")
        self._senses = parts[1].split("\n") if parts[1] else []
        self._entries = _table(parts[2])
        self._forms = _table(parts[3])
        self._known: dict[str, Mapping[str, tuple[Sense, ...]]] = {}
        self._lemmas: dict[str, list[tuple[str, str]]] | None = None

    @classmethod
    def read(cls, path: str | Path) -> Lexicon:
        """Read a lexicon from a file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it has another form.
        """
        import gzip

        data = Path(path).read_bytes()
        return cls((gzip.decompress(data) if str(path).endswith(".gz") else data).decode("utf-8"), str(path))

    def __contains__(self, word: object) -> bool:
        return word in self._entries

    def entry(self, word: str) -> Mapping[str, tuple[Sense, ...]]:
        """Part of speech -> senses, the most frequent first; empty for a word that is not in the lexicon."""
        known = self._known.get(word)
        if known is None:
            packed = self._entries.get(word)
            known = {} if packed is None else {part[0]: _senses(part[1:]) for part in packed.split(" ")}
            self._known[word] = known
        return known

    def words(self, sense: int) -> tuple[str, ...]:
        """The words that may stand for each other in a sense, the most frequent first."""
        return tuple(self._senses[sense].partition(">")[0].split(" "))

    def above(self, sense: int) -> int | None:
        """The number of the more general sense, if there is one."""
        number = self._senses[sense].partition(">")[2]
        return int(number) if number else None

    def forms(self, lemma: str, tag: str) -> tuple[str, ...]:
        """The irregular forms of a word for a tag of the Penn Treebank, the usual one first."""
        packed = self._forms.get(lemma)
        if packed is not None:
            for entry in packed.split(" "):
                if entry.startswith(tag) and entry[len(tag)] == ":":
                    return tuple(entry[len(tag) + 1 :].split(","))
        return ()

    def lemmas(self, form: str) -> list[tuple[str, str]]:
        """The (lemma, tag) of which this is an irregular form."""
        if self._lemmas is None:
            self._lemmas = {}
            for lemma, packed in self._forms.items():
                for entry in packed.split(" "):
                    tag, _, forms = entry.partition(":")
                    for each in forms.split(","):
                        self._lemmas.setdefault(each, []).append((lemma, tag))
        return self._lemmas.get(form, [])


def _table(part: str) -> dict[str, str]:
    flat = part.strip("\n").replace("\t", "\n").split("\n")
    return dict(zip(flat[::2], flat[1::2], strict=False))


def _senses(packed: str) -> tuple[Sense, ...]:
    senses = []
    for item in packed.split(","):
        head, *opposites = item.split("!")
        count, _, number = head.partition(".")
        senses.append(Sense(int(count or 0), int(number) if number else None, tuple(opposites)))
    return tuple(senses)


@cache
def lexicon(path: str | None = None) -> Lexicon:
    """The lexicon in a file, read once; by default the English one that comes with covary."""
    return Lexicon.read(ENGLISH if path is None else path)

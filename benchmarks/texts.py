"""Operations on text: 2,000 real sentences of about 16 words, one thread; texts per second.

    python -m benchmarks.texts [NAME ...]

Beside nlpaug 1.1.11, at like shares of words and letters. nlpaug leaves nothing alone and moves no labels. Its synonyms
need NLTK, and WordNet as Debian's `wordnet-base` has it, in /usr/share/wordnet or where COVARY_WORDNET says. The model
of NLTK's tagger has to be downloaded, too; a smaller and faster one, trained on the spot and kept in memory, stands in
for it.
"""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import report
from benchmarks.sentences import sentences
from benchmarks.timing import Times, take_turns

COUNT = 2000
LETTERS = 0.1  # share of the letters that change; nlpaug's 0.3 of the letters in 0.3 of the words
WORDS = 0.1  # share of the words that change
WORDNET = Path(os.environ.get("COVARY_WORDNET", "/usr/share/wordnet"))
TWO_PROCESSES = 1.7


@dataclass(frozen=True)
class Nlpaug:
    """The parts of nlpaug, and whether it has a WordNet."""

    word: ModuleType
    char: ModuleType
    wordnet: bool


@dataclass(frozen=True)
class Operation:
    """One operation as both libraries say it.

    Attributes:
        name: of covary's operation.
        ours: given `covary.text`.
        theirs: given nlpaug; None where it has no such operation, or not what it needs.
        least: texts per second that it has to reach.
        at_least: how many times as fast as nlpaug it has to be.
    """

    name: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Nlpaug], Any] | None = None
    least: int = 30_000
    at_least: float = 4


def _words(action: str) -> Callable[[Nlpaug], Any]:
    return lambda n: n.word.RandomWordAug(action=action, aug_p=WORDS)


def _characters(action: str) -> Callable[[Nlpaug], Any]:
    return lambda n: n.char.RandomCharAug(action=action)


OPERATIONS = (
    Operation("RandomSwap", lambda t: t.RandomSwap(WORDS), _words("swap")),
    Operation("RandomDeletion", lambda t: t.RandomDeletion(WORDS), _words("delete")),
    Operation("PunctuationInsertion", lambda t: t.PunctuationInsertion(WORDS)),
    Operation("WordSplit", lambda t: t.WordSplit(WORDS), lambda n: n.word.SplitAug(aug_p=WORDS)),
    Operation("CharacterInsertion", lambda t: t.CharacterInsertion(LETTERS), _characters("insert")),
    Operation("CharacterSubstitution", lambda t: t.CharacterSubstitution(LETTERS), _characters("substitute")),
    Operation("CharacterDeletion", lambda t: t.CharacterDeletion(LETTERS), _characters("delete")),
    Operation("CharacterTranspose", lambda t: t.CharacterTranspose(LETTERS), _characters("swap")),
    Operation("KeyboardTypo", lambda t: t.KeyboardTypo(LETTERS), lambda n: n.char.KeyboardAug()),
    Operation("OcrNoise", lambda t: t.OcrNoise(LETTERS), lambda n: n.char.OcrAug()),
    Operation(
        "SynonymReplacement",
        lambda t: t.SynonymReplacement(WORDS),
        lambda n: n.word.SynonymAug(aug_p=WORDS) if n.wordnet else None,
        least=15_000,
        at_least=20,
    ),
)


def nlpaug() -> Nlpaug | None:
    """The peer, if it is installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import nlpaug.augmenter.char as char
            import nlpaug.augmenter.word as word
    except ImportError:
        return None
    return Nlpaug(word, char, _give_wordnet())


# The files of lexicographers, which Debian's package leaves out: numbers and names of WordNet 3.0's lexnames(5WN).
_LEXNAMES = """
adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition
noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person
noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state
noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption
verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative
verb.weather adj.ppl
"""


def _give_wordnet() -> bool:
    """Have nlpaug read WordNet from the files of the system, and tag words by a model that is made here."""
    try:
        import nltk.data
        from nltk.corpus.reader.wordnet import WordNetCorpusReader
    except ImportError:
        return False
    if not (WORDNET / "data.noun").is_file():
        return False
    # Its package hides the module behind what the module imports.
    theirs: Any = importlib.import_module("nlpaug.model.word_dict.wordnet")
    folder = Path(tempfile.mkdtemp(prefix="covary-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in WORDNET.iterdir():
        shutil.copy(file, folder)
    numbered = enumerate(_LEXNAMES.split())
    (folder / "lexnames").write_text("".join(f"{number:02d}\t{name}\t0\n" for number, name in numbered))
    nltk.data.path.append(str(folder))

    class English(WordNetCorpusReader):
        """WordNet alone: without the numbers by which other languages' wordnets refer to it."""

        def map_wn(self, version: str = "wordnet") -> None:
            return None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = English(nltk.data.FileSystemPathPointer(str(folder)), None)
    reader.synsets("testing")
    theirs.wordnet = reader
    tagger = _tagger(sentences(COUNT)[:400])
    theirs.WordNet.pos_tag = classmethod(lambda cls, tokens: tagger.tag(tokens))
    return True


def _tagger(texts: list[str]) -> Any:
    """NLTK's own tagger, which learns from covary's what it can of a few sentences."""
    import random

    from nltk.tag.perceptron import PerceptronTagger

    random.seed(1)
    tagger = PerceptronTagger(load=False)
    tagger.train([_tagged(text.split()) for text in texts], nr_iter=3)
    return tagger


def _tagged(words: list[str]) -> list[tuple[str, str]]:
    """Words with tags of the Penn treebank, by covary's tagger; where it says nothing, determiner, particle or noun."""
    from covary.ops.text.lexicon import lexicon
    from covary.ops.text.lists import STOP_WORDS
    from covary.ops.text.tagger import tagged

    lower = [word.strip(".,;:()").lower() for word in words]
    found = []
    for word, before, form, behind in zip(words, [None, *lower], lower, [*lower[1:], None], strict=False):
        reading = tagged(before, form, behind, lexicon(None))
        tag = "DT" if form in ("a", "an", "the") else "IN" if form in STOP_WORDS else "NN"
        found.append((word, tag if reading is None else reading.reading.tag))
    return found


def time_operation(operation: Operation, texts: list[str], peer: Nlpaug | None) -> Times:
    from covary import Pipeline, text

    pipeline = Pipeline([operation.ours(text)], seed=1, threads=1)
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "batch": (lambda: pipeline.batch(texts), len(texts)),
        "single": (lambda: [pipeline(each) for each in texts], len(texts)),
    }
    theirs = operation.theirs(peer) if peer is not None and operation.theirs is not None else None
    if theirs is not None:
        jobs["nlpaug"] = (lambda: [theirs.augment(each) for each in texts], len(texts))
    return take_turns(jobs, rounds=7)


def per_second(times: Times, name: str) -> str:
    return f"{1e6 / times.median(name):,.0f}" if name in times.rounds else "not measurable here"


def row(operation: Operation, times: Times) -> list[str]:
    reached = 1e6 / times.median("batch")
    cells = [
        operation.name,
        per_second(times, "batch"),
        per_second(times, "single"),
        per_second(times, "nlpaug") if operation.theirs is not None else "-",
        f"{operation.least:,} {report.verdict(reached >= operation.least)}",
    ]
    if "nlpaug" not in times.rounds:
        return [*cells, "-", ""]
    ratio = times.ratio("nlpaug", "batch")
    return [*cells, f"{ratio:.2f}x", f"{operation.at_least:.0f}x {report.verdict(ratio >= operation.at_least)}"]


# Two processes


_working: tuple[Any, list[str]] | None = None


def _begin(texts: list[str]) -> None:
    global _working
    from covary import Pipeline, text

    _working = (Pipeline([text.RandomSwap(WORDS), text.KeyboardTypo(LETTERS)], seed=1, threads=1), texts)
    _vary(0)


def _vary(epoch: int) -> int:
    assert _working is not None
    pipeline, texts = _working
    return len(pipeline.batch(texts, epoch=epoch, keys=range(len(texts))))


@contextmanager
def _pool(processes: int, texts: list[str]) -> Iterator[Any]:
    with multiprocessing.get_context("spawn").Pool(processes, _begin, (texts,)) as pool:
        pool.map(_vary, range(processes), chunksize=1)
        yield pool


def two_processes(texts: list[str], epochs: int = 24, rounds: int = 5) -> tuple[float, float]:
    """Texts per second by one process and by two, the best of some rounds in turn."""
    best = {1: 0.0, 2: 0.0}
    with _pool(1, texts) as one, _pool(2, texts) as two:
        for _ in range(rounds):
            for processes, pool in ((1, one), (2, two)):
                start = time.perf_counter()
                made = sum(pool.imap_unordered(_vary, range(epochs)))
                best[processes] = max(best[processes], made / (time.perf_counter() - start))
    return best[1], best[2]


def run(names: list[str]) -> None:
    chosen = [operation for operation in OPERATIONS if not names or operation.name in names]
    texts, peer = sentences(COUNT), nlpaug()
    words = sum(len(each.split()) for each in texts) / len(texts)
    rows = [row(operation, time_operation(operation, texts, peer)) for operation in chosen]
    notes = [f"{len(texts):,} sentences of {words:.1f} words from Python's own documentation, as one batch."]
    if peer is not None and not peer.wordnet:
        notes.append(
            "nlpaug's synonyms need NLTK and WordNet (Debian: wordnet-base); elsewhere about 600 texts/s of 16 words "
            "were measured."
        )
    elif peer is not None:
        notes.append(
            "nlpaug's tagger has a small model, trained here and kept in memory; its own has to be downloaded."
        )
    report.print_table(
        "Operations on text: texts per second, one thread",
        ("operation", "covary batch", "covary single", "nlpaug", "target", "batch/nlpaug", "target"),
        rows,
        notes,
    )
    if not names:
        one, two = two_processes(texts)
        met = report.verdict(two / one >= TWO_PROCESSES)
        print(
            f"\nRandomSwap and KeyboardTypo: {one:,.0f} texts/s by one process, {two:,.0f} by two: {two / one:.2f}x, "
            f"target {TWO_PROCESSES}x {met}"
        )


if __name__ == "__main__":
    report.print_machine()
    run(sys.argv[1:])

"""Three real tasks for experiments: digits, spoken words, lines of documentation. Nothing is downloaded.

    from benchmarks.tasks import TASKS, digits

    task = digits(25, draw=3)      # 25 of each class to train with, the fourth such choice; the test part never changes

Of each task there is a pool to train from, a validation part and a test part. Training samples are drawn from the pool,
class by class, another choice for each `draw`; what is held out is the same in all.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from covary.prove.task import Task

VALIDATION = 20  # samples of each class
RATE = 16000  # Hz

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
TRAIN_SPEAKERS = ("m1", "m2", "m3", "f1", "f2")
TEST_SPEAKERS = ("m4", "m5", "m6", "m7", "m8", "f3", "f4", "f5")

# What each class of lines is taken from: modules and packages of the standard library.
SOURCES = {
    "asyncio": ("asyncio",),
    "collections": ("collections", "_collections_abc.py", "heapq.py", "enum.py"),
    "datetime": ("datetime.py", "_pydatetime.py", "calendar.py", "_strptime.py"),
    "decimal": ("decimal.py", "_pydecimal.py", "fractions.py", "statistics.py"),
    "email": ("email", "mailbox.py"),
    "files": ("pathlib.py", "pathlib", "shutil.py", "tempfile.py", "zipfile.py", "zipfile", "tarfile.py"),
    "http": ("http", "urllib", "ssl.py", "socketserver.py"),
    "logging": ("logging", "argparse.py", "optparse.py"),
    "multiprocessing": ("multiprocessing", "concurrent", "threading.py", "queue.py"),
    "unittest": ("unittest", "doctest.py", "pdb.py"),
}


def digits(per_class: int, draw: int = 0) -> Task:
    """Handwritten digits of 8 x 8 px (scikit-learn's). Writer follows writer; the last 397 are the test part."""
    return _drawn(digits_pool(), per_class, draw)


def spoken_words(per_class: int, draw: int = 0) -> Task:
    """Ten words spoken by espeak-ng, at many speeds and pitches; the speakers of the test part (400 words) are others
    than those of the training and validation part.

    Raises:
        ImportError: espeak-ng is not there.
    """
    return _drawn(spoken_words_pool(), per_class, draw)


def text_lines(per_class: int, draw: int = 0) -> Task:
    """Lines of the standard library's documentation strings, of ten subjects; the test part (500 lines) has none from
    the strings that the rest comes from.
    """
    return _drawn(text_lines_pool(), per_class, draw)


TASKS: dict[str, Callable[..., Task]] = {"digits": digits, "spoken words": spoken_words, "text lines": text_lines}


def chosen(pool: Task, per_class: int, draw: int) -> NDArray[np.int64]:
    """Numbers of the training samples of a draw, `per_class` of each class, ascending.

    Raises:
        ValueError: a class has fewer.
    """
    generator = np.random.default_rng([draw, 1])
    train = np.array(pool.splits) == "train"
    parts = []
    for label, name in enumerate(pool.classes):
        own = np.flatnonzero(train & (pool.labels == label))
        if len(own) < per_class:
            raise ValueError(f"{pool.name}: {per_class} of each class asked for, {name} has {len(own)}")
        parts.append(generator.permutation(own)[:per_class])
    return np.sort(np.concatenate(parts))


def _drawn(pool: Task, per_class: int, draw: int) -> Task:
    """A choice of training samples, and all that is held out."""
    held_out = np.flatnonzero(np.array(pool.splits) != "train")
    return pool.subset(np.sort(np.concatenate([held_out, chosen(pool, per_class, draw)])))


def _held_out(labels: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`count` samples of each class."""
    chosen = [generator.permutation(np.flatnonzero(labels == label))[:count] for label in range(labels.max() + 1)]
    return np.concatenate(chosen)


@cache
def digits_pool() -> Task:
    """All digits."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = (found.images * (255 / 16)).round().astype(np.uint8)[..., None]
    labels = found.target.astype(np.int64)
    splits = np.where(np.arange(len(labels)) < 1400, "train", "test").astype(object)
    generator = np.random.default_rng(0)
    early = np.flatnonzero(splits == "train")
    splits[early[_held_out(labels[early], VALIDATION, generator)]] = "val"
    return Task(
        name="digits",
        modality="image",
        samples=list(pictures),
        labels=labels,
        classes=tuple(str(number) for number in range(10)),
        keys=tuple(range(len(labels))),
        splits=tuple(splits.tolist()),
    )


@cache
def spoken_words_pool() -> Task:
    """All spoken words; speaking them takes some 15 s."""
    from covary.resample import resample
    from tools.speech import Sentence, synthesise_all

    generator = np.random.default_rng(0)
    sentences, keys, splits, labels = [], [], [], []
    for split, speakers, count in (
        ("train", TRAIN_SPEAKERS, 110),
        ("val", TRAIN_SPEAKERS, VALIDATION),
        ("test", TEST_SPEAKERS, 40),
    ):
        for label, word in enumerate(WORDS):
            for number in range(count):
                voice = f"{generator.choice(ACCENTS)}+{generator.choice(speakers)}"
                speed, pitch = int(generator.integers(110, 260)), int(generator.integers(20, 80))
                sentences.append(Sentence(word, voice, speed, pitch))
                keys.append(f"{split}/{word}/{number}-{voice}-{speed}-{pitch}")
                splits.append(split)
                labels.append(label)
    samples = []
    for speech in synthesise_all(sentences):
        wave = speech.samples[None].astype(np.float32) / np.float32(32768)
        samples.append(resample(wave, speech.rate / RATE, round(wave.shape[1] * RATE / speech.rate)))
    return Task(
        name="spoken words",
        modality="audio",
        samples=samples,
        labels=np.array(labels, dtype=np.int64),
        classes=WORDS,
        keys=tuple(keys),
        splits=tuple(splits),
        rates=np.full(len(samples), RATE, dtype=np.int64),
    )


@cache
def text_lines_pool() -> Task:
    """All lines."""
    generator = np.random.default_rng(0)
    lines, keys, splits, labels = [], [], [], []
    seen: set[str] = set()
    for label, places in enumerate(SOURCES.values()):
        strings = [string for place in places for string in _strings(place)]
        generator.shuffle(strings)
        wanted = [("test", 50), ("val", VALIDATION), ("train", 110)]
        have = 0
        for name, string in strings:
            # A string's lines go into one part, whole.
            for number, line in _lines(string):
                if line.lower() in seen:
                    continue
                seen.add(line.lower())
                lines.append(line)
                keys.append(f"{name}:{number}")
                splits.append(wanted[0][0])
                labels.append(label)
                have += 1
            if have >= wanted[0][1] and len(wanted) > 1:
                wanted.pop(0)
                have = 0
    return Task(
        name="text lines",
        modality="text",
        samples=lines,
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(SOURCES),
        keys=tuple(keys),
        splits=tuple(splits),
    )


def _strings(place: str) -> Iterator[tuple[str, str]]:
    """The documentation strings of a module or package of the standard library, each with a name."""
    root = Path(sysconfig.get_paths()["stdlib"])
    path = root / place
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                string = ast.get_docstring(node)
                if string:
                    where = node.lineno if not isinstance(node, ast.Module) else 0
                    yield f"{file.relative_to(root).as_posix()}:{where}", string


def _lines(string: str) -> Iterator[tuple[int, str]]:
    """Lines of prose: five words and more, no examples."""
    for number, line in enumerate(string.splitlines()):
        words = line.split()
        if len(words) >= 5 and not line.lstrip().startswith((">>>", "...", "|", "+-")):
            yield number, " ".join(words)


POOLS: dict[str, Callable[[], Task]] = {
    "digits": digits_pool,
    "spoken words": spoken_words_pool,
    "text lines": text_lines_pool,
}

"""Sentences of real prose that come with Python: its language reference, and docstrings of its standard library. They
are the same on every machine with the same Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

SHORTEST, LONGEST = 8, 32  # words
MODULES = (
    "argparse", "bdb", "calendar", "cmd", "collections", "configparser", "contextlib", "csv", "datetime", "decimal",
    "difflib", "doctest", "enum", "fractions", "functools", "heapq", "inspect", "ipaddress", "locale", "mailbox",
    "optparse", "os", "pathlib", "pdb", "pickle", "pickletools", "pprint", "random", "sched", "shelve", "shutil",
    "socket", "socketserver", "statistics", "string", "subprocess", "tarfile", "tempfile", "textwrap", "threading",
    "trace", "traceback", "turtle", "typing", "uuid", "warnings", "weakref", "zipfile",
)  # fmt: skip
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_CODE = (" " * 6, "|", "+", ">>>", "   >>>")


def sentences(count: int) -> list[str]:
    """So many different sentences of 8 to 32 words, about 16 on average.

    Raises:
        ValueError: there are not so many.
    """
    found: dict[str, None] = {}
    for text in _texts():
        for sentence in _sentences(text):
            found[sentence] = None
            if len(found) == count:
                return list(found)
    raise ValueError(f"this Python has {len(found)} such sentences; {count} are wanted")


def _texts() -> Iterator[str]:
    from pydoc_data.topics import topics

    yield from (topics[name] for name in sorted(topics))
    for name in MODULES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            for node in ast.walk(ast.parse(Path(spec.origin).read_bytes())):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                    yield ast.get_docstring(node) or ""


def _sentences(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        if any(line.startswith(_CODE) for line in paragraph.splitlines()):
            continue  # code and tables
        for sentence in _END.split(" ".join(paragraph.split())):
            words = sentence.split()
            plain = sum(word.strip("\"',.;:()").isalpha() for word in words)
            whole = sentence[:1].isupper() and sentence[-1] in ".!?"
            if whole and SHORTEST <= len(words) <= LONGEST and plain >= 0.9 * len(words):
                yield sentence

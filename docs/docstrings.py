"""A docstring taken apart: what stands before, the arguments, and the named paragraphs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|Example|Helps|Hurts|Paper):[ ]*(.*)")
_ARGUMENT = re.compile(r"([A-Za-z_][\w]*(?:, [A-Za-z_][\w]*)*): (.*)")


@dataclass(frozen=True)
class Docstring:
    """Attributes:
    text: what the thing is, up to the first section.
    arguments: name -> meaning.
    sections: name of any other section -> its text.
    """

    text: str
    arguments: Mapping[str, str]
    sections: Mapping[str, str]


def parse(docstring: str) -> Docstring:
    """Take a docstring apart. Sections begin at the margin; arguments are indented once, their later lines twice."""
    text: list[str] = []
    arguments: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    current: list[str] = text
    names: list[str] = []
    for line in inspect.cleandoc(docstring).splitlines():
        section = _SECTION.fullmatch(line)
        if section is not None:
            current = sections.setdefault(section[1], [section[2]] if section[2] else [])
            continue
        argument = _ARGUMENT.fullmatch(line.strip()) if line.startswith("    ") and line[4:5] != " " else None
        if current is sections.get("Args") and argument is not None:
            names = argument[1].split(", ")
            arguments.update(dict.fromkeys(names, argument[2]))
        elif current is sections.get("Args") and (line.startswith(" ") or not line):
            arguments.update({name: f"{arguments[name]} {line.strip()}".strip() for name in names})
        elif line and not line.startswith(" ") and current is not text and (not current or not current[-1]):
            current = text  # a paragraph at the margin after an empty line ends a section
            current += ["", line]
        else:
            current.append(line)
    return Docstring(
        re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(),
        arguments,
        {name: " ".join(line.strip() for line in lines).strip() for name, lines in sections.items() if name != "Args"},
    )

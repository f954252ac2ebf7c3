"""Make docs/operations: a page for every operation from its declaration, an index, and a picture of what it does; and
docs/comparison.md.

python -m docs.build            write the pages and the pictures
python -m docs.build --check    write nothing; fail if a page is not what its declaration says
"""

from __future__ import annotations

import dataclasses
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from docs import comparison
from docs.docstrings import Docstring, parse

OPERATIONS = Path(__file__).parent / "operations"
GROUP_TITLES = {"combine": "Combinators"}


def operations() -> dict[str, type[Any]]:
    """Every operation of covary's own by its qualified name, in alphabetical order."""
    from covary.ops.base import registry
    from covary.ops.spec import declare_all

    declare_all()
    own = {name: cls for name, cls in registry().items() if cls.__module__.partition(".")[0] == "covary"}
    return dict(sorted(own.items()))


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    classes = operations()
    return {
        "index.md": index_page(classes),
        **{f"{name}.md": operation_page(name, cls) for name, cls in classes.items()},
    }


def index_page(classes: dict[str, type[Any]]) -> str:
    groups: dict[str, list[str]] = {}
    for name, cls in classes.items():
        group = cls.__module__.partition(".ops.")[2].replace("image.", "").replace(".", ": ")
        summary = parse(cls.__doc__ or "").text.partition("\n\n")[0].replace("\n", " ")
        groups.setdefault(group, []).append(f"| [{name}]({name}.md) | {summary} |")
    parts = ["# Operations", "Made by `make docs` from the declarations, with a picture of each operation's effect."]
    for group, rows in sorted(groups.items(), key=lambda item: (item[0] in GROUP_TITLES, item[0])):
        title = GROUP_TITLES.get(group, group.replace("_", " ").capitalize())
        parts.append("\n".join([f"## {title}\n", "| operation | what it does |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def operation_page(name: str, cls: type[Any]) -> str:
    docstring = parse(cls.__doc__ or "")
    parts = [f"# {name}", docstring.text, f"```python\n{signature(name, cls)}\n```"]
    if has_picture(name):
        parts.append(
            f"![the original, and two draws at a third, at two thirds and at all of the strength](pictures/{name}.webp)"
        )
    rows = [
        f"| `{field.name}` | {code(default_text(field))} | {cell(meaning(field.name, docstring))} |"
        for field in fields(cls)
    ]
    parts.append("\n".join(["| argument | default | meaning |", "|---|---|---|", *rows]))
    parts += [f"**{title}:** {docstring.sections[title]}" for title in docstring.sections]
    return "\n\n".join(part for part in parts if part) + "\n"


def fields(cls: type[Any]) -> list[Any]:
    """The operation's own fields, those given by position first; what all operations have comes last."""
    common = common_fields()
    return sorted(dataclasses.fields(cls), key=lambda field: (field.name in common, field.kw_only))


def common_fields() -> dict[str, str]:
    """What all operations, or all on text, have -> its meaning."""
    from covary.ops.base import Operation
    from covary.ops.text.base import TextOperation

    return {**parse(TextOperation.__doc__ or "").arguments, **parse(Operation.__doc__ or "").arguments}


def meaning(field: str, docstring: Docstring) -> str:
    return docstring.arguments.get(field) or common_fields().get(field, "")


def default_text(field: Any) -> str:
    if field.name == "operations" and field.default == ():  # a combinator needs them
        return ""
    if is_exact(field):
        return number_text(field.default.value)
    if field.default is not dataclasses.MISSING:
        return shown(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return shown(field.default_factory())
    return ""


def is_exact(field: Any) -> bool:
    """Whether the default is a number that stands for itself, as the range has one side only (see `Amount`)."""
    from covary.draws.distributions import Constant

    return isinstance(field.default, Constant) and field.default.identity in field.metadata.get("domain", ())


def shown(value: Any) -> str:
    """A default as a user would write it."""
    from covary.draws.distributions import Distribution

    if not isinstance(value, Distribution):
        return number_text(value) if isinstance(value, float) else repr(value).replace("'", '"')
    given = {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)  # type: ignore[arg-type]
        if field.name != "identity" and getattr(value, field.name) != field.default
    }
    numbers = [number_text(value) for value in given.values()]
    kind = type(value).__name__
    if kind == "Constant" and value.identity is None:  # with an identity, a bare number would be a distance from it
        return numbers[0]
    return f"({', '.join(numbers)})" if kind == "Uniform" else f"{kind}({', '.join(numbers)})"


def number_text(value: Any) -> str:
    """A number, as a fraction where its decimals do not end soon."""
    if isinstance(value, tuple):
        return "[" + ", ".join(number_text(item) for item in value) + "]"
    if not isinstance(value, float) or float(f"{value:g}") == value:
        return f"{value:g}" if isinstance(value, float) else repr(value)
    fraction = Fraction(value).limit_denominator(100)
    return f"{fraction.numerator} / {fraction.denominator}" if float(fraction) == value else repr(value)


def signature(name: str, cls: type[Any]) -> str:
    arguments = [f"{field.name}={default}" if (default := default_text(field)) else field.name for field in fields(cls)]
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def code(text: str) -> str:
    return f"`{text}`" if text else "required"


def cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def has_picture(name: str) -> bool:
    return name.startswith(("image.", "volume."))


def outdated() -> list[str]:
    """Pages that are not what the declarations say, are missing, or belong to no operation."""
    wanted = pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in OPERATIONS.glob("*.md")}
    stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    written = comparison.PAGE.read_text(encoding="utf-8") if comparison.PAGE.exists() else ""
    return stale if written == comparison.page() else [*stale, comparison.PAGE.name]


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        stale = outdated()
        if stale:
            sys.exit(f"these pages are not what the declarations say: {', '.join(stale)}; run 'make docs'")
        return
    from docs.pictures import draw

    OPERATIONS.mkdir(exist_ok=True)
    written = pages()
    for path in OPERATIONS.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (OPERATIONS / name).write_text(text, encoding="utf-8")
    comparison.PAGE.write_text(comparison.page(), encoding="utf-8")
    pictured = [name for name in operations() if has_picture(name)]
    draw(pictured, OPERATIONS / "pictures")
    print(f"Wrote {len(written)} pages and {len(pictured)} pictures: {OPERATIONS / 'index.md'}")


if __name__ == "__main__":
    main()

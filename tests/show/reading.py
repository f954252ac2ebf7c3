"""Pages read back with the standard library's parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def text(self, without: str = "") -> str:
        """All characters in it, but those in elements of one kind."""
        parts = [
            child if isinstance(child, str) else child.text(without) if child.tag != without else ""
            for child in self.children
        ]
        return "".join(parts)

    def all(self, tag: str, kind: str = "") -> list[Element]:
        return [e for e in self.walk() if e.tag == tag and kind in ("", *e.attributes.get("class", "").split())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_page(data: bytes) -> Element:
    """The elements of a page.

    Raises:
        AssertionError: an element is not closed, or closed out of turn.
    """
    reader = _Reader()
    reader.feed(data.decode("utf-8"))
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    return reader.root


def needs_nothing_else(root: Element) -> bool:
    """Whether no element of a page loads anything from elsewhere."""
    named = [
        value
        for element in root.walk()
        for name, value in element.attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href")
    ]
    styles = "".join(element.text() for element in root.all("style"))
    tags = {element.tag for element in root.walk()}
    return (
        all(value.startswith("data:") for value in named)
        and "url(" not in styles
        and "@import" not in styles
        and not tags & {"link", "iframe", "object", "embed", "base"}
    )

"""A page of HTML that needs nothing but itself: no network, no other file, nothing of the data that could run."""

from __future__ import annotations

from html import escape as _escaped

STYLE = """
:root { color-scheme: light dark; --paper: #faf9f6; --ink: #222428; --pale: #63666d; --line: #d9d7d0; --card: #fff;
  --new: #12653a; --new-back: #dcf2e3; --instead: #1a4f9c; --instead-back: #dfeafb; --gone: #a3261f;
  --gone-back: #fbe3e1; --moved: #7a4b00; --moved-back: #fbeecb; --span: #6b3fa0; --wave: #2f6fb5; --head: #d12f2f; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e6e1; --pale: #a0a4ab; --line: #363a41;
  --card: #1e2126; --new: #8fe0ae; --new-back: #143a24; --instead: #a9cbff; --instead-back: #1a3050; --gone: #ffaca6;
  --gone-back: #48201d; --moved: #f4cf83; --moved-back: #403010; --span: #cfaeff; --wave: #7db4f0; --head: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; overflow-wrap: anywhere; }
h3 { font-size: .85rem; margin: 0; color: var(--pale); font-weight: 600; }
.about, .drawn { color: var(--pale); font-size: .85rem; margin: .2rem 0; }
.drawn { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
.drawn b { color: var(--ink); font-weight: 600; } .drawn .idle b { color: var(--pale); font-weight: 400; }
.version { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem;
  margin: .5rem 0; }
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; media-src data:"


def escape(text: str) -> str:
    """Text as HTML, in elements and in quoted attributes."""
    return _escaped(text, quote=True).replace("\r", "&#13;")


def page(title: str, about: str, body: str, *, style: str = "", script: str = "") -> bytes:
    """The whole page as UTF-8.

    Args:
        title, about: plain text.
        body: HTML.
        style, script: what this kind of page needs beside what all have.
    """
    name = escape(title)
    text = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{name}</title>\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n<header><h1>{name}</h1>\n"
        f'<p class="about">{escape(about)}</p></header>\n<main>\n{body}\n</main>\n'
        + (f"<script>{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )
    # Halves of surrogate pairs have no UTF-8.
    return text.encode("utf-8", "xmlcharrefreplace")

"""Sounds as a page: waveform and spectrogram with what is marked in them, and a player, for each version."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from covary.show.page import escape, page
from covary.show.sound_figure import HEAD, Scale, figure
from covary.show.sounds import SoundRow, SoundVersion
from covary.show.text_page import class_line, drawn_list
from covary.show.wav import wav_bytes
from covary.waves import to_float

MOST_SECONDS = 60
"""How much of a sound its player has."""

STYLE = f"""
svg {{ display: block; width: 100%; height: auto; }}
svg text {{ font: 11px system-ui, sans-serif; fill: var(--pale); }}
svg .mark text {{ fill: var(--ink); }}
.wave {{ fill: var(--wave); }} .frame {{ fill: none; stroke: var(--line); }} .tick {{ stroke: var(--line); }}
.mark rect {{ fill-opacity: .22; stroke-width: 1.2; }} .mark line {{ stroke-width: 1.2; stroke-dasharray: 3 2; }}
.{HEAD} {{ stroke: var(--head); stroke-width: 1.5; }}
audio {{ width: 100%; height: 2.2rem; margin-top: .3rem; }}
"""

# A line follows the player, and a click on the figure sets it.
SCRIPT = f"""
for (const box of document.querySelectorAll(".version")) {{
  const player = box.querySelector("audio"), svg = box.querySelector("svg"), head = box.querySelector(".{HEAD}");
  if (!player) continue;
  const left = +svg.dataset.left, scale = +svg.dataset.scale;
  const move = () => {{
    const x = left + player.currentTime * scale;
    head.setAttribute("x1", x); head.setAttribute("x2", x);
    if (!player.paused) requestAnimationFrame(move);
  }};
  for (const event of ["play", "seeked", "pause"]) player.addEventListener(event, move);
  svg.addEventListener("click", (event) => {{
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    player.currentTime = Math.max(0, (point.x - left) / scale);
  }});
}}
"""


def sound_page(title: str, about: str, rows: Sequence[SoundRow]) -> bytes:
    """The page, as UTF-8.

    Args:
        title: of the whole.
        about: a line about it.
        rows: what it shows.
    """
    return page(title, about, "\n".join(map(_section, rows)), style=STYLE, script=SCRIPT)


def _section(row: SoundRow) -> str:
    scale = Scale.of(row.versions)
    versions = "\n".join(_version(version, scale) for version in row.versions)
    return f"<section>\n<h2>{escape(row.name)}</h2>\n{class_line(row.label)}{versions}\n</section>"


def _version(version: SoundVersion, scale: Scale) -> str:
    return (
        f'<div class="version"><h3>{escape(version.title)}</h3>\n<p class="about">{escape(_facts(version))}</p>\n'
        f"{drawn_list(version.drawn)}\n{figure(version, scale)}\n{_player(version)}</div>"
    )


def _facts(version: SoundVersion) -> str:
    channels = version.wave.shape[0]
    facts = [f"{version.seconds:.3f} s", f"{version.rate / 1000:g} kHz"]
    facts.append({1: "mono", 2: "stereo"}.get(channels, f"{channels} channels"))
    peak = float(abs(to_float(version.wave)).max(initial=0))
    facts.append(f"peak {peak:.3f}" + (", beyond full scale: it is clipped when it is played" if peak > 1 else ""))
    if version.seconds > MOST_SECONDS:
        facts.append(f"the first {MOST_SECONDS} s can be played")
    return ", ".join(facts)


def _player(version: SoundVersion) -> str:
    heard = version.wave[:, : MOST_SECONDS * version.rate]
    if not heard.shape[1]:
        return ""
    data = b64encode(wav_bytes(heard, version.rate)).decode("ascii")
    return f'<audio controls preload="none" src="data:audio/wav;base64,{data}"></audio>'

"""The findings of a check for people and programs: tables in the terminal, a page, plain data, a commented pipeline."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from covary.ops.spec import to_plain
from covary.pipeline import Pipeline

if TYPE_CHECKING:
    from rich.console import Console

    from covary.prove.check import Findings, OperationFinding
    from covary.prove.safety import Move, Reading

_COLOURS = {"safe": "green", "strong": "yellow", "unsafe": "bold red", "not measured": "dim"}


def as_plain(findings: Findings) -> dict[str, Any]:
    """All findings as plain data: what `check.json` holds."""
    return {
        "data": findings.task.name,
        "modality": findings.task.modality,
        "classes": list(findings.task.classes),
        "samples": len(findings.task),
        "looked_at": findings.samples,
        "accuracy": round(findings.accuracy, 4),
        "chance": round(findings.chance, 4),
        "purpose": findings.purpose,
        "preset": findings.preset,
        "notes": list(findings.notes),
        "faults": [
            {
                "kind": fault.kind,
                "words": fault.words,
                "count": fault.count,
                "samples": [[str(key) for key in group] for group in fault.samples],
            }
            for fault in findings.faults
        ],
        "operations": [_plain_operation(finding) for finding in findings.operations],
        "mended": findings.mended.to_dict(),
    }


def _plain_operation(finding: OperationFinding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "operation": to_plain(finding.operation),
        "verdict": finding.verdict,
        "fate": finding.fate,
        "mended": None if finding.mended is None else to_plain(finding.mended),
        "why": list(finding.why),
        "unsafe_from": finding.measured.unsafe_from,
        "rules": [
            {"rule": warning.rule, "effect": warning.effect.kind, "classes": list(warning.classes)}
            for warning in finding.rules
        ],
        "readings": [_plain_reading(reading) for reading in finding.measured.all_readings],
    }


def _plain_reading(reading: Reading) -> dict[str, Any]:
    return {
        "setting": reading.words,
        "strength": round(reading.strength, 4),
        "affinity": round(reading.affinity, 4),
        "diversity": round(reading.diversity, 4),
        "confusion_shift": np.round(reading.shift.astype(float), 3).tolist(),
        "moves": [_plain_move(move) for move in reading.moves],
    }


def _plain_move(move: Move) -> dict[str, Any]:
    return {
        "from": move.source,
        "to": move.target,
        "share": round(move.share, 4),
        "share_clean": round(move.clean, 4),
        "overlap": round(move.overlap, 3),
        "p": float(f"{move.chance:.2g}"),
        "unsafe": move.unsafe,
    }


def commented_yaml(findings: Findings) -> str:
    """The mended pipeline as YAML; what was changed, and why, stands above it as comments."""
    lines = [f"# What `covary check` left of a pipeline, on {findings.task.name}."]
    changed = [finding for finding in findings.operations if finding.mended != finding.operation]
    for finding in changed:
        lines.append(f"# {finding.name}: {finding.fate}")
        lines += [f"#   {_one_line(sentence)}" for sentence in finding.why]
    if not changed:
        lines.append("# Nothing had to be changed.")
    return "\n".join(lines) + "\n" + findings.mended.to_yaml()


def _one_line(words: str) -> str:
    """Names of classes come from files and may hold anything; a comment must stay one line."""
    return "".join(mark if mark.isprintable() else "?" for mark in words)


def print_findings(findings: Findings, console: Console) -> None:
    """The findings as tables in the terminal."""
    from rich.table import Table
    from rich.text import Text

    task = findings.task
    console.print(
        f"{len(task):,} samples of {len(task.classes)} classes ({task.modality}); {findings.samples:,} looked at. The "
        f"probe knows {100 * findings.accuracy:.0f} % of the clean ones (always naming the largest class: "
        f"{100 * findings.chance:.0f} %).",
        markup=False,
    )
    if findings.faults:
        table = Table("fault", "what", title="Data", title_justify="left")
        for fault in findings.faults:
            table.add_row(fault.kind, Text(_one_line(fault.words)))
        console.print(table)
    table = Table("operation", "verdict", "affinity", "diversity", "mended", title="Operations", title_justify="left")
    for finding in findings.operations:
        drawn = finding.measured.drawn
        table.add_row(
            Text(finding.name),
            Text(finding.verdict, style=_COLOURS[finding.verdict]),
            f"{drawn.affinity:.2f}" if drawn else "",
            f"{drawn.diversity:.2f}" if drawn else "",
            Text(finding.fate),
        )
    console.print(table)
    for finding in findings.operations:
        for sentence in finding.why:
            console.print(Text(f"{finding.name}: {_one_line(sentence)}"))
    for note in findings.notes:
        console.print(Text(f"note: {_one_line(note)}"))
    if findings.preset:
        console.print(f"A preset for such data: covary.presets.{findings.preset}()", markup=False)


def write_report(findings: Findings, out: str | Path) -> Path:
    """Write `index.html` (self-contained), `check.json` and `safe.yaml` into a folder; returns the page's path."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "check.json", json.dumps(as_plain(findings), indent=1, ensure_ascii=False) + "\n")
    _write(folder / "safe.yaml", commented_yaml(findings))
    _write(folder / "index.html", _page(findings))
    return folder / "index.html"


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8", errors="replace")
    unfinished.replace(path)


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: .7rem 0 1.5rem; } th { text-align: left; border-bottom: 2px solid #888; }
th, td { padding: .25rem .8rem .25rem 0; vertical-align: top; } td { border-bottom: 1px solid #ddd; }
.number { text-align: right; font-variant-numeric: tabular-nums; } .unsafe { color: #b00020; font-weight: 600; }
.strong { color: #8a5a00; } .safe { color: #1b6e33; } img { image-rendering: auto; height: 72px; margin: 2px; }
figure { display: inline-block; margin: .3rem 1rem .3rem 0; } figcaption { font-size: 13px; color: #555; }
pre { background: #f4f4f4; padding: .8rem; overflow-x: auto; }
"""


def _page(findings: Findings) -> str:
    task = findings.task
    title = f"Label safety: {task.name}"
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{_safe(title)}</title><style>{_STYLE}</style>",
        f"<h1>{_safe(title)}</h1>",
        f"<p>{len(task):,} samples of {len(task.classes)} classes ({task.modality}); {findings.samples:,} looked at. "
        f"A probe knows {100 * findings.accuracy:.1f} % of those that it has not seen (always naming the largest "
        f"class: {100 * findings.chance:.1f} %).</p>",
        *(f"<p>Note: {_safe(note)}.</p>" for note in findings.notes),
    ]
    if findings.preset:
        parts.append(f"<p>A preset for such data: <code>covary.presets.{_safe(findings.preset)}()</code></p>")
    if findings.faults:
        parts += ["<h2>Data</h2>", _table(["fault", "what"], [[f.kind, f.words] for f in findings.faults])]
    parts.append("<h2>Operations</h2>")
    rows = [
        [
            finding.name,
            f"<span class='{finding.verdict.split()[0]}'>{finding.verdict}</span>",
            f"{finding.measured.drawn.affinity:.2f}" if finding.measured.drawn else "",
            f"{finding.measured.drawn.diversity:.2f}" if finding.measured.drawn else "",
            finding.fate,
            "<br>".join(_safe(sentence) for sentence in finding.why),
        ]
        for finding in findings.operations
    ]
    parts.append(
        _table(["operation", "verdict", "affinity", "diversity", "mended", "why"], rows, marked=frozenset((1, 5)))
    )
    parts += [
        _readings(findings, finding) for finding in findings.operations if finding.verdict in ("unsafe", "strong")
    ]
    parts += [
        "<p>Affinity: accuracy of a probe that knows clean samples only on variations, over that on clean samples. "
        "Diversity: training loss of a probe that learns from the variations as well, over that without them "
        "(Gontijo-Lopes et al. 2020). Each operation is measured alone and always applied.</p>",
        "<h2>Mended pipeline</h2>",
        f"<pre>{_safe(commented_yaml(findings))}</pre></html>",
    ]
    return "\n".join(parts) + "\n"


def _readings(findings: Findings, finding: OperationFinding) -> str:
    rows = []
    for reading in finding.measured.all_readings:
        moves = "; ".join(
            f"{move.source} to {move.target} {100 * move.share:.0f} %{' (unsafe)' if move.unsafe else ''}"
            for move in reading.moves[:4]
        )
        rows.append([reading.words, f"{reading.affinity:.2f}", f"{reading.diversity:.2f}", moves])
    heads = ["setting", "affinity", "diversity", "taken for another class"]
    return f"<h3>{_safe(finding.name)}</h3>{_examples(findings, finding)}{_table(heads, rows)}"


def _examples(findings: Findings, finding: OperationFinding) -> str:
    """Pictures of the classes that change sides most: as they are, and varied."""
    moves = finding.measured.worst_moves()[:3]
    if findings.task.modality != "image" or not moves:
        return ""
    task, shown = findings.task, []
    pipeline = Pipeline([dataclasses.replace(finding.operation, p=1.0)], seed=findings.pipeline.seed)
    for move in moves:
        index = int(np.flatnonzero(task.labels == task.classes.index(move.source))[0])
        try:
            varied = pipeline(image=task.samples[index], key=task.keys[index])["image"]
        except ValueError:  # too small for it alone
            continue
        pair = "".join(_picture(picture) for picture in (task.samples[index], varied))
        label = f"{move.source}, varied: passes for {move.target} in {100 * move.share:.0f} %"
        shown.append(f"<figure>{pair}<figcaption>{_safe(label)}</figcaption></figure>")
    return "".join(shown)


def _picture(picture: NDArray[Any]) -> str:
    import cv2

    full = 1.0 if picture.dtype == np.float32 else float(np.iinfo(picture.dtype).max)
    small = np.clip(picture.astype(np.float32) * (255 / full), 0, 255).astype(np.uint8)
    side = max(small.shape[:2])
    size = tuple(max(1, round(length * 144 / side)) for length in small.shape[1::-1])
    fitted = cv2.resize(small, size, interpolation=cv2.INTER_AREA if side > 144 else cv2.INTER_NEAREST)
    fitted = fitted.reshape(size[1], size[0], -1)
    shown = cv2.cvtColor(fitted[..., :3], cv2.COLOR_RGB2BGR) if fitted.shape[2] >= 3 else fitted[..., 0]
    data = base64.b64encode(cv2.imencode(".png", shown)[1].tobytes()).decode()
    return f"<img alt='' src='data:image/png;base64,{data}'>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], marked: frozenset[int] = frozenset()) -> str:
    """A table; cells of the columns in `marked` hold HTML already."""
    head = "".join(f"<th>{_safe(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{c if i in marked else _safe(c)}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _safe(text: str) -> str:
    return html.escape(_one_line(text))

"""The documentation is true: every operation is described, and the examples run."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from covary import audio, image, mix, text, volume
from covary.draws import distributions
from covary.ops import combine, policies
from covary.ops.base import declared
from docs import build
from docs.docstrings import parse

ROOT = Path(__file__).resolve().parent.parent
OPERATIONS = build.operations()
PAGES_WITH_EXAMPLES = (
    "README.md",
    "docs/audio.md",
    "docs/guide.md",
    "docs/learn.md",
    "docs/loader.md",
    "docs/mixing.md",
    "docs/policies.md",
    "docs/scaling.md",
    "docs/search.md",
    "docs/text.md",
    "docs/volumes.md",
)
MIXERS = declared(mix.Mixer)
# What an operation must be told, by the name of the argument.
NEEDED: dict[str, Any] = {
    "operations": [image.HorizontalFlip()],
    "table": {"word": ["other"]},
    "gazetteer": {"LABEL": ["entity"]},
    "vocabulary": [("word", 1.0, 2.0)],
    "vectors": "vectors.txt",
    "sounds": "sounds",
    "references": "pictures",
    **dict.fromkeys(("model", "there", "back"), list),
}
BASE_FIELDS = build.common_fields().keys()


def test_every_page_that_shows_a_picture_has_it_in_the_repository() -> None:
    shown = {name for name in OPERATIONS if build.has_picture(name)}
    assert {path.stem for path in (build.OPERATIONS / "pictures").glob("*.webp")} == shown


@pytest.mark.parametrize("name", OPERATIONS)
def test_docstring_explains_every_field_and_whom_it_helps_and_hurts(name: str) -> None:
    docstring = parse(OPERATIONS[name].__doc__ or "")
    own = [field.name for field in dataclasses.fields(OPERATIONS[name]) if field.name not in BASE_FIELDS]
    assert docstring.text
    assert [field for field in own if not docstring.arguments.get(field)] == []
    assert [field for field in docstring.arguments if field not in own and field not in BASE_FIELDS] == []
    assert docstring.sections.get("Helps")
    assert docstring.sections.get("Hurts")


@pytest.mark.parametrize("name", OPERATIONS)
def test_signature_on_the_page_has_the_true_defaults(name: str) -> None:
    cls = OPERATIONS[name]
    needed = {
        field.name: NEEDED.get(field.name, 32) for field in dataclasses.fields(cls) if not build.default_text(field)
    }
    names = {"audio": audio, "image": image, "text": text, "volume": volume, **vars(combine), **vars(policies)}
    names |= {**vars(distributions), **needed}
    assert eval(build.signature(name, cls), names) == cls(**needed)  # the text is our own


@pytest.mark.parametrize("name", MIXERS)
def test_docstring_of_a_mixer_explains_every_field_and_whom_it_helps_and_hurts(name: str) -> None:
    docstring = parse(MIXERS[name].__doc__ or "")
    common = {field.name for field in dataclasses.fields(mix.Mixer)}
    own = {field.name for field in dataclasses.fields(MIXERS[name])} - common
    assert docstring.text
    assert own - set(docstring.arguments) == set()
    assert set(docstring.arguments) - own - common == set()
    assert docstring.sections.get("Paper") and docstring.sections.get("Helps") and docstring.sections.get("Hurts")
    assert f"`{name.removeprefix('mix.')}(" in (ROOT / "docs/mixing.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def photograph(seed: int, height: int = 96, width: int = 128) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES)
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page, in order, in one folder with pictures in photos/."""
    import cv2

    monkeypatch.chdir(tmp_path)
    for index in range(3):
        folder = tmp_path / "photos" / ("cats" if index else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / f"{index}.jpg"), photograph(index))
    mask = np.zeros((96, 128), dtype=np.uint8)
    mask[20:70, 30:80] = 1
    names: dict[str, Any] = {
        "__name__": "page",
        "photo": photograph(4),
        "photos": [photograph(5), photograph(6, 80, 100)],
        "mask": mask,
        "boxes": np.array([[30.0, 20.0, 80.0, 70.0]]),
        "points": np.array([[30.0, 20.0], [79.0, 69.0]]),
        "wave": np.sin(np.arange(16000) / 9).astype(np.float32),
    }
    text = (ROOT / page).read_text(encoding="utf-8")
    if "import torch" in text:
        pytest.importorskip("torch")
    found = blocks(text)
    assert found
    for number, block in enumerate(found, start=1):
        exec(compile(block, f"{page}, example {number}", "exec"), names)


@pytest.mark.parametrize("page", [*PAGES_WITH_EXAMPLES, "CONTRIBUTING.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []

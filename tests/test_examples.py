"""The examples run, and learn something; the page of the frameworks shows what stands in them."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "frameworks.md"

# Examples that share a process, and the libraries that they need. TensorFlow takes so long to import that its examples
# share one; all others have a process of their own.
RUNS = {
    ("pytorch",): ("torch",),
    ("pytorch_dataloader",): ("torch",),
    ("pytorch_gpu",): ("torch",),
    ("lightning_module",): ("torch", "lightning"),
    ("keras_pydataset", "tf_data"): ("keras", "tensorflow"),
    ("jax_numpy",): ("jax",),
    ("grain_transform",): ("grain",),
    ("huggingface",): ("torch", "datasets"),
    ("spacy_augmenter",): ("spacy",),
}
RUN = """
import runpy, sys
for path in sys.argv[1:]:
    runpy.run_path(path, run_name="__main__")
"""


@pytest.mark.parametrize("names", RUNS, ids="+".join)
def test_example_runs_and_its_loss_falls(names: tuple[str, ...], tmp_path: Path) -> None:
    for library in RUNS[names]:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: it has no wheel for this platform")
    paths = [str(EXAMPLES / f"{name}.py") for name in names]
    command = [sys.executable, *paths] if len(paths) == 1 else [sys.executable, "-c", RUN, *paths]
    source = os.pathsep.join([str(EXAMPLES), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = {
        "PYTHONPATH": source,
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
    losses = re.findall(r"^loss (\d+\.\d+) -> (\d+\.\d+)$", done.stdout, flags=re.MULTILINE)
    assert len(losses) == len(names)
    assert all(float(last) < 0.5 * float(first) for first, last in losses)
    assert list(tmp_path.iterdir()) == []


def test_every_example_is_run() -> None:
    found = {path.stem for path in EXAMPLES.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert found == {name for names in RUNS for name in names}


def test_what_the_page_shows_stands_in_an_example() -> None:
    """Each block of the page stands in the example that is linked before it, line by line."""
    text = PAGE.read_text(encoding="utf-8")
    shown = set()
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        links = re.findall(r"\]\(\.\./examples/(\w+)\.py\)", section)
        examples = {name: (EXAMPLES / f"{name}.py").read_text(encoding="utf-8") for name in links}
        for block in re.findall(r"^```python\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL):
            for part in filter(None, map(str.strip, block.split("\n\n"))):
                lines = [textwrap.indent(part, " " * depth) for depth in (0, 4, 8)]
                holds = {name for name, example in examples.items() if any(each in example for each in lines)}
                assert holds, f"no example has: {part}"
                shown |= holds
    assert shown == {name for names in RUNS for name in names}

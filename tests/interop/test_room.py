"""What the room of the frameworks imports, and what it says where one is missing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import covary

NEEDS = {
    "pytorch": "torch",
    "lightning_module": "lightning",
    "keras_pydataset": "keras",
    "tf_data": "tensorflow",
    "jax_numpy": "jax",
    "grain_transform": "grain",
    "spacy": "spacy",
}
FRAMEWORKS = {*NEEDS.values(), "datasets", "PIL"}

PROBE = """
import json, sys
for name in {frameworks}:
    sys.modules[name] = None
import covary.interop
import covary.interop.huggingface
said = {{}}
for module in {modules}:
    try:
        getattr(covary.interop, module)
    except ImportError as error:
        said[module] = str(error)
print(json.dumps([said, sorted(name for name in {frameworks} if sys.modules[name] is not None)]))
"""


def test_no_framework_is_imported_before_it_is_named_and_a_missing_one_says_how_to_install_it() -> None:
    code = PROBE.format(frameworks=sorted(FRAMEWORKS), modules=list(NEEDS))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, brought = json.loads(done.stdout)
    assert brought == []
    # Lightning stands on PyTorch, and says so first.
    wanted = {**NEEDS, "lightning_module": "torch"}
    assert {module: text.rpartition(": ")[2] for module, text in said.items()} == {
        module: f"pip install {name}" for module, name in wanted.items()
    }


def test_the_room_names_its_modules() -> None:
    assert set(dir(covary.interop)) == {*NEEDS, "huggingface", "from_albumentations", "from_torchvision"}
    with pytest.raises(AttributeError, match="it has from_albumentations"):
        covary.interop.mxnet  # noqa: B018

"""covary installs with and without a C++ compiler, and runs either way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "native", "src")

RUN_WITHOUT_KERNELS = """
import warnings
import numpy as np

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import covary
    from covary import Pipeline, image

    picture = np.arange(40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 60, 3)
    pipeline = Pipeline([image.RandomResizedCrop(32), image.HorizontalFlip(p=1.0), image.Normalize("imagenet")], seed=1)
    first, second = pipeline(picture, key=1), pipeline(picture, key=1)

print(covary.__file__)
assert first.shape == (3, 32, 32) and first.dtype == np.float32, (first.shape, first.dtype)
assert np.isfinite(first).all() and (first == second).all()
about_kernels = [str(warning.message) for warning in caught if "compile" in str(warning.message).lower()]
assert len(about_kernels) == 1, [str(warning.message) for warning in caught]
"""


@pytest.fixture(scope="module")
def wheel_without_compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built where CC and CXX name nothing; from a copy, because a build folder remembers its compiler."""
    folder = tmp_path_factory.mktemp("no-compiler")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(source, folder / name)
    environment = os.environ | {"CC": "/nonexistent/cc", "CXX": "/nonexistent/c++"}
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "-w", "wheels", "."],
        cwd=folder,
        env=environment,
        check=True,
    )
    (wheel,) = (folder / "wheels").iterdir()
    return wheel


def test_without_a_compiler_the_wheel_is_pure_python(wheel_without_compiler: Path) -> None:
    assert wheel_without_compiler.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel_without_compiler).namelist()
    assert "covary/__init__.py" in names
    assert "covary/py.typed" in names
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]


def test_without_a_compiler_a_pipeline_runs_and_says_so_once(wheel_without_compiler: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel_without_compiler).extractall(site)
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", RUN_WITHOUT_KERNELS], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(site))


@pytest.mark.skipif(
    not any(shutil.which(name) for name in ("c++", "g++", "clang++")) or "CXX" in os.environ,
    reason="no C++ compiler here",
)
def test_with_a_compiler_the_native_kernels_are_built() -> None:
    """A native source that does not compile would otherwise go unseen: the package falls back to Python."""
    import covary._native  # noqa: F401

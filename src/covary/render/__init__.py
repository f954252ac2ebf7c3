"""Renderers: the only code that touches pixels in bulk. All draw the same stages."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Literal, TypeAlias

from covary.kernels import native
from covary.plan.changes import Image

Renderer: TypeAlias = Literal["native", "opencv", "reference"]
RENDERERS: tuple[Renderer, ...] = ("native", "opencv", "reference")
Render: TypeAlias = Callable[..., list[Image]]

_warned = False


def find_renderer(name: Renderer | None = None) -> Render:
    """The render function of a renderer; without a name the compiled one, or OpenCV's where it was not built.

    Raises:
        ValueError: no renderer is so called.
        RuntimeError: "native" was asked for and was not built.
    """
    if name is None:
        name = "opencv" if native is None else "native"
        if native is None:
            _warn_once()
    if name not in RENDERERS:
        raise ValueError(f"renderer is {name!r}; allowed: {', '.join(RENDERERS)}")
    if name == "native" and native is None:
        raise RuntimeError("renderer 'native' was not built; install covary again where a C++ compiler is found")
    render: Render = import_module(f"covary.render.{name}").render
    return render


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "covary's compiled kernels were not built on this machine; pipelines run on OpenCV, several times slower",
            RuntimeWarning,
            stacklevel=3,
        )

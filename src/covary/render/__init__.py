"""Renderers: the only code that touches pixels in bulk. All draw the same stages."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Literal, TypeAlias

from covary import kernels
from covary.plan.changes import Image

Renderer: TypeAlias = Literal["native", "opencv", "reference", "torch"]
RENDERERS: tuple[Renderer, ...] = ("native", "opencv", "reference", "torch")
Render: TypeAlias = Callable[..., list[Image]]


def find_renderer(name: Renderer | None = None) -> Render:
    """The render function of a renderer; without a name the compiled one, or OpenCV's where it was not built.

    Raises:
        ValueError: no renderer is so called.
        RuntimeError: "native" was asked for and was not built.
    """
    if name is None:
        name = "opencv" if kernels.native is None else "native"
        if kernels.native is None:
            kernels.warn_once()
    if name not in RENDERERS:
        raise ValueError(f"renderer is {name!r}; allowed: {', '.join(RENDERERS)}")
    if name == "native" and kernels.native is None:
        raise RuntimeError("renderer 'native' was not built; install covary again where a C++ compiler is found")
    render: Render = import_module(f"covary.render.{name}").render
    return render

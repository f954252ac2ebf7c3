"""The error for a framework that is not installed."""

from __future__ import annotations


def missing(framework: str, error: ImportError, install: str | None = None) -> ImportError:
    """What to raise when importing a framework failed.

    Args:
        framework: the name under which it is imported.
        error: what the import raised.
        install: what pip calls it. Default: the same name.

    Returns:
        An error with the `pip install` line, or `error` itself where the framework is there and fails by itself.
    """
    if error.name is None or error.name.partition(".")[0] != framework:
        return error
    line = f"pip install {install or framework}"
    return ModuleNotFoundError(f"{framework} is not installed; it is needed here: {line}", name=error.name)

"""Does it help on this data, by how much, how sure, and whom does it harm?"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covary.prove.proving import Report as Report
    from covary.prove.proving import prove as prove
    from covary.prove.task import Task as Task
    from covary.prove.task import read_task as read_task
    from covary.prove.trial import Outcome as Outcome
    from covary.prove.trial import Policy as Policy
    from covary.prove.trial import Settings as Settings
    from covary.prove.trial import Trial as Trial

# Public name -> the module that holds it.
_HOMES = {
    **dict.fromkeys(("Report", "prove"), "covary.prove.proving"),
    **dict.fromkeys(("Task", "read_task"), "covary.prove.task"),
    **dict.fromkeys(("Outcome", "Policy", "Settings", "Trial"), "covary.prove.trial"),
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'covary.prove' has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value

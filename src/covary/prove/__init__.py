"""Does it help on this data, by how much, how sure, and whom does it harm?"""

from __future__ import annotations

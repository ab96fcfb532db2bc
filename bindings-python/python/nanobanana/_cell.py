"""The outputs of one notebook cell: one display for all of its runs, and how many bytes there are."""

from __future__ import annotations

import sys
from typing import Any

from ._generated import Outcome


class Cell:
    """One cell: its display is made once and then updated, since some front-ends lose a second one."""

    def __init__(self, key: Any = None) -> None:
        self.key = key
        # Bytes of outputs that are not in the display.
        self.others = 0
        # When the display may be updated again.
        self.due = 0.0
        # The outcomes that the display shows.
        self.outcomes: set[tuple[int, str | None, str]] = set()
        self._runs: list[str] = []
        self._handle: Any = None

    def bytes(self, but: int | None = None) -> int:
        """How many there are, without those of one run."""
        return self.others + sum(len(run) for at, run in enumerate(self._runs) if at != but)

    def begin(self) -> int:
        """A place in the display, below those of earlier runs."""
        self._runs.append("")
        return len(self._runs) - 1

    def draw(self, page: Any, at: int, html: str) -> None:
        self._runs[at] = html
        output = page.HTML("".join(self._runs))
        if self._handle:
            self._handle.update(output)
        else:
            self._handle = page.display(output, display_id=True)

    def shows(self, value: Any) -> bool:
        """Whether it is an outcome that the display shows."""
        return isinstance(value, Outcome) and name_of(value) in self.outcomes


def name_of(outcome: Outcome) -> tuple[int, str | None, str]:
    return outcome.index, outcome.id, outcome.key


_current = Cell()


def current() -> Cell | None:
    """The cell that runs; None outside of IPython."""
    global _current
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    if shell is None:
        return None
    # A kernel knows the message that asked for the cell; other shells only count them.
    parent = getattr(shell, "parent_header", None)
    header = parent.get("header") if isinstance(parent, dict) else None
    asked = header.get("msg_id") if isinstance(header, dict) else None
    key = (shell, asked or getattr(shell, "execution_count", None))
    if _current.key != key:
        _current = Cell(key)
    return _current

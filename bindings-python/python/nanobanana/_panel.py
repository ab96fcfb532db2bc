"""A run of many calls in a notebook: how far it is, what it has spent, and its pictures as they come."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ._cell import Cell, current, name_of
from ._generated import Outcome
from ._image import marimo, notebook
from ._native import Door, Image
from ._notebook import MOST, Place, grid, places, room, side_of, thumbnails_asked, thumbnails_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._native import Answer

# Seconds between two updates: each sends the whole output again.
_EVERY = 0.25
# How many of the newest pictures are shown while others are under way.
_NEWEST = 4


class Panel:
    """The part of a cell's display that is a run's."""

    def __init__(self, surface: Any, client: Door, awaits: bool) -> None:
        self._surface, self._client, self._awaits = surface, client, awaits
        self._cell = current() or Cell()
        self._at = self._cell.begin()
        # Those with a thumbnail, which is kept instead of the picture; and those that wait for one.
        self._places: list[Place] = []
        self._waiting: list[Place] = []
        # Pictures and other places beyond those that one output shows.
        self._left = (0, 0)
        self._progress: dict[str, Any] = {}
        self._remaining = ""
        # The outcome of each place, those that wait included.
        self._names: list[tuple[int, str | None, str]] = []
        self._is_last = False
        self._task: Any = None

    def add(self, outcome: Outcome) -> None:
        for place in places(outcome, f"[{outcome.index}]"):
            pictures, others = self._left
            if len(self._places) + len(self._waiting) < MOST:
                self._waiting.append(place)
                self._names.append(name_of(outcome))
            else:
                self._left = (pictures + 1, others) if place.image else (pictures, others + 1)

    def show(self, run: Door, last: bool) -> None:
        """Draw it, but not more often than four times a second, and at the end."""
        now = time.monotonic()
        if not last and now < self._cell.due:
            return
        self._cell.due = now + _EVERY
        self._is_last = self._is_last or last
        self._progress = run.call("now", "progress", None, None, {"width": 200})[0]
        self._remaining = self._budget()
        if self._task:
            return
        if self._waiting and (loop := self._loop()):
            # Pictures are decoded, which must not hold up the loop.
            self._task = loop.create_task(self._fill_later())
            return
        if self._waiting:
            waiting, asked = self._asked()
            self._keep(waiting, Door.tools().call("wait", *asked))
        self._draw()

    def _budget(self) -> str:
        remaining = self._client.call("now", "spent", None, None, {})[0].get("remaining_usd")
        return "" if remaining is None else f"${max(remaining, 0):.2f} of the budget left"

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        try:
            return asyncio.get_running_loop() if self._awaits else None
        except RuntimeError:
            return None

    def _asked(self) -> tuple[list[Place], Any]:
        waiting, self._waiting = self._waiting, []
        images = [place.image for place in waiting if place.image]
        return waiting, thumbnails_asked(images, side_of(len(self._places) + len(waiting)))

    def _keep(self, waiting: list[Place], answer: Answer) -> None:
        made = iter(thumbnails_read(answer))
        for place in waiting:
            if place.image:
                small = next(made)
                image, words = (small, "") if isinstance(small, Image) else (None, small)
                place = place._replace(image=image, words=words)
            self._places.append(place)

    async def _fill_later(self) -> None:
        try:
            while True:
                waiting, asked = self._asked()
                self._keep(waiting, await Door.tools().call("await", *asked))
                if not (self._is_last and self._waiting):
                    break
            self._draw()
        except Exception:  # A display that is gone is no reason to lose what is paid for.
            pass
        finally:
            self._task = None

    def _html(self) -> str:
        """The bar, and below it the newest pictures, or at the end all of them in the order of the items."""
        bar = f"<div>{self._progress['html']}"
        if self._remaining:
            bar += f'<div style="font-size:85%;opacity:0.75">{self._remaining}</div>'
        left = room(self._cell, self._at) - len(bar)
        if self._is_last and self._places:
            pairs = sorted(zip(self._names, self._places, strict=False), key=lambda pair: pair[0][0])
            bar += grid([place for _, place in pairs], left, are_small=True, left=self._left)
        elif self._places:
            bar += grid(self._places[-_NEWEST:], left, are_small=True)
        return bar + "</div>"

    def _draw(self) -> None:
        self._cell.draw(self._surface, self._at, self._html())
        if self._is_last:
            self._cell.outcomes.update(self._names)


class _MarimoPanel(Panel):
    """In marimo the update of a display replaces all that the cell shows; its own bar does not."""

    _bar: Any = None
    _shown: Any = None
    _ended = 0

    def _draw(self) -> None:
        if self._is_last:
            bar, self._bar = self._bar, None
            if bar:
                bar.__exit__(None, None, None)
            self._surface.output.append(self._surface.Html(self._html()))
            return
        progress, line = self._progress["progress"], self._progress["line"]
        words = ", ".join(filter(None, (line.rpartition("] ")[2], self._remaining)))
        ended = progress["done"] + progress["failed"]
        if not self._bar:
            status, total = self._surface.status, progress["total"]
            options = {"subtitle": words, "remove_on_exit": True}
            if total:
                options |= {"total": total, "show_rate": False, "show_eta": False}
            self._bar = status.progress_bar(**options) if total else status.spinner(**options)
            self._shown = self._bar.__enter__()
        counted = {"increment": ended - self._ended} if progress["total"] else {}
        self._shown.update(**counted, subtitle=words)
        self._ended = ended


def panel(client: Door, awaits: bool) -> Panel | None:
    """What shows a run, if this is a notebook."""
    if page := notebook():
        return Panel(page, client, awaits)
    if surface := marimo():
        return _MarimoPanel(surface, client, awaits)
    return None

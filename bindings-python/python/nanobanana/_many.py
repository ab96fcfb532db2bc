"""Many calls at once: prompts are taken as there is room, outcomes are handed out as they come."""

from __future__ import annotations

import operator
import os
import sys
import time

from ._front import AsyncClosing, Closing, Front, Unique, held
from ._generated import InvalidOptionError, NanoBananaError, read_outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from typing import Any, Self

    from ._generated import Outcome
    from ._native import Answer, Door
    from ._panel import Panel

_END: Any = object()


class _Feed(Front):
    """Brings the prompts to the core. It never holds who reads the outcomes, so that he can be let go."""

    __slots__ = ("_get_key", "failure", "prompts", "stopped")

    def __init__(self, client: Front, prompts: Any, later: bool) -> None:
        self._get_key, self.prompts = held(client._get_key, later), prompts
        self.failure: BaseException | None = None
        self.stopped = False

    def take(self) -> None:
        """One prompt, or the news that none comes any more."""
        try:
            item = next(self.prompts, _END)
        except Exception as error:  # It is told when those under way have ended.
            item, self.failure = _END, error
        if item is _END:
            self.prompts = None
            self._now("end")
            return
        self._give(item)

    def _give(self, item: Any) -> None:
        try:
            self._native.call("now", "give", *_parts(item), self._get_key)
        except Exception as error:  # What is wrong with one item is no reason to end the others.
            self._now("refuse", None, None, _refusal(item, error))

    async def take_all(self) -> None:
        """All of them, one whenever there is room."""
        try:
            while (await self._await("room"))[0]:
                later = hasattr(self.prompts, "__anext__")
                item = await anext(self.prompts, _END) if later else next(self.prompts, _END)
                if item is _END:
                    break
                self._give(item)
        except BaseException as error:
            # Who stops reading cancels this; prompts that were cancelled by others have failed.
            self.failure = None if self.stopped else error
            if not isinstance(error, Exception):
                raise
        finally:
            # A generator is closed when nobody holds it.
            self.prompts = None
            self._now("end")


def _parts(item: Any) -> tuple[Any, Any, dict[str, Any]]:
    rest = dict(item) if isinstance(item, dict) else {"prompt": item}
    return rest.pop("prompt", None), rest.pop("images", None), rest


def _refusal(item: Any, error: Exception) -> dict[str, Any]:
    """Makes a failed outcome of an item that cannot be read."""
    name = item.get("id") if isinstance(item, dict) else None
    # No NaN, as tables have it for what is missing, and nothing that the core cannot count to.
    is_name = isinstance(name, str) or (isinstance(name, int | float) and abs(name) < 1 << 63)
    try:
        told = error.to_dict() if isinstance(error, NanoBananaError) else f"{type(error).__name__}: {error}"
    except Exception:  # An exception whose own text cannot be made.
        told = type(error).__name__
    return {"id": _valid(name) if is_name else None, "error": _valid(told)}


def _valid(value: Any) -> Any:
    """Puts U+FFFD in place of halves of surrogate pairs, which no text of the core can hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_valid(name): _valid(each) for name, each in value.items()}
    return [_valid(each) for each in value] if isinstance(value, list | tuple) else value


class _Bar:
    """How far a run is: a line in a terminal, an output that changes in a notebook, elsewhere nothing."""

    def __init__(self, client: Front, awaits: bool) -> None:
        self._panel: Panel | None = None
        # Nothing else has notebooks; who has none need not import what shows them.
        if "IPython" in sys.modules or "marimo" in sys.modules:
            from ._panel import panel

            self._panel = panel(client._native, awaits)
        self._line: bool | None = sys.stderr is not None and sys.stderr.isatty()
        self._due = 0.0

    def show(
        self, native: Door, outcome: Outcome | None = None, flood: bool = False, last: bool = False
    ) -> None:
        try:
            if self._panel:
                if outcome:
                    self._panel.add(outcome)
                self._panel.show(native, last)
            elif self._line and not (flood and time.monotonic() < self._due):
                self._due = time.monotonic() + 0.1
                self._draw(native, "\n" if last else "")
        except Exception:  # A terminal that is gone is no reason to lose what is paid for.
            self._panel = self._line = None

    def _draw(self, native: Door, end: str) -> None:
        width = (os.get_terminal_size(sys.stderr.fileno()).columns or 80) - 1
        line = native.call("now", "progress", None, None, {"width": max(width, 0)})[0]["line"]
        print("\r" + line.ljust(width), end=end, file=sys.stderr, flush=True)


class _Outcomes(Unique):
    """What both runs share."""

    __slots__ = ("_bar", "_feed", "_get_key", "_options")
    _later = False

    def __init__(self, client: Front, prompts: Any, options: Any) -> None:
        later = hasattr(prompts, "__aiter__")
        if isinstance(prompts, str | dict) or not (later or hasattr(prompts, "__iter__")):
            problem = "takes several prompts, for example a list of them, not one"
        elif later and not self._later and not hasattr(prompts, "__iter__"):
            problem = "takes an async iterable only in an `AsyncClient`"
        else:
            problem = None
        if problem:
            raise InvalidOptionError(f"option `prompts` {problem}", option="prompts")
        self._options = {**options, "total": operator.length_hint(prompts) or None}
        prompts = aiter(prompts) if later and self._later else iter(prompts)
        self._feed, self._get_key = _Feed(client, prompts, self._later), None
        self._bar = _Bar(client, self._later) if options.get("progress") is True else None

    def _begin(self, opened: Answer) -> None:
        self._native = self._feed._native = opened[2]

    def _read(self, answer: Answer, end: type[Exception]) -> Outcome | None:
        told, pictures, _ = answer
        outcome = read_outcome(told["outcome"], pictures) if told.get("outcome") else None
        if self._bar:
            self._bar.show(self._native, outcome, flood=outcome is not None and outcome.cached)
        if told["type"] == "done":
            raise self._feed.failure or end
        return outcome

    def _stop(self) -> None:
        bar, self._bar = self._bar, None
        if bar:
            bar.show(self._native, last=True)
        self._feed.failure, self._feed.stopped = None, True
        self._native.close()


class Outcomes(_Outcomes, Closing):
    """What comes of many calls, as they finish: an iterator, and a context manager that ends them.

    Leaving the `with` block, `close()`, an exception while it waits, and letting go of the last
    reference end what is under way at once.
    """

    __slots__ = ()

    def __init__(self, client: Front, prompts: Any, options: Any) -> None:
        super().__init__(client, prompts, options)
        self._begin(client._wait("generate_many", None, None, self._options))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        try:
            while True:
                wanted = {"want_item": self._feed.prompts is not None}
                if outcome := self._read(self._wait("step", None, None, wanted), StopIteration):
                    return outcome
                self._feed.take()
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        """End what is under way, and wait until it has ended: a journal can be used again then."""
        self._stop()
        self._feed.prompts = None
        self._wait("close")

    def __del__(self) -> None:
        try:  # noqa: SIM105, `contextlib` is much to import
            self.close()
        except Exception:
            pass


class AsyncOutcomes(_Outcomes, AsyncClosing):
    """What comes of many calls, as they finish: an async iterator and context manager.

    Nothing is sent before the first outcome is asked for. Leaving the `async with` block, `aclose()`, a
    cancelled wait, and letting go of the last reference end what is under way at once.
    """

    __slots__ = ("_client", "_opening", "_task")
    _later = True

    def __init__(self, client: Front, prompts: Any, options: Any) -> None:
        import asyncio

        super().__init__(client, prompts, options)
        self._opening = asyncio.Lock()
        self._client: Front | None = client
        self._task: Task[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        import asyncio

        try:
            async with self._opening:  # Several may read.
                client, self._client = self._client, None
                if client:
                    self._begin(await client._await("generate_many", None, None, self._options))
                    self._task = asyncio.create_task(self._feed.take_all())
            if not self._task:
                raise StopAsyncIteration
            answer = await self._await("step", None, None, {"want_item": False})
            outcome = self._read(answer, StopAsyncIteration)
            assert outcome
            return outcome
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        self._client, task = None, self._task
        if task:
            super()._stop()
            # Whoever lets go of this last may be another thread, and the loop may be closed.
            if not task.get_loop().is_closed():
                task.get_loop().call_soon_threadsafe(task.cancel)

    async def aclose(self) -> None:
        """End what is under way, and wait until it has ended: a journal can be used again then."""
        self._stop()
        if self._task:
            await self._await("close")

    def __del__(self) -> None:
        try:  # noqa: SIM105
            self._stop()
        except Exception:
            pass

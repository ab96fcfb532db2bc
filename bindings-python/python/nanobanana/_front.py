"""What clients and conversations are built on: how to ask the core, and what a stream is."""

from __future__ import annotations

from functools import partial

from ._base import Settings, Wrapper
from ._generated import DoneEvent, read_event
from ._native import Asked, Door, Image, Inputs, apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    from ._generated import Result
    from ._native import Answer
    from ._options import Event

    _F = TypeVar("_F")

# The verbs that send a request, and so take the function of a client whose key is asked for.
_SENDING = ("generate", "edit", "send", "next", "count_tokens", "upload", "get", "list", "delete")


# What is read in no time: it is borrowed, or is only the place of a picture.
_QUICK = (str, bytes, int, float, dict, type(None), Image)


def _takes_long(value: Any) -> bool:
    """Whether reading it may hold up a loop: arrays are copied, pictures decoded, files read."""
    if isinstance(value, list | tuple):
        return any(map(_takes_long, value))
    if isinstance(value, Wrapper):
        return _takes_long(value._of)
    return (
        not isinstance(value, _QUICK) and not isinstance(value, Settings) and not hasattr(value, "__fspath__")
    )


async def _read(prompt: Any, images: Any, options: Any) -> Inputs:
    """Read what a call takes on a thread of its own: files of the caller's may hang."""
    from contextvars import copy_context

    read: Inputs = await apart(partial(copy_context().run, Inputs, prompt, images, options))
    return read


def awaited(key: Any, loop: Any, context: Any) -> Any:
    """Await a key in the loop of its call; called on another thread than the loop's. Ends with the call."""
    import asyncio
    from concurrent.futures import wait

    from ._native import is_abandoned

    async def ask() -> Any:
        return await key

    done = context.run(asyncio.run_coroutine_threadsafe, ask(), loop)
    while not wait([done], timeout=0.1).done:
        if is_abandoned() or loop.is_closed():
            done.cancel()
    return done.result()


def held(get_key: Any, awaits: bool) -> Asked | None:
    """The function that gives a key, for what asks for longer than one call."""
    return None if get_key is None else Asked(get_key, awaits)


def documented(listed: Any) -> Callable[[_F], _F]:
    """Give a function that takes `**options` the signature and the options' docs of a generated one."""

    def document(function: Any) -> Any:
        told = type(listed)(listed.__code__, {}, function.__name__, listed.__defaults__)
        told.__kwdefaults__ = listed.__kwdefaults__
        told.__annotations__ = {**listed.__annotations__, **function.__annotations__}
        # A function of the module has no `self`.
        method = function.__code__.co_varnames[0] in ("self", "cls")
        function.__wrapped__ = told if method else told.__get__(object())
        function.__doc__ = f"{function.__doc__ or ''}\n{listed.__doc__ or ''}"
        return function

    return document


class Front:
    """Whatever asks the core, through a door of its own."""

    __slots__ = ("__weakref__", "_native")
    _native: Door
    _get_key: Any

    def _now(self, verb: str, prompt: Any = None, images: Any = None, options: Any = None) -> Answer:
        return self._native.call("now", verb, prompt, images, options or {})

    def _wait(self, verb: str, prompt: Any = None, images: Any = None, options: Any = None) -> Answer:
        get_key = self._get_key if verb in _SENDING else None
        return self._native.call("wait", verb, prompt, images, options or {}, get_key)

    async def _await(self, verb: str, prompt: Any = None, images: Any = None, options: Any = None) -> Answer:
        get_key = self._get_key if verb in _SENDING else None
        native, options = self._native, options or {}
        if any(map(_takes_long, (prompt, images, *options.values()))):
            # A later send must not overtake this one while its pictures are read.
            native = native.placed(verb)
            prompt, images, options = await _read(prompt, images, options), None, {}
        return await native.call("await", verb, prompt, images, options, get_key)


class Unique(Front):
    """What stands for something under way, of which there cannot be two."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"{type(self).__name__} can be neither copied nor pickled: {self._instead}")

    # The way out, for the message.
    _instead = "it stands for a call that is under way; keep its results instead"


class Closing(Front):
    """What can be closed, and closes itself at the end of a `with` block."""

    __slots__ = ()

    def close(self) -> None:
        """Let go of the connection: a stream ends at once, later calls of a client raise `ConfigError`."""
        self._get_key = None  # so that a later call meets the closed client, and no new copy
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClosing(Front):
    """What can be closed, and closes itself at the end of an `async with` block."""

    __slots__ = ()

    async def aclose(self) -> None:
        """Let go of the connection: a stream ends at once, later calls of a client raise `ConfigError`."""
        self._get_key = None
        self._native.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


class Opened(Front):
    """What a client has opened, and what asks with that client's key."""

    __slots__ = ("_client",)

    def __init__(self, client: Front, opened: Answer) -> None:
        self._client, self._native = client, opened[2]

    @property
    def _get_key(self) -> Any:
        return self._client._get_key


class FilesFront(Opened):
    """What both lists of files share."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not pickle: pickle the client, and take its `files`")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client!r})"


class ChatFront(Opened):
    """What both conversations share."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return type(self)(self._client, self._now("branch"))

    def __deepcopy__(self, _memo: Any) -> Self:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            f"{type(self).__name__} does not pickle: `save` writes it, and `load_chat` goes on from there"
        )

    def __repr__(self) -> str:
        turns = len(self._now("history")[0]["turns"])
        return f"{type(self).__name__}({turns} {'turn' if turns == 1 else 'turns'})"


class _Events(Unique):
    """What both streams share."""

    __slots__ = ("_get_key", "_result")
    _awaits = False

    def __init__(self, front: Front, opened: Answer) -> None:
        # The core holds the function only as long as this does.
        self._native, self._get_key = opened[2], held(front._get_key, self._awaits)
        self._result: Result | None = None

    @property
    def result(self) -> Result | None:
        """The whole result once the last event was read; None before."""
        return self._result

    def _read(self, answer: Answer, end: type[Exception]) -> Event:
        if not answer[0]:
            raise end
        event = read_event(*answer[:2])
        if isinstance(event, DoneEvent):
            self._result = event.result
        return event


class Stream(_Events, Closing):
    """The events of a call as they arrive: an iterator, and a context manager that ends the request.

    Nothing is sent before the first event is asked for. Leaving the `with` block, `close()`, an
    exception while it waits, and letting go of the last reference end the request at once.
    """

    __slots__ = ()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        try:
            return self._read(self._wait("next"), StopIteration)
        except BaseException:
            self.close()
            raise


class AsyncStream(_Events, AsyncClosing):
    """The events of a call as they arrive: an async iterator and context manager.

    Nothing is sent before the first event is asked for. Leaving the `async with` block, `aclose()`, a
    cancelled wait, and letting go of the last reference end the request at once.
    """

    __slots__ = ()
    _awaits = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return self._read(await self._await("next"), StopAsyncIteration)
        except BaseException:
            await self.aclose()
            raise

"""What clients and conversations are built on: how to ask the core, and what a stream is."""

from __future__ import annotations

from ._base import Settings, Wrapper
from ._generated import DoneEvent, read_event
from ._native import Door, Image, Inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    from ._generated import Result
    from ._native import Answer
    from ._options import Event

    F = TypeVar("F")

# The verbs that send a request, and so need the key of a client whose key is asked for at each call.
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


def documented(listed: Any) -> Callable[[F], F]:
    """Give a function that takes `**options` the signature and the options' docs of a generated one."""

    def document(function: Any) -> Any:
        told = type(listed)(listed.__code__, {}, function.__name__, listed.__defaults__)
        told.__kwdefaults__ = listed.__kwdefaults__
        told.__annotations__ = {**listed.__annotations__, **function.__annotations__}
        # A function of the module has no `self`.
        method = function.__code__.co_varnames[0] == "self"
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

    def _keyed(self) -> Door:
        if self._get_key is None:
            return self._native
        return self._native.with_options({"api_key": self._get_key()}, True)

    async def _keyed_soon(self) -> Door:
        if self._get_key is None:
            return self._native
        import asyncio

        return await asyncio.to_thread(self._keyed)

    def _wait(self, verb: str, prompt: Any = None, images: Any = None, options: Any = None) -> Answer:
        native = self._keyed() if verb in _SENDING else self._native
        return native.call("wait", verb, prompt, images, options or {})

    async def _await(self, verb: str, prompt: Any = None, images: Any = None, options: Any = None) -> Answer:
        native = await self._keyed_soon() if verb in _SENDING else self._native
        options = options or {}
        if any(map(_takes_long, (prompt, images, *options.values()))):
            import asyncio

            prompt, images, options = await asyncio.to_thread(Inputs, prompt, images, options), None, {}
        return await native.call("await", verb, prompt, images, options)


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
        return f"{type(self).__name__}({len(self._now('history')[0]['turns'])} turns)"


class _Events(Unique):
    """What both streams share."""

    __slots__ = ("_get_key", "_result")

    def __init__(self, front: Front, opened: Answer) -> None:
        self._native, self._get_key = opened[2], front._get_key
        self._result: Result | None = None

    @property
    def result(self) -> Result | None:
        """The whole result once the last event was read; None before."""
        return self._result

    def _read(self, answer: Answer, end: type[Exception]) -> Event:
        self._get_key = None  # The stream has begun, and has its key.
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

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return self._read(await self._await("next"), StopAsyncIteration)
        except BaseException:
            await self.aclose()
            raise

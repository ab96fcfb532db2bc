"""How clients are made, copied, pickled and closed. Their calls are in `_verbs`."""

from __future__ import annotations

import sys
import warnings

from . import _generated
from ._front import AsyncClosing, Front, documented
from ._generated import ClientEvent, InvalidOptionError
from ._native import Door, apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, Unpack

    from ._options import ClientOptions
    from ._verbs import Client


class _Given:
    """What a client is told, closed to view: a traceback that shows the locals of our frames, as error
    trackers do, must not show a key, a proxy's password or a header.
    """

    __slots__ = ("get_key", "on_event", "options")

    def __init__(self, api_key: Any, options: Any) -> None:
        self.get_key: Any = api_key if callable(api_key) else None
        # A callable goes with each call; nothing stands for it in the core.
        self.options = {**options, "api_key": None if callable(api_key) else api_key}
        self.on_event = self.options.pop("on_event", None)


class ClientFront(Front):
    """What both clients share."""

    __slots__ = ("_get_key", "_offline")

    @documented(_generated.client)
    def __init__(
        self, api_key: str | Callable[[], str] | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        """A client of the image models.

        The key is `api_key`, else the variable GOOGLE_API_KEY, else GEMINI_API_KEY; a callable is
        asked for each attempt, on a thread of its own. Without one, `offline()` gives a client that needs
        none.

        `on_event` is called on a thread of its own, soon after the step that it is told; what it raises
        goes to `sys.unraisablehook`. The logger "nanobanana" is told the same: requests and answers at
        level DEBUG, waits and retries at INFO, what a result warns of (money, a loss, the model) at
        WARNING, each with the event as `record.event`.
        """
        given = _Given(api_key, options)
        del api_key, options
        self._start(None, given)

    def _start(self, copied: Any, given: _Given, offline: bool = False) -> Self:
        self._offline = offline
        self._get_key: Any = given.get_key
        if not (given.on_event is None or callable(given.on_event)):
            raise InvalidOptionError("option `on_event` takes a function of one event", option="on_event")
        asks = given.get_key is not None
        if copied:
            self._native = copied.with_options(given.options, given.on_event, asks)
        else:
            self._native = Door(given.options, offline, given.on_event, asks)
        for warning in self._now("describe")[0]["warnings"]:
            warnings.warn(warning, stacklevel=3)
        return self

    @classmethod
    @documented(_generated.offline)
    def offline(cls, **options: Unpack[ClientOptions]) -> Self:
        """A client of an emulator of its own: no key, no network, no cost.

        It takes the same options as the client itself.
        """
        given = _Given(None, options)
        del options
        return cls.__new__(cls)._start(None, given, offline=True)

    @documented(_generated.with_options)
    def with_options(
        self, api_key: str | Callable[[], str] | None = None, **options: Unpack[ClientOptions]
    ) -> Self:
        """The same client with other options; those that are not given stay."""
        given = _Given(self._get_key if api_key is None else api_key, options)
        del api_key, options
        return type(self).__new__(type(self))._start(self._native, given, offline=self._offline)

    def __copy__(self) -> Self:
        """As `with_options()`: connections, key and budget are shared, and it is closed by itself."""
        copied = self.with_options()
        if hasattr(self, "__dict__"):  # of a class that was made of this one
            copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, _memo: Any) -> Self:
        return self.__copy__()

    def __getstate__(self) -> tuple[dict[str, Any], bool]:
        return self._now("describe")[0]["options"], self._offline

    def __setstate__(self, state: tuple[dict[str, Any], bool]) -> None:
        options, offline = state
        self._start(None, _Given(None, options), offline)

    def __repr__(self) -> str:
        if not hasattr(self, "_native"):
            return object.__repr__(self)  # as a debugger sees it while it is made
        told = [f"{name}={value!r}" for name, value in self._now("describe")[0]["options"].items()]
        return f"{type(self).__name__}{'.offline' if self._offline else ''}({', '.join(told)})"


class AsyncClientFront(ClientFront, AsyncClosing):
    """What the client for asyncio does otherwise."""

    __slots__ = ()

    async def aclose(self) -> None:
        """End idle connections; a later call raises `ConfigError`."""
        self._get_key = None
        await apart(self._native.close)


# As `logging` counts, which is imported only for a warning.
_WARNING = 30


def tell(level: int, values: dict[str, Any], on_event: Any) -> None:
    """Hand a step of a call to the log and to who watches the client; Rust asks for it, in order."""
    event = ClientEvent._read(values, iter(()))
    try:
        if level >= _WARNING:
            import logging  # noqa: F401
        if read := sys.modules.get("logging"):
            read.getLogger("nanobanana").log(level, event.message, extra={"event": event})
    finally:
        if on_event is not None:
            on_event(event)


_default: Client | None = None


def set_default_client(client: Client | None) -> None:
    """Choose the client of `nanobanana.generate` and `nanobanana.edit`; None: made when first needed."""
    global _default
    _default = client


def default_client() -> Client:
    """The client of `nanobanana.generate` and `nanobanana.edit`."""
    from ._verbs import Client

    if _default is None:
        set_default_client(Client())
    return _default  # type: ignore[return-value]

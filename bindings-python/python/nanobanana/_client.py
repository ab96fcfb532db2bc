"""The clients: names, docs and how to wait. Everything else is the core's."""

from __future__ import annotations

import warnings

from . import _generated, _native
from ._generated import ModelInfo, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Self, TypeVar, Unpack

    from ._options import ClientOptions, GenerateOptions, ImageInput, Prompt

    F = TypeVar("F")

# What stands in the core for a key that a callable gives: every call sends the callable's instead.
_KEY_OF_EACH_CALL = "(asked for at each call)"


def _documented(listed: Any) -> Callable[[F], F]:
    """Give a function that takes `**options` the signature and the options' docs of a generated one."""

    def document(function: Any) -> Any:
        function.__wrapped__ = listed
        function.__doc__ = f"{function.__doc__ or ''}\n{listed.__doc__ or ''}"
        return function

    return document


class _Front:
    """What both clients share."""

    __slots__ = ("__weakref__", "_get_key", "_native", "_offline", "_ready")

    @_documented(_generated.client)
    def __init__(
        self, api_key: str | Callable[[], str] | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        """A client of the image models.

        The key is `api_key`, else the variable GOOGLE_API_KEY, else GEMINI_API_KEY; a callable is
        asked at each call. Without one, `offline()` gives a client that needs none.
        """
        self._start(_native.Client, api_key, options)

    def _start(self, make: Any, api_key: Any, options: Any, offline: bool = False, level: int = 3) -> Self:
        self._offline = offline
        self._get_key: Any = api_key if callable(api_key) else None
        self._ready: tuple[str, _native.Client] | None = None
        options = {**options, "api_key": _KEY_OF_EACH_CALL if callable(api_key) else api_key}
        self._native = make(options) if make is not _native.Client else make(options, offline)
        for warning in self._native.warnings:
            warnings.warn(warning, stacklevel=level)
        return self

    @classmethod
    def offline(cls, **options: Unpack[ClientOptions]) -> Self:
        """A client of an emulator of its own: no key, no network, no cost.

        It takes the same options as the client itself.
        """
        return cls.__new__(cls)._start(_native.Client, None, options, offline=True)

    @_documented(_generated.with_options)
    def with_options(
        self, api_key: str | Callable[[], str] | None = None, **options: Unpack[ClientOptions]
    ) -> Self:
        """The same client with other options; those that are not given stay."""
        copy = type(self).__new__(type(self))
        key = self._get_key if api_key is None else api_key
        return copy._start(self._native.with_options, key, options, offline=self._offline)

    def _with_key(self, key: str) -> _native.Client:
        ready = self._ready
        if ready is None or ready[0] != key:
            ready = self._ready = key, self._native.with_options({"api_key": key})
        return ready[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._native.describe(), self._offline)

    def __repr__(self) -> str:
        told = [f"{name}={value!r}" for name, value in self._native.describe().items()]
        return f"{type(self).__name__}{'.offline' if self._offline else ''}({', '.join(told)})"


def _restore(cls: type[_Front], options: dict[str, Any], offline: bool) -> _Front:
    return cls.__new__(cls)._start(_native.Client, None, options, offline)


def _result(answer: tuple[dict[str, Any], list[_native.Image]]) -> Result:
    return Result._read(answer[0], iter(answer[1]))


def _models(answer: tuple[dict[str, Any], list[_native.Image]]) -> list[ModelInfo]:
    return [ModelInfo._read(model, iter(())) for model in answer[0]["models"]]


class Client(_Front):
    """A client of the image models. Threads may share it; it pickles, without its key."""

    __slots__ = ()

    def _call(self, verb: str, prompt: Any, images: Any, options: Any) -> Any:
        native = self._native if self._get_key is None else self._with_key(self._get_key())
        return native.call(verb, prompt, images, options, True)

    @_documented(_generated.generate)
    def generate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
        """Draw a picture from a prompt: a text, or a list of texts and pictures."""
        return _result(self._call("generate", prompt, None, options))

    @_documented(_generated.edit)
    def edit(
        self, prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[GenerateOptions]
    ) -> Result:
        """Draw a picture from others: one or a list of them, in whatever form they are at hand."""
        return _result(self._call("edit", prompt, images, options))

    def models(self) -> list[ModelInfo]:
        """The models of the catalogue, the recommended one first."""
        return _models(self._call("models", None, None, {}))

    def close(self) -> None:
        """End idle connections; a later call raises `ConfigError`."""
        self._get_key = None  # so that a later call meets the closed client, and no new copy
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClient(_Front):
    """The client for asyncio: the same methods, awaited. A cancelled call ends its request."""

    __slots__ = ()

    async def _call(self, verb: str, prompt: Any, images: Any, options: Any) -> Any:
        native = self._native
        if self._get_key is not None:
            import asyncio

            native = self._with_key(await asyncio.to_thread(self._get_key))
        return await native.call(verb, prompt, images, options, False)

    @_documented(_generated.generate)
    async def generate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
        """Draw a picture from a prompt: a text, or a list of texts and pictures."""
        return _result(await self._call("generate", prompt, None, options))

    @_documented(_generated.edit)
    async def edit(
        self, prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[GenerateOptions]
    ) -> Result:
        """Draw a picture from others: one or a list of them, in whatever form they are at hand."""
        return _result(await self._call("edit", prompt, images, options))

    async def models(self) -> list[ModelInfo]:
        """The models of the catalogue, the recommended one first."""
        return _models(await self._call("models", None, None, {}))

    async def aclose(self) -> None:
        """End idle connections; a later call raises `ConfigError`."""
        import asyncio

        self._get_key = None
        await asyncio.to_thread(self._native.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


_default: Client | None = None


def set_default_client(client: Client | None) -> None:
    """Choose the client of `nanobanana.generate` and `nanobanana.edit`; None: made when first needed."""
    global _default
    _default = client


def _default_client() -> Client:
    if _default is None:
        set_default_client(Client())
    return _default  # type: ignore[return-value]


# Bound to nothing in particular, they have no `self` in their signature.
@_documented(_generated.generate.__get__(object()))
def generate(prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
    """Draw a picture from a prompt, with the default client."""
    return _default_client().generate(prompt, **options)


@_documented(_generated.edit.__get__(object()))
def edit(
    prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[GenerateOptions]
) -> Result:
    """Draw a picture from others, with the default client."""
    return _default_client().edit(prompt, images, **options)

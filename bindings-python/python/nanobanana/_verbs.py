# Written by core/tests/generated.rs from the tables in core/src and from core/models.json.
# Change those; the test rewrites this file.

"""What clients and conversations can do, waited for and awaited."""

from __future__ import annotations

from . import _generated
from ._client import AsyncClientFront, ClientFront, default_client
from ._front import AsyncStream, ChatFront, Closing, Stream, documented
from ._generated import ChatTurn, Estimate, ModelInfo, Result, Spent
from ._many import AsyncOutcomes, Outcomes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Iterable, Sequence
    from pathlib import Path
    from typing import Literal, Unpack

    from ._options import EditOptions, GenerateOptions, ImageInput, Item, ManyOptions, Prompt


class Client(ClientFront, Closing):
    """A client of the image models. Threads may share it; it pickles, without its key."""

    __slots__ = ()

    @documented(_generated.generate)
    def generate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
        """Draw a picture from a prompt: a text, or a list of texts and pictures.

        If none comes, that is a `NoImageError` or a `BlockedError`.
        """
        return Result._one(self._wait("generate", prompt, None, options))

    @documented(_generated.edit)
    def edit(
        self, prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[EditOptions]
    ) -> Result:
        """Draw a picture from others, and from what the prompt says about them.

        They are one or a list of them, in whatever form they are at hand. With a `mask` only that part of the
        first one changes, and every other pixel stays as it is.
        """
        return Result._one(self._wait("edit", prompt, images, options))

    @documented(_generated.generate)
    def generate_stream(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Stream:
        """Draw a picture and hand out what arrives on the way: thoughts, text, pictures."""
        return Stream(self, self._now("generate_stream", prompt, None, options))

    @documented(_generated.edit)
    def edit_stream(
        self, prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[EditOptions]
    ) -> Stream:
        """Draw a picture from others and hand out what arrives on the way."""
        return Stream(self, self._now("edit_stream", prompt, images, options))

    @documented(_generated.generate_many)
    def generate_many(self, prompts: Iterable[Prompt | Item], **options: Unpack[ManyOptions]) -> Outcomes:
        """Make many calls, several at once, and hand out what comes of each.

        Prompts are taken as there is room for them; one with pictures, options or a name of its own is a map
        of `prompt`, `images`, `options` and `id`. A failure is an outcome; what would fail every call is
        raised, when those under way have ended.
        """
        return Outcomes(self, prompts, options)

    @documented(_generated.chat)
    def chat(self, **options: Unpack[GenerateOptions]) -> Chat:
        """Begin a conversation. The options are those of every turn that says nothing else."""
        return Chat(self, self._now("chat", None, None, options))

    @documented(_generated.load_chat)
    def load_chat(self, path: str | os.PathLike[str], **options: Unpack[GenerateOptions]) -> Chat:
        """Go on with a conversation that was saved, also by another language.

        The options go before those in the file.
        """
        return Chat(self, self._wait("load_chat", None, None, {**options, "path": path}))

    def models(self) -> list[ModelInfo]:
        """The models of the catalogue, the recommended one first; nothing is asked of the service."""
        return ModelInfo._all(self._wait("models"))

    @documented(_generated.estimate)
    def estimate(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Estimate:
        """What a call with this prompt, these pictures and options will cost: a range, and what it assumes.

        Options are checked as the call checks them; no file or URL is read, and nothing is sent.
        """
        return Estimate._one(self._wait("estimate", prompt, images, options))

    @property
    def spent(self) -> Spent:
        """What this client and its copies have spent in this process, and what may have been billed."""
        return Spent._one(self._now("spent"))


class AsyncClient(AsyncClientFront):
    """The client for asyncio: the same methods, awaited. A cancelled call ends its request."""

    __slots__ = ()

    @documented(_generated.generate)
    async def generate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
        """Draw a picture from a prompt: a text, or a list of texts and pictures.

        If none comes, that is a `NoImageError` or a `BlockedError`.
        """
        return Result._one(await self._await("generate", prompt, None, options))

    @documented(_generated.edit)
    async def edit(
        self, prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[EditOptions]
    ) -> Result:
        """Draw a picture from others, and from what the prompt says about them.

        They are one or a list of them, in whatever form they are at hand. With a `mask` only that part of the
        first one changes, and every other pixel stays as it is.
        """
        return Result._one(await self._await("edit", prompt, images, options))

    @documented(_generated.generate)
    def generate_stream(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> AsyncStream:
        """Draw a picture and hand out what arrives on the way: thoughts, text, pictures."""
        return AsyncStream(self, self._now("generate_stream", prompt, None, options))

    @documented(_generated.edit)
    def edit_stream(
        self, prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[EditOptions]
    ) -> AsyncStream:
        """Draw a picture from others and hand out what arrives on the way."""
        return AsyncStream(self, self._now("edit_stream", prompt, images, options))

    @documented(_generated.generate_many)
    def generate_many(
        self, prompts: Iterable[Prompt | Item] | AsyncIterable[Prompt | Item], **options: Unpack[ManyOptions]
    ) -> AsyncOutcomes:
        """Make many calls, several at once, and hand out what comes of each.

        Prompts are taken as there is room for them; one with pictures, options or a name of its own is a map
        of `prompt`, `images`, `options` and `id`. A failure is an outcome; what would fail every call is
        raised, when those under way have ended.
        """
        return AsyncOutcomes(self, prompts, options)

    @documented(_generated.chat)
    def chat(self, **options: Unpack[GenerateOptions]) -> AsyncChat:
        """Begin a conversation. The options are those of every turn that says nothing else."""
        return AsyncChat(self, self._now("chat", None, None, options))

    @documented(_generated.load_chat)
    async def load_chat(self, path: str | os.PathLike[str], **options: Unpack[GenerateOptions]) -> AsyncChat:
        """Go on with a conversation that was saved, also by another language.

        The options go before those in the file.
        """
        return AsyncChat(self, await self._await("load_chat", None, None, {**options, "path": path}))

    async def models(self) -> list[ModelInfo]:
        """The models of the catalogue, the recommended one first; nothing is asked of the service."""
        return ModelInfo._all(await self._await("models"))

    @documented(_generated.estimate)
    async def estimate(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Estimate:
        """What a call with this prompt, these pictures and options will cost: a range, and what it assumes.

        Options are checked as the call checks them; no file or URL is read, and nothing is sent.
        """
        return Estimate._one(await self._await("estimate", prompt, images, options))

    @property
    def spent(self) -> Spent:
        """What this client and its copies have spent in this process, and what may have been billed."""
        return Spent._one(self._now("spent"))


class Chat(ChatFront):
    """A conversation: what was said and drawn goes back with every turn. Threads may share it."""

    __slots__ = ()

    @documented(_generated.send)
    def send(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Result:
        """Say something and get the answer.

        An answer in words only is a result without images. A turn that is blocked or fails leaves the
        conversation as it was; one to which the model drew nothing stays. Sends at the same time queue.
        """
        return Result._one(self._wait("send", prompt, images, options))

    @documented(_generated.send)
    def send_stream(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Stream:
        """Say something and hand out what arrives on the way.

        A stream that is left before its end leaves the conversation as it was.
        """
        return Stream(self, self._now("send_stream", prompt, images, options))

    def add(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        role: Literal["user", "model"] = "user",
    ) -> None:
        """Put a turn into the history that was not said here.

        It is of the "user" (the default), or as the "model" might have made it, with pictures that the model
        did not make.
        """
        self._wait("add", prompt, images, {"role": role})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the conversation to a file, whole or not at all, and return its path.

        `load_chat` goes on from there. Without an extension, .chat.json is added. The key and headers are not
        in it.
        """
        from pathlib import Path

        return Path(self._wait("save", None, None, {"path": path})[0])

    def undo(self) -> bool:
        """Take back the last thing that was said and its answer, and tell whether there was one."""
        return bool(self._now("undo")[0])

    def branch(self) -> Chat:
        """Another conversation that has said the same so far. Pictures are shared, not copied."""
        return Chat(self._client, self._now("branch"))

    def drop_images(self, keep: int = 0) -> None:
        """Leave all pictures but the last `keep` (none by default) out of later requests, and drop them."""
        self._now("drop_images", None, None, {"keep": keep})

    @property
    def history(self) -> list[ChatTurn]:
        """What was said and drawn so far."""
        return ChatTurn._all(self._now("history"))


class AsyncChat(ChatFront):
    """The conversation for asyncio: what sends or touches files is awaited, the rest is not."""

    __slots__ = ()

    @documented(_generated.send)
    async def send(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Result:
        """Say something and get the answer.

        An answer in words only is a result without images. A turn that is blocked or fails leaves the
        conversation as it was; one to which the model drew nothing stays. Sends at the same time queue.
        """
        return Result._one(await self._await("send", prompt, images, options))

    @documented(_generated.send)
    def send_stream(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> AsyncStream:
        """Say something and hand out what arrives on the way.

        A stream that is left before its end leaves the conversation as it was.
        """
        return AsyncStream(self, self._now("send_stream", prompt, images, options))

    async def add(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        role: Literal["user", "model"] = "user",
    ) -> None:
        """Put a turn into the history that was not said here.

        It is of the "user" (the default), or as the "model" might have made it, with pictures that the model
        did not make.
        """
        await self._await("add", prompt, images, {"role": role})

    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the conversation to a file, whole or not at all, and return its path.

        `load_chat` goes on from there. Without an extension, .chat.json is added. The key and headers are not
        in it.
        """
        from pathlib import Path

        return Path((await self._await("save", None, None, {"path": path}))[0])

    def undo(self) -> bool:
        """Take back the last thing that was said and its answer, and tell whether there was one."""
        return bool(self._now("undo")[0])

    def branch(self) -> AsyncChat:
        """Another conversation that has said the same so far. Pictures are shared, not copied."""
        return AsyncChat(self._client, self._now("branch"))

    def drop_images(self, keep: int = 0) -> None:
        """Leave all pictures but the last `keep` (none by default) out of later requests, and drop them."""
        self._now("drop_images", None, None, {"keep": keep})

    @property
    def history(self) -> list[ChatTurn]:
        """What was said and drawn so far."""
        return ChatTurn._all(self._now("history"))


@documented(_generated.generate)
def generate(prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
    """Draw a picture from a prompt, with the default client."""
    return default_client().generate(prompt, **options)


@documented(_generated.edit)
def edit(prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[EditOptions]) -> Result:
    """Draw a picture from others, with the default client."""
    return default_client().edit(prompt, images, **options)

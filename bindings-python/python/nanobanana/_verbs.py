# Written by core/cli/tests/generated.rs from the tables in core.
# Change those; the test rewrites this file.

"""What clients, conversations and files can do, waited for and awaited."""

from __future__ import annotations

from . import _generated
from ._client import AsyncClientFront, ClientFront, default_client
from ._front import AsyncStream, ChatFront, Closing, FilesFront, Stream, documented
from ._generated import ChatTurn, Estimate, Explained, File, ModelInfo, Result, Spent, TokenCount
from ._many import AsyncOutcomes, Outcomes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    import os
    from collections.abc import AsyncIterable, Iterable, Sequence
    from pathlib import Path
    from typing import Literal, Unpack

    from ._options import (
        ChatOptions,
        EditOptions,
        FileOptions,
        GenerateOptions,
        ImageInput,
        Item,
        ManyOptions,
        Prompt,
        UploadOptions,
    )


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
    def chat(self, **options: Unpack[ChatOptions]) -> Chat:
        """Begin a conversation. The options are those of every turn that says nothing else."""
        return Chat(self, self._now("chat", None, None, options))

    @documented(_generated.load_chat)
    def load_chat(self, path: str | os.PathLike[str], **options: Unpack[ChatOptions]) -> Chat:
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
        **options: Unpack[EditOptions],
    ) -> Estimate:
        """What a call with this prompt, these pictures and options will cost: a range, and what it assumes.

        Options are checked as the call checks them; no file or URL is read, and nothing is sent.
        """
        return Estimate._one(self._wait("estimate", prompt, images, options))

    @documented(_generated.count_tokens)
    def count_tokens(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[EditOptions],
    ) -> TokenCount:
        """How many tokens a call with this prompt, these pictures and options would send, as the service
        counts them.

        That is free.
        """
        return TokenCount._one(self._wait("count_tokens", prompt, images, options))

    @property
    def files(self) -> Files:
        """The files that were uploaded, and what uploads more."""
        return Files(self, self._now("files"))

    @documented(_generated.explain)
    def explain(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[EditOptions],
    ) -> Explained:
        """What becomes of each picture before it is sent, and why: from what to what, and whether something
        is lost.

        It is the plan by which the call itself works: files are read, URLs fetched and pictures encoded;
        nothing is sent to the service.
        """
        return Explained._one(self._wait("explain", prompt, images, options))

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
    def chat(self, **options: Unpack[ChatOptions]) -> AsyncChat:
        """Begin a conversation. The options are those of every turn that says nothing else."""
        return AsyncChat(self, self._now("chat", None, None, options))

    @documented(_generated.load_chat)
    async def load_chat(self, path: str | os.PathLike[str], **options: Unpack[ChatOptions]) -> AsyncChat:
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
        **options: Unpack[EditOptions],
    ) -> Estimate:
        """What a call with this prompt, these pictures and options will cost: a range, and what it assumes.

        Options are checked as the call checks them; no file or URL is read, and nothing is sent.
        """
        return Estimate._one(await self._await("estimate", prompt, images, options))

    @documented(_generated.count_tokens)
    async def count_tokens(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[EditOptions],
    ) -> TokenCount:
        """How many tokens a call with this prompt, these pictures and options would send, as the service
        counts them.

        That is free.
        """
        return TokenCount._one(await self._await("count_tokens", prompt, images, options))

    @property
    def files(self) -> AsyncFiles:
        """The files that were uploaded, and what uploads more."""
        return AsyncFiles(self, self._now("files"))

    @documented(_generated.explain)
    async def explain(
        self,
        prompt: Prompt,
        images: ImageInput | Sequence[ImageInput] | None = None,
        **options: Unpack[EditOptions],
    ) -> Explained:
        """What becomes of each picture before it is sent, and why: from what to what, and whether something
        is lost.

        It is the plan by which the call itself works: files are read, URLs fetched and pictures encoded;
        nothing is sent to the service.
        """
        return Explained._one(await self._await("explain", prompt, images, options))

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
        """Write the conversation to a file of this name, which is replaced as the pictures' `save` does it,
        and return its path.

        `load_chat` goes on from there. Without an extension, .chat.json is added. The key and headers are not
        in it.
        """
        from pathlib import Path

        return Path(self._wait("save", None, None, {"path": path})[0])

    def undo(self) -> bool:
        """Take back the last thing that was said and its answer, and tell whether there is one.

        While a send is under way this takes effect when that has ended, and its turn counts as one.
        """
        return bool(self._now("undo")[0])

    def branch(self) -> Chat:
        """Another conversation that has said the same so far.

        Pictures are shared, not copied. While a send is under way it branches off behind that, and what is
        sent to it waits.
        """
        return Chat(self._client, self._now("branch"))

    def drop_images(self, keep: int = 0) -> None:
        """Leave all pictures but the last `keep` (none by default) out of later requests, and drop them.

        While a send is under way this takes effect when that has ended.
        """
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
        """Write the conversation to a file of this name, which is replaced as the pictures' `save` does it,
        and return its path.

        `load_chat` goes on from there. Without an extension, .chat.json is added. The key and headers are not
        in it.
        """
        from pathlib import Path

        return Path((await self._await("save", None, None, {"path": path}))[0])

    def undo(self) -> bool:
        """Take back the last thing that was said and its answer, and tell whether there is one.

        While a send is under way this takes effect when that has ended, and its turn counts as one.
        """
        return bool(self._now("undo")[0])

    def branch(self) -> AsyncChat:
        """Another conversation that has said the same so far.

        Pictures are shared, not copied. While a send is under way it branches off behind that, and what is
        sent to it waits.
        """
        return AsyncChat(self._client, self._now("branch"))

    def drop_images(self, keep: int = 0) -> None:
        """Leave all pictures but the last `keep` (none by default) out of later requests, and drop them.

        While a send is under way this takes effect when that has ended.
        """
        self._now("drop_images", None, None, {"keep": keep})

    @property
    def history(self) -> list[ChatTurn]:
        """What was said and drawn so far."""
        return ChatTurn._all(self._now("history"))


class Files(FilesFront):
    """Uploaded files: pictures, videos and documents that are sent by reference.

    They live 48 hours, are free, and are seen by their own project alone.
    """

    __slots__ = ()

    @documented(_generated.upload)
    def upload(self, source: ImageInput, **options: Unpack[UploadOptions]) -> File:
        """Upload a file of any type and wait until it can be used: a path, a file's bytes, a picture in
        whatever form it is at hand.

        It goes in chunks; one that is lost goes again from where the service has it. What comes is taken
        wherever a picture is.
        """
        return File._one(self._wait("upload", None, source, options))

    @documented(_generated.get_file)
    def get(self, file: str | File, **options: Unpack[FileOptions]) -> File:
        """What the service knows of a file, by its name ("files/abc"), its URI or an earlier record.

        One that is not there, or not any more, is a `PermissionDeniedError` or a `NotFoundError`.
        """
        return File._one(self._wait("get", None, file, options))

    @documented(_generated.list_files)
    def list(self, **options: Unpack[FileOptions]) -> builtins.list[File]:
        """All files of the project."""
        return File._all(self._wait("list", None, None, options))

    @documented(_generated.delete_file)
    def delete(self, file: str | File, **options: Unpack[FileOptions]) -> None:
        """Delete a file before its time."""
        self._wait("delete", None, file, options)


class AsyncFiles(FilesFront):
    """Uploaded files: pictures, videos and documents that are sent by reference.

    They live 48 hours, are free, and are seen by their own project alone.
    """

    __slots__ = ()

    @documented(_generated.upload)
    async def upload(self, source: ImageInput, **options: Unpack[UploadOptions]) -> File:
        """Upload a file of any type and wait until it can be used: a path, a file's bytes, a picture in
        whatever form it is at hand.

        It goes in chunks; one that is lost goes again from where the service has it. What comes is taken
        wherever a picture is.
        """
        return File._one(await self._await("upload", None, source, options))

    @documented(_generated.get_file)
    async def get(self, file: str | File, **options: Unpack[FileOptions]) -> File:
        """What the service knows of a file, by its name ("files/abc"), its URI or an earlier record.

        One that is not there, or not any more, is a `PermissionDeniedError` or a `NotFoundError`.
        """
        return File._one(await self._await("get", None, file, options))

    @documented(_generated.list_files)
    async def list(self, **options: Unpack[FileOptions]) -> builtins.list[File]:
        """All files of the project."""
        return File._all(await self._await("list", None, None, options))

    @documented(_generated.delete_file)
    async def delete(self, file: str | File, **options: Unpack[FileOptions]) -> None:
        """Delete a file before its time."""
        await self._await("delete", None, file, options)


@documented(_generated.generate)
def generate(prompt: Prompt, **options: Unpack[GenerateOptions]) -> Result:
    """Draw a picture from a prompt, with the default client."""
    return default_client().generate(prompt, **options)


@documented(_generated.edit)
def edit(prompt: Prompt, images: ImageInput | Sequence[ImageInput], **options: Unpack[EditOptions]) -> Result:
    """Draw a picture from others, with the default client."""
    return default_client().edit(prompt, images, **options)

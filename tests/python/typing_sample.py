"""Read by the type checkers only: what a strictly typed program writes must pass, and help where it errs."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Unpack, assert_type

import numpy as np
import PIL.Image

import nanobanana as nb


def plain(client: nb.Client) -> list[Path]:
    result = client.generate("a boat", model="nano-banana-pro", aspect_ratio="16:9", n=2, timeout=30)
    assert_type(result, nb.Result)
    assert_type(result.image, nb.Image)
    assert_type(result.image.bytes, bytes)
    assert_type(result.cost, float | None)
    assert_type(result.usage.image_tokens, int)
    assert_type(result.thoughts.images, list[nb.Image])
    return result.save("out")


def every_input(client: nb.Client, pil: PIL.Image.Image, array: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    client.edit("night", "sky.jpg")
    client.edit("night", [Path("sky.jpg"), b"", bytearray(), memoryview(b""), io.BytesIO(), pil, array])
    client.generate(["Put", Path("mia.jpg"), "into", nb.Image.open("cafe.jpg")])


def settings() -> nb.Client:
    with nb.Emulator() as emulator:
        client = nb.Client("key", base_url=emulator.url, timeout=nb.Timeout(total=5), retry=False)
    get_key: Callable[[], str] = str
    return client.with_options(get_key, retry=nb.Retry(max_attempts=2), headers={"x": "y"})


def priced(client: nb.Client) -> float | None:
    client = client.with_options(budget=5)
    client = client.with_options(budget=nb.Budget(usd=2.5, per_call=0.2))
    assert_type(client.spent, nb.Spent)
    assert_type(client.spent.unknown_calls, list[nb.UnknownCall])
    estimate = client.estimate("a boat", "sky.jpg", n=3, image_size="4K")
    assert_type(estimate, nb.Estimate)
    try:
        client.generate("a boat")
    except nb.BudgetExceededError as error:
        return error.needed
    return estimate.typical


def wrapper(prompt: nb.Prompt, **options: Unpack[nb.GenerateOptions]) -> nb.Result:
    return nb.generate(prompt, **options)


def caught() -> float | None:
    try:
        wrapper("a boat", thinking="high", image_size="8K", safety="off")
    except nb.RateLimitError as error:
        assert_type(error.attempts, list[nb.Attempt])
        assert_type(error.status, int | None)
        return error.retry_after
    return None


async def awaited() -> nb.Image:
    async with nb.AsyncClient.offline(model="my-own-model") as client:
        assert_type(await client.generate("a boat"), nb.Result)
        assert_type(await client.estimate("a boat"), nb.Estimate)
        assert_type(client.spent, nb.Spent)
        return (await client.edit("night", "boat.png")).image


def streamed(client: nb.Client) -> str:
    with client.generate_stream("a boat", thoughts=True) as stream:
        for event in stream:
            assert_type(event, nb.DoneEvent | nb.ImageEvent | nb.TextEvent | nb.ThoughtEvent)
            if event.type == "thought":
                assert_type(event.image, nb.Image | None)
            elif event.type == "text":
                assert_type(event.text, str)
            elif event.type == "image":
                assert_type(event.image, nb.Image)
            else:
                assert_type(event.result, nb.Result)
    assert_type(stream.result, nb.Result | None)
    stream.close()
    edited: list[nb.Event] = list(client.edit_stream("night", ["boat.png"]))
    try:
        match edited[-1]:
            case nb.DoneEvent(result=result):
                return result.text
            case _:
                return ""
    except nb.APIError as error:
        assert_type(error.partial, nb.Partial | None)
        return error.partial.text if error.partial else ""


def conversed(client: nb.Client) -> nb.Chat:
    chat = client.chat(model="nano-banana-pro")
    assert_type(chat, nb.Chat)
    assert_type(chat.send("a mascot", images=["logo.png"], aspect_ratio="1:1"), nb.Result)
    assert_type(chat.send_stream("waving", "logo.png"), nb.Stream)
    chat.add("mine", [b""], role="model")
    assert_type(chat.history, list[nb.ChatTurn])
    assert_type(chat.undo(), bool)
    chat.drop_images(keep=2)
    assert_type(client.load_chat(chat.save("a"), seed=1), nb.Chat)
    return chat.branch()


async def streamed_and_conversed(client: nb.AsyncClient) -> None:
    async with client.generate_stream("a boat") as stream:
        assert_type(stream, nb.AsyncStream)
        async for event in stream:
            assert_type(event.type, Literal["thought", "text", "image", "done"])
    await client.edit_stream("night", "boat.png").aclose()
    chat = client.chat()
    assert_type(await chat.send("a mascot"), nb.Result)
    await chat.add("mine")
    assert_type(chat.history, list[nb.ChatTurn])
    assert_type(chat.branch(), nb.AsyncChat)
    assert_type(await client.load_chat(await chat.save("a")), nb.AsyncChat)
    async for _ in chat.send_stream("waving"):
        break


def many(client: nb.Client, paths: list[Path]) -> list[str]:
    def items() -> Iterator[nb.Prompt | nb.Item]:
        yield "a boat"
        for path in paths:
            yield {"prompt": "night", "images": path, "options": {"seed": 3}, "id": path.stem}

    files: list[str] = []
    with client.generate_many(items(), concurrency=4, journal=paths[0], aspect_ratio="1:1") as run:
        assert_type(run, nb.Outcomes)
        for outcome in run:
            assert_type(outcome, nb.Outcome)
            if outcome.ok is True:
                assert_type(outcome.result, nb.Result)
                assert_type(outcome.error, None)
            else:
                assert_type(outcome.result, None)
                assert_type(outcome.error, nb.NanoBananaError)
            files.append(named(outcome))
            files += outcome.files
    list(client.generate_many(["a boat", ["night", paths[0]]]))
    return files


def named(outcome: nb.Outcome) -> str:
    assert isinstance(outcome, nb.Outcome)
    # mypy narrows by these alone, too, and pyright does not.
    if not outcome.ok:
        return outcome.error.message  # pyright: ignore[reportOptionalMemberAccess]
    return outcome.result.image.mime_type  # pyright: ignore[reportOptionalMemberAccess]


def raised(outcome: nb.Outcome) -> nb.Result:
    # Pyright narrows by these, and not by `if outcome.ok:`.
    if outcome.ok is True:
        assert_type(outcome.result, nb.Result)
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


async def many_awaited(
    client: nb.AsyncClient, prompts: AsyncIterator[str], **options: Unpack[nb.ManyOptions]
) -> None:
    async with client.generate_many(prompts, **options) as run:
        assert_type(run, nb.AsyncOutcomes)
        async for outcome in run:
            assert_type(outcome.index, int)
            came = outcome.result.image if outcome.ok is True else outcome.error
            assert_type(came, nb.Image | nb.NanoBananaError)
    async for _ in client.generate_many(["a boat"], ordered=True):
        break


def watched() -> nb.Client:
    def on_event(event: nb.ClientEvent) -> None:
        assert_type(event.wait, float | None)

    events: list[nb.ClientEvent] = []
    return nb.Client.offline(on_event=on_event).with_options(on_event=events.append)


def said_of_inputs(client: nb.Client, path: Path) -> None:
    mia = nb.Reference(path, name="Mia", role="character")
    assert_type(mia.name, str | None)
    talk = nb.Attachment("https://youtu.be/abc", start=1, end=2.5, fps=2)
    client.generate(["Put", mia, "into", path, talk], attachments=[path, b"text", talk])
    client.edit("night", [mia], attachments=path)
    client.chat().send("night", images=mia, attachments=talk)
    list(client.generate_many([{"prompt": "night", "options": {"attachments": ["a.pdf"]}}]))
    nb.Reference(path, role="charcter")  # type: ignore[arg-type]
    nb.Attachment(5)  # type: ignore[arg-type]
    client.generate("night", attachments=5)  # type: ignore[arg-type]


def scripted(emulator: nb.Emulator) -> None:
    emulator.script([{}, {"status": 429, "times": 2}, {"delay": 0.5, "text": "No.", "match": {"seed": 7}}])
    limit: nb.ScriptStep = {"status": 429, "times": "always"}
    steps: list[nb.ScriptStep] = [limit]
    emulator.script(steps)
    emulator.script([{"stauts": 429}])  # type: ignore[typeddict-unknown-key]
    emulator.script([{"status": "429"}])  # type: ignore[typeddict-item]
    emulator.script([{"times": "ever"}])  # type: ignore[typeddict-item]
    emulator.script([{"match": {"promt": "x"}}])  # type: ignore[typeddict-unknown-key]
    emulator.script([{"match": {"call": "genrate"}}])  # type: ignore[typeddict-item]
    emulator.script([limit, 5])  # type: ignore[list-item]


def wrong(client: nb.Client) -> None:
    client.generate_many(["a boat"], concurency=3)  # type: ignore[call-arg]
    client.generate_many([{"promt": "a boat"}])  # type: ignore[list-item]
    # What goes with a prompt cannot be said before there is one.
    client.generate_many(["a boat"], attachments="plan.pdf")  # type: ignore[call-arg]
    client.chat(attachments="plan.pdf")  # type: ignore[call-arg]
    client.load_chat("talk", attachments="plan.pdf")  # type: ignore[call-arg]
    client.with_options(on_event=5)  # type: ignore[arg-type]
    client.generate("a boat", aspect_ration="16:9")  # type: ignore[call-arg]
    client.generate("a boat", n="2")  # type: ignore[arg-type]
    client.generate("a boat", thinking="loud")  # type: ignore[arg-type]
    client.edit("night", 5)  # type: ignore[arg-type]
    client.generate_stream("a boat", thougths=True)  # type: ignore[call-arg]
    client.chat().add("x", role="system")  # type: ignore[arg-type]
    client.chat().history = []  # type: ignore[misc]
    nb.Client.offline(timeuot=5)  # type: ignore[call-arg]
    nb.Client.offline(retry="no")  # type: ignore[arg-type]

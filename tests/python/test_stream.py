"""Streams: events when they arrive, and a request that ends with whatever ends the reading."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import nanobanana as nb


def event(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, **candidate}]}


def slow(texts: int = 3, pause: float = 0.2) -> dict[str, Any]:
    """A reply of so many texts, each sent a pause after the one before it."""
    events = [event({"text": f"{number:04}"}) for number in range(texts)]
    body = "".join(f"data: {json.dumps(one)}\n\n" for one in events)
    return {"body": body, "chunk": len(body) // texts, "pause": pause}


ENDLESS = slow(100, 60)
BROKEN = {"json": [event({"text": "A boat"}, {"inlineData": {"data": {"$image": "png 8x8"}}})]}


def until(condition: Callable[[], Any], seconds: float = 30) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.002)
    return time.monotonic() - started


def ends_at_once(emulator: nb.Emulator) -> bool:
    return until(lambda: emulator.requests[-1]["cancelled"]) < 10


def test_events_and_result(client: nb.Client) -> None:
    with client.generate_stream("a boat", model="nano-banana-pro", thoughts=True, seed=1) as stream:
        assert stream.result is None
        events = list(stream)
        assert next(stream, None) is None
    assert isinstance(events[0], nb.ThoughtEvent)
    assert [event.type for event in events if event.type != "thought"][-2:] == ["image", "done"]
    done = events[-1]
    assert isinstance(done, nb.DoneEvent)
    assert done.result is stream.result
    images = [event.image for event in events if isinstance(event, nb.ImageEvent)]
    assert images == done.result.images
    plain = client.generate("a boat", model="nano-banana-pro", thoughts=True, seed=1)
    assert (done.result.images, done.result.text) == (plain.images, plain.text)
    assert pickle.loads(pickle.dumps(events)) == events
    assert done.to_dict()["type"] == "done"


def test_an_event_comes_when_it_arrives(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([slow(3, 1.0)])
    times = []
    with client.generate_stream("a boat") as stream, pytest.raises(nb.ResponseError):
        for _ in stream:
            times.append(time.monotonic())
    assert len(times) == 3
    assert all(later - sooner > 0.5 for sooner, later in zip(times, times[1:], strict=False))


def test_options_are_refused_at_the_call_and_nothing_is_sent_before_the_first_event(
    client: nb.Client, emulator: nb.Emulator
) -> None:
    with pytest.raises(nb.InvalidOptionError, match="thoughts"):
        client.generate_stream("a boat", thougths=True)  # type: ignore[call-arg]
    with pytest.raises(nb.InvalidOptionError):
        nb.AsyncClient.offline().edit_stream("a boat", [], seed="x")  # type: ignore[arg-type]
    stream = client.generate_stream("a boat", image_size="16K")
    assert emulator.requests == []
    with pytest.raises(nb.UnsupportedOptionError):
        next(stream)
    assert list(stream) == []
    assert emulator.requests == []


@pytest.mark.parametrize("way", ["close", "block", "collected"])
def test_ending_a_stream_ends_its_request(way: str, client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([ENDLESS])
    stream = client.generate_stream("a boat")
    for first in stream:
        assert isinstance(first, nb.TextEvent)
        break
    assert not emulator.requests[0]["cancelled"]
    if way == "close":
        stream.close()
        assert list(stream) == []
    elif way == "block":
        with stream:
            pass
    gc.disable()
    try:
        del stream
        assert ends_at_once(emulator)
    finally:
        gc.enable()


def test_closing_wakes_a_thread_that_waits(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([ENDLESS])
    stream = client.generate_stream("a boat")
    read: list[nb.Event] = []

    def take() -> None:
        for one in stream:
            read.append(one)  # noqa: PERF402

    reader = threading.Thread(target=take)
    reader.start()
    until(lambda: read)
    stream.close()
    assert ends_at_once(emulator)
    reader.join(30)
    assert not reader.is_alive()
    assert len(read) == 1


def test_two_threads_share_a_stream(client: nb.Client, emulator: nb.Emulator) -> None:
    events = [event({"text": f"{number:04}"}) for number in range(40)]
    emulator.script([{"json": [*events, event({"text": "!"}, finishReason="STOP")]}])
    chat = client.chat()
    stream = chat.send_stream("a boat")
    read: list[nb.Event] = []
    threads = [threading.Thread(target=lambda: read.extend(stream)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    texts = [event.text for event in read if isinstance(event, nb.TextEvent)]
    assert sorted(texts) == sorted([f"{number:04}" for number in range(40)] + ["!"])
    assert stream.result is not None
    assert stream.result.text.endswith("0039!")


def test_what_had_arrived_stands_in_the_error(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([BROKEN])
    with pytest.raises(nb.ResponseError) as caught:
        list(client.generate_stream("a boat"))
    error = caught.value
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert isinstance(one.partial, nb.Partial)
        assert one.partial.text == "A boat"
        assert [image.width for image in one.partial.images] == [8]
        assert isinstance(one.partial.images[0], nb.Image)
    assert "partial" in error.to_dict()
    emulator.script([{"status": 500}])
    with pytest.raises(nb.InternalServerError) as caught_early:
        list(client.generate_stream("a boat"))
    assert caught_early.value.partial is None


def test_pictures_of_an_error_inside_of_a_result_are_its_own() -> None:
    pictures: list[Any] = ["one", "another"]  # handed on, not looked at
    told = {"kind": "ResponseError", "message": "cut", "partial": {"text": "x", "images": [{}]}}
    result = nb.Result._one(({"images": [{}], "thoughts": {"images": []}, "errors": [told]}, pictures, None))
    assert result.images == pictures[:1]
    error = result.errors[0]
    assert isinstance(error, nb.ResponseError)
    assert error.partial is not None
    assert error.partial.images == pictures[1:]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_while_an_event_is_waited_for(emulator: nb.Emulator) -> None:
    program = """
import sys, time
import nanobanana as nb
stream = nb.Client("key", base_url=sys.argv[1]).generate_stream("a boat")
try:
    for event in stream:
        print(event.text, flush=True)
except KeyboardInterrupt:
    print("ended", flush=True)
    time.sleep(60)  # the request must not wait for the process to end
"""
    emulator.script([ENDLESS])
    child = subprocess.Popen([sys.executable, "-c", program, emulator.url], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "0000\n"
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        assert ends_at_once(emulator)
        assert child.stdout.readline() == "ended\n"
    finally:
        child.kill()
        child.communicate()


def test_the_interpreter_ends_with_a_stream_open(emulator: nb.Emulator) -> None:
    program = """
import sys
import nanobanana as nb
client = nb.Client("key", base_url=sys.argv[1])
chat = client.chat()
stream, another = chat.send_stream("a boat"), client.generate_stream("a boat")
print(next(stream).text)
"""
    emulator.script([ENDLESS])
    ended = subprocess.run(
        [sys.executable, "-c", program, emulator.url], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("0000\n")
    assert ends_at_once(emulator)


def test_async_events(emulator: nb.Emulator) -> None:
    async def main() -> None:
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            kinds = []
            async with client.generate_stream("a boat", model="nano-banana-pro") as stream:
                async for event in stream:
                    kinds.append(event.type)
            assert kinds[-2:] == ["image", "done"]
            assert stream.result is not None
            edited = client.edit_stream("at night", stream.result.image, model="nano-banana-pro")
            assert [event.type async for event in edited][-1] == "done"

    asyncio.run(main())


@pytest.mark.parametrize("way", ["cancel", "timeout", "aclose", "block", "collected"])
def test_ending_an_async_stream_ends_its_request(way: str, emulator: nb.Emulator) -> None:
    async def main() -> None:
        emulator.script([ENDLESS])
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            stream = client.generate_stream("a boat")
            assert (await anext(stream)).type == "text"
            if way == "cancel":
                task = asyncio.ensure_future(anext(stream))
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            elif way == "timeout":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(stream), 0.05)
            elif way == "aclose":
                await stream.aclose()
            elif way == "block":
                async with stream:
                    pass
            else:
                del stream
            # Asked on this thread, which stands still: nothing of it is needed for the end.
            assert ends_at_once(emulator)
            if way != "collected":
                assert [event async for event in stream] == []

    asyncio.run(main())


def test_the_loop_goes_on_while_an_event_is_waited_for(emulator: nb.Emulator) -> None:
    async def main() -> None:
        emulator.script([slow(4, 0.5)])
        async with nb.AsyncClient("key", base_url=emulator.url, retry=False) as client:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.005)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            with pytest.raises(nb.ResponseError):
                async for _ in client.generate_stream("a boat"):
                    pass
            assert ticks > 20
            ticking.cancel()

    asyncio.run(main())


def test_a_callable_gives_the_key_of_each_stream_and_turn(emulator: nb.Emulator) -> None:
    keys: list[tuple[str, threading.Thread]] = []

    def key() -> str:
        keys.append((f"key-{len(keys)}", threading.current_thread()))
        return keys[-1][0]

    def sent() -> list[str]:
        return [request["headers"]["x-goog-api-key"] for request in emulator.requests]

    async def main() -> None:
        async with nb.AsyncClient(key, base_url=emulator.url, model="nano-banana") as client:
            stream = client.generate_stream("a boat")
            assert keys == []
            assert [event.type async for event in stream][-1] == "done"
            chat = client.chat()
            await chat.send("a boat")
            assert [event.type async for event in chat.send_stream("blue")][-1] == "done"
            assert len(chat.history) == 4
        with pytest.raises(nb.ConfigError, match="closed"):
            await chat.send("more")

    asyncio.run(main())
    assert len(keys) == 3
    assert all(thread is not threading.main_thread() for _, thread in keys)
    seen = sent()
    with nb.Client(key, base_url=emulator.url, model="nano-banana") as client:
        list(client.generate_stream("a boat"))
        list(client.chat().send_stream("a boat"))
    assert len(keys) == 5
    assert len(seen) == 3
    assert len(sent()) == 5


@pytest.mark.parametrize(
    ("function", "gives"),
    [
        (nb.Client.generate_stream, "Stream"),
        (nb.AsyncClient.edit_stream, "AsyncStream"),
        (nb.Client.chat, "Chat"),
        (nb.AsyncClient.load_chat, "AsyncChat"),
        (nb.Chat.send, "Result"),
        (nb.AsyncChat.send_stream, "AsyncStream"),
        (nb.Client.generate_many, "Outcomes"),
        (nb.AsyncClient.generate_many, "AsyncOutcomes"),
    ],
)
def test_help_lists_every_option(function: Any, gives: str) -> None:
    signature = inspect.signature(function)
    # What belongs to one call stands in no place that is for many.
    of_one = set() if gives in ("Stream", "AsyncStream", "Result") else {"attachments"}
    assert set(nb.GenerateOptions.__annotations__) - of_one < set(signature.parameters)
    assert of_one.isdisjoint(signature.parameters)
    assert "\n        thoughts: " in function.__doc__
    assert signature.return_annotation == gives

"""asyncio: awaited calls run side by side, and a cancelled one ends its request at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import nanobanana as nb


async def until(condition: Callable[[], Any], seconds: float = 5) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        await asyncio.sleep(0.005)
    return time.monotonic() - started


def test_calls_run_side_by_side_and_the_loop_goes_on(emulator: nb.Emulator) -> None:
    async def main() -> None:
        emulator.script([{"delay": 0.3, "image": "png 8x8"}] * 5)
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            started = time.monotonic()
            results = await asyncio.gather(*(client.generate("a boat") for _ in range(5)))
            assert time.monotonic() - started < 1.2
            assert [result.image.width for result in results] == [8] * 5
            assert ticks > 10
            ticking.cancel()
            edited = await client.edit("at night", results[0].image, model="nano-banana")
            assert edited.image.mime_type.startswith("image/")
            assert (await client.models())[0].id

    asyncio.run(main())


def test_offline_and_errors() -> None:
    async def main() -> None:
        async with nb.AsyncClient.offline() as client:
            assert (await client.generate("a boat", model="nano-banana")).image
            with pytest.raises(nb.InvalidOptionError):
                await client.generate("a boat", sise="2K")  # type: ignore[call-arg]
        with pytest.raises(nb.ConfigError, match="closed"):
            await client.generate("a boat")

    asyncio.run(main())


def test_cancelling_ends_the_request(emulator: nb.Emulator) -> None:
    async def main() -> None:
        emulator.script([{"hang": True}])
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            task = asyncio.create_task(client.generate("a boat"))
            await until(lambda: emulator.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await until(lambda: emulator.requests[0]["cancelled"]) < 0.1
            emulator.script([{"hang": True}])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.generate("a boat"), 0.1)
            assert await until(lambda: emulator.requests[1]["cancelled"]) < 0.1

    asyncio.run(main())


def test_a_callable_key_does_not_hold_up_the_loop(emulator: nb.Emulator) -> None:
    threads = []

    def key() -> str:
        threads.append(threading.current_thread())
        return "key"

    async def main() -> None:
        async with nb.AsyncClient(key, base_url=emulator.url) as client:
            await client.generate("a boat", model="nano-banana")

    asyncio.run(main())
    assert threads
    assert threads[0] is not threading.main_thread()


def test_a_closed_loop_is_no_drama(emulator: nb.Emulator, capfd: pytest.CaptureFixture[str]) -> None:
    emulator.script([{"delay": 0.3, "image": "png 8x8"}])
    client = nb.AsyncClient("key", base_url=emulator.url)
    loop = asyncio.new_event_loop()
    call = client.generate("a boat")
    call_soon = loop.create_task(call)
    loop.run_until_complete(asyncio.sleep(0.1))
    assert emulator.requests
    loop.close()
    time.sleep(0.5)
    del call_soon, call, loop
    out, err = capfd.readouterr()
    assert "Traceback" not in err.replace("Task was destroyed but it is pending", "")


LEFT_RUNNING = """
import asyncio, sys, threading, time
import nanobanana as nb

async def main():
    client = nb.AsyncClient("key", base_url=sys.argv[1])
    asyncio.create_task(client.generate("a boat"))
    await asyncio.sleep(0.3)
    print("leaving", flush=True)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())  # and neither cancelled nor closed
"""


def test_the_interpreter_ends_with_a_call_under_way(emulator: nb.Emulator) -> None:
    emulator.script([{"hang": True}])
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", LEFT_RUNNING, emulator.url], capture_output=True, text=True, timeout=20
    )
    assert (ended.returncode, ended.stdout) == (0, "leaving\n"), ended.stderr
    assert time.monotonic() - started < 5
    assert emulator.requests[0]["cancelled"]

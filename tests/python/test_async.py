"""asyncio: awaited calls run side by side, and a cancelled one ends its request at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        await asyncio.sleep(0.005)


def test_calls_run_side_by_side_and_the_loop_goes_on(emulator: nb.Emulator) -> None:
    async def main() -> None:
        emulator.script([{"delay": 1.0, "image": "png 8x8"}] * 5)
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
            assert time.monotonic() - started < 4
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
            await until(lambda: emulator.requests[0]["cancelled"])
            emulator.script([{"hang": True}])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.generate("a boat"), 2)
            await until(lambda: emulator.requests[1]["cancelled"])

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
    loop.run_until_complete(until(lambda: emulator.requests))
    loop.close()
    time.sleep(0.5)
    del call_soon, call, loop
    out, err = capfd.readouterr()
    assert "Traceback" not in err.replace("Task was destroyed but it is pending", "")


LEFT_RUNNING = """
import asyncio, os, sys, threading, time
import nanobanana as nb

async def main():
    client = nb.AsyncClient("key", base_url=sys.argv[1])
    asyncio.create_task(client.generate("a boat"))
    while not os.path.exists(sys.argv[2]):
        await asyncio.sleep(0.01)
    print("leaving", flush=True)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())  # and neither cancelled nor closed
"""


def test_the_interpreter_ends_with_a_call_under_way(emulator: nb.Emulator, tmp_path: Path) -> None:
    emulator.script([{"hang": True}])
    command = [sys.executable, "-c", LEFT_RUNNING, emulator.url, str(tmp_path / "arrived")]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as child:
        try:
            asyncio.run(until(lambda: emulator.requests))
            (tmp_path / "arrived").touch()
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
    assert (child.returncode, out) == (0, "leaving\n"), err
    asyncio.run(until(lambda: emulator.requests[0]["cancelled"]))

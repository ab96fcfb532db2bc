"""How long it takes until a call that waits has ended. usage: cancel.py

One line for each way to end a call: the milliseconds until the caller goes on, and until the server saw the
connection close; the worst of several calls. An emulator of its own answers, or rather does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import nanobanana as nb

TIMES = 10


def until(emulator: nb.Emulator, seen: Callable[[dict[str, Any]], bool]) -> float:
    """When the last request became so."""
    limit = time.perf_counter() + 5
    while not (emulator.requests and seen(emulator.requests[-1])):
        if time.perf_counter() > limit:
            return float("nan")
        time.sleep(0.0005)
    return time.perf_counter()


def ctrl_c(client: nb.Client, emulator: nb.Emulator, call: Callable[[], Any]) -> tuple[float, float]:
    times: list[float] = []

    def press() -> None:
        until(emulator, lambda request: not request["cancelled"])
        time.sleep(0.1)
        times.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
        times.append(until(emulator, lambda request: request["cancelled"]))

    threading.Thread(target=press).start()
    try:
        call()
    except KeyboardInterrupt:
        ended = time.perf_counter()
    while len(times) < 2:
        time.sleep(0.001)
    return ended - times[0], times[1] - times[0]


def ended_by(
    client: nb.Client, emulator: nb.Emulator, end: Callable[[], Any], call: Callable[[], Any]
) -> tuple[float, float]:
    """The call waits in another thread."""
    ended: list[float] = []

    def wait() -> None:
        with contextlib.suppress(nb.NanoBananaError):
            call()
        ended.append(time.perf_counter())

    thread = threading.Thread(target=wait)
    thread.start()
    until(emulator, lambda request: not request["cancelled"])
    time.sleep(0.1)
    began = time.perf_counter()
    end()
    seen = until(emulator, lambda request: request["cancelled"])
    thread.join(6)
    return (ended[0] if ended else float("nan")) - began, seen - began


async def tasks(emulator: nb.Emulator, way: str) -> tuple[float, float]:
    client = nb.AsyncClient("key", base_url=emulator.url, retry=False, timeout=3)
    stream = client.generate_stream("a boat")
    call = anext(stream) if "stream" in way else client.generate("a boat")
    task = asyncio.ensure_future(call)
    while not emulator.requests or emulator.requests[-1]["cancelled"]:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    if way == "aclose()":
        await client.aclose()
    elif way == "stream.aclose()":
        await stream.aclose()
    else:
        task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
    ended = time.perf_counter()
    seen = await asyncio.to_thread(until, emulator, lambda request: request["cancelled"])
    return ended - began, seen - began


def main() -> None:
    def report(what: str, measure: Callable[[nb.Client, nb.Emulator], tuple[float, float]]) -> None:
        measured = []
        for _ in range(TIMES):
            with nb.Emulator() as emulator:
                emulator.script([{"hang": True}])
                client = nb.Client("key", base_url=emulator.url, retry=False, timeout=3)
                measured.append(measure(client, emulator))
        caller, server = (1000 * max(times) for times in zip(*measured, strict=True))
        print(f"{what:32} caller {caller:7.1f} ms   server {server:7.1f} ms", flush=True)

    def stream_closed(client: nb.Client, emulator: nb.Emulator) -> tuple[float, float]:
        stream = client.generate_stream("a boat")
        return ended_by(client, emulator, stream.close, lambda: next(stream, None))

    report("Ctrl-C in generate", lambda c, e: ctrl_c(c, e, lambda: c.generate("a boat")))
    report("Ctrl-C in a stream", lambda c, e: ctrl_c(c, e, lambda: next(c.generate_stream("a boat"))))
    report("stream.close() of a thread", stream_closed)
    report("close() of a thread", lambda c, e: ended_by(c, e, c.close, lambda: c.generate("a boat")))
    for way in ("task.cancel()", "task.cancel() of a stream", "stream.aclose()", "aclose()"):
        report(way, lambda c, e, way=way: asyncio.run(tasks(e, way)))


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(__doc__)
    main()

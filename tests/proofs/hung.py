"""64 reads from a dead mount, 64 lookups without an answer and 64 FIFOs without a writer hold up nothing:
with a timeout of one second each of them ends, and beside them every other call works as fast as ever.

    python tests/proofs/hung.py [COUNT]

Prints a table, and exits 1 if something took longer than 1.2 s. Needs Linux and `cc` (see hang.c).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

import nanobanana as nb

LIMIT = 1.2
slow: list[str] = []


def preload() -> None:
    """Start again with the library that hangs."""
    if "NANOBANANA_HANG" in os.environ:
        return
    library = str(Path(tempfile.mkdtemp()) / "hang.so")
    source = str(Path(__file__).with_name("hang.c"))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    environment = {**os.environ, "LD_PRELOAD": library, "NANOBANANA_HANG": library}
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


async def timed(name: str, call: Awaitable[object], wanted: type[Exception] | None = None) -> None:
    begun = time.monotonic()
    try:
        await call
        outcome = "done"
    except nb.NanoBananaError as error:
        outcome = type(error).__name__
    took = time.monotonic() - begun
    is_right = outcome == (wanted.__name__ if wanted else "done") and took <= LIMIT
    print(f"{name:34} {outcome:20} {took:6.3f} s{'' if is_right else '   WRONG'}")
    if not is_right:
        slow.append(name)


async def main(count: int) -> None:
    folder = Path(tempfile.mkdtemp())
    dead = folder / "deadmount"
    dead.mkdir()
    with nb.Emulator() as emulator:
        client = nb.AsyncClient("key", base_url=emulator.url, timeout=1, model="nano-banana", retry=False)
        lost = nb.AsyncClient("key", base_url="http://api.hang.test", timeout=1, retry=False)
        image = (await client.generate("a boat")).image
        good = image.save(folder / "good")
        for number in range(count):
            os.mkfifo(folder / f"fifo-{number}")
        hung = [
            *(timed_call(client.edit("x", [dead / f"{number}.png"])) for number in range(count)),
            *(timed_call(client.edit("x", [folder / f"fifo-{number}"])) for number in range(count)),
            *(timed_call(client.files.upload(dead / f"{number}.png")) for number in range(count)),
            *(timed_call(lost.generate("x")) for _ in range(count)),
        ]
        tasks = [asyncio.create_task(call) for call in hung]
        await asyncio.sleep(0.1)
        await timed("generate", client.generate("a boat"))
        await timed("edit of a file", client.edit("a boat", [good]))
        await timed("generate with output_format", client.generate("a boat", output_format="webp"))
        await timed("save", asyncio.to_thread(image.save, folder / "saved"))
        await timed("convert", asyncio.to_thread(image.convert, "jpeg"))
        await timed("files.upload", client.files.upload(good))
        await timed("files.upload from a dead mount", client.files.upload(dead / "x.png"), nb.APITimeoutError)
        longest = max(await asyncio.gather(*tasks))
        print(f"{f'the slowest of {len(tasks)} that hang':34} {'':20} {longest:6.3f} s")
        if longest > LIMIT:
            slow.append("those that hang")
        again = [asyncio.create_task(timed_call(client.edit("x", [dead / f"{n}.png"]))) for n in range(count)]
        await asyncio.sleep(0.1)
        await timed("aclose", client.aclose())
        await timed("those under way at aclose", asyncio.gather(*again))


async def timed_call(call: Awaitable[object]) -> float:
    begun = time.monotonic()
    try:
        await call
    except nb.NanoBananaError:
        return time.monotonic() - begun
    raise AssertionError("what hangs cannot succeed")


if __name__ == "__main__":
    preload()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 64))
    print("slow: " + ", ".join(slow) if slow else "all in time")
    sys.stdout.flush()
    os._exit(bool(slow))

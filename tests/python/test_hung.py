"""What never returns (a FIFO, a key function, a file that is read) holds up nothing but its own call."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import nanobanana as nb

if not hasattr(os, "mkfifo"):
    pytest.skip("there are no FIFOs", allow_module_level=True)

MANY = 40
ENDLESS = ["/dev/zero", "/dev/random", "/dev/full", "/proc/self/mem", "/dev", "/proc/kmsg"]
STARVE = [("threads",), ("files", "4"), ("files", "6"), ("files", "9"), ("files", "12")]


def fifos(folder: Path) -> list[Path]:
    paths = [folder / f"fifo-{number}" for number in range(MANY)]
    for path in paths:
        os.mkfifo(path)
    return paths


class Hanging:
    """A binary file whose read does not return before the test is over."""

    name = "hanging.png"

    def __init__(self) -> None:
        self.over = threading.Event()

    def read(self) -> bytes:
        self.over.wait(60)
        return b""


def test_reads_that_hang_end_at_the_timeout_and_hold_up_no_other_call(
    emulator: nb.Emulator, tmp_path: Path
) -> None:
    async def main() -> None:
        client = nb.AsyncClient("key", base_url=emulator.url, timeout=5, retry=False, model="nano-banana")
        image = (await client.generate("a boat")).image
        good = image.save(tmp_path / "good")
        begun = time.monotonic()
        hung = [asyncio.create_task(client.edit("x", [path])) for path in fifos(tmp_path)]
        await asyncio.sleep(0.1)
        await client.generate("a boat", output_format="webp")
        await client.edit("a boat", [good])
        await client.files.upload(good)
        image.save(tmp_path / "more")
        assert not any(task.done() for task in hung), "those that hang still do"
        outcomes = await asyncio.gather(*hung, return_exceptions=True)
        assert time.monotonic() - begun < 20
        assert all(isinstance(outcome, nb.ImageError) for outcome in outcomes)
        # An upload ends in time, too, and so do those that are under way when the client is closed.
        upload = asyncio.create_task(client.files.upload(tmp_path / "fifo-0", timeout=1))
        with pytest.raises((nb.APITimeoutError, nb.ImageError)):
            await asyncio.wait_for(upload, 20)
        hung = [asyncio.create_task(client.edit("x", [tmp_path / f"fifo-{n}"])) for n in range(MANY)]
        await asyncio.sleep(0.1)
        await asyncio.wait_for(client.aclose(), 20)
        outcomes = await asyncio.wait_for(asyncio.gather(*hung, return_exceptions=True), 20)
        assert {type(outcome) for outcome in outcomes} == {nb.APIConnectionError}

    asyncio.run(main())


def test_files_of_the_callers_that_hang_are_not_read_by_the_loops_executor(emulator: nb.Emulator) -> None:
    async def main() -> None:
        client = nb.AsyncClient("key", base_url=emulator.url, retry=False, model="nano-banana")
        files = [Hanging() for _ in range(MANY)]
        hung = [asyncio.create_task(client.edit("x", file)) for file in files]  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        await asyncio.wait_for(asyncio.to_thread(int), 15)
        await asyncio.wait_for(client.generate("a boat"), 15)
        await asyncio.wait_for(client.aclose(), 15)
        for task in hung:
            task.cancel()
        for file in files:
            file.over.set()

    asyncio.run(main())


def test_what_comes_through_a_fifo_is_a_picture(client: nb.Client, image: nb.Image, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(image.bytes,))
    writer.start()
    assert client.edit("at night", [path], model="nano-banana").image
    writer.join()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these devices are Linux's")
@pytest.mark.parametrize("path", ENDLESS)
def test_devices_and_endless_files_are_refused(client: nb.Client, path: str) -> None:
    begun = time.monotonic()
    for call in (
        lambda: client.edit("x", [path]),
        lambda: client.edit("x", ["tests/media/none", path], mask=path),
        lambda: client.generate("x", attachments=[path]),
        lambda: client.files.upload(path),
        lambda: nb.Image.open(path),
        lambda: client.load_chat(path),
        lambda: nb.Client("key", catalogue=path),
        lambda: nb.Client("key", ca_bundle=path),
    ):
        with pytest.raises((nb.ImageError, nb.InvalidOptionError, nb.ConfigError)):
            call()
    assert time.monotonic() - begun < 30


def test_a_file_that_is_written_while_it_is_sent_is_an_error_or_goes_as_it_was(
    emulator: nb.Emulator, image: nb.Image, tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    noise = os.urandom(3 * 1400 * 1000)
    pil = pytest.importorskip("PIL.Image")
    pil.frombytes("RGB", (1400, 1000), noise).save(path)
    size = path.stat().st_size
    assert size > 2 << 20
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with path.open("ab") as file:
                file.write(b"more")
            time.sleep(0.002)
            os.truncate(path, size)
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    outcomes: list[str] = []
    ends = time.monotonic() + 60
    try:
        with nb.Client("key", base_url=emulator.url, retry=False, model="nano-banana") as client:
            # It depends on chance which of them meet a write.
            while len(outcomes) < 20 or not (
                any("changed while it was" in one for one in outcomes) or time.monotonic() > ends
            ):
                try:
                    client.edit("x", [path])
                    outcomes.append("drawn")
                except nb.ImageError as error:
                    outcomes.append(str(error))
                try:
                    outcomes.append(client.files.upload(path).state)
                except nb.ImageError as error:
                    outcomes.append(str(error))
    finally:
        stop.set()
        writer.join()
    assert any("changed while it was" in outcome for outcome in outcomes), outcomes
    # No request was of another length than it had promised.
    assert all(request["status"] in (200, None) for request in emulator.requests), emulator.requests


STARVED = """
import resource, sys
import nanobanana as nb
if sys.argv[1] == "threads":
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
else:
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    nb.Client("key", base_url="http://127.0.0.1:9", retry=False, timeout=2).generate("x")
except nb.NanoBananaError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are Linux's")
@pytest.mark.parametrize("starve", STARVE)
def test_without_threads_or_files_there_is_an_error_that_says_so(starve: tuple[str, ...]) -> None:
    if starve[0] == "threads" and os.geteuid() == 0:
        pytest.skip("root may have as many threads as it likes")
    run = subprocess.run(
        [sys.executable, "-c", STARVED, *starve], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "Error" in run.stdout, run.stdout + run.stderr
    assert "panicked" not in run.stderr

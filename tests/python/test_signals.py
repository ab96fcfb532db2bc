"""Ctrl-C ends a call that waits, and its request with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

import nanobanana as nb

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")

WAITING = """
import sys, time
import nanobanana as nb
client = nb.Client("key", base_url=sys.argv[1])
try:
    client.generate("a boat")
except KeyboardInterrupt:
    print(time.time(), flush=True)
    time.sleep(2)  # the request must not wait for the process to end
"""

AWAITING = """
import asyncio, sys, time
import nanobanana as nb
async def main():
    async with nb.AsyncClient("key", base_url=sys.argv[1]) as client:
        await client.generate("a boat")
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print(time.time(), flush=True)
    time.sleep(2)
"""


def wait_for(condition: object, seconds: float = 10) -> float:
    assert callable(condition)
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.002)
    return time.monotonic() - started


@pytest.mark.parametrize("program", [WAITING, AWAITING], ids=["waiting", "awaiting"])
def test_ctrl_c(program: str, emulator: nb.Emulator) -> None:
    emulator.script([{"hang": True}])
    child = subprocess.Popen([sys.executable, "-c", program, emulator.url], stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: emulator.requests)
        time.sleep(0.1)
        sent = time.time()
        child.send_signal(signal.SIGINT)
        assert wait_for(lambda: emulator.requests[0]["cancelled"]) < 0.1
        assert child.stdout is not None
        assert float(child.stdout.readline()) - sent < 0.1
    finally:
        child.kill()
        child.communicate()

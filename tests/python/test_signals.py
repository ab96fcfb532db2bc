"""Ctrl-C ends a call that waits, and its request with it; signals end the command."""

from __future__ import annotations

import os
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
    print("ended", flush=True)
    time.sleep(60)  # the request must not wait for the process to end
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
    print("ended", flush=True)
    time.sleep(60)
"""


def wait_for(condition: object, seconds: float = 30) -> None:
    assert callable(condition)
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.002)


@pytest.mark.parametrize("program", [WAITING, AWAITING], ids=["waiting", "awaiting"])
def test_ctrl_c(program: str, emulator: nb.Emulator) -> None:
    emulator.script([{"hang": True}])
    child = subprocess.Popen([sys.executable, "-c", program, emulator.url], stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: emulator.requests)
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        wait_for(lambda: emulator.requests[0]["cancelled"])
        assert child.stdout is not None
        assert child.stdout.readline() == "ended\n"
    finally:
        child.kill()
        child.communicate()


ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (getattr(signal, "SIGHUP", signal.SIGTERM), 129)]


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_signal_ends_the_command_and_its_request(number: int, code: int, emulator: nb.Emulator) -> None:
    emulator.script([{"hang": True}])
    command = [sys.executable, "-m", "nanobanana", "generate", "a boat", "--base-url", emulator.url]
    child = subprocess.Popen(command, env={**os.environ, "GEMINI_API_KEY": "test-key-0123"})
    try:
        wait_for(lambda: emulator.requests)
        child.send_signal(number)
        assert child.wait(30) == code
        wait_for(lambda: emulator.requests[0]["cancelled"])
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(("number", "code"), [*ENDS[::2], (signal.SIGTERM, 0)])
def test_a_signal_ends_the_emulator_and_a_read(number: int, code: int) -> None:
    command = [sys.executable, "-m", "nanobanana", "emulate"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("http://")
        child.send_signal(number)
        assert child.wait(30) == code
    finally:
        child.kill()
        child.communicate()


def test_a_signal_that_the_command_was_started_to_ignore_stays_ignored() -> None:
    script = 'trap "" HUP INT; exec "$0" -m nanobanana emulate'
    child = subprocess.Popen(["sh", "-c", script, sys.executable], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("http://")
        child.send_signal(signal.SIGHUP)
        child.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        child.terminate()
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.communicate()


HOSTED = """
import os, signal, sys, threading
from nanobanana.__main__ import main
sys.argv = ["nanobanana", "models"]
def mine(*_): pass
signal.signal(signal.SIGTERM, mine)
before = [signal.getsignal(it) for it in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
assert main() == 0
assert before == [signal.getsignal(it) for it in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
codes = []
thread = threading.Thread(target=lambda: codes.append(main()))
thread.start(); thread.join()
assert codes == [0]
def raising(*_): raise ZeroDivisionError
signal.signal(signal.SIGALRM, raising)
signal.alarm(1)
sys.argv = ["nanobanana", "emulate"]
try: main()
except ZeroDivisionError: print("raised", file=sys.stderr)
"""


def test_a_program_that_runs_the_command_keeps_its_handlers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOSTED], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (0, "raised"), done.stderr

"""The command's chat in a terminal: Ctrl-C, recall and editing of lines, saving."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nanobanana as nb

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")

COMMAND = str(Path(sys.executable).parent / "nanobanana")
PATIENCE = 30


class Terminal:
    """A chat with a pseudo-terminal as its controlling terminal, so that Ctrl-C arrives as a signal."""

    def __init__(self, folder: Path, *args: str) -> None:
        import fcntl
        import pty
        import termios

        self.fd, theirs = pty.openpty()
        self.screen = ""
        env = {**os.environ, "GEMINI_API_KEY": "any-key", "TERM": "xterm"}
        self.child = subprocess.Popen(
            [COMMAND, "chat", *args],
            cwd=folder,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def read(self, end: float) -> bool:
        """Whether more came before `end`."""
        if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
            return False
        try:
            more = os.read(self.fd, 65536)
        except OSError:
            # Linux reports EIO once no process has the terminal open.
            return False
        self.screen += more.decode(errors="replace")
        return bool(more)

    def until(self, text: str) -> None:
        """Waits until `text` is shown, and forgets everything up to it."""
        end = time.monotonic() + PATIENCE
        while text not in self.screen:
            assert self.read(end), (text, self.screen)
        self.screen = self.screen.split(text, 1)[1]

    def ends(self) -> int:
        end = time.monotonic() + PATIENCE
        while self.read(end):
            pass
        return self.child.wait(max(1, end - time.monotonic()))

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.fd)


def requested(emulator: nb.Emulator, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(emulator.requests) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_ctrl_c_ends_the_turn_and_a_line_is_recalled_and_edited(
    tmp_path: Path, emulator: nb.Emulator
) -> None:
    emulator.script([{"hang": True}])
    chat = Terminal(tmp_path, "--base-url", emulator.url)
    try:
        chat.until("Ctrl-D")
        chat.until("> ")
        chat.type("a tiger\r")
        requested(emulator, 1)
        chat.type("\x03")
        chat.until("the turn was ended")
        chat.until("> ")
        # Arrow up, five times backspace.
        chat.type("\x1b[A\x7f\x7f\x7f\x7f\x7fboat\r")
        chat.until("chat-1.jpg")
        chat.until("> ")
        # Ctrl-C gives up a line that is being edited. A function key is not a prompt.
        chat.type("nonsense\x03")
        chat.until("> ")
        chat.type("\x1b[5~\r")
        chat.until("> ")
        chat.type("\x04")
        assert chat.ends() == 0, chat.screen
    finally:
        chat.close()
    prompts = [request["json"]["contents"][-1]["parts"][0]["text"] for request in emulator.requests]
    assert prompts == ["a tiger", "a boat"]
    loaded = nb.Client.offline().load_chat(tmp_path / "nanobanana.chat.json")
    assert [turn.role for turn in loaded.history] == ["user", "model"]
    assert (tmp_path / "chat-1.jpg").read_bytes() == loaded.history[1].images[0].bytes


def test_a_terminal_that_goes_away_leaves_the_turns_that_were_paid(tmp_path: Path) -> None:
    chat = Terminal(tmp_path, "--offline", "--save", "talk")
    try:
        chat.until("Ctrl-D")
        chat.type("a boat\r")
        chat.until("chat-1.jpg")
        chat.until("> ")
        chat.child.send_signal(signal.SIGKILL)
        chat.child.wait()
    finally:
        chat.close()
    assert len(nb.Client.offline().load_chat(tmp_path / "talk.chat.json").history) == 2

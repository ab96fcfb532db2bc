"""Every way out of the command at three pictures: each one billed is in a file that was named.

    python tests/proofs/ways_out.py [COMMAND]

The command is the one beside the interpreter, or COMMAND. As root the full disk is a small one of its own
and the folder that cannot be written a read-only mount; else the full disk is `/dev/full` and the folder has
no permission to write.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nanobanana as nb

PICTURES = 3
DRAWN = {"image": "png 64x64"}
KEPT = re.compile(r"(?:The picture is in |^)(\S.*)$")

SOURCE = nb.Client.offline().generate("a source").image

VERBS = {
    "generate": ["generate", "x", "--n", "3"],
    "generate --json": ["generate", "x", "--n", "3", "--json"],
    "generate -o F": ["generate", "x", "--n", "3", "-o", "F.png"],
    "generate -o -": ["generate", "x", "--n", "3", "-o", "-"],
    "generate --stream": ["generate", "x", "--stream"],
    "edit": ["edit", "x", "{source}", "--n", "3", "-o", "E.webp"],
    "chat": ["chat"],
    "many": ["many", "{jobs}", "-o", "{out}", "--concurrency", "3"],
}
LINES = "one\ntwo\nthree\n"


class Way:
    """One way out: where the command runs, and how it is started and ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.env: dict[str, str | None] = {}
        self.stdout: int | None = subprocess.PIPE
        self.shell = ""
        self.ends: signal.Signals | None = None
        self.cwd: Path | None = None
        self.uid: int | None = None


def is_root() -> bool:
    return os.geteuid() == 0


@contextlib.contextmanager
def disk(folder: Path, full: bool) -> Iterator[Path]:
    """A folder on a disk that is full, or that cannot be written."""
    folder.mkdir()
    if is_root():
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
        if full:
            with contextlib.suppress(OSError), open(folder / "filler", "wb", buffering=0) as filler:
                while filler.write(b"x" * 4096):
                    pass
        else:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    else:
        folder.chmod(0o500)
    try:
        yield folder
    finally:
        if is_root():
            subprocess.run(["umount", folder], check=True)
        else:
            folder.chmod(0o700)


@contextlib.contextmanager
def way(name: str, place: Path) -> Iterator[Way]:
    """Prepares a way out by its name."""
    out = Way(name)
    with contextlib.ExitStack() as stack:
        if name == "closed stdout":
            out.shell = '"$0" "$@" >&-'
        elif name == "/dev/full":
            out.stdout = stack.enter_context(open("/dev/full", "wb")).fileno()
        elif name == "full disk":
            out.cwd = stack.enter_context(disk(place / "full", full=True))
        elif name == "disk that fills":
            out.cwd = place / "fills"
            out.cwd.mkdir()
            if is_root():
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", out.cwd], check=True)
                stack.callback(subprocess.run, ["umount", out.cwd], check=True)
        elif name == "read-only folder":
            out.cwd = stack.enter_context(disk(place / "closed", full=False))
        elif name == "no HOME, no TMPDIR":
            out.env = {"HOME": None, "TMPDIR": None}
            out.stdout = stack.enter_context(open("/dev/full", "wb")).fileno()
        elif name.startswith("SIGPIPE"):
            reader, writer = os.pipe()
            out.stdout = writer
            # The reader goes away while the command draws.
            out.ends = signal.SIGPIPE
            stack.callback(os.close, writer)
            out.env = {"READER": str(reader)}
        elif name.startswith("SIG"):
            out.ends = getattr(signal, name)
        yield out


WAYS = [
    "closed stdout",
    "/dev/full",
    "full disk",
    "disk that fills",
    "read-only folder",
    "no HOME, no TMPDIR",
    "SIGTERM",
    "SIGINT",
    "SIGHUP",
    "SIGPIPE",
]


def named(text: str, cwd: Path) -> set[Path]:
    """The pictures' files that a text names."""
    words: list[str] = []
    for line in text.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            value = json.loads(line)
            words += value.get("files") or [] if isinstance(value, dict) else []
        if match := KEPT.search(line):
            words.append(match.group(1))
    files = set()
    for word in words:
        # A line of words is no name.
        with contextlib.suppress(OSError, ValueError):
            file = (cwd / word).resolve()
            if file.is_file() and file.read_bytes().startswith((b"\x89PNG", b"\xff\xd8", b"RIFF")):
                files.add(file)
    return files


def run(command: str, verb: str, name: str) -> tuple[int, int, int, str]:
    """Billed, named files, exit code and what was said."""
    place = Path(tempfile.mkdtemp(prefix="ways-"))
    emulator = nb.Emulator()
    try:
        with way(name, place) as out:
            cwd = out.cwd or place
            (place / "jobs.jsonl").write_text('"one"\n"two"\n"three"\n')
            source = SOURCE.save(place / "source.jpg")
            waits = out.ends is not None
            size = {"image": "png 512x512"} if name == "disk that fills" else DRAWN
            hang = {"image": "png 64x64", "delay": 5} if out.ends == signal.SIGPIPE else {"hang": True}
            # A stream's picture comes with its first event, and the signal before its second one.
            is_cut = waits and verb.endswith("--stream")
            first = {**DRAWN, "event_pause": 5 if out.ends == signal.SIGPIPE else 20} if is_cut else size
            emulator.script([first, size, hang if waits else size])
            words = {"source": str(source), "jobs": str(place / "jobs.jsonl"), "out": str(cwd / "out")}
            args = [arg.format(**words) for arg in VERBS[verb]]
            args += ["--base-url", emulator.url, "--retry", "false"]
            env = {
                **os.environ,
                "GEMINI_API_KEY": "any-key",
                "TMPDIR": str(place / "tmp"),
                "HOME": str(place / "home"),
            }
            for folder in ("tmp", "home"):
                (place / folder).mkdir()
            reader, before = out.env.pop("READER", None), b""
            for variable, value in out.env.items():
                env.pop(variable)
                if value is not None:
                    env[variable] = value
            argv = ["sh", "-c", out.shell, command, *args] if out.shell else [command, *args]
            child = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=out.stdout, stderr=subprocess.PIPE
            )
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(LINES.encode())
                child.stdin.close()
            child.stdin = None
            if waits:
                wanted = 1 if is_cut else 2
                until(lambda: child.poll() is not None or billed(emulator, is_cut) >= wanted)
                time.sleep(1.5)  # the command reads what came
                assert child.poll() is None or not is_cut, "it ended before its signal"
                if reader is not None:
                    os.set_blocking(int(reader), False)
                    with contextlib.suppress(BlockingIOError):
                        before = os.read(int(reader), 1 << 16)
                    os.close(int(reader))
                elif child.poll() is None:
                    child.send_signal(out.ends)
            stdout, stderr = child.communicate(timeout=60)
            told = "\n".join(text.decode(errors="replace") for text in (before, stdout or b"", stderr))
            return billed(emulator, is_cut), len(named(told, cwd)), child.returncode, told
    finally:
        emulator.close()
        shutil.rmtree(place, ignore_errors=True)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)


def billed(emulator: nb.Emulator, is_cut: bool) -> int:
    """The number of pictures that left whole. A stream that is cut off has sent its picture first."""
    calls = (
        call for call in emulator.requests if ":generateContent" in call["path"] or ":stream" in call["path"]
    )
    return sum(
        call["status"] == 200 and (is_cut or (call["took"] is not None and not call["cancelled"]))
        for call in calls
    )


def main(command: str, verbs: list[str], ways: list[str]) -> int:
    """Prints the table and gives the number of its cells that are wrong."""
    wrong = 0
    print("| | " + " | ".join(ways) + " |")
    print("|" + " --- |" * (len(ways) + 1))
    for verb in verbs:
        cells = []
        for name in ways:
            paid, files, code, told = run(command, verb, name)
            sound = paid == files
            wrong += not sound
            cells.append(f"{paid} = {files} ({code})" if sound else f"**{paid} ≠ {files}** ({code})")
            if not sound:
                print(f"{verb}, {name}: {told}", file=sys.stderr)
        print(f"| {verb} | " + " | ".join(cells) + " |", flush=True)
    every = len(verbs) * len(ways)
    print(f"\n{every - wrong} of {every}: pictures billed = files named (exit code)")
    return wrong


if __name__ == "__main__":
    beside = os.path.join(os.path.dirname(sys.executable), "nanobanana")
    sys.exit(min(main(sys.argv[1] if len(sys.argv) > 1 else beside, list(VERBS), WAYS), 1))

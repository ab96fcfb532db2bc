# ruff: noqa: E501
"""Parts that the fossils share: a recorder of requests byte for byte, and values without what changes from run to run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import struct
import threading
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
KEY = "test-key-0123"
TODAY = "2026-11-24"
KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_API_VERSION")

#: Values that differ from run to run, from machine to machine or from version to version.
VOLATILE = [
    (re.compile(pattern), by)
    for pattern, by in [
        (r"(127\.0\.0\.1|localhost):\d{4,5}", r"\1:#"),
        (r"nanobanana/\d+\.\d+\.\d+[-.\w]*", "nanobanana/#"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\bnb-[0-9a-f]{32}\b", "nb-#"),
        (r"\b\d+-[0-9a-f]{16}\b", "<upload>"),
        (re.escape(KEY), "<key>"),
    ]
]


def steady(text: str, folder: Path | None = None) -> str:
    """The text without ports, times, random names, keys and places of this machine."""
    for place, name in ((folder, "<folder>"), (TESTS, "<tests>"), (TESTS.parent, "<root>")):
        if place:
            text = text.replace(str(place), name)
    for pattern, by in VOLATILE:
        text = pattern.sub(by, text)
    return text


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


LONG = 120


def short(value: Any) -> Any:
    """The value with a digest in place of each long text, pictures in base64 among them."""
    match value:
        case str() if len(value) > LONG:
            return f"sha256:{digest(value.encode())} of {len(value)}"
        case list():
            return [short(item) for item in value]
        case dict():
            return {key: short(item) for key, item in value.items()}
        case _:
            return value


def without_drawings(text: str) -> str:
    """A request's text without the emulator's own drawings and signatures, which no two emulators make alike."""
    value = json.loads(text)
    contents = value.get("contents", []) if isinstance(value, dict) else []
    for content in contents if isinstance(contents, list) else []:
        for part in content.get("parts", []) if content.get("role") == "model" else []:
            data = part.get("inlineData", {}).get("data", "")
            if len(data) > 4000:
                text = text.replace(f'"{data}"', '"<drawing>"')
            signature = part.get("thoughtSignature", "")
            if len(signature) == 96:
                text = text.replace(f'"{signature}"', '"<signature>"')
    return text


class Request:
    """One request as its bytes came."""

    def __init__(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0].removesuffix(" HTTP/1.1")
        self.headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:])]
        self.body = b""
        self.length = int(dict(self.headers).get("content-length", 0))

    def report(self) -> dict[str, Any]:
        names = {"x-goog-api-key": "<key>", "host": "#", "content-length": "#", "authorization": "<key>"}
        headers = [f"{name}: {names.get(name) or steady(value)}" for name, value in self.headers]
        report: dict[str, Any] = {"line": steady(self.line), "headers": headers}
        if len(self.body) < self.length:
            return report | {"body": "cut off"}
        if not self.body:
            return report
        try:
            text = steady(self.body.decode())
        except UnicodeDecodeError:
            return report | {"bytes": len(self.body), "digest": digest(self.body)}
        try:
            text = without_drawings(text)
            value = json.loads(text)
        except ValueError:
            value = text
        report |= {"bytes": len(text.encode()), "digest": digest(text.encode())}
        if isinstance(value, str):
            return report | {"body": short(value)}
        # Spaces and spellings of numbers and letters that the value does not show are in the digest alone.
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")) == text
        return report | ({} if plain else {"spelling": "its own"}) | {"body": short(value)}


class Recorder:
    """A line to an emulator on loopback that keeps what a client sends. It knows nothing of the service.

    Bytes pass as they come in both directions, ends and resets too.
    """

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.removeprefix("http://").partition(":")
        self.upstream = (host, int(port))
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.sockets: list[socket.socket] = []
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self.threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for one in self.sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection(self.upstream)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets += [near, far]
            for source, sink, keep in ((near, far, True), (far, near, False)):
                thread = threading.Thread(target=self._pump, args=(source, sink, keep), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, keep: bool) -> None:
        rest, request = b"", None
        while True:
            try:
                data = source.recv(1 << 16)
            except OSError:
                # A reset goes on as a reset.
                with contextlib.suppress(OSError):
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    # It wakes the other direction, which would wait for ever on a socket that is closed under it.
                    sink.shutdown(socket.SHUT_RD)
                    sink.close()
                return
            if keep:
                rest += data
                while rest:
                    if request is None:
                        head, found, after = rest.partition(b"\r\n\r\n")
                        if not found:
                            break
                        request, rest = Request(head), after
                        with self.lock:
                            self.requests.append(request)
                    wanted = request.length - len(request.body)
                    request.body += rest[:wanted]
                    rest = rest[wanted:]
                    if len(request.body) < request.length:
                        break
                    request = None
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                with contextlib.suppress(OSError):
                    source.shutdown(socket.SHUT_RD)
                return


def difference(was: Any, now: Any, at: str = "") -> list[str]:
    """Each place where two values differ, in words."""
    if type(was) is not type(now):
        return [f"{at}: was {text(was)}, is {text(now)}"]
    if isinstance(was, dict):
        found = [f"{at}/{key}: is gone, was {text(was[key])}" for key in was if key not in now]
        found += [f"{at}/{key}: is new: {text(now[key])}" for key in now if key not in was]
        for key in was:
            if key in now:
                found += difference(was[key], now[key], f"{at}/{key}")
        if not found and list(was) != list(now):
            found = [f"{at}: the order was {list(was)}, is {list(now)}"]
        return found
    if isinstance(was, list):
        if len(was) != len(now):
            return [f"{at}: was {len(was)} long, is {len(now)}: {text(was)} → {text(now)}"]
        return [
            one
            for i, (a, b) in enumerate(zip(was, now, strict=True))
            for one in difference(a, b, f"{at}/{i}")
        ]
    return [] if was == now else [f"{at}: was {text(was)}, is {text(now)}"]


def text(value: Any) -> str:
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 600 else f"{line[:600]}…"


def layout(value: dict[str, Any]) -> str:
    """JSON with a line for each entry, or for each item of an entry's list."""
    line = lambda item: json.dumps(item, ensure_ascii=False, separators=(",", ":"))  # noqa: E731
    lines = []
    for key, entry in value.items():
        if isinstance(entry, list) and entry:
            inner = ",\n".join(f" {line(item)}" for item in entry)
            lines.append(f"{line(key)}:[\n{inner}]")
        elif isinstance(entry, dict) and entry:
            inner = ",\n".join(f" {line(name)}:{line(item)}" for name, item in entry.items())
            lines.append(f"{line(key)}:{{\n{inner}}}")
        else:
            lines.append(f"{line(key)}:{line(entry)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def set_day() -> None:
    """The day on which the catalogue is judged, and no key of the machine's owner in reach."""
    os.environ["NANOBANANA_TODAY"] = TODAY
    for name in KEYS:
        os.environ.pop(name, None)

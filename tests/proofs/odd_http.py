"""Requests that no client would send: the emulator answers each, or hangs up, and goes on.

Sound requests of every kind are bent (JSON, headers, paths, plain bytes) and sent over sockets.
Every answer must be one of HTTP and come in time, nothing may panic, and a sound request in between must be
answered.
"""

import base64
import collections
import json
import random
import socket
import subprocess
import sys
import threading
import time
from typing import Any

MODEL = "gemini-3-pro-image"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PARTS: list[dict[str, Any]] = [
    {"text": "a boat"},
    {"inlineData": {"mimeType": "image/png", "data": PICTURE}},
    {"fileData": {"mimeType": "image/png", "fileUri": "https://x/v1beta/files/abc"}},
]
CONTENTS = [
    {"role": "user", "parts": PARTS[:2]},
    {"role": "model", "parts": [{"text": "there", "thoughtSignature": "c2tpcA=="}, PARTS[1]]},
    {"role": "user", "parts": [{"text": "again"}]},
]
ASK = {
    "contents": CONTENTS[:1],
    "systemInstruction": {"parts": [{"text": "be brief"}]},
    "generationConfig": {
        "seed": 7,
        "temperature": 1.0,
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "1K"},
        "thinkingConfig": {"includeThoughts": True},
    },
    "tools": [{"googleSearch": {"searchTypes": {"webSearch": {}, "imageSearch": {}}}}],
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
}
BATCH = {
    "batch": {
        "displayName": "b",
        "inputConfig": {"requests": {"requests": [{"request": ASK, "metadata": {"key": "1"}}]}},
    }
}
TALK = {
    "model": MODEL,
    "input": [
        {"type": "text", "text": "a boat"},
        {"type": "image", "data": PICTURE, "mime_type": "image/png"},
    ],
    "response_format": {"type": "image", "aspect_ratio": "1:1", "image_size": "1K"},
    "generation_config": {"thinking_summaries": "auto", "seed": 3},
}
STEP = {
    "status": 429,
    "times": 2,
    "share": 0.5,
    "match": {"prompt": "never"},
    "headers": {"retry-after": "1"},
}
VERTEX = f"/v1/projects/p/locations/global/publishers/google/models/{MODEL}:generateContent"

SOUND: list[tuple[str, str, Any]] = [
    ("POST", f"/v1beta/models/{MODEL}:generateContent", ASK),
    ("POST", f"/v1beta/models/{MODEL}:generateContent", {"contents": CONTENTS}),
    ("POST", f"/v1/models/{MODEL}:streamGenerateContent?alt=sse", {"contents": CONTENTS[:1]}),
    ("POST", f"/v1beta/models/{MODEL}:streamGenerateContent", {"contents": [{"parts": PARTS}]}),
    ("POST", f"/v1beta/models/{MODEL}:countTokens", {"generateContentRequest": {"model": MODEL, **ASK}}),
    ("POST", f"/v1beta/models/{MODEL}:batchGenerateContent", BATCH),
    ("POST", VERTEX, ASK),
    ("POST", "/v1beta/interactions", TALK),
    ("POST", "/v1beta/interactions?alt=sse", {**TALK, "stream": True}),
    ("GET", "/v1beta/models?pageSize=2", None),
    ("GET", f"/v1beta/models/{MODEL}", None),
    ("GET", "/v1beta/files?pageSize=3", None),
    ("GET", "/v1beta/batches?pageSize=3", None),
    ("GET", "/v1beta/files/abc:download?alt=media", None),
    ("DELETE", "/v1beta/files/abc", None),
    ("POST", "/upload/v1beta/files", {"file": {"displayName": "x", "mimeType": "image/png"}}),
    ("POST", "/__emulator/script", [STEP]),
    ("PUT", "/__emulator/limits", {"rpm": None, "minute": 60}),
    ("GET", "/__emulator/calls", None),
    ("GET", "/__emulator/calls/1/pictures/0", None),
    ("OPTIONS", "/v1beta/interactions", None),
]
ODD: list[Any] = [
    None, True, -1, 0, 1e308, 2**63, 2**64, "", "\x00", "é\u2028😀", "9" * 400, "../../etc/passwd",
    [], {}, [[]], {"": ""}, "data:image/png;base64,", "A" * 5000, PICTURE[:20], [None] * 50, float("1e-320"),
]  # fmt: skip
HEADERS = [
    "x-goog-api-key: k", "Authorization: Bearer t", "Expect: 100-continue", "Transfer-Encoding: chunked",
    "Content-Length: 5", "Content-Length: -1", "Content-Encoding: gzip", "Origin: http://evil.example",
    "X-Goog-Upload-Command: start", "X-Goog-Upload-Command: upload, finalize", "X-Goog-Upload-Offset: 999",
    "X-Goog-Upload-Protocol: resumable", "X-Goog-Upload-Header-Content-Length: 18446744073709551616",
    "X-Goog-Upload-Header-Content-Type: image/png", "Range: bytes=5-1", "Connection: upgrade", "Upgrade: h2c",
    "Cookie: " + "c" * 3000, "If-None-Match: *", "Host: localhost", "Host: evil.example",
]  # fmt: skip


def bent(json_value: Any, lots: random.Random, depth: int = 0) -> Any:
    """The same with something odd somewhere."""
    if depth > 60 or lots.random() < 0.06:
        return lots.choice(ODD)
    if isinstance(json_value, dict):
        bends = {name: bent(value, lots, depth + 1) for name, value in json_value.items()}
        if bends and lots.random() < 0.1:
            bends.pop(lots.choice(list(bends)))
        if lots.random() < 0.1:
            bends[lots.choice(["x", "Contents", "$file", "inline_data", "", "parts", "seed"])] = lots.choice(
                ODD
            )
        return bends
    if isinstance(json_value, list):
        bends = [bent(value, lots, depth + 1) for value in json_value]
        return bends * lots.choice([1, 1, 1, 0, 2, 40])
    return json_value


def deep(lots: random.Random) -> bytes:
    levels = lots.choice([10, 127, 128, 500, 100_000])
    return b'{"contents":' + b"[" * levels + b"]" * levels + b"}"


def request(lots: random.Random) -> bytes:
    method, path, body = lots.choice(SOUND)
    method = method if lots.random() < 0.95 else lots.choice(["PUT", "PATCH", "HEAD", "TRACE", "X" * 40, ""])
    if lots.random() < 0.15:
        at = lots.randrange(len(path) + 1)
        path = (
            path[:at]
            + lots.choice(["%00", "%", "/", ":", "?", "&key=", "%ff%fe", "..", "é", "#"])
            + path[at:]
        )
    data = b"" if body is None else json.dumps(bent(body, lots)).encode(errors="surrogatepass")
    if lots.random() < 0.03:
        data = deep(lots)
    if data and lots.random() < 0.1:
        spoilt = bytearray(data)
        for _ in range(lots.randrange(1, 9)):
            spoilt[lots.randrange(len(spoilt))] = lots.randrange(256)
        data = bytes(spoilt)
    told = len(data) if lots.random() < 0.97 else max(0, len(data) + lots.choice([-3, -1, 2]))
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", "x-goog-api-key: k"]
    if lots.random() < 0.95:
        head.append(f"Content-Length: {told}")
    if lots.random() < 0.3:
        head += lots.sample(HEADERS, lots.randrange(1, 4))
    raw = "\r\n".join(head).encode() + b"\r\n\r\n" + data
    if lots.random() < 0.03:
        raw = raw[: lots.randrange(len(raw) + 1)]
    if lots.random() < 0.02:
        raw = lots.randbytes(lots.randrange(1, 400)) + raw
    return raw


def ask(port: int, raw: bytes, patience: float = 30) -> bytes:
    """What comes back until the line ends; half a request is given up by its sender after some seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as line:
        came, has_given_up = b"", False
        try:
            line.sendall(raw)
            while True:
                try:
                    piece = line.recv(1 << 16)
                except TimeoutError:
                    if has_given_up:
                        raise
                    has_given_up = True
                    line.shutdown(socket.SHUT_WR)
                    line.settimeout(patience)
                    continue
                came += piece
                if not piece or len(came) > 1 << 26:
                    break
        except ConnectionError:
            pass  # It hung up: what it said before counts.
        return came


SANE = b"GET /v1beta/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-goog-api-key: k\r\n\r\n"


def main(seconds: float, command: list[str], seed: int | None = None, least: int = 0) -> dict[str, Any]:
    seed = random.randrange(1 << 32) if seed is None else seed
    print(f"seed {seed}")
    emulator = subprocess.Popen(
        [*command, "emulate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    said: list[str] = []
    assert emulator.stdout and emulator.stderr
    errors = emulator.stderr
    reader = threading.Thread(target=lambda: said.extend(errors), daemon=True)
    reader.start()
    try:
        port = int(emulator.stdout.readline().rsplit(":", 1)[1])
        lots, end, count, slowest = random.Random(seed), time.monotonic() + seconds, 0, 0.0
        answers: collections.Counter[str] = collections.Counter()
        while time.monotonic() < end or count < least:
            raw, begun = request(lots), time.monotonic()
            try:
                came = ask(port, raw)
            except TimeoutError:
                raise AssertionError(f"it hangs on request {count} of seed {seed}: {raw[:2000]!r}") from None
            took = time.monotonic() - begun
            slowest = max(slowest, took)
            assert not came or came.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), (raw[:500], came[:200])
            answers[came[9:12].decode() if came else "hung up"] += 1
            count += 1
            if count % 50 == 0:
                assert ask(port, SANE, 10).startswith(b"HTTP/1.1 200"), (
                    f"after request {count} of seed {seed}"
                )
                ask(port, b"POST /__emulator/reset HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            panics = [line for line in said if "panicked" in line]
            assert not panics, (panics, count, base64.b64encode(raw[:4000]))
        assert emulator.poll() is None, "it has ended"
    finally:
        emulator.terminate()
        emulator.wait(10)
        reader.join(10)
        emulator.stdout.close()
        errors.close()
    figures = {"requests": count, "slowest": round(slowest, 2), "answers": dict(answers.most_common())}
    print(figures)
    return figures


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600, sys.argv[2:] or ["nanobanana"])

"""What the scenarios in Python share: the emulator's controls, what a right picture is, how they are run."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import traceback
import urllib.request
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image

URL = os.environ["EMULATOR_URL"]
MEDIA = Path(__file__).parent.parent / "media"
KEY = "any-key"
NEW, PRO = "gemini-nano-banana-2.1", "gemini-3-pro-image"
#: What a scripted fault is: the emulator's own form of a step.
BUSY = {
    "status": 429,
    "error": {
        "status": "RESOURCE_EXHAUSTED",
        "message": "Resource has been exhausted (e.g. check quota).",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}],
    },
}
OVERLOADED = {"status": 503, "error": {"status": "UNAVAILABLE", "message": "The model is overloaded."}}
BROKEN_STREAM = {
    "json": [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Here"}]}}]},
        {"error": {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}},
    ]
}

#: The first part of an answer; the rest is the emulator's own, for whoever brings the token back.
CUT_OFF = {"text": "Here it ", "continuation": "more-1"}

scenarios: dict[str, Callable[[], None]] = {}


def scenario(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def add(run: Callable[[], None]) -> Callable[[], None]:
        scenarios[name] = run
        return run

    return add


def controls(path: str, body: Any = None) -> Any:
    """What the emulator is told and asked from outside, below `/__emulator/`."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{URL}/__emulator/{path}", data) as reply:
        return json.loads(reply.read() or b"null")


def script(*steps: dict[str, Any]) -> None:
    controls("script", list(steps))


def requests() -> list[dict[str, Any]]:
    return controls("requests")


def is_picture(data: bytes | str, width: int, height: int) -> None:
    """Fail unless this is a whole picture of this size; a text is base64, or a `data:` URL of it."""
    if isinstance(data, str):
        data = base64.b64decode(data.partition(",")[2] if data.startswith("data:") else data, validate=True)
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.size == (width, height), f"{picture.size} instead of {(width, height)}"
        low, high = picture.convert("L").getextrema()
        assert high - low > 50, "a picture of one colour"


def sent_three_turns() -> None:
    """Fail unless the last request brought back two turns of the model, each picture with its signature.

    A turn may come in several contents, one for each event of a stream.
    """
    contents = requests()[-1]["json"]["contents"]
    turns = [(role, list(group)) for role, group in groupby(contents, key=lambda content: content["role"])]
    assert [role for role, _ in turns] == ["user", "model", "user", "model", "user"], contents
    for _, group in turns[1::2]:
        parts = [part for content in group for part in content["parts"] if not part.get("thought")]
        pictures = [part for part in parts if "inlineData" in part]
        assert len(pictures) == 1 and "thoughtSignature" in pictures[0], parts


class Raised:
    """The error that the block must end with."""

    error: Any = None

    def __init__(self, *kinds: type[BaseException]) -> None:
        self.kinds = kinds

    def __enter__(self) -> Raised:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        assert kind is not None, "nothing was raised"
        self.error = error
        return issubclass(kind, self.kinds)


def main() -> None:
    """Run all, and print what came of each as a line of JSON; what is printed otherwise goes to stderr."""
    out, sys.stdout = sys.stdout, sys.stderr
    for name, run in scenarios.items():
        controls("reset", {})
        try:
            run()
            fault = None
        except Exception:
            fault = traceback.format_exc(limit=-3)
        print(json.dumps({"scenario": name, "fault": fault}), file=out, flush=True)

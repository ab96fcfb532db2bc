"""Runs tests/cases/*.json in Python, by the rules of tests/cases/README.md."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

TESTS = Path(__file__).parent.parent
CASES = [case for file in sorted(TESTS.glob("cases/*.json")) for case in json.loads(file.read_text())]


def given(value: Any) -> Any:
    if isinstance(value, list):
        return [given(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = dict(value)
    if "box" in fields:
        return nb.Box(*fields.pop("box"), **fields)
    if "reference" in fields:
        return nb.Reference(given(fields.pop("reference")), **fields)
    if "attachment" in fields:
        return nb.Attachment(given(fields.pop("attachment")), **fields)
    [(how, text)] = value.items()
    if how == "path":
        return TESTS / text
    return (TESTS / text).read_bytes() if how == "bytes_of" else base64.b64decode(text, validate=True)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


WORDS = ("contains", "lacks", "has", "about", "at_least", "at_most", "exactly")


def word_matches(word: str, wanted: Any, got: Any) -> bool:
    match word:
        case "contains":
            texts = got if isinstance(got, list) else [got]
            parts = wanted if isinstance(wanted, list) else [wanted]
            return any(isinstance(text, str) and all(part in text for part in parts) for text in texts)
        case "lacks":
            return wanted not in json.dumps(got, ensure_ascii=False)
        case "has":
            return any(matches(wanted, item) for item in (got if isinstance(got, list) else [got]))
        case "about":
            return is_number(got) and abs(got - wanted) <= 1e-9 + abs(wanted) * 1e-6
        case "at_least":
            return is_number(got) and got >= wanted
        case "at_most":
            return is_number(got) and got <= wanted
        case _:
            return json.dumps(got, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def matches(wanted: Any, got: Any) -> bool:
    try:
        check(wanted, got, "")
    except AssertionError:
        return False
    return True


def check(wanted: Any, got: Any, at: str) -> None:
    """Fail with where and how `got` differs from what a case expects."""
    differs = f"{at}: expected {wanted!r}, got {got!r}"
    if isinstance(wanted, dict):
        if len(wanted) == 1:
            [(word, value)] = wanted.items()
            if word in WORDS:
                assert word_matches(word, value, got), differs
                return
        assert isinstance(got, dict), differs
        for key, value in wanted.items():
            if key not in got and value == {"absent": True}:
                continue
            assert key in got, f"{at}.{key}: missing, expected {value!r}"
            check(value, got[key], f"{at}.{key}")
    elif isinstance(got, list) and is_number(wanted):
        assert len(got) == wanted, differs
    elif isinstance(wanted, list):
        assert isinstance(got, list), differs
        assert len(got) == len(wanted), differs
        for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
            check(one, other, f"{at}[{index}]")
    else:
        assert is_number(wanted) == is_number(got), differs
        assert wanted == got, differs
        assert isinstance(wanted, bool) == isinstance(got, bool), differs


def is_path(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["path"]


def ask(door: nb.Client | nb.Chat, call: dict[str, Any], events: list[nb.Event]) -> Any:
    """Make a call; of a stream, to its end: its last event's result is what came."""
    takes = {name: given(call[name]) for name in ("prompt", "images", "role", "keep") if name in call}
    if call["verb"].startswith("files."):
        assert isinstance(door, nb.Client)
        about = [given(call["images"])] if "images" in call else []
        return getattr(door.files, call["verb"].removeprefix("files."))(*about, **call.get("options", {}))
    if call["verb"] in ("edit", "edit_stream"):
        takes.setdefault("images", [])
    if call["verb"] not in ("models", "history", "undo", "drop_images"):
        takes.setdefault("prompt", [])
    if call["verb"] == "history":
        assert isinstance(door, nb.Chat)
        return door.history
    options = dict(call.get("options", {}))
    for name in ("attachments", "mask"):
        if name in options:
            options[name] = given(options[name])
    came = getattr(door, call["verb"])(**takes, **options)
    if not isinstance(came, nb.Stream):
        return came
    with came as stream:
        events.extend(stream)
    assert stream.result is not None
    assert stream.result is events[-1].result
    return stream.result


def as_json(came: Any) -> Any:
    if isinstance(came, list):
        names: dict[type, str] = {nb.ModelInfo: "models", nb.File: "files"}
        name = names.get(type(came[0]), "turns") if came else "turns"
        return {name: [record.to_dict() for record in came]}
    return (
        came.to_dict()
        if isinstance(came, nb.Result | nb.Estimate | nb.Explained | nb.File | nb.TokenCount)
        else came
    )


def pictures_of(came: Any) -> list[nb.Image]:
    match came:
        case nb.Result():
            return [*came.images, *came.thoughts.images]
        case nb.APIError(partial=nb.Partial(images=images)):
            return images
        case [nb.ChatTurn(), *_]:
            return [image for turn in came for image in turn.images]
        case _:
            return []


def perform(make: Callable[[list[nb.Event]], Any], expected: dict[str, Any]) -> None:
    """Do one thing and hold what comes of it against what is expected."""
    events: list[nb.Event] = []
    error = None
    try:
        came = make(events)
    except nb.NanoBananaError as raised:
        came = error = raised
    if "events" in expected:
        check(expected["events"], [event.to_dict() for event in events], "events")
    if "error" in expected:
        assert error is not None, f"it succeeded: {came!r}"
        check(expected["error"], error.to_dict(), "error")
    else:
        assert error is None, f"it failed: {error!r}"
        if "result" in expected:
            check(expected["result"], as_json(came), "result")
    if "pictures" in expected:
        assert given(expected["pictures"]) == [picture.bytes for picture in pictures_of(came)]


def converse(client: nb.Client, case: dict[str, Any], folder: Path) -> None:
    chat = client.chat(**case.get("chat", {}))
    for step in case["steps"]:
        match step["verb"]:
            case "branch":
                chat = chat.branch()
            case "reload":
                chat = client.load_chat(chat.save(folder / "a.chat.json"))
            case _:
                perform(lambda events, step=step, chat=chat: ask(chat, step, events), step)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any], emulator: nb.Emulator, tmp_path: Path) -> None:
    emulator.script(case.get("server", []))
    options = {"base_url": emulator.url, "api_key": "test-key-0123", **case.get("client", {})}
    options = {name: given(value) if is_path(value) else value for name, value in options.items()}
    started = time.monotonic()

    clients: list[nb.Client] = []

    def call(events: list[nb.Event]) -> Any:
        with nb.Client(**options) as client:
            clients.append(client)
            return ask(client, case["call"], events)

    if "steps" in case:
        with nb.Client(**options) as client:
            clients.append(client)
            converse(client, case, tmp_path)
    else:
        perform(call, case)
    took = time.monotonic() - started
    if "sent" in case:
        check(case["sent"], emulator.requests, "sent")
    if "took" in case:
        check(case["took"], took, "took")
    if "spent" in case:
        check(case["spent"], clients[0].spent.to_dict(), "spent")


def test_the_matcher_finds_differences() -> None:
    same = [
        ({}, {"a": 1}),
        (2, [0, 0]),
        ({"a": {"absent": True}}, {}),
        ({"contains": "b"}, ["abc"]),
        (1, 1.0),
    ]
    for wanted, got in same:
        check(wanted, got, "same")
    other = [({"a": 1}, {}), (1, True), (True, 1), ([1], [1, 2]), ({"lacks": "x"}, {"x": 1}), (None, 0)]
    other += [({"exactly": {}}, {"a": 1}), ({"about": 1}, 1.1), ({"at_least": 2}, 1), ({"has": 3}, [1])]
    for wanted, got in other:
        with pytest.raises(AssertionError):
            check(wanted, got, "other")

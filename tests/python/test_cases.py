"""Runs tests/cases/*.json in Python, by the rules of tests/cases/README.md."""

from __future__ import annotations

import base64
import json
import time
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


def call(case: dict[str, Any], url: str) -> nb.Result | list[nb.ModelInfo]:
    call = case["call"]
    client_options = {name: given(value) for name, value in case.get("client", {}).items() if is_path(value)}
    options = {"base_url": url, "api_key": "test-key-0123", **case.get("client", {}), **client_options}
    with nb.Client(**options) as client:
        prompt, images = given(call.get("prompt", [])), given(call.get("images", []))
        match call["verb"]:
            case "models":
                return client.models()
            case "generate":
                return client.generate(prompt, **call.get("options", {}))
            case "edit":
                return client.edit(prompt, images, **call.get("options", {}))
            case verb:
                raise AssertionError(f"a case has the verb {verb!r}")


def is_path(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["path"]


def as_json(result: nb.Result | list[nb.ModelInfo]) -> dict[str, Any]:
    return {"models": [model.to_dict() for model in result]} if isinstance(result, list) else result.to_dict()


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any], emulator: nb.Emulator) -> None:
    emulator.script(case.get("server", []))
    result, error = None, None
    started = time.monotonic()
    try:
        result = call(case, emulator.url)
    except nb.NanoBananaError as raised:
        error = raised.to_dict()
    took = time.monotonic() - started
    if "sent" in case:
        check(case["sent"], emulator.requests, "sent")
    if "took" in case:
        check(case["took"], took, "took")
    if "result" in case:
        assert error is None, f"it failed: {error}"
        check(case["result"], as_json(result), "result")
        if "pictures" in case:
            pictures = [*result.images, *result.thoughts.images]
            assert given(case["pictures"]) == [picture.bytes for picture in pictures]
    else:
        assert error is not None, f"it succeeded: {result!r}"
        check(case["error"], error, "error")


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

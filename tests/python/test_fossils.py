"""Requests, answers and files are those of tests/fossils; its README says how they are recorded anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

FOSSILS = Path(__file__).parents[1] / "fossils"
sys.path[:0] = [str(FOSSILS), str(Path(__file__).parent)]

import answered  # noqa: E402
import kit  # noqa: E402
import make  # noqa: E402
import sent  # noqa: E402

HOW = "if that is wanted, `python tests/fossils/make.py` records it anew"


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANOBANANA_TODAY", kit.TODAY)


def check(was: Any, now: Any, what: str) -> None:
    found = kit.difference(was, now)
    shown = "\n".join(found[:60])
    assert not found, f"{len(found)} differences in {what}; {HOW}\n{shown}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", ["sent/cases.json", "sent/matrix.json"])
def test_requests_are_sent_as_before(file: str) -> None:
    was = json.loads((FOSSILS / file).read_text("utf-8"))
    check(sent.unfolded(was), sent.unfolded(make.FILES[file]()), file)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NANOBANANA_TODAY", kit.TODAY)
        for name in kit.KEYS:
            patch.delenv(name, raising=False)
        return make.answers()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", ["answered/python.json", "answered/command.json"])
def test_answers_are_as_before(file: str, answers: dict[str, dict[str, Any]]) -> None:
    check(json.loads((FOSSILS / file).read_text("utf-8")), answers[file], file)


@pytest.mark.filterwarnings("ignore")
def test_messages_have_the_words_of_before(answers: dict[str, dict[str, Any]]) -> None:
    was = json.loads((FOSSILS / "answered/words.json").read_text("utf-8"))
    now = answers["answered/words.json"]
    pairs = sorted({(was[at], now[at]) for at in was if at in now and was[at] != now[at]})
    shown = "\n".join(f"was: {old}\n is: {new}" for old, new in pairs)
    assert not pairs, f"{len(pairs)} messages changed, and nothing else of their answers; {HOW}\n{shown}"
    assert was.keys() == now.keys()


@pytest.mark.filterwarnings("ignore")
def test_pickles_of_before_load() -> None:
    kept = json.loads((FOSSILS / "pickles.json").read_text("utf-8"))
    assert len(kept) > 60
    was = {name: one["holds"] for name, one in kept.items()}
    check(was, {name: answered.load(one) for name, one in kept.items()}, "pickles.json")


@pytest.mark.parametrize("file", ["written/files.json", "written/read.json"])
def test_files_are_written_and_read_as_before(file: str) -> None:
    check(json.loads((FOSSILS / file).read_text("utf-8")), make.FILES[file](), file)


def test_a_difference_is_seen() -> None:
    was = {"a": [{"line": "POST /", "body": {"x": 1, "y": [1, 2]}}]}
    assert kit.difference(was, json.loads(json.dumps(was))) == []
    others: list[Any] = [
        {},
        {"a": []},
        {"a": [{"line": "POST /", "body": {"y": [1, 2], "x": 1}}]},
        {"a": [{"line": "POST /", "body": {"x": 1.0, "y": [1, 2]}}]},
        {"a": [{"line": "POST /", "body": {"x": True, "y": [1, 2]}}]},
        {"a": [{"line": "POST /", "body": {"x": 1, "y": [2, 1]}}]},
        {**was, "b": []},
    ]
    for now in others:
        assert len(kit.difference(was, now)) >= 1, now

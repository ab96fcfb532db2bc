"""Every fault of tests/faults.json by every kind of call, with and without asyncio."""

from __future__ import annotations

import asyncio
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

TESTS = Path(__file__).parent.parent
FILE = json.loads((TESTS / "faults.json").read_text())
PICTURE = TESTS / "media" / "dot.png"

SIDE_BY_SIDE = 24
MOST = 15
"""Seconds that a call may take if nothing else is said."""
SEED = 7
"""That of a call's first request: those of a call with several are told apart by it."""


@dataclass
class Cell:
    """One fault by one kind of call."""

    kind: dict[str, Any]
    fault: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.fault['id']}/{self.kind['id']}"

    @property
    def calls(self) -> int:
        return self.kind.get("calls", 1)

    def script(self) -> list[dict[str, Any]]:
        """Each request of a call meets the fault, and after it gets a picture."""
        steps = self.fault.get("server", [])
        if self.calls > 1:
            steps = [{**step, "match": {"seed": SEED + at}} for at in range(self.calls) for step in steps]
        return [*steps, {"image": "png 8x8", "times": 99}]

    def options(self, emulator: nb.Emulator) -> dict[str, Any]:
        options = {"api_key": "test-key-0123", "base_url": emulator.url, **FILE["client"]}
        if emulator.ca_bundle and self.fault.get("trusts", True):
            options["ca_bundle"] = emulator.ca_bundle
        options |= self.fault.get("client", {})
        if isinstance(options["base_url"], dict):
            options["base_url"] = emulator.url.replace("http:", options["base_url"]["scheme"] + ":")
        for name, record in (("timeout", nb.Timeout), ("retry", nb.Retry)):
            if isinstance(options[name], dict):
                options[name] = record(**options[name])
        return options

    def expected(self) -> dict[str, Any]:
        """All that it is held against: what is not written has a value, too."""
        expect = self.fault["expect"]
        is_result = expect["end"] == "result"
        requests = expect.get("requests", 1)
        whole = {"requests": requests, "attempts": requests, "lost": 0, "paid": 0, "partial": False}
        whole |= {"pictures": 1 if is_result else None, **expect}
        # An error is that of the first request; of a result the counts are of all of them.
        for name in ("requests", "attempts", "lost", "paid", "pictures") if is_result else ("requests",):
            whole[name] *= self.calls
        return whole


def differing(fault: dict[str, Any], kind: dict[str, Any]) -> dict[str, Any]:
    """The fault as it is for this kind: an expectation with another end is another one, others add to it."""
    whole = dict(fault)
    for name in (kind["group"], kind["id"]):
        for key, value in fault.get("for", {}).get(name, {}).items():
            adds = key == "expect" and "end" not in value
            whole[key] = {**whole[key], **value} if adds else value
    return whole


CELLS = [
    Cell(kind, differing(fault, kind))
    for section in FILE["sections"]
    for fault in section["faults"]
    for kind in FILE["kinds"]
    if os.environ.get("FAULT", "") in f"{fault['id']}/{kind['id']}"
]


@dataclass
class Came:
    """What came of a call."""

    result: nb.Result | None = None
    error: nb.NanoBananaError | None = None
    events: list[nb.Event] = field(default_factory=list)
    turns: int | None = None


def call(client: nb.Client, kind: str) -> Came:
    came = Came()
    chat = client.chat() if kind.startswith("chat_") else None
    try:
        match kind:
            case "generate":
                came.result = client.generate("a boat", seed=SEED)
            case "edit":
                came.result = client.edit("at night", PICTURE, seed=SEED)
            case "n":
                came.result = client.generate("a boat", n=2, seed=SEED)
            case "chat_send":
                assert chat
                came.result = chat.send("a boat", seed=SEED)
            case _:
                if chat:
                    opened = chat.send_stream("a boat", seed=SEED)
                elif kind == "edit_stream":
                    opened = client.edit_stream("at night", PICTURE, seed=SEED)
                else:
                    assert kind == "generate_stream"
                    opened = client.generate_stream("a boat", seed=SEED)
                with opened as stream:
                    came.events.extend(stream)
                came.result = stream.result
    except nb.NanoBananaError as error:
        came.error = error
    came.turns = len(chat.history) if chat else None
    return came


async def call_async(client: nb.AsyncClient, kind: str) -> Came:
    came = Came()
    chat = client.chat() if kind.startswith("chat_") else None
    try:
        match kind:
            case "generate":
                came.result = await client.generate("a boat", seed=SEED)
            case "edit":
                came.result = await client.edit("at night", PICTURE, seed=SEED)
            case "n":
                came.result = await client.generate("a boat", n=2, seed=SEED)
            case "chat_send":
                assert chat
                came.result = await chat.send("a boat", seed=SEED)
            case _:
                if chat:
                    opened = chat.send_stream("a boat", seed=SEED)
                elif kind == "edit_stream":
                    opened = client.edit_stream("at night", PICTURE, seed=SEED)
                else:
                    assert kind == "generate_stream"
                    opened = client.generate_stream("a boat", seed=SEED)
                async with opened as stream:
                    async for event in stream:
                        came.events.append(event)
                came.result = stream.result
    except nb.NanoBananaError as error:
        came.error = error
    came.turns = len(chat.history) if chat else None
    return came


def facts_of(came: Came, requests: int, took: float) -> dict[str, Any]:
    facts: dict[str, Any] = {"requests": requests, "took": took}
    if came.result:
        warnings = came.result.warnings
        return facts | {
            "end": "result",
            "pictures": len(came.result.images),
            "attempts": len(came.result.attempts),
            "lost": sum("was lost (" in warning for warning in warnings),
            "paid": sum("answered without a picture, and billed" in warning for warning in warnings),
            "partial": False,
        }
    error = came.error
    assert isinstance(error, nb.APIError), repr(error)
    fields = (
        "billed",
        "retryable",
        "permanent",
        "status",
        "code",
        "stage",
        "reason",
        "retry_after",
        "message",
    )
    assert error.message == str(error)
    return (
        facts
        | {name: getattr(error, name) for name in fields if hasattr(error, name)}
        | {
            "end": type(error).__name__,
            "pictures": None,
            "attempts": len(error.attempts),
            "lost": 0,
            "paid": 0,
            "partial": error.partial is not None,
            "partial_pictures": len(error.partial.images) if error.partial else None,
        }
    )


def check_always(cell: Cell, came: Came) -> None:
    """What holds for every call, whatever the fault."""
    error = came.error
    attempts = (
        came.result.attempts if came.result else error.attempts if isinstance(error, nb.APIError) else []
    )
    successes = sum(attempt.reason is None for attempt in attempts)
    assert successes == (cell.calls if came.result else 0), attempts
    if came.turns is not None:
        # A model that answered without a picture was asked all the same.
        assert came.turns == (2 if came.result else 1 if isinstance(error, nb.NoImageError) else 0)
    if cell.kind["group"] == "stream" and isinstance(error, nb.APIError):
        # What a stream had handed out is what it says to have had.
        words = "".join(event.text for event in came.events if isinstance(event, nb.TextEvent))
        shown = [event.image for event in came.events if isinstance(event, nb.ImageEvent)]
        assert (error.partial.text if error.partial else "") == words
        assert (error.partial.images if error.partial else []) == shown


def differs(expected: dict[str, Any], facts: dict[str, Any]) -> str | None:
    """Where what came differs from what is expected."""
    for name, wanted in expected.items():
        match name:
            case "exit":
                continue  # The command's own, held by the runner in Rust.
            case "least":
                holds = facts["took"] >= wanted
            case "most":
                holds = facts["took"] <= wanted
            case "says":
                holds = wanted in facts["message"]
            case _:
                got = facts.get(name)
                holds = got == wanted and isinstance(got, bool) == isinstance(wanted, bool)
        if not holds:
            return f"{name} should be {wanted!r}"
    return f"it took {facts['took']} s" if facts["took"] > MOST else None


def otherwise(name: str, wanted: Any) -> Any:
    """An expectation that what came does not meet."""
    if isinstance(wanted, bool):
        return not wanted
    if isinstance(wanted, int | float):
        return wanted + {"most": -1000, "least": 1000}.get(name, 1)
    return f"{wanted}, but not so"


def judge(cell: Cell, came: Came, emulator: nb.Emulator, took: float) -> str | None:
    """What is wrong with what came; nothing, if all is as it should be."""
    try:
        facts = facts_of(came, len(emulator.requests), took)
        check_always(cell, came)
    except AssertionError as problem:
        return f"{cell.id}: {problem or 'what a stream or a conversation holds'} {came}"
    expected = cell.expected()
    if problem := differs(expected, facts):
        return f"{cell.id}: {problem}\n    {facts}"
    for name, wanted in expected.items():
        if name != "exit" and not differs({**expected, name: otherwise(name, wanted)}, facts):
            return f"{cell.id}: {name} is not looked at"
    return None


def run(cell: Cell) -> str | None:
    with nb.Emulator(**cell.fault.get("emulator", {})) as emulator:
        emulator.script(cell.script())
        with nb.Client(**cell.options(emulator)) as client:
            started = time.monotonic()
            came = call(client, cell.kind["id"])
            return judge(cell, came, emulator, time.monotonic() - started)


async def run_async(cell: Cell, turn: asyncio.Semaphore) -> str | None:
    async with turn:
        emulator = await asyncio.to_thread(lambda: nb.Emulator(**cell.fault.get("emulator", {})))
        try:
            emulator.script(cell.script())
            async with nb.AsyncClient(**cell.options(emulator)) as client:
                started = time.monotonic()
                came = await asyncio.wait_for(call_async(client, cell.kind["id"]), 60)
                return judge(cell, came, emulator, time.monotonic() - started)
        finally:
            await asyncio.to_thread(emulator.close)


def conclude(
    problems: list[str | None], how: str, started: float, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [problem for problem in problems if problem]
    with capsys.disabled():
        took = time.monotonic() - started
        print(f"\n{len(problems)} cells of faults {how} in {took:.1f} s, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not exist is not looked for behind a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, ".invalid")


def test_every_fault_ends_as_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        problems = list(pool.map(run, CELLS))
    conclude(problems, "with threads", started, capsys)


def test_every_fault_ends_as_it_should_with_asyncio(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> list[str | None]:
        turn = asyncio.Semaphore(SIDE_BY_SIDE)
        return await asyncio.gather(*(run_async(cell, turn) for cell in CELLS))

    started = time.monotonic()
    conclude(asyncio.run(main()), "with asyncio", started, capsys)

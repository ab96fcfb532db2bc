"""What a client tells of its work: to `on_event`, and to the log."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import json
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import nanobanana as nb
from nanobanana import _client

KEY = "canary-key-7f3a9c"
PROMPT = "a canary in a boat"
BUSY = {"status": 503, "json": {"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}}
QUICK = nb.Retry(max_attempts=3, initial=0.01)


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.002)


class Events(list[nb.ClientEvent]):
    """What was told so far; it comes a moment after the call."""

    def until(self, *names: str) -> Events:
        until(lambda: len(self) >= len(names))
        assert [event.name for event in self] == [*names]
        return self


def test_a_request_and_its_response(emulator: nb.Emulator) -> None:
    events = Events()
    with nb.Client(KEY, base_url=emulator.url, on_event=events.append) as client:
        result = client.generate(PROMPT, model="nano-banana")
    request, response = events.until("request", "response")
    assert (request.model, request.attempt, request.size) == (
        "gemini-2.5-flash-image",
        1,
        emulator.requests[0]["size"],
    )
    assert request.call == response.call > 0
    assert (response.status, response.images, response.size) == (200, 1, len(result.image))
    assert (response.usage, response.cost) == (result.usage, result.cost)
    assert response.request_id == result.attempts[0].request_id
    assert response.took is not None and 0 < response.took < 60
    assert pickle.loads(pickle.dumps(events)) == events
    assert response.to_dict()["name"] == "response"


LOST = [{"cut": "headers"}, {"image": "png 8x8"}]


def test_what_a_result_warns_of_is_in_the_log_at_warning(
    emulator: nb.Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "nanobanana")
    emulator.script(LOST)
    events = Events()
    with nb.Client(KEY, base_url=emulator.url, retry=QUICK, on_event=events.append) as client:
        result = client.generate(PROMPT)
        [warning] = result.warnings
        assert "billed too" in warning
        until(lambda: caplog.records)
        [record] = caplog.records
        assert (record.levelno, warning in record.message) == (logging.WARNING, True)
        events.until("request", "response", "retry", "request", "response", "warning")
        assert events[-1].reason == warning
        assert KEY not in caplog.text and PROMPT not in caplog.text
        # What is said of the options alone costs nothing and loses nothing.
        caplog.clear()
        assert client.generate(PROMPT, model="nano-banana", image_size="4K", on_unsupported="warn").warnings
        client.generate(PROMPT)
        time.sleep(0.3)
        assert not caplog.records


def test_a_warning_is_seen_by_whoever_set_up_no_log(emulator: nb.Emulator) -> None:
    emulator.script(LOST)
    code = "import nanobanana as nb; "
    code += f"c = nb.Client('k', base_url={emulator.url!r}, retry=nb.Retry(initial=.01)); "
    code += "r = c.generate('x'); c.close(); import time; time.sleep(2)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "billed too" in ran.stderr


def test_warnings_stand_in_the_repr_and_the_notebook(emulator: nb.Emulator) -> None:
    emulator.script([*LOST, {"image": "png 8x8"}])
    with nb.Client(KEY, base_url=emulator.url, retry=QUICK) as client:
        warned, quiet = client.generate(PROMPT), client.generate(PROMPT)
    assert "billed too" in repr(warned) and "warnings" not in repr(quiet)
    shown, other = warned._repr_mimebundle_(), quiet._repr_mimebundle_()
    assert "billed too" in shown["text/plain"]
    assert "⚠" in shown["text/html"] and "billed too" in shown["text/html"]
    assert "⚠" not in other["text/html"]
    warned.warnings = ["<b>bold</b>"]
    assert "&lt;b&gt;bold" in warned._repr_mimebundle_()["text/html"]


def test_a_retry_and_its_wait(emulator: nb.Emulator) -> None:
    events = Events()
    emulator.script([BUSY])
    with nb.Client(KEY, base_url=emulator.url, retry=QUICK, on_event=events.append) as client:
        client.generate(PROMPT)
        client.generate(PROMPT)
    again = ("request", "response")
    _, failed, retry, second, _, other, _ = events.until(*again, "retry", *again, *again)
    assert (failed.status, failed.images) == (503, None)
    assert failed.reason == retry.reason == "UNAVAILABLE"
    assert retry.wait is not None and 0 <= retry.wait <= 0.01
    assert [event.attempt for event in (failed, retry, second, other)] == [1, 1, 2, 1]
    assert second.call == retry.call == other.call - 1


def test_what_is_told_in_between(emulator: nb.Emulator) -> None:
    events = Events()
    with nb.Client(KEY, base_url=emulator.url, on_event=events.append) as client:
        list(client.generate_stream(PROMPT))
        chat = client.chat()
        chat.send(PROMPT)
        with chat.send_stream("blue") as stream:
            next(stream)
        assert all(one.ok for one in client.generate_many([PROMPT, PROMPT]))

    async def main() -> None:
        async with nb.AsyncClient(lambda: KEY, base_url=emulator.url, on_event=events.append) as client:
            await client.edit(PROMPT, stream_image)
            async for _ in client.generate_stream(PROMPT):
                pass

    stream_image = chat.history[-1].images[0]
    # Its loop is closed when the last of them may not have been told yet.
    asyncio.run(main())
    until(lambda: [event.name for event in events].count("response") >= 6)
    assert [event.name for event in events].count("request") == 7
    calls = [event.call for event in events if event.name == "request"]
    # The two items of the bulk run are sent side by side, so the third and fourth come in any order.
    assert calls[:3] + sorted(calls[3:5]) + calls[5:] == sorted(set(calls))


def test_a_common_pause_is_told(emulator: nb.Emulator) -> None:
    events = Events()
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.5s"}]
    limit = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": details}
    emulator.script([{"status": 429, "json": {"error": limit}}])
    with nb.Client(KEY, base_url=emulator.url, on_event=events.append) as client:
        first = threading.Thread(target=lambda: client.generate(PROMPT))
        first.start()
        until(lambda: any(event.name == "retry" for event in events))
        client.generate(PROMPT)
        first.join()
    until(lambda: [event.name for event in events].count("response") == 3)
    waits = [event for event in events if event.name == "wait"]
    # One that waits for its turn, and not for the pause, does not know how long.
    known = [event.wait for event in waits if event.wait is not None]
    assert known and all(0 < wait <= 0.6 for wait in known)


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("DEBUG", ["request", "response", "retry", "request", "response"]),
        ("INFO", ["retry"]),
        ("WARNING", []),
    ],
)
def test_the_log_is_told_by_levels(
    level: str, told: list[str], emulator: nb.Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.script([BUSY])
    with nb.Client(KEY, base_url=emulator.url, retry=QUICK) as client:
        # What is set up after the client was made counts, too.
        caplog.set_level(level, "nanobanana")
        client.generate(PROMPT)
        until(lambda: len(caplog.records) >= len(told))
        time.sleep(0.05)
    events: list[nb.ClientEvent] = [record.__dict__["event"] for record in caplog.records]
    assert [event.name for event in events] == told
    for record, event in zip(caplog.records, events, strict=True):
        quiet = event.name in ("request", "response")
        assert record.levelno == (logging.DEBUG if quiet else logging.INFO)
        assert (record.name, record.getMessage()) == ("nanobanana", event.message)
        assert f"call {event.call} ({event.model})" in record.getMessage()


def test_nobody_is_disturbed_when_nobody_listens(client: nb.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(_client, "tell", lambda *event: told.append(event))
    client.generate(PROMPT)
    time.sleep(0.1)
    assert told == []


@pytest.mark.parametrize("imports", ["", "import logging, asyncio", "import logging; logging.basicConfig()"])
def test_by_default_nothing_is_shown_or_imported(imports: str) -> None:
    program = f"""
import sys
{imports}
import nanobanana as nb
with nb.Emulator() as emulator:
    emulator.script([{BUSY!r}])
    nb.Client("key", base_url=emulator.url, retry=nb.Retry(initial=0.01)).generate("a boat")
print("logging" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == (f"{bool(imports)}\n", "")


def test_the_end_of_a_program_does_not_swallow_the_last_step(emulator: nb.Emulator) -> None:
    program = """
import sys
import nanobanana as nb
show = lambda event: print(event.name)
nb.Client("key", base_url=sys.argv[1], on_event=show).generate("a boat")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, emulator.url], capture_output=True, text=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("request\nresponse\n", "")


def test_no_event_holds_a_key_a_prompt_or_a_picture(
    emulator: nb.Emulator, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    events = Events()
    echo = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": f"{KEY} may not say {PROMPT!r}"}}
    emulator.script([{"status": 400, "json": echo}, {"status": 500, "body": KEY}, {"cut": 100}, BUSY])
    with nb.Client(KEY, base_url=emulator.url, retry=QUICK, on_event=events.append) as client:
        for _ in range(2):
            with pytest.raises(nb.APIError):
                client.generate(PROMPT, system=PROMPT, retry=False)
        result = client.generate(PROMPT, labels={"canary": "x"}, headers={"x-canary": KEY})
        client.edit([PROMPT, result.image], result.image)
        list(client.generate_stream(PROMPT))
    until(lambda: [event.name for event in events].count("response") == 7)
    until(lambda: len(caplog.records) >= len(events))
    shown = caplog.text + "".join(capfd.readouterr())
    for event in events:
        shown += repr(event) + str(event.to_dict()) + repr(pickle.dumps(event)) + event.message
    assert KEY not in shown
    assert PROMPT not in shown and "canary" not in shown.replace("test_no_event", "")
    picture = result.image.bytes
    for part in (picture[200:230], base64.b64encode(picture[300:330])):
        assert repr(part)[2:-1] not in shown
    assert max(len(event.message) for event in events) < 500


def test_what_on_event_raises_breaks_no_call(emulator: nb.Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    events = Events()

    def on_event(event: nb.ClientEvent) -> None:
        events.append(event)
        raise ValueError(event.name)

    with nb.Client(KEY, base_url=emulator.url, on_event=on_event) as client:
        assert client.generate(PROMPT).images
    events.until("request", "response")
    until(lambda: len(reported) == 2)
    assert [str(one.exc_value) for one in reported] == ["request", "response"]
    assert reported[0].object is on_event


def test_a_slow_watcher_holds_up_no_call(emulator: nb.Emulator) -> None:
    gate = threading.Event()
    events = Events()

    def on_event(event: nb.ClientEvent) -> None:
        assert gate.wait(10)
        events.append(event)

    with nb.Client(KEY, base_url=emulator.url, on_event=on_event) as client:
        for _ in range(3):
            client.generate(PROMPT)
    assert events == []
    gate.set()
    events.until(*["request", "response"] * 3)
    assert [event.call for event in events] == sorted(event.call for event in events)


def test_copies_are_watched_pickles_are_not(emulator: nb.Emulator) -> None:
    events, others = Events(), Events()
    client = nb.Client(KEY, base_url=emulator.url, on_event=events.append)
    assert "on_event" not in repr(client)
    client.with_options(model="nano-banana").generate(PROMPT)
    events.until("request", "response")
    client.with_options(on_event=others.append).generate(PROMPT)
    others.until("request", "response")
    os.environ["GEMINI_API_KEY"] = KEY
    try:
        pickle.loads(pickle.dumps(client)).generate(PROMPT)
    finally:
        del os.environ["GEMINI_API_KEY"]
    with nb.Client.offline(on_event=events.append) as offline:
        offline.generate(PROMPT)
    events.until(*["request", "response"] * 2)
    others.until("request", "response")
    for make in (nb.Client, nb.AsyncClient.offline):
        with pytest.raises(nb.InvalidOptionError, match="on_event"):
            make(on_event=5)  # type: ignore[arg-type]


def in_child(client: nb.Client, told: list[nb.ClientEvent], answers: Any) -> None:
    told.clear()
    client.generate(PROMPT)
    until(lambda: len(told) == 2)
    answers.put([event.name for event in told])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_goes_on_telling(emulator: nb.Emulator) -> None:
    events = Events()
    client = nb.Client(KEY, base_url=emulator.url, on_event=events.append)
    client.generate(PROMPT)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    # Also when the parent was handing out at that moment.
    child = context.Process(target=in_child, args=(client, events, answers))
    child.start()
    assert answers.get(timeout=60) == ["request", "response"]
    child.join(20)
    client.generate(PROMPT)
    events.until(*["request", "response"] * 2)


def test_a_watcher_may_use_the_client(emulator: nb.Emulator) -> None:
    events = Events()

    def on_event(event: nb.ClientEvent) -> None:
        events.append(event)
        if len(events) == 1:
            client.generate(PROMPT)

    client = nb.Client(KEY, base_url=emulator.url, on_event=on_event)
    client.generate(PROMPT)
    until(lambda: len(events) == 4)
    assert json.dumps([event.to_dict() for event in events])


LIMIT = 4_096


def test_a_stuck_watcher_costs_a_limited_number_of_events(emulator: nb.Emulator) -> None:
    gate, stuck = threading.Event(), threading.Event()
    events, others = Events(), Events()

    def on_event(event: nb.ClientEvent) -> None:
        stuck.set()
        assert gate.wait(60)
        events.append(event)

    other = nb.Client(KEY, base_url=emulator.url, on_event=others.append)
    # Nobody answers there: the cheapest call that has events.
    with nb.Client(KEY, base_url="http://127.0.0.1:9", on_event=on_event, retry=False) as client:
        calls = LIMIT // 2 + 100
        assert len(list(client.generate_many([PROMPT] * calls))) == calls
        assert stuck.is_set()
        # Another client's watcher is not held up, and nor is the end of a call.
        other.generate(PROMPT)
        others.until("request", "response")
    gate.set()
    until(lambda: events and events[-1].name == "dropped", seconds=30)
    kept, dropped = len(events) - 1, events[-1].dropped
    # The one in the callback's hands is none that waits.
    assert LIMIT <= kept <= LIMIT + 1
    assert dropped == 2 * calls - kept
    assert events[-1].message.startswith(f"{dropped} events were dropped")


REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("REQUEST", default="none")


def test_events_are_told_in_the_context_of_their_call(
    emulator: nb.Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[int, str]] = []

    def on_event(event: nb.ClientEvent) -> None:
        told.append((event.call, REQUEST.get()))

    class Tags(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.tag = REQUEST.get()
            return True

    caplog.set_level("DEBUG", "nanobanana")
    logging.getLogger("nanobanana").addFilter(tags := Tags())
    try:
        with nb.Client(KEY, base_url=emulator.url, on_event=on_event) as client:
            calls: dict[str, int | None] = {}

            def one(name: str, make: Callable[[], Any]) -> None:
                REQUEST.set(name)
                calls[name] = make()

            def streamed() -> int | None:
                stream = client.generate_stream(PROMPT)
                # Who reads may have another context.
                list(contextvars.Context().run(lambda: [*stream]))
                assert stream.result
                return stream.result.call

            for name, make in {
                "plain": lambda: client.generate(PROMPT).call,
                "chat": lambda: client.chat().send(PROMPT).call,
                "stream": streamed,
                "many": lambda: [one.result.call for one in client.generate_many([PROMPT]) if one.result][0],
            }.items():
                contextvars.Context().run(one, name, make)

            async def main() -> None:
                async with nb.AsyncClient(KEY, base_url=emulator.url, on_event=on_event) as client:
                    REQUEST.set("awaited")
                    calls["awaited"] = (await client.generate(PROMPT)).call

            asyncio.run(main())
        until(lambda: len(told) == 2 * len(calls))
        assert told == [(call, name) for name, call in calls.items() for _ in range(2)]
        until(lambda: len(caplog.records) == len(told))
        assert {record.__dict__["tag"] for record in caplog.records} == set(calls)
    finally:
        logging.getLogger("nanobanana").removeFilter(tags)


def test_results_and_errors_have_the_number_of_their_call(emulator: nb.Emulator) -> None:
    events = Events()
    with nb.Client(KEY, base_url=emulator.url, retry=False, on_event=events.append) as client:
        result = client.generate(PROMPT, n=3)
        until(lambda: len(events) == 6)
        assert {event.call for event in events} == {result.call}
        assert sorted(event.index for event in events) == [0, 0, 1, 1, 2, 2]
        assert result.to_dict()["call"] == result.call
        emulator.script([{"status": 429}])
        with pytest.raises(nb.RateLimitError) as caught:
            client.generate(PROMPT)
        until(lambda: len(events) == 8)
        assert caught.value.call == events[-1].call != result.call
        with pytest.raises(nb.InvalidOptionError) as refused:
            client.generate(PROMPT, n=0)
        assert refused.value.call is None


def test_a_callback_that_never_returns_does_not_hold_up_the_end(emulator: nb.Emulator) -> None:
    program = """
import sys, threading
import nanobanana as nb
nb.Client("key", base_url=sys.argv[1], on_event=lambda event: threading.Event().wait()).generate("a boat")
print("drawn", flush=True)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, emulator.url], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "drawn\n", "")

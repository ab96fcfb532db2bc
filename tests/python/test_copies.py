"""Who holds whom: callbacks in cycles, `copy.copy` and pickles of every public class, other interpreters."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import pickle
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

KEY = "test-key-0123"
PROMPT = "a boat"


class App:
    """Holds a client, or what a client has opened, which calls a method of this."""

    client: Any
    held: Any

    def __init__(self) -> None:
        self.told: list[str] = []

    def log(self, event: nb.ClientEvent) -> None:
        self.told.append(event.name)

    def key(self) -> str:
        return KEY

    def prompts(self) -> Iterator[str]:
        while self:
            yield PROMPT


def plain(app: App, url: str) -> None:
    app.client = nb.Client(KEY, base_url=url, on_event=app.log)


def used(app: App, url: str) -> None:
    plain(app, url)
    app.client.generate(PROMPT, model="nano-banana")


def offline(app: App, url: str) -> None:
    app.client = nb.Client.offline(on_event=app.log)


def awaited(app: App, url: str) -> None:
    app.client = nb.AsyncClient(KEY, base_url=url, on_event=app.log)
    asyncio.run(app.client.generate(PROMPT, model="nano-banana"))


def copied(app: App, url: str) -> None:
    app.client = nb.Client(KEY, base_url=url).with_options(on_event=app.log).with_options(model="nano-banana")


def talking(app: App, url: str) -> None:
    plain(app, url)
    app.held = app.client.chat()
    app.held.send(PROMPT)


def streaming(app: App, url: str) -> None:
    plain(app, url)
    app.held = app.client.generate_stream(PROMPT, model="nano-banana")
    next(app.held)


def streamed_and_awaited(app: App, url: str) -> None:
    app.client = nb.AsyncClient(KEY, base_url=url, on_event=app.log)
    app.held = app.client.generate_stream(PROMPT, model="nano-banana")


def many(app: App, url: str) -> None:
    plain(app, url)
    app.held = app.client.generate_many(app.prompts(), model="nano-banana")
    next(app.held)


def keyed(app: App, url: str) -> None:
    app.client = nb.Client(app.key, base_url=url, on_event=app.log)
    app.client.generate(PROMPT, model="nano-banana")


def keyed_stream(app: App, url: str) -> None:
    app.client = nb.Client(app.key, base_url=url)
    app.held = app.client.generate_stream(PROMPT, model="nano-banana")
    next(app.held)


def keyed_many(app: App, url: str) -> None:
    app.client = nb.Client(app.key, base_url=url)
    app.held = app.client.generate_many(app.prompts(), model="nano-banana")
    next(app.held)


def in_a_context(app: App, url: str) -> None:
    plain(app, url)
    variable.set(app)
    app.held = app.client.generate_stream(PROMPT, model="nano-banana")
    next(app.held)


variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable")
WAYS = [
    plain,
    used,
    offline,
    awaited,
    copied,
    talking,
    streaming,
    streamed_and_awaited,
    many,
    keyed,
    keyed_stream,
    keyed_many,
    in_a_context,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_its_owner_watches_goes_with_it(
    way: Callable[[App, str], None], emulator: nb.Emulator
) -> None:
    app = App()
    contextvars.Context().run(way, app, emulator.url)
    gone = weakref.ref(app)
    del app
    ends = time.monotonic() + 30
    while gone() is not None and time.monotonic() < ends:
        gc.collect()
        time.sleep(0.005)
    assert gone() is None


def test_a_callback_lives_as_long_as_there_are_events_for_it(emulator: nb.Emulator) -> None:
    told: list[str] = []
    gate = threading.Event()

    def on_event(event: nb.ClientEvent) -> None:
        gate.wait(10)
        told.append(event.name)

    # Nobody holds the client any more, nor the function.
    nb.Client(KEY, base_url=emulator.url, on_event=on_event).generate(PROMPT)
    list(nb.Client(KEY, base_url=emulator.url, on_event=on_event).generate_stream(PROMPT))
    gone = weakref.ref(on_event)
    del on_event
    gc.collect()
    gate.set()
    ends = time.monotonic() + 30
    while gone() is not None and time.monotonic() < ends:
        gc.collect()
        time.sleep(0.005)
    assert gone() is None
    assert told == ["request", "response"] * 2


def test_clients_are_copied_with_all_that_they_are(emulator: nb.Emulator) -> None:
    told: list[str] = []
    key = lambda: KEY  # noqa: E731
    client = nb.Client(key, base_url=emulator.url, on_event=lambda event: told.append(event.name), budget=1)
    for make in (copy.copy, copy.deepcopy):
        again = make(client)
        assert type(again) is nb.Client and again is not client
        before = client.spent.usd
        again.generate(PROMPT)
        assert client.spent.usd > before
        again.close()
        client.generate(PROMPT)
    ends = time.monotonic() + 30
    while len(told) < 8 and time.monotonic() < ends:
        time.sleep(0.005)
    assert told == ["request", "response"] * 4
    with nb.Client.offline() as free, copy.copy(free) as same:
        same.generate(PROMPT)

    class Mine(nb.AsyncClient):
        """Has attributes of its own."""

    mine = Mine(KEY, base_url=emulator.url)
    mine.name = "x"  # type: ignore[attr-defined]
    assert copy.copy(mine).name == "x"  # type: ignore[attr-defined]
    assert type(copy.deepcopy(mine)) is Mine


def test_a_copy_of_a_conversation_is_a_branch(client: nb.Client) -> None:
    chat = client.chat()
    chat.send(PROMPT)
    for make in (copy.copy, copy.deepcopy):
        branch = make(chat)
        branch.send("blue")
        assert (len(chat.history), len(branch.history)) == (2, 4)
    assert copy.copy(client.files).list() == []


def things(client: nb.Client, emulator: nb.Emulator) -> dict[str, Any]:
    other = nb.AsyncClient(KEY, base_url=emulator.url)
    return {
        "Stream": client.generate_stream(PROMPT),
        "Outcomes": client.generate_many([PROMPT]),
        "AsyncStream": other.generate_stream(PROMPT),
        "AsyncOutcomes": other.generate_many([PROMPT]),
        "Emulator": emulator,
    }


@pytest.mark.parametrize("name", ["Stream", "Outcomes", "AsyncStream", "AsyncOutcomes", "Emulator"])
def test_what_is_under_way_is_there_once(name: str, client: nb.Client, emulator: nb.Emulator) -> None:
    thing = things(client, emulator)[name]
    for make in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=f"{name} can be neither copied nor pickled: .*instead|pass on"):
            make(thing)
    gc.collect()
    # No half-made copy has ended it.
    if name in ("Stream", "Outcomes"):
        assert list(thing)


def test_conversations_and_files_say_how_they_are_kept(client: nb.Client) -> None:
    with pytest.raises(TypeError, match="load_chat"):
        pickle.dumps(client.chat())
    with pytest.raises(TypeError, match="pickle the client"):
        pickle.dumps(client.files)


def test_values_are_copied_and_pickle(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"status": 429}])
    with pytest.raises(nb.RateLimitError) as caught:
        client.generate(PROMPT)
    error = caught.value
    result = client.generate(PROMPT, model="nano-banana")
    outcome = next(client.generate_many([PROMPT], model="nano-banana"))
    wraps = [nb.Reference(result.image, name="Mia"), nb.Attachment(b"x"), nb.Box(1, 2, 3, 4)]
    for value in [result, result.image, result.usage, outcome, nb.Retry(max_attempts=2), *wraps]:
        for again in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert type(again) is type(value) and again == value
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is nb.RateLimitError and again.to_dict() == error.to_dict()
    # A list that is changed in a deep copy is not the first one's.
    copy.deepcopy(result).images.clear()
    assert result.images


SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

before = "first" in sys.argv and __import__("nanobanana")
inside = '''
import sys
sys.path[:] = {path!r}
try:
    import nanobanana
except ImportError as error:
    print("refused:", error)
else:
    print(nanobanana.Client.offline().generate("a boat").image.width)
'''.format(path=sys.path)
made = [interpreters.create()]
try:
    made.append(interpreters.create("legacy"))  # without a GIL of its own
except TypeError:
    pass
for one in made:
    getattr(interpreters, "exec", interpreters.run_string)(one, inside)
# The main interpreter has it, whoever asked first.
import nanobanana
print(nanobanana.Client.offline().generate("a boat").image.width)
"""


def pythons() -> list[str]:
    """This Python, and others of this machine that the extension module fits."""
    found = [sys.executable]
    for minor in range(12, 16):
        path = shutil.which(f"python3.{minor}")
        if path and f"3.{minor}." not in sys.version and answers(path):
            found.append(path)
    return found


def answers(python: str) -> bool:
    """Some are only the names of what could be installed."""
    return subprocess.run([python, "-c", ""], capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize("order", ["first", "later"])
def test_a_subinterpreter_is_refused_in_words(python: str, order: str) -> None:
    root = Path(nb.__file__).parent.parent
    program = f"import sys; sys.path.insert(0, {str(root)!r})\n{SUBINTERPRETER}"
    ended = subprocess.run([python, "-c", program, order], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    *refused, width = ended.stdout.splitlines()
    assert refused and width == "1024"
    for line in refused:
        assert line.startswith("refused: nanobanana does not work in a subinterpreter")
        assert "main interpreter" in line and "WSGIApplicationGroup" in line

"""One key through every error, repr, pickle, trace, warning, log and file: it must be found nowhere.

A new way to fail is a row of `tests/canary.json`, which both languages read, a new kind of call one of
`ROUTES`, and whatever a feature shows or writes is handed to a `Hunt`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import inspect
import json
import logging
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nanobanana as nb

TESTS = Path(__file__).parent.parent
OURS = str(Path(nb.__file__).parent)
# What a service or a gateway on the way may answer, the key in every place that it can reach.
STATED: dict[str, Any] = json.loads((TESTS / "canary.json").read_text("utf-8"))
KEY: str = STATED["key"]
# Secrets of their own: the filter of the key must not be the one that finds them.
COOKIE: str = STATED["cookie"]
PASSWORD: str = STATED["password"]
HEADERS: dict[str, str] = STATED["headers"]
REPLIES: dict[str, dict[str, Any]] = {
    **{f"{s} echo": {"status": s, "headers": HEADERS, "json": STATED["error"]} for s in STATED["statuses"]},
    **{f"{s} HTML": {"status": s, "headers": HEADERS, "body": STATED["html"]} for s in STATED["statuses"]},
    **{f"{s} empty": {"status": s, "headers": HEADERS, "body": ""} for s in STATED["statuses"]},
    # The key across the place where a long text is cut short.
    **{f"cut at {at}": {"status": 502, "body": "x" * at + KEY + "y" * 4000} for at in STATED["cuts"]},
    **STATED["replies"],
}


def coded(secret: str) -> str:
    """What its base64 has in common wherever it stands behind "me:"."""
    return base64.b64encode(b"me:" + secret.encode())[4:-4].decode()


# A cut through the middle must not leave a piece that is worth something.
PIECES = tuple(
    piece
    for secret in (KEY, COOKIE, PASSWORD)
    for piece in (secret, secret[:12], secret[-12:], coded(secret))
)


class Hunt:
    """Gathers what can be seen, and looks for the key in all of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[tuple[str, str]] = []
        self.objects = 0

    def text(self, where: str, text: object) -> None:
        self.seen.append((where, text.decode("latin-1") if isinstance(text, bytes) else str(text)))

    def look(self, thing: Any, where: str = "") -> None:
        """Everything by which Python shows an object or carries it elsewhere."""
        where = where or type(thing).__name__
        self.objects += 1
        for show in (repr, str, ascii, format):
            self.text(f"{show.__name__} of {where}", show(thing))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            # Streams, chats and emulators have no pickle.
            with contextlib.suppress(TypeError, AttributeError):
                self.text(f"pickle of {where}", pickle.dumps(thing, protocol))
        with contextlib.suppress(TypeError, AttributeError, nb.ConfigError):
            self.text(f"reduction of {where}", repr(thing.__reduce_ex__(4)))
            self.text(f"copy of {where}", repr(copy.copy(thing)))
        for name, member in inspect.getmembers(thing, lambda member: not callable(member)):
            self.text(f"{where}.{name}", repr(member))
        self.text(f"the fields of {where}", repr(getattr(thing, "__dict__", {})))
        with contextlib.suppress(AttributeError):
            self.text(f"{where}.to_dict", json.dumps(thing.to_dict(), ensure_ascii=False))
        for field in ("errors", "attempts", "warnings"):
            for item in getattr(thing, field, None) or []:
                self.look(item, f"{where}.{field}")
        if isinstance(thing, BaseException):
            self.trace(thing)

    def trace(self, error: BaseException) -> None:
        """The traceback as it is printed, and the locals of our own frames."""
        self.text("traceback", "".join(traceback.format_exception(error)))
        known: set[int] = set()
        link: BaseException | None = error
        while link is not None and id(link) not in known:
            known.add(id(link))
            self.text("cause", f"{link!r} {link.args!r} {vars(link)!r} {getattr(link, '__notes__', '')}")
            told = traceback.TracebackException.from_exception(link, capture_locals=True)
            for frame in told.stack:
                if frame.filename.startswith(OURS):
                    self.text(f"locals of {frame.name} in {frame.filename}", frame.locals)
            # Sentry and its like look into the values one by one.
            for frame, _ in traceback.walk_tb(link.__traceback__):
                if frame.f_code.co_filename.startswith(OURS):
                    self.text(f"values in {frame.f_code.co_name}", deep(frame.f_locals))
            link = link.__cause__ or link.__context__

    def files(self, folder: Path | None = None) -> int:
        """Every file below the folder, its name and its bytes."""
        files = [path for path in (folder or self.folder).rglob("*") if path.is_file()]
        for path in files:
            self.text(f"the name of {path}", path)
            self.text(f"the file {path}", path.read_bytes())
        return len(files)

    def caught(self) -> list[str]:
        return [where for where, text in self.seen if any(piece in text for piece in PIECES)]

    def ends(self) -> None:
        self.files()
        caught = self.caught()
        assert not caught, f"the key was found in {sorted(set(caught))}"
        assert self.objects, "nothing was looked at"


def deep(value: Any, depth: int = 4) -> str:
    """What a tool sees that opens lists and dicts itself, whatever their `repr` says."""
    if depth and isinstance(value, dict):
        return " ".join(f"{deep(key, depth - 1)} {deep(item, depth - 1)}" for key, item in value.items())
    if depth and isinstance(value, (list, tuple, set)):
        return " ".join(deep(item, depth - 1) for item in value)
    return str.__str__(value) if isinstance(value, str) else repr(value)


@pytest.fixture
def hunt(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> Iterator[Hunt]:
    """A hunt that also hears every logger at DEBUG, every warning, and what is printed."""
    hunt = Hunt(tmp_path)
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    for name in ("nanobanana", "asyncio", "concurrent.futures"):
        caplog.set_level(logging.DEBUG, logger=name)
    warnings.simplefilter("always")
    yield hunt
    for record in caplog.records:
        hunt.text(f"log of {record.name}", f"{record.getMessage()} {record.__dict__!r}")
    for warning in recwarn:
        hunt.text("warning", warnings.formatwarning(warning.message, warning.category, "", 0))
    out, err = capfd.readouterr()
    hunt.text("stdout", out)
    hunt.text("stderr", err)
    hunt.ends()


Route = Callable[[Hunt, dict[str, Any]], Any]


def by_client(hunt: Hunt, options: dict[str, Any]) -> None:
    with nb.Client(**options) as client:
        hunt.look(client)
        client.generate("a boat")


def by_n(hunt: Hunt, options: dict[str, Any]) -> None:
    with nb.Client(**options) as client:
        hunt.look(client.generate("a boat", n=3))


def by_stream(hunt: Hunt, options: dict[str, Any]) -> None:
    with nb.Client(**options) as client, client.generate_stream("a boat") as stream:
        hunt.look(stream)
        for event in stream:
            hunt.look(event)


def by_chat(hunt: Hunt, options: dict[str, Any]) -> None:
    with nb.Client(**options) as client:
        chat = client.chat()
        try:
            chat.send("a boat")
        finally:
            hunt.look(chat)
            chat.save(hunt.folder / "chat.json")
            hunt.look(client.load_chat(hunt.folder / "chat.json"))


def by_loop(hunt: Hunt, options: dict[str, Any]) -> None:
    async def main() -> None:
        async with nb.AsyncClient(**options) as client:
            hunt.look(client)
            task = asyncio.create_task(client.generate("a boat"))
            await asyncio.sleep(0)
            hunt.text("task", repr(task))
            forgotten = asyncio.create_task(client.generate("a boat"))
            await asyncio.wait([forgotten])
            del forgotten  # asyncio logs its error
            await task

    asyncio.run(main(), debug=True)


def by_callable(hunt: Hunt, options: dict[str, Any]) -> None:
    key = options.pop("api_key")
    with nb.Client(lambda: key, **options) as client:
        hunt.look(client)
        list(client.generate_stream("a boat"))


def by_copy(hunt: Hunt, options: dict[str, Any]) -> None:
    with nb.Client(**{**options, "api_key": "another"}) as first:
        client = first.with_options(api_key=options["api_key"], model="nano-banana")
        hunt.look(client)
        client.generate("a boat")


ROUTES: dict[str, Route] = {
    "call": by_client,
    "n": by_n,
    "stream": by_stream,
    "chat": by_chat,
    "loop": by_loop,
    "key of each call": by_callable,
    "copy": by_copy,
}
RETRY = nb.Retry(max_attempts=2, initial=0.01, max_wait=1)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("reply", REPLIES)
def test_replies(reply: str, route: str, hunt: Hunt, emulator: nb.Emulator) -> None:
    emulator.script([REPLIES[reply]] * 8)
    options = {"api_key": KEY, "base_url": emulator.url, "timeout": 1 if reply == "silence" else 30}
    options["headers"] = STATED["sent"]
    talks = reply == "words" and route == "chat"  # where words are an answer, too
    try:
        ROUTES[route](hunt, {**options, "retry": RETRY})
    except nb.NanoBananaError as error:
        hunt.look(error)
    else:
        assert talks, "it did not fail"
    hunt.look(emulator)
    hunt.text("emulator.requests", emulator.requests)
    assert emulator.requests


# What goes wrong before or around a request, and how a client may be set up.


@contextlib.contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """One that answers each connection so, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def tls_server() -> Iterator[str]:
    """One with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TESTS / "media" / "localhost.pem", TESTS / "media" / "localhost.key")
    with server(lambda line: context.wrap_socket(line, server_side=True).close()) as port:
        yield f"https://localhost:{port}"


@contextlib.contextmanager
def proxy_server() -> Iterator[str]:
    """One that is not content with the password, and repeats it."""
    basic = base64.b64encode(b"me:" + PASSWORD.encode()).decode()
    body = f"<html>Proxy-Authorization: Basic {basic} {PASSWORD}</html>".encode()
    head = b"HTTP/1.1 407 %s\r\nx-said: %s\r\ncontent-length: %d\r\n\r\n"
    told = head % (PASSWORD.encode(), PASSWORD.encode(), len(body)) + body

    def refuse(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(told)

    with server(refuse) as port:
        yield f"127.0.0.1:{port}"


SETTINGS: dict[str, dict[str, Any]] = {
    **STATED["settings"],
    "a key in bytes": {"api_key": KEY.encode()},
    "a key that is half a letter": {"api_key": KEY + "\ud800"},
    "a header in bytes": {"headers": {"authorization": KEY.encode()}},
}


@pytest.mark.parametrize("route", ["call", "stream", "chat", "loop", "key of each call", "copy"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings(setting: str, route: str, hunt: Hunt, emulator: nb.Emulator) -> None:
    emulator.script([REPLIES["400 echo"]] * 8)
    with tls_server() as tls, proxy_server() as proxy:
        places = {"tls": tls, "proxy": proxy, "port": emulator.url.rsplit(":", 1)[1]}
        given = {
            name: value.format(**places) if name in ("base_url", "proxy") else value
            for name, value in SETTINGS[setting].items()
        }
        options = {"api_key": KEY, "base_url": emulator.url, "timeout": 5, "retry": RETRY, **given}
        with pytest.raises(nb.NanoBananaError) as caught:
            ROUTES[route](hunt, options)
    hunt.look(caught.value)
    # A function that gives no usable key is refused before anything is sent.
    is_refused = (setting, route) == ("a key with a space", "key of each call")
    assert (setting in STATED["echoed"] and not is_refused) <= bool(emulator.requests)


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("picture", STATED["pictures"])
def test_pictures_from_the_web(picture: str, allow: bool, hunt: Hunt, emulator: nb.Emulator) -> None:
    emulator.script([REPLIES["400 echo"]])
    client = nb.Client(KEY, base_url=emulator.url, retry=False, allow_private_urls=allow)
    with client, pytest.raises(nb.NanoBananaError) as caught:
        client.edit("a boat", STATED["pictures"][picture])
    # What the caller handed to us stands in our frames.
    hunt.look(caught.value.with_traceback(None))


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_the_environment(
    variable: str, hunt: Hunt, emulator: nb.Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "another")
    monkeypatch.setenv(variable, KEY)
    emulator.script([REPLIES["401 echo"]] * 3)
    by_hand = nb.Client(base_url=emulator.url, retry=False)
    for client in (by_hand, pickle.loads(pickle.dumps(by_hand)), copy.copy(by_hand)):
        hunt.look(client)
        with pytest.raises(nb.AuthenticationError) as caught:
            client.generate("a boat")
        hunt.look(caught.value)


def test_what_goes_well(hunt: Hunt, emulator: nb.Emulator) -> None:
    emulator.script([{"status": 503, "json": STATED["error"]}, {"cut": "headers"}, {}])
    options: dict[str, Any] = {"base_url": emulator.url, "proxy": None, "headers": {"authorization": KEY}}
    retry = nb.Retry(max_attempts=4, initial=0.01)
    with nb.Client(KEY, **options, retry=retry) as client:
        result = client.generate("a boat", model="nano-banana")
        assert len(result.attempts) == 3
        result.save(hunt.folder / "pictures")
        result.image.save(hunt.folder / "boat.webp")
        chat = client.chat(model="nano-banana")
        chat.send("a boat", headers=STATED["sent"])
        chat.save(hunt.folder / "chat.json")
        stream = client.generate_stream("a boat", model="nano-banana")
        for thing in (client, result, result.image, chat, chat.history, stream, *stream, client.models()):
            hunt.look(thing)
        hunt.look(client.with_options(timeout=5))
        with pytest.raises(TypeError):
            pickle.dumps(stream)
    assert hunt.files() >= 3
    hunt.text("emulator.requests", emulator.requests)


def test_what_a_run_leaves_and_what_is_told_of_it(hunt: Hunt, emulator: nb.Emulator) -> None:
    echo = {"status": 400, "json": STATED["error"]}
    lost = {"cut": "headers"}
    emulator.script([{"status": 503, "json": STATED["error"]}, {"image": "png 8x8"}, echo, lost, echo])
    events: list[nb.ClientEvent] = []
    options: dict[str, Any] = {"base_url": emulator.url, "headers": {"authorization": KEY}, "budget": 5}
    retry = nb.Retry(max_attempts=3, initial=0.01)
    client = nb.Client(KEY, **options, retry=retry, cache=hunt.folder / "cache", on_event=events.append)
    run: dict[str, Any] = {"journal": hunt.folder / "run.jsonl", "save_to": hunt.folder / "out"}
    with client:
        items = ["a boat", {"prompt": "a house", "options": {"headers": {"cookie": KEY}}}, "a boat", "a tree"]
        outcomes = list(client.generate_many(items, concurrency=1, **run))
        outcomes += list(client.generate_many(items, **run))
        assert any(outcome.cached for outcome in outcomes) and not all(outcome.ok for outcome in outcomes)
        for thing in (client, client.spent, client.estimate("a boat"), *outcomes):
            hunt.look(thing)
        for outcome in outcomes:
            hunt.look(outcome.result if outcome.ok else outcome.error)
        with pytest.raises(nb.BudgetExceededError) as refused:
            client.with_options(budget=0.000001).generate("a hut")
        hunt.look(refused.value)
    assert len(events) >= 8
    for event in events:
        hunt.look(event)
    # A journal, pictures and notes, and kept answers.
    assert hunt.files() >= 6


def test_the_module(hunt: Hunt, emulator: nb.Emulator) -> None:
    emulator.script([REPLIES["500 echo"]] * 3)
    nb.set_default_client(nb.Client(KEY, base_url=emulator.url, retry=False))
    try:
        with pytest.raises(nb.InternalServerError) as caught:
            nb.generate("a boat")
        hunt.look(caught.value)
        modules = [module for name, module in sys.modules.items() if name.startswith("nanobanana")]
        for module in modules:
            assert isinstance(module, ModuleType)
            hunt.text(module.__name__, repr(vars(module)))
    finally:
        nb.set_default_client(None)


COMMANDS = [
    ["generate", "a boat", "-o", "boat"],
    ["generate", "a boat", "-o", "boat", "--json"],
    ["edit", "a boat", f"https://no-such-host.invalid/a.png?key={KEY}", "-o", "boat"],
    ["generate", "a boat", "--no-such-option", "x"],
    ["models"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:1] + command[4:]))
def test_the_command(command: list[str], hunt: Hunt, emulator: nb.Emulator) -> None:
    emulator.script([REPLIES["400 echo"]])
    names = {
        "GOOGLE_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": emulator.url,
        "HTTPS_PROXY": f"http://me:{KEY}@a",
    }
    # Whatever a library on the way would log, were it asked to.
    loud = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full", "PYTHONVERBOSE": "", "NODE_DEBUG": "nanobanana"}
    ended = subprocess.run(
        [sys.executable, "-m", "nanobanana", *command],
        capture_output=True,
        env={**os.environ, **names, **loud},
        timeout=30,
    )
    assert (ended.returncode == 0) == (command == ["models"])
    hunt.text("stdout", ended.stdout)
    hunt.text("stderr", ended.stderr)
    hunt.objects += 1


def test_the_hunt_finds_what_is_there(tmp_path: Path) -> None:
    """Else all of the above would pass for nothing."""

    def finds(put: Callable[[Hunt], Any]) -> bool:
        hunt = Hunt(tmp_path)
        put(hunt)
        return bool(hunt.caught())

    class Shown:
        def __init__(self, **fields: Any) -> None:
            self.__dict__.update(fields)

    def raised(error: Exception) -> Exception:
        try:
            raise error from ValueError(KEY)
        except Exception as caught:
            return caught

    assert finds(lambda hunt: hunt.look(nb.BadRequestError(f"no {KEY}")))
    assert finds(lambda hunt: hunt.look(nb.RateLimitError("no", quota=KEY)))
    assert finds(lambda hunt: hunt.look(nb.RateLimitError("no", attempts=[nb.Attempt(reason=KEY[:14])])))
    assert finds(lambda hunt: hunt.look(Shown(hidden=[KEY])))
    assert finds(lambda hunt: hunt.look(raised(nb.ConfigError("no"))))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.bin").write_bytes(b"\xff" + KEY.encode())
    assert finds(lambda hunt: hunt.files())
    namespace: dict[str, Any] = {}
    exec(compile("def frame(kept): raise ValueError", OURS + "/_fake.py", "exec"), namespace)
    for kept in (KEY, [KEY], {"proxy": KEY}):
        with pytest.raises(ValueError) as caught:
            namespace["frame"](kept)
        assert finds(lambda hunt, error=caught.value: hunt.trace(error))

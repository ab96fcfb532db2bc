"""A function that gives the key: asked for each attempt, and checked before anything is sent."""

from __future__ import annotations

import asyncio
import contextvars
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

BAD: list[Any] = [None, "", "  ", "\n", "key\n", "a key", "schlüssel", "\udc80", 7, b"key", ["key"], nb]
BUSY = {"status": 503}


def keys_sent(emulator: nb.Emulator) -> list[str | None]:
    return [request["headers"].get("x-goog-api-key") for request in emulator.requests]


def counted() -> tuple[list[str], Callable[[], str]]:
    given: list[str] = []

    def key() -> str:
        given.append(f"key-{len(given)}")
        return given[-1]

    return given, key


@pytest.mark.parametrize("given", BAD, ids=repr)
def test_what_is_no_key_is_a_config_error_and_nothing_is_sent(emulator: nb.Emulator, given: Any) -> None:
    def calls(client: nb.Client) -> list[Callable[[], object]]:
        chat = client.chat()
        return [
            lambda: client.generate("x"),
            lambda: client.generate("x", n=2),
            lambda: list(client.generate_stream("x")),
            lambda: chat.send("x"),
            lambda: list(chat.send_stream("x")),
            lambda: chat.branch().send("x"),
            lambda: client.with_options(model="nano-banana-pro").generate("x"),
            lambda: client.count_tokens("x"),
            lambda: client.files.upload(b"words", mime_type="text/plain"),
            lambda: client.files.list(),
            lambda: client.files.get("files/a"),
            lambda: client.files.delete("files/a"),
            lambda: list(client.generate_many(["a", "b"])),
        ]

    with nb.Client(lambda: given, base_url=emulator.url, retry=False) as client:
        for call in calls(client):
            with pytest.raises(nb.ConfigError, match="api_key"):
                call()

    async def main() -> None:
        async with nb.AsyncClient(lambda: given, base_url=emulator.url, retry=False) as client:
            with pytest.raises(nb.ConfigError, match="api_key"):
                await client.generate("x")
            with pytest.raises(nb.ConfigError, match="api_key"):
                await client.chat().send("x")

    asyncio.run(main())
    assert emulator.requests == []


def test_a_key_is_asked_for_at_each_attempt(emulator: nb.Emulator) -> None:
    given, key = counted()
    retry = nb.Retry(initial=0.01)
    with nb.Client(key, base_url=emulator.url, retry=retry, model="nano-banana") as client:
        emulator.script([BUSY, BUSY])
        client.generate("a boat")
        assert given == ["key-0", "key-1", "key-2"]
        client.count_tokens("x")
        assert len(given) == 4
        # One that is rotated meanwhile is used at the next attempt.
        client.chat().send("x")
        client.models()
        client.estimate("x")
        client.explain("x")
        assert len(given) == 5
    assert None not in keys_sent(emulator)


def test_what_the_function_raises_comes_out_as_it_is(emulator: nb.Emulator) -> None:
    class Vault(BaseException):
        pass

    raised = Vault("shut")
    asked = []

    def key() -> str:
        asked.append(1)
        if len(asked) > 1:
            raise raised
        return "key"

    emulator.script([BUSY])
    retry = nb.Retry(initial=0.01)
    with nb.Client(key, base_url=emulator.url, retry=retry) as client:
        with pytest.raises(Vault) as caught:
            client.generate("x")
        assert caught.value is raised
        assert "2 attempts" in raised.__notes__[0]
        for call in (client.chat().send, client.count_tokens, lambda prompt: client.files.list()):
            with pytest.raises(Vault) as caught:
                call("x")
            assert caught.value is raised
    assert len(emulator.requests) == 1


def test_the_function_sees_the_callers_context_and_may_hang(emulator: nb.Emulator) -> None:
    tenant = contextvars.ContextVar("tenant", default="none")
    with nb.Client(lambda: f"key-of-{tenant.get()}", base_url=emulator.url, retry=False) as client:
        tenant.set("a")
        client.generate("x", model="nano-banana")
    assert len(emulator.requests) == 1
    over = threading.Event()

    def vault() -> str:
        over.wait(20)
        return "key"

    with nb.Client(vault, base_url=emulator.url, retry=False) as client:
        with pytest.raises(nb.APITimeoutError) as caught:
            client.generate("x", timeout=0.4)
        assert caught.value.billed == "no"
    over.set()
    assert len(emulator.requests) == 1


def test_a_coroutine_gives_the_key_of_an_async_client_only(emulator: nb.Emulator) -> None:
    async def key() -> str:
        await asyncio.sleep(0)
        return "key"

    async def main() -> None:
        async with nb.AsyncClient(key, base_url=emulator.url, retry=False) as client:  # type: ignore[arg-type]
            assert (await client.generate("x", model="nano-banana")).image

    asyncio.run(main())
    with nb.Client(key, base_url=emulator.url) as client, pytest.raises(nb.ConfigError, match="AsyncClient"):  # type: ignore[arg-type]
        client.generate("x")


def test_a_coroutine_that_hangs_ends_with_its_call(emulator: nb.Emulator) -> None:
    async def main() -> None:
        ended = asyncio.Event()

        async def key() -> str:
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()
            return "key"

        async with nb.AsyncClient(key, base_url=emulator.url, retry=False) as client:  # type: ignore[arg-type]
            with pytest.raises(nb.APITimeoutError):
                await client.generate("x", timeout=2)
            await asyncio.wait_for(ended.wait(), 10)
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_no_stand_in_is_anywhere(emulator: nb.Emulator, tmp_path: Path) -> None:
    _, key = counted()
    client = nb.Client(key, base_url=emulator.url, retry=False)
    chat = client.chat()
    shown = [repr(client), pickle.dumps(client).decode("latin-1"), chat.save(tmp_path / "a").read_text()]
    assert not any("asked" in text or "key-" in text for text in shown)
    fixed = client.with_options(api_key="fixed-key")
    fixed.generate("x", model="nano-banana")
    with pytest.raises(nb.ConfigError, match="api_key"):
        client.with_options(api_key=" ")

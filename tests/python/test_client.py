"""What only a Python client does: pickle, fork, share itself among threads, warn, show itself."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import pickle
import pydoc
import re
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

import nanobanana as nb


def test_no_key_says_what_to_set() -> None:
    with pytest.raises(nb.ConfigError, match=r"GOOGLE_API_KEY.*offline"):
        nb.Client()


def test_differing_keys_warn_at_the_callers_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "one")
    monkeypatch.setenv("GEMINI_API_KEY", "two")
    with pytest.warns(UserWarning, match="GOOGLE_API_KEY is used") as warned:
        nb.Client()
    assert warned[0].filename == __file__


@pytest.mark.parametrize("make", [nb.Client, nb.AsyncClient])
def test_a_client_never_shows_its_key(make: Any) -> None:
    secrets = {"proxy": "http://me:hunter2@localhost:1", "headers": {"authorization": "hunter2"}}
    client = make("secret-key-0123", model="nano-banana-pro", **secrets)
    state = pickle.dumps(client)
    for shown in (repr(client), str(client), repr(state), repr(client.__reduce__())):
        assert "secret-key" not in shown
        assert "hunter2" not in shown
    assert repr(client) == f"{make.__name__}(model='nano-banana-pro')"


def test_a_pickled_client_reads_the_other_sides_key(
    emulator: nb.Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = pickle.dumps(nb.Client("left-behind", base_url=emulator.url, timeout=nb.Timeout(total=9)))
    with pytest.raises(nb.ConfigError):
        pickle.loads(state)
    monkeypatch.setenv("GEMINI_API_KEY", "bad")
    copy = pickle.loads(state)
    assert "timeout={'total': 9.0}" in repr(copy)
    with pytest.raises(nb.AuthenticationError):
        copy.generate("a boat")


def test_an_offline_client_pickles() -> None:
    with nb.Client.offline(model="nano-banana") as client, pickle.loads(pickle.dumps(client)) as copy:
        assert repr(copy) == "Client.offline(model='nano-banana')"
        assert copy.generate("a boat").model == "gemini-2.5-flash-image"


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_client_that_was_not_used_has_no_threads() -> None:
    code = "import os, nanobanana as nb; c = nb.Client('key'); repr(c); c.chat().branch().history; "
    code += "c.generate_stream('x').close(); print(len(os.listdir('/proc/self/task')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "1\n"


def in_child(client: nb.Client, answers: Any) -> None:
    answers.put(client.generate("from the child", model="nano-banana").image.width)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_client_works_after_fork(client: nb.Client) -> None:
    client.generate("from the parent", model="nano-banana")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=in_child, args=(client, answers)) for _ in range(2)]
    for child in children:
        child.start()
    assert [answers.get(timeout=60) for _ in children] == [1024, 1024]
    for child in children:
        child.join(20)
        assert child.exitcode == 0
    assert client.generate("the parent again", model="nano-banana").image.width == 1024


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_what_a_parent_has_under_way_is_its_own_after_fork(emulator: nb.Emulator) -> None:
    emulator.script([{"delay": 2, "image": "png 8x8"}])
    # Room for one picture at a time.
    with nb.Client("key", base_url=emulator.url, budget=0.05) as client:
        drawing = threading.Thread(target=client.generate, args=("a boat",))
        drawing.start()
        while not emulator.requests:
            time.sleep(0.005)
        assert client.spent.pending_usd > 0.03
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                before = client.spent
                client.generate("from the child")
                after = client.spent
                told = [
                    before.pending_usd,
                    before.remaining_usd,
                    after.pending_usd,
                    after.calls,
                    after.unknown,
                ]
                os.write(write, repr(told).encode())
            except BaseException as error:
                os.write(write, repr(error).encode())
            finally:
                os._exit(0)
        os.close(write)
        with open(read) as pipe:
            assert pipe.read() == "[0.0, 0.05, 0.0, 1, 0]"
        os.waitpid(pid, 0)
        drawing.join(20)
        spent = client.spent
        assert (spent.calls, spent.unknown, spent.pending_usd) == (1, 0, 0.0)


def test_threads_share_a_client_and_wait_side_by_side(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"delay": 1.0, "image": "png 8x8"}] * 8)
    results: list[nb.Result] = []
    threads = [threading.Thread(target=lambda: results.append(client.generate("a boat"))) for _ in range(8)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert time.monotonic() - started < 6


def test_a_callable_gives_the_key_of_each_call(emulator: nb.Emulator) -> None:
    keys = iter(["good", "bad", "good"])
    with nb.Client(lambda: next(keys), base_url=emulator.url) as client:
        assert "good" not in repr(client)
        client.generate("a boat", model="nano-banana")
        with pytest.raises(nb.AuthenticationError):
            client.generate("a boat", model="nano-banana")
        client.generate("a boat", model="nano-banana")
    with pytest.raises(nb.ConfigError, match="closed"):
        client.generate("a boat")
    number: Any = lambda: 5  # noqa: E731
    with (
        nb.Client(number, base_url=emulator.url) as client,
        pytest.raises(nb.ConfigError, match="of type int"),
    ):
        client.generate("a boat")


def test_with_options_leaves_the_first_as_it_was(client: nb.Client) -> None:
    pro = client.with_options(model="nano-banana-pro", timeout=nb.Timeout(total=5))
    assert pro.generate("a boat").model == "gemini-3-pro-image"
    assert "model" not in repr(client)
    with pytest.raises(nb.ConfigError, match="closed"):
        closed = client.with_options(model="nano-banana")
        closed.close()
        closed.generate("a boat")


def test_the_module_has_a_default_client(client: nb.Client, emulator: nb.Emulator) -> None:
    with pytest.raises(nb.ConfigError):
        nb.generate("a boat")
    nb.set_default_client(client)
    try:
        first = nb.generate("a boat", model="nano-banana")
        nb.edit("at night", first.image, model="nano-banana")
    finally:
        nb.set_default_client(None)
    assert len(emulator.requests) == 2


def test_models_are_records(client: nb.Client) -> None:
    models = {alias: model for model in client.models() for alias in model.aliases}
    assert models["nano-banana-pro"].id == "gemini-3-pro-image"
    assert pickle.loads(pickle.dumps(models)) == models


@pytest.mark.parametrize("function", [nb.Client.generate, nb.Client.edit, nb.AsyncClient.edit, nb.generate])
def test_help_lists_every_option_with_its_docs(function: Any) -> None:
    signature = inspect.signature(function)
    for name in nb.GenerateOptions.__annotations__:
        assert signature.parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert f"\n        {name}: " in function.__doc__
    assert "model" in inspect.signature(nb.Client).parameters
    assert ("self" in signature.parameters) == (function is not nb.generate)


@pytest.mark.parametrize("client", [nb.Client, nb.AsyncClient])
def test_offline_lists_the_options_of_a_client(client: Any) -> None:
    parameters = inspect.signature(client.offline).parameters
    assert list(parameters) == [name for name in inspect.signature(client).parameters if name != "api_key"]
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters.values())
    assert all(f"\n        {name}: " in client.offline.__doc__ for name in parameters)


FIELDED = [
    kind for name in nb.__all__ if isinstance(kind := getattr(nb, name), type) and hasattr(kind, "_fields")
]


@pytest.mark.parametrize("kind", FIELDED)
def test_help_shows_every_field_with_its_docs(kind: Any) -> None:
    assert len(FIELDED) > 40
    text = pydoc.render_doc(kind, renderer=pydoc.plaintext)
    for name in kind._fields:
        if issubclass(kind, Exception):
            assert re.search(rf"\n \|      {name}: \w", text), (name, text)
        else:
            doc = inspect.getdoc(getattr(kind, name))
            assert doc and doc.split("\n")[0] in text, name
            assert re.search(rf"\n \|  {name}\n \|      \S", text), (name, text)


def test_settings_are_what_they_were_given() -> None:
    retry = nb.Retry(max_attempts=2, initial=0.5)
    assert dict(retry) == {"max_attempts": 2, "initial": 0.5}
    assert repr(retry) == "Retry(max_attempts=2, initial=0.5)"
    assert retry == pickle.loads(pickle.dumps(retry)) != nb.Retry()


def test_options_convert_or_name_the_key(client: nb.Client) -> None:
    loop: dict[str, Any] = {}
    loop["again"] = {"list": [loop]}
    refused: list[tuple[Any, str]] = [
        (loop, r"extra\.again\.list.*than 100 levels"),
        ({"a": float("nan")}, r"extra\.a.*finite"),
        ({"a": {1: 2}}, r"extra\.a.*key 1"),
        ({"a": [b"bytes"]}, r"extra\.a\.0.*bytes"),
        ({"a": 1 << 64}, r"extra\.a.*64 bits"),
        ({"a": "\ud800"}, r"extra\.a.*Unicode"),
    ]
    for extra, problem in refused:
        with pytest.raises(nb.InvalidOptionError, match=problem) as caught:
            client.generate("a boat", extra=extra)
        assert str(caught.value.option).startswith("extra")
    with pytest.raises(nb.InvalidOptionError, match="prompt"):
        client.generate(5)  # type: ignore[arg-type]


def test_import_brings_in_little() -> None:
    code = "import sys; import nanobanana; print('asyncio' in sys.modules, 'inspect' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]


def test_the_command_runs() -> None:
    run = [sys.executable, "-m", "nanobanana"]
    shown = subprocess.run([*run, "models"], capture_output=True, text=True, check=True)
    assert "nano-banana-pro" in shown.stdout
    assert subprocess.run([*run, "no-such-verb"], capture_output=True).returncode == 2


def test_a_call_is_priced_before_it_is_sent(emulator: nb.Emulator) -> None:
    asked: list[str] = []
    limits = nb.Budget(usd=2.5, per_call=0.2)
    with nb.Client(lambda: asked.append("key") or "key", base_url=emulator.url, budget=limits) as client:
        estimate = client.estimate("a boat", [b"not looked at", "nowhere.png"], n=2)
        assert estimate.low and estimate.typical and estimate.high
        assert estimate.low < estimate.typical < estimate.high
        assert estimate == pickle.loads(pickle.dumps(estimate))
        assert client.spent.remaining_usd == 2.5
        assert client.with_options(model="nano-banana").spent == client.spent
        assert client.with_options(budget=7).spent.remaining_usd == 7
        assert "budget={'usd': 2.5, 'per_call': 0.2}" in repr(client)
        client.spent.calls = 5
        assert client.spent.calls == 0
    assert not asked
    assert emulator.requests == []
    assert "Options:" in (nb.Client.estimate.__doc__ or "")
    assert "image_size" in inspect.signature(nb.AsyncClient.estimate).parameters


def test_an_emulator_follows_another_reading() -> None:
    with (
        nb.Emulator(readings=["png-answers"]) as emulator,
        nb.Client("k", base_url=emulator.url, model="nano-banana-2") as client,
    ):
        assert client.generate("a boat", image_size="512").image.mime_type == "image/png"
    with pytest.raises(nb.InvalidOptionError, match="Did you mean `png-answers`"):
        nb.Emulator(readings=["png-answer"])

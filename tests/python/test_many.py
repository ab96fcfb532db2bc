"""What is Python's own in many calls at once: iterables, loops that are left, tasks, and how far it is."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nanobanana as nb

SMALL = {"image": "png 8x8"}
HANG = {"hang": True}
REFUSED = {"status": 400, "json": {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no"}}}


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.002)


def all_but(done: int, emulator: nb.Emulator) -> None:
    """Waits until the server saw that all requests but so many, which were answered, are cancelled."""
    until(lambda: sum(not one["cancelled"] for one in emulator.requests) == done)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no such names")
def test_a_name_that_is_no_unicode_is_refused_and_its_folder_can_be_worked_in(
    client: nb.Client, emulator: nb.Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    names: list[Any] = [folder, str(folder), os.fsencode(folder)]
    for name in names:
        for option in ("save_to", "journal"):
            with pytest.raises(nb.InvalidOptionError, match=f"`{option}`"):
                list(client.generate_many(["x"], **{option: name}))
        for option in ("cache", "catalogue", "ca_bundle"):
            options: dict[str, Any] = {option: name}
            with pytest.raises(nb.InvalidOptionError, match=f"`{option}`"):
                nb.Client("key", **options)
    assert not list(folder.iterdir()) and emulator.requests == []
    monkeypatch.chdir(folder)
    emulator.script([SMALL])
    runs = [list(client.generate_many(["x"], journal="run.jsonl", save_to="out"))[0] for _ in range(2)]
    assert [(run.files, run.cached) for run in runs] == [
        (["out/00000.png"], False),
        (["out/00000.png"], True),
    ]


def test_outcomes_of_prompts_and_dicts(client: nb.Client, emulator: nb.Emulator, tmp_path: Path) -> None:
    emulator.script([SMALL] * 4)
    image = client.generate("a boat").image
    items: list[Any] = [
        "one",
        ["two", image],
        {"prompt": "three", "images": image, "options": {"aspect_ratio": "16:9"}, "id": "third"},
    ]
    run = client.generate_many(items, ordered=True, save_to=tmp_path / "out", seed=7)
    assert isinstance(run, nb.Outcomes)
    outcomes = list(run)
    assert [(one.index, one.id, one.ok, one.error) for one in outcomes] == [
        (0, None, True, None),
        (1, None, True, None),
        (2, "third", True, None),
    ]
    assert all(one.result is not None and one.result.image.width == 8 for one in outcomes)
    assert [Path(path).name for path in outcomes[2].files] == ["third.png"]
    assert pickle.loads(pickle.dumps(outcomes)) == outcomes
    assert outcomes[0].to_dict()["result"]["images"][0]["width"] == 8
    third = next(one["json"] for one in emulator.requests if "three" in str(one["json"]))
    assert third["generationConfig"] == {"seed": 7, "imageConfig": {"aspectRatio": "16:9"}}
    assert list(run) == []


def test_prompts_are_taken_as_there_is_room(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([SMALL] * 3 + [HANG] * 10)
    taken: list[int] = []

    def endless() -> Iterator[str]:
        for number in range(1_000_000):
            taken.append(number)
            yield f"boat {number}"

    with client.generate_many(endless(), concurrency=2) as run:
        for _ in range(3):
            assert next(run).ok
        assert 3 <= len(taken) <= 7
    all_but(3, emulator)


def test_wrong_items_are_outcomes(client: nb.Client, emulator: nb.Emulator) -> None:
    items: list[Any] = [
        {"promt": "a boat", "id": "misspelt"},
        {"prompt": "a boat", "seed": 3},
        {"prompt": "a boat", "options": {"aspect_ration": "1:1"}, "id": "mistaken"},
        {"prompt": "a boat", "images": [object()]},
        {"prompt": "a boat", "images": "no-such-file.png"},
        {"prompt": "a boat", "id": [5]},
        {"prompt": "a boat", 5: 5},
        7,
        None,
        {"prompt": "a boat", "id": 8},
        {"prompt": "a boat", "images": [object()], "id": 9.0},
        {"prompt": "a boat", "id": float("nan")},
        {"prompt": "a boat", "id": 10**30},
    ]
    outcomes = list(client.generate_many(items, ordered=True))
    assert [one.index for one in outcomes] == list(range(13))
    errors = [one.error for one in outcomes]
    said = [str(error) for error in errors]
    assert "Did you mean `prompt`?" in said[0]
    assert "into `options`" in said[1]
    assert "Did you mean `aspect_ratio`?" in said[2]
    assert [type(error) for error in errors[3:5]] == [nb.ImageError, nb.ImageError]
    assert all(isinstance(error, nb.InvalidOptionError) for error in errors[:3] + errors[5:9])
    assert [one.id for one in outcomes] == ["misspelt", None, "mistaken", *[None] * 6, "8", "9", None, None]
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("wrong", ["a boat", {"prompt": "a boat"}])
def test_one_prompt_is_not_many(wrong: Any, client: nb.Client) -> None:
    for many in (client.generate_many, nb.AsyncClient("key").generate_many):
        with pytest.raises(nb.InvalidOptionError, match="list"):
            many(wrong)
        with pytest.raises(nb.InvalidOptionError, match="list"):
            many(5)

    async def later() -> AsyncIterator[str]:
        yield "a boat"

    with pytest.raises(nb.InvalidOptionError, match="AsyncClient"):
        client.generate_many(later())  # type: ignore[arg-type]


def test_options_are_checked(client: nb.Client, emulator: nb.Emulator) -> None:
    for options in ({"concurency": 3}, {"concurrency": 0}, {"aspect_ration": "1:1"}, {"journal": ""}):
        with pytest.raises(nb.InvalidOptionError, match=next(iter(options))):
            client.generate_many(["a boat"], **options)  # type: ignore[arg-type]
    assert emulator.requests == []


def test_what_the_prompts_raise_comes_last(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{**SMALL, "delay": 0.2}] * 3)
    mine = KeyError("mine")

    def broken() -> Iterator[str]:
        yield "one"
        yield "two"
        raise mine

    seen = []
    with pytest.raises(KeyError) as caught:
        for outcome in client.generate_many(broken()):
            seen.append(outcome.ok)
    assert caught.value is mine
    assert seen == [True, True]


def test_what_fails_every_item_is_raised_after_those_under_way(
    client: nb.Client, emulator: nb.Emulator
) -> None:
    bad = {"status": 403, "json": {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}}}
    # The refusal comes when both are under way, and long before the other answer.
    emulator.script([{**bad, "delay": 1.0}, {**SMALL, "delay": 3.0}])
    seen = []
    with pytest.raises(nb.PermissionDeniedError):
        for outcome in client.generate_many([f"boat {number}" for number in range(9)], concurrency=2):
            seen.append(outcome.ok)
    assert seen == [True]
    assert len(emulator.requests) == 2


def test_stop_after_errors(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([REFUSED] * 9)
    seen = []
    with pytest.raises(nb.NanoBananaError, match="stop_after_errors"):
        for outcome in client.generate_many(["a"] * 9, concurrency=1, stop_after_errors=3):
            seen.append(type(outcome.error))
    assert seen == [nb.BadRequestError] * 3
    assert len(emulator.requests) == 3


@pytest.mark.parametrize("way", ["break", "close", "block", "raise", "collected"])
def test_leaving_the_loop_ends_what_is_under_way(
    way: str, client: nb.Client, emulator: nb.Emulator, tmp_path: Path
) -> None:
    emulator.script([SMALL, *[HANG] * 9])
    journal = str(tmp_path / "run.jsonl")
    run: Any = client.generate_many([f"boat {number}" for number in range(9)], journal=journal)
    gc.disable()
    try:
        if way in ("break", "collected"):
            for outcome in run:
                assert outcome.ok
                break
            del outcome
            until(lambda: len(emulator.requests) >= 8)
            if way == "collected":
                cycle = [run]
                cycle.append(cycle)
                del run, cycle
                gc.collect()
            else:
                del run
        elif way == "raise":
            with pytest.raises(ValueError, match="mine"), run:
                next(run)
                raise ValueError("mine")
        else:
            next(run)
            until(lambda: len(emulator.requests) >= 8)
            run.close() if way == "close" else run.__exit__(None, None, None)
            assert list(run) == []
        all_but(1, emulator)
        # The journal is free at once.
        emulator.script([SMALL] * 9)
        again = list(client.generate_many([f"boat {number}" for number in range(9)], journal=journal))
        assert sorted(one.index for one in again) == list(range(9))
        assert sum(one.cached for one in again) == 1
    finally:
        gc.enable()


HALF = "\ud800"


class _Unspeakable(ValueError):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class _Hidden:
    def keys(self) -> list[str]:
        raise _Unspeakable


@pytest.mark.parametrize(
    "item",
    [
        HALF,
        {"prompt": "x", "id": HALF},
        {"prompt": "x", "id": f"a{HALF}b", "promt": HALF},
        {"prompt": HALF, "id": "fine"},
        {"prompt": "x", HALF: 1},
        {"prompt": "x", "images": HALF},
        {"prompt": "x", "images": [b"", HALF], "id": HALF},
        {"prompt": "x", "images": f"no-such-{HALF}.png", "id": HALF},
        {"prompt": "x", "options": {"system": HALF}, "id": HALF},
        {"prompt": "x", "options": {HALF: HALF}, "id": HALF},
        {"prompt": "x", "options": {"extra": {"a": [HALF]}}},
        {"prompt": "x", "options": {"encode": _Hidden()}, "id": HALF},
    ],
)
def test_an_item_that_is_no_valid_text_is_a_failed_outcome_and_no_others(
    client: nb.Client, emulator: nb.Emulator, tmp_path: Path, item: Any
) -> None:
    emulator.script([SMALL] * 20)
    items = ["a", item, "b"]
    outcomes = list(client.generate_many(items, ordered=True, journal=tmp_path / "j", save_to=tmp_path / "o"))
    assert [one.ok for one in outcomes] == [True, False, True]
    assert len(emulator.requests) == 2
    failed = outcomes[1]
    assert isinstance(failed.error, nb.NanoBananaError) and str(failed.error) and repr(failed)
    assert json.dumps(failed.to_dict())
    if isinstance(item, dict) and "id" in item:
        assert failed.id == item["id"].replace(HALF, "\ufffd")

    async def later() -> list[bool]:
        async with nb.AsyncClient("k", base_url=emulator.url) as other:
            return [one.ok async for one in other.generate_many(items, ordered=True)]

    assert asyncio.run(later()) == [True, False, True]


def test_a_thread_that_waits_is_woken_by_close(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([HANG] * 3)
    run = client.generate_many(["one", "two"])
    read: list[nb.Outcome] = []
    reader = threading.Thread(target=lambda: read.extend(run))
    reader.start()
    until(lambda: len(emulator.requests) == 2)
    run.close()
    reader.join(30)
    assert not reader.is_alive()
    all_but(0, emulator)


def test_a_key_is_asked_for_at_each_item(emulator: nb.Emulator) -> None:
    asked: list[threading.Thread] = []

    def key() -> str:
        asked.append(threading.current_thread())
        # The emulator refuses "bad".
        return "bad" if len(asked) == 3 else "good"

    def shut() -> str:
        raise LookupError("the vault is shut")

    with nb.Client(key, base_url=emulator.url) as client, pytest.raises(nb.AuthenticationError):
        list(client.generate_many(["a", "b", "c", "d"], concurrency=1))
    assert len(asked) == 3
    with nb.Client(shut, base_url=emulator.url) as client, pytest.raises(LookupError, match="vault"):
        list(client.generate_many(["a", "b"]))

    async def main() -> None:
        async with nb.AsyncClient(key, base_url=emulator.url) as client:
            assert [one.ok async for one in client.generate_many(["a", "b"])] == [True, True]
        with pytest.raises(LookupError, match="vault"):
            # Other items that were under way have their outcomes first.
            async for _ in nb.AsyncClient(shut, base_url=emulator.url).generate_many(["a", "b"]):
                pass

    asyncio.run(main())
    assert len(asked) == 5
    assert all(thread is not threading.main_thread() for thread in asked[3:])


def test_a_closed_client_ends_its_runs(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([HANG] * 4)
    run = client.generate_many(["a", "b", "c"], concurrency=2)

    def close() -> None:
        until(lambda: len(emulator.requests) == 2)
        client.close()

    threading.Thread(target=close).start()
    seen = []
    with pytest.raises(nb.ConfigError, match="closed"):
        for one in run:
            seen.append(type(one.error))
    assert seen == [nb.APIConnectionError] * 2
    all_but(0, emulator)


def test_async_outcomes_come_while_a_prompt_is_waited_for(emulator: nb.Emulator) -> None:
    emulator.script([SMALL] * 3)

    async def main() -> None:
        gate = asyncio.Event()
        ended = []

        async def slow() -> AsyncIterator[nb.Prompt | nb.Item]:
            yield "one"
            yield {"prompt": "two", "id": "second"}
            await gate.wait()
            yield "three"
            ended.append(True)

        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            seen = []
            async with client.generate_many(slow(), ordered=True) as run:
                async for outcome in run:
                    seen.append((outcome.index, outcome.id, outcome.ok))
                    if len(seen) == 2:
                        gate.set()
            assert seen == [(0, None, True), (1, "second", True), (2, None, True)]
            assert ended == [True]
            assert [one async for one in run] == []

    asyncio.run(main())


def test_async_prompts_go_on_while_an_outcome_is_looked_at(emulator: nb.Emulator) -> None:
    emulator.script([SMALL] * 9)

    async def main() -> None:
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            async for outcome in client.generate_many(
                [f"boat {number}" for number in range(9)], concurrency=2
            ):
                assert outcome.ok
                if outcome.index == 0:
                    started = time.monotonic()
                    while len(emulator.requests) < 3:
                        assert time.monotonic() - started < 30, "the run stands still"
                        await asyncio.sleep(0.01)

    asyncio.run(main())


def test_several_tasks_may_read_one_run(emulator: nb.Emulator) -> None:
    async def main() -> None:
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            run = client.generate_many([f"boat {number}" for number in range(20)])

            async def read() -> list[int]:
                seen = []
                async for outcome in run:
                    seen.append(outcome.index)
                    await asyncio.sleep(0.02)
                return seen

            one, other = await asyncio.gather(read(), read())
            assert one and other and sorted(one + other) == list(range(20))

    asyncio.run(main())


def test_async_failures_of_prompts_and_items(emulator: nb.Emulator) -> None:
    async def main() -> None:
        async def broken() -> AsyncIterator[Any]:
            yield {"prompt": "one", "imags": []}
            yield "two"
            raise KeyError("mine")

        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            seen = []
            with pytest.raises(KeyError, match="mine"):
                async for outcome in client.generate_many(broken(), ordered=True):
                    seen.append(outcome.ok)
            assert seen == [False, True]

            async def cancelled() -> AsyncIterator[str]:
                yield "one"
                raise asyncio.CancelledError

            with pytest.raises(asyncio.CancelledError):
                async for outcome in client.generate_many(cancelled()):
                    assert outcome.ok
            with pytest.raises(nb.InvalidOptionError, match="concurrency"):
                await anext(client.generate_many(["a"], concurency=3))  # type: ignore[call-arg]

    asyncio.run(main())


@pytest.mark.parametrize("way", ["break", "aclose", "cancel", "timeout", "raise", "loop"])
def test_leaving_an_async_loop_ends_what_is_under_way(way: str, emulator: nb.Emulator) -> None:
    emulator.script([SMALL, *[HANG] * 9])
    closed = []

    async def endless() -> AsyncIterator[str]:
        try:
            for number in range(4):
                yield f"boat {number}"
            await asyncio.sleep(60)
        finally:
            closed.append(True)

    async def main() -> None:
        client = nb.AsyncClient("key", base_url=emulator.url)
        run = client.generate_many(endless())
        assert (await anext(run)).ok
        while len(emulator.requests) < 4:
            await asyncio.sleep(0.01)
        if way == "loop":
            return
        if way == "aclose":
            await run.aclose()
        elif way == "cancel":
            task = asyncio.ensure_future(anext(run))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif way == "timeout":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(run), 0.05)
        elif way == "raise":
            with pytest.raises(ValueError):
                async with run:
                    raise ValueError
        else:
            del run
        # Asked on this thread, which stands still: nothing of it is needed for the end.
        all_but(1, emulator)
        if way != "break":
            assert [one async for one in run] == []
        for _ in range(3000):
            if closed:
                break
            await asyncio.sleep(0.01)
        assert closed == [True]

    asyncio.run(main())
    all_but(1, emulator)
    assert closed == [True]


def test_nothing_blocks_the_loop(emulator: nb.Emulator, tmp_path: Path) -> None:
    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        emulator.script([{**SMALL, "delay": 0.6}] * 4)
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            run = client.generate_many(["a", "b", "c", "d"], concurrency=2, journal=str(tmp_path / "j"))
            assert len([one async for one in run]) == 4
        assert ticks > 20
        ticking.cancel()

    asyncio.run(main())


RUN = """
import sys
import nanobanana as nb
prompts = ["one", "two", "two", {"prompt": "three", "id": "third"}, {"prompt": "four", "images": None}]
client = nb.Client("key", base_url=sys.argv[1], model="nano-banana")
for one in client.generate_many(prompts, ordered=True, progress=True, aspect_ratio="16:9"):
    assert one.ok, one.error
"""


def test_progress_shows_nothing_in_a_pipe(emulator: nb.Emulator) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", RUN, emulator.url], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
@pytest.mark.parametrize("columns", [80, 0])
def test_progress_is_a_line_in_a_terminal(columns: int, emulator: nb.Emulator) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([sys.executable, "-c", RUN, emulator.url], stderr=theirs, stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 4096):
            shown += block
    except OSError:
        pass  # how a pty ends
    os.close(ours)
    assert child.wait(60) == 0
    text = shown.decode()
    assert text.count("\n") == 1 and text.endswith("\n")
    lines = [line.rstrip() for line in text.rstrip("\r\n").split("\r")]
    assert "5/5" in lines[-1] and "█" in lines[-1]
    assert max(len(line) for line in lines) < 80


def test_progress_is_an_output_in_a_notebook(client: nb.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, str]] = []

    class Output:
        def update(self, page: str) -> None:
            shown.append(("update", page))

    def display(page: str, display_id: bool) -> Output:
        shown.append(("display", page))
        return Output()

    class Shell:
        kernel = object()

    notebook, page = ModuleType("IPython"), ModuleType("IPython.display")
    notebook.get_ipython = Shell  # type: ignore[attr-defined]
    notebook.__path__ = []
    page.HTML, page.display = str, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    assert all(one.ok for one in client.generate_many(["a", "b"], progress=True))
    assert shown[0][0] == "display" and {way for way, _ in shown[1:]} == {"update"}
    assert "2/2" in shown[-1][1] and "<progress" in shown[-1][1]


def test_a_journal_of_python_goes_on_in_node_and_back(emulator: nb.Emulator, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    small = tmp_path / "small.png"
    nb.Client.offline(model="nano-banana").generate("a dot").image.resize(8, 8).save(small)
    items: list[Any] = [
        "one",
        "two",
        "two",
        {"prompt": "three", "id": "third"},
        {"prompt": ["four", "and more"], "images": [str(small)]},
        {"prompt": "five", "options": {"aspect_ratio": "16:9", "top_p": 0.5}},
    ]
    in_node = json.loads(json.dumps(items).replace("aspect_ratio", "aspectRatio").replace("top_p", "topP"))
    program = """
const { Client } = require('nanobanana-sdk')
const [url, journal, items] = process.argv.slice(1)
void (async () => {
  const client = new Client({ baseUrl: url, apiKey: 'key', model: 'nano-banana' })
  const seen = []
  const run = client.generateMany(JSON.parse(items), { journal, ordered: true, seed: 5 })
  for await (const { ok, cached, key } of run) seen.push([ok, cached, key])
  console.log(JSON.stringify(seen))
})()"""

    def python(journal: Path, some: list[Any]) -> list[list[Any]]:
        with nb.Client("key", base_url=emulator.url, model="nano-banana") as client:
            run = client.generate_many(some, journal=str(journal), ordered=True, seed=5)
            return [[one.ok, one.cached, one.key] for one in run]

    def node(journal: Path, some: list[Any]) -> list[list[Any]]:
        command = ["node", "-e", program, emulator.url, str(journal), json.dumps(some)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=True)
        seen: list[list[Any]] = json.loads(done.stdout)
        return seen

    for name, first, then, own, others in [
        ("python", python, node, items, in_node),
        ("node", node, python, in_node, items),
    ]:
        journal = tmp_path / f"{name}.jsonl"
        some = first(journal, own[:4])
        rest = then(journal, others)
        assert [cached for _, cached, _ in some + rest] == [False] * 4 + [True] * 4 + [False] * 2
        assert [key for _, _, key in rest[:4]] == [key for _, _, key in some]
        assert all(cached for _, cached, _ in first(journal, own))
    assert len(emulator.requests) == 12


OPEN = """
import asyncio, logging, sys
logging.getLogger("asyncio").setLevel(logging.ERROR)  # on a busy machine any step may take long
import nanobanana as nb
client = nb.Client("key", base_url=sys.argv[1])
run = client.generate_many(["early a", "early b", "early c"], concurrency=2)
print(next(run).ok, flush=True)
if sys.argv[2] == "wait":
    list(run)
async def main():
    global later
    later = nb.AsyncClient("key", base_url=sys.argv[1]).generate_many(["late a", "late b"], concurrency=2)
    await anext(later)
if sys.argv[2] == "async":
    asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["plain", "async"])
def test_the_interpreter_ends_with_a_run_open(how: str, emulator: nb.Emulator) -> None:
    # One of each run is answered.
    emulator.script([{**SMALL, "match": {"prompt": prompt}} for prompt in ("early a", "late a")] + [HANG] * 9)
    command = [sys.executable, "-X", "dev", "-c", OPEN, emulator.url, how]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")
    all_but(2 if how == "async" else 1, emulator)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_ends_a_run(emulator: nb.Emulator) -> None:
    emulator.script([SMALL, *[HANG] * 9])
    command = [sys.executable, "-c", OPEN, emulator.url, "wait"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        until(lambda: len(emulator.requests) == 3)
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        all_but(1, emulator)
        assert "KeyboardInterrupt" in child.communicate(timeout=30)[1]
    finally:
        child.kill()
        child.communicate()


NOWHERE = """
import resource, sys
import nanobanana as nb

with nb.Client("key", base_url=sys.argv[1]) as client:
    run = client.generate_many(["a boat"], save_to=sys.argv[2])
    # From here on no file takes a byte.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        for outcome in run:
            print(outcome.ok, outcome.files, outcome.result.image.width, outcome.result.warnings, flush=True)
    except nb.NanoBananaError as error:
        print("ended:", error, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")
def test_a_picture_that_no_disk_takes_is_handed_over_with_the_advice_to_save_it(
    emulator: nb.Emulator, tmp_path: Path
) -> None:
    emulator.script([SMALL])
    command = [sys.executable, "-c", NOWHERE, emulator.url, str(tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    outcome, end = ended.stdout.splitlines()
    assert outcome.startswith("True [] 8 "), ended.stdout
    assert "not all pictures are on disk; save them now: cannot write" in outcome
    assert end.startswith("ended: cannot write")

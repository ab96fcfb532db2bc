"""The life of a client: threads, loops, forks, processes, closing, collection, the interpreter's end."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

HANG = [{"hang": True}]
# In its debug mode asyncio warns of steps that took long, and on a busy machine any step may.
CALM = 'import logging\nlogging.getLogger("asyncio").setLevel(logging.ERROR)\n'
START = CALM + "import asyncio, gc, os, sys, threading, time\nimport nanobanana as nb\nurl = sys.argv[1]\n"


def until(condition: Callable[[], Any], seconds: float = 30) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.002)
    return time.monotonic() - started


def sizes(count: int) -> list[dict[str, Any]]:
    """Each prompt has a picture of its own, whenever it comes."""
    return [
        {"match": {"prompt": f"boat {i}."}, "image": f"png {i + 1}x3", "delay": 0.02} for i in range(count)
    ]


def run(program: str, *args: str, code: int = 0, seconds: float = 60) -> str:
    """What a program prints, with every warning an error. It ends well, and says nothing on stderr."""
    # A fork beside threads is what some of them are about.
    strict = ["-X", "dev", "-W", "error", "-W", "ignore:.*multi-threaded:DeprecationWarning"]
    command = [sys.executable, *strict, "-c", START + textwrap.dedent(program), *args]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert (ended.returncode, ended.stderr) == (code, "")
    return ended.stdout


# Threads and event loops.


def test_sixteen_threads_share_a_client(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script(sizes(96))
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda i: client.generate(f"boat {i}."), range(96)))
    assert [result.image.width for result in results] == list(range(1, 97))


def test_threads_meet_errors_of_their_own(client: nb.Client, emulator: nb.Emulator) -> None:
    statuses = [400, 401, 403, 404, 429, 500, 502, 503] * 4
    emulator.script([{"match": {"prompt": f"boat {i}."}, "status": s} for i, s in enumerate(statuses)])

    def status(number: int) -> int | None:
        with pytest.raises(nb.APIStatusError) as caught:
            client.generate(f"boat {number}.")
        return caught.value.status

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(status, range(len(statuses)))) == statuses


def test_loops_at_once_and_one_after_another_share_a_client(emulator: nb.Emulator) -> None:
    client = nb.AsyncClient("key", base_url=emulator.url, retry=False)

    async def calls(thread: int) -> list[int]:
        prompts = [f"boat {thread * 8 + i}." for i in range(8)]
        results = await asyncio.gather(*map(client.generate, prompts))
        events = [event.type async for event in client.generate_stream("a boat", model="nano-banana")]
        assert events[-1] == "done"
        return [result.image.width for result in results]

    def thread(number: int) -> list[int]:
        first = asyncio.run(calls(number))
        return first + asyncio.run(calls(number))

    emulator.script(sizes(32) + sizes(32))
    with ThreadPoolExecutor(4) as threads:
        widths = list(threads.map(thread, range(4)))
    assert widths == [list(range(8 * n + 1, 8 * n + 9)) * 2 for n in range(4)]
    asyncio.run(client.aclose())


def test_copies_share_connections_and_close_on_their_own(client: nb.Client, emulator: nb.Emulator) -> None:
    client.generate("a boat", model="nano-banana")
    copies = [client.with_options(model=model) for model in ("nano-banana", "nano-banana-pro")]
    assert [copy.generate("a boat").model for copy in copies] == [
        "gemini-2.5-flash-image",
        "gemini-3-pro-image",
    ]
    copies[0].close()
    with pytest.raises(nb.ConfigError, match="closed"):
        copies[0].generate("a boat")
    assert copies[1].generate("a boat").image
    assert client.generate("a boat").image


@linux
def test_copies_hold_one_connection(emulator: nb.Emulator) -> None:
    program = """
    client = nb.Client("key", base_url=url, model="nano-banana")
    def sockets():
        paths = ["/proc/self/fd/" + name for name in os.listdir("/proc/self/fd")]
        return sum("socket" in os.readlink(path) for path in paths if os.path.islink(path))
    client.generate("a boat")
    before = sockets()
    copies = [client.with_options(timeout=60 + i) for i in range(50)]
    for copy in copies:
        copy.generate("a boat")
    print(sockets() - before)
    """
    # A call may begin before the one before it has given its connection back: there can be a second one.
    assert int(run(program, emulator.url)) <= 1


# A loop that is left, cancelled or closed never hangs.


@contextmanager
def arrival(emulator: nb.Emulator, count: int, file: Path) -> Iterator[str]:
    """The name of a file that is there once so many requests have arrived, for a program to see."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            if len(emulator.requests) >= count:
                file.touch()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield str(file)
    finally:
        over.set()
        watcher.join()


ARRIVED = """
def arrived():
    return os.path.exists(sys.argv[2])
async def arrival():
    while not arrived():
        await asyncio.sleep(0.01)
"""

LEFT = {
    "asyncio.run is left": """
        async def main():
            tasks = [asyncio.create_task(client.generate("a boat")) for _ in range(3)]
            stream = client.generate_stream("a boat")
            tasks.append(asyncio.create_task(anext(stream)))
            await arrival()
        asyncio.run(main())
    """,
    "an exception leaves it": """
        async def main():
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(client.generate("a boat"))
                await arrival()
                raise KeyError("mine")
        try:
            asyncio.run(main())
        except* KeyError:
            pass
    """,
    "Ctrl-C": """
        import signal
        def press():
            while not arrived():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        async def main():
            threading.Thread(target=press).start()
            await asyncio.gather(*(client.generate("a boat") for _ in range(4)))
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            pass
    """,
    "the loop is stopped and closed": """
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(client.generate("a boat")) for _ in range(4)]
        loop.run_until_complete(arrival())
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()
    """,
    "time runs out": """
        async def main():
            async with asyncio.timeout(None) as limit:
                calls = asyncio.gather(*(client.generate("a boat") for _ in range(4)))
                await arrival()
                limit.reschedule(asyncio.get_running_loop().time())
                await calls
        try:
            asyncio.run(main())
        except TimeoutError:
            pass
    """,
}


@pytest.mark.parametrize("program", LEFT.values(), ids=LEFT)
def test_a_loop_is_left_with_calls_pending(program: str, emulator: nb.Emulator, tmp_path: Path) -> None:
    emulator.script(HANG * 4)
    # It goes on until it is told to end: the requests end with the loop, not with the process.
    after = """
    gc.collect()
    print("left", flush=True)
    sys.stdin.readline()
    print(sum(thread.name != "MainThread" for thread in threading.enumerate()))
    """
    before = 'client = nb.AsyncClient("key", base_url=url, retry=False)\n'
    source = START + ARRIVED + before + textwrap.dedent(program) + textwrap.dedent(after)
    with arrival(emulator, 4, tmp_path / "arrived") as file:
        child = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", source, emulator.url, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "left\n", child.communicate()[1]
            until(lambda: [request["cancelled"] for request in emulator.requests] == [True] * 4)
            out, err = child.communicate("end\n", timeout=30)
            assert (child.returncode, out, err) == (0, "0\n", "")
        finally:
            child.kill()
            child.communicate()


# Forks.

FORK = """
import asyncio, gc, os, sys, threading, time
import nanobanana as nb

url, state, way = sys.argv[1:]
client = nb.Client("key", base_url=url, retry=False, timeout=60)
aclient = nb.AsyncClient("key", base_url=url, retry=False, timeout=60)
chat = client.chat(model="nano-banana")
stream, call, said = None, None, []

if state != "cold":
    client.generate("warm", model="nano-banana")
if state == "call":
    call = threading.Thread(target=lambda: said.append(client.generate("slow").image.width))
    call.start()
    time.sleep(0.3)
if state == "chat":
    call = threading.Thread(target=lambda: said.append(chat.send("slow").image.width))
    call.start()
    time.sleep(0.3)
if state == "stream":
    stream = client.generate_stream("slow")
    said.append(next(stream).type)


async def pending():
    # It forks in the midst of a loop.
    task = asyncio.create_task(aclient.generate("slow"))
    await asyncio.sleep(0.3)
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            del task
            gc.collect()
            assert client.generate("child", model="nano-banana").image
            code = 0
        finally:
            os._exit(code)
    while not (await asyncio.to_thread(os.waitpid, pid, 0))[1] == 0:
        raise AssertionError("the child failed")
    assert (await task).image.width == 9
    assert (await aclient.generate("the parent again", model="nano-banana")).image


if state == "task":
    asyncio.run(pending())


async def awaited():
    return (await aclient.generate("child", model="nano-banana")).image


def child():
    assert client.generate("child", model="nano-banana").image
    assert asyncio.run(awaited())
    assert list(client.generate_stream("child", model="nano-banana"))[-1].type == "done"
    if state == "chat":
        # The parent's turn is not waited for: it never ends here.
        assert chat.send("child").image
        assert len(chat.history) == 2
    if state == "stream":
        # What is under way belongs to the parent.
        try:
            next(stream)
        except nb.ConfigError as error:
            assert "process" in str(error), error
        else:
            raise AssertionError("a stream went on in the child")
        stream.close()
    gc.collect()


children = []
for number in range(2):
    pid = os.fork()
    if pid == 0:
        call = None
        try:
            child()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(3)
        if way == "os._exit":
            os._exit(0)
        sys.exit(0)
    children.append(pid)

deadline = time.monotonic() + 60
for pid in children:
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, os.waitstatus_to_exitcode(status)
            break
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            raise AssertionError("the child hangs")
        time.sleep(0.01)
if call:
    call.join(60)
    assert said == [9], said
if stream:
    said += [event.type for event in stream]
    assert said == ["text", "text", "image", "done"] or said[-2:] == ["image", "done"], said
assert client.generate("the parent again", model="nano-banana").image
print("parent goes on", flush=True)
"""


@forks
@pytest.mark.parametrize("way", ["os._exit", "sys.exit"])
@pytest.mark.parametrize("state", ["cold", "warm", "call", "task", "chat", "stream"])
def test_fork(state: str, way: str, emulator: nb.Emulator) -> None:
    slow = {"match": {"prompt": "slow"}, "text": "some words", "image": "png 9x9"}
    emulator.script([{**slow, "event_pause": 0.7} if state == "stream" else {**slow, "delay": 1.5}])
    strict = ["-X", "dev", "-W", "error", "-W", "ignore:.*multi-threaded:DeprecationWarning"]
    command = [sys.executable, *strict, "-c", CALM + FORK, emulator.url, state, way]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "parent goes on\n", "")
    assert [request["cancelled"] for request in emulator.requests] == [False] * len(emulator.requests)


@forks
def test_a_child_lets_an_inherited_emulator_go() -> None:
    program = """
    emulator = nb.Emulator()
    client = nb.Client("key", base_url=emulator.url, model="nano-banana")
    offline = nb.Client.offline(model="nano-banana")
    client.generate("a boat"), offline.generate("a boat")
    pids = []
    for _ in range(4):
        pid = os.fork()
        if not pid:
            assert client.generate("a boat").image
            assert offline.generate("a boat").image
            if len(pids) % 2:
                emulator.close()
                offline.close()
            del emulator, offline
            gc.collect()
            assert client.generate("a boat").image
            sys.exit(0)
        pids.append(pid)
    print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids])
    assert client.generate("a boat").image
    assert offline.generate("a boat").image
    """
    assert run(program, "") == "[0, 0, 0, 0]\n"


# Other processes.

OTHERS = """
import concurrent.futures, multiprocessing, os, sys
import nanobanana as nb


def draw(client, prompt):
    return client.generate(prompt, model="nano-banana")


def shrink(image):
    return len(image), image.width, image


def main():
    url, method = sys.argv[1:]
    client = nb.Client("given", base_url=url, retry=False)
    context = multiprocessing.get_context(method)
    first = client.generate("first", model="nano-banana")
    with context.Pool(2) as pool:
        results = pool.starmap(draw, [(client, f"boat {i}") for i in range(4)])
        assert all(type(result) is nb.Result and result.image.width == 1024 for result in results)
        assert results[0].usage == first.usage and results[0].model == first.model
        assert pool.apply(shrink, (first.image,)) == (len(first.image), 1024, first.image)
        try:
            pool.apply(draw, (client, "refused"))
        except nb.RateLimitError as error:
            assert (error.status, error.retry_after, len(error.attempts)) == (429, 7.0, 1)
        else:
            raise AssertionError("no error")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        calls = [pool.submit(draw, client, f"boat {i}") for i in range(3)]
        assert [call.result().image.width for call in calls] == [1024] * 3
        error = pool.submit(draw, client, "refused").exception()
        assert type(error) is nb.RateLimitError and error.quota is None, error
    answers = context.Queue()
    child = context.Process(target=put, args=(answers, client))
    child.start()
    results = answers.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0 and [result.image.width for result in results] == [1024, 1024]
    assert draw(client, "last").image
    print("good")


def put(answers, client):
    answers.put([draw(client, "a boat"), draw(client, "a boat")])


if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    "method", [pytest.param("fork", marks=forks), pytest.param("forkserver", marks=forks), "spawn"]
)
def test_other_processes(method: str, emulator: nb.Emulator, tmp_path: Path) -> None:
    refused = {"match": {"prompt": "refused"}, "status": 429, "headers": {"retry-after": "7"}}
    emulator.script([refused, refused])
    program = tmp_path / "program.py"
    program.write_text(OTHERS)
    strict = ["-W", "error", "-W", "ignore:.*multi-threaded:DeprecationWarning"]
    command = [sys.executable, *strict, str(program), emulator.url, method]
    # A pickled client leaves its key behind.
    env = {**os.environ, "GEMINI_API_KEY": "in-the-environment"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "good\n", "")


# Closing during a call.


def is_closed(error: BaseException | None) -> None:
    assert type(error) is nb.APIConnectionError, error
    assert "closed" in str(error)
    assert (error.billed, error.retryable) == ("unknown", False)


@pytest.mark.parametrize("retry", [False, True], ids=["", "with retries"])
def test_close_ends_the_calls_of_other_threads(retry: bool, emulator: nb.Emulator) -> None:
    emulator.script(HANG * 4)
    options: dict[str, Any] = {} if retry else {"retry": False}
    client = nb.Client("key", base_url=emulator.url, timeout=60, **options)

    def call(number: int) -> tuple[BaseException, float]:
        try:
            list(client.generate_stream("a boat")) if number else client.generate("a boat")
        except nb.NanoBananaError as error:
            return error, time.monotonic()
        raise AssertionError("it did not fail")

    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(call, number) for number in range(4)]
        until(lambda: len(emulator.requests) == 4)
        time.sleep(0.05)
        closed = time.monotonic()
        client.close()
        outcomes = [call.result() for call in calls]
    for error, ended in outcomes:
        assert ended - closed < 10
        is_closed(error)
    until(lambda: [request["cancelled"] for request in emulator.requests] == [True] * 4)


def test_aclose_ends_the_calls_of_other_tasks(emulator: nb.Emulator) -> None:
    async def main() -> None:
        emulator.script(HANG * 4)
        client = nb.AsyncClient("key", base_url=emulator.url, retry=False, timeout=60)
        calls = [asyncio.create_task(client.generate("a boat")) for _ in range(4)]
        while len(emulator.requests) < 4:
            await asyncio.sleep(0.01)
        closed = time.monotonic()
        await client.aclose()
        for error in await asyncio.gather(*calls, return_exceptions=True):
            is_closed(error if isinstance(error, BaseException) else None)
        assert time.monotonic() - closed < 10

    asyncio.run(main())
    until(lambda: [request["cancelled"] for request in emulator.requests] == [True] * 4)


def test_close_ends_a_wait_between_two_attempts(emulator: nb.Emulator) -> None:
    emulator.script([{"status": 503, "headers": {"retry-after": "40"}}] * 2)
    told: list[str] = []
    client = nb.Client(
        "key", base_url=emulator.url, timeout=90, on_event=lambda event: told.append(event.name)
    )
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.generate, "a boat")
        until(lambda: "retry" in told)
        closed = time.monotonic()
        client.close()
        error = call.exception()
    assert time.monotonic() - closed < 10
    assert isinstance(error, nb.APIConnectionError)
    assert len(emulator.requests) == 1


def test_closing_twice_and_at_once_is_no_drama(emulator: nb.Emulator) -> None:
    client = nb.Client("key", base_url=emulator.url)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.close(), range(32)))
    with pytest.raises(nb.ConfigError, match="closed"):
        client.generate("a boat")
    # What needs no connection still answers.
    assert "Client" in repr(client)
    assert client.models()


# Collection.


def test_what_is_let_go_is_gone_without_the_collector(client: nb.Client) -> None:
    other = client.with_options(timeout=60)
    chat = other.chat()
    stream = other.generate_stream("a boat", model="nano-banana")
    next(stream)
    gc.disable()
    try:
        held = [weakref.ref(it) for it in (other, chat, stream)]
        del other, chat, stream
        assert [ref() for ref in held] == [None] * 3
    finally:
        gc.enable()


def test_collection_warns_of_nothing(emulator: nb.Emulator) -> None:
    hangs = {"match": {"prompt": "for ever"}, "hang": True, "times": "always"}
    emulator.script([hangs, {"status": 429}, {"text": "words"}])
    program = """
    import tracemalloc
    tracemalloc.start()

    class Holder: pass

    def waits():
        holder = Holder()
        holder.client = nb.Client("key", base_url=url, retry=False)
        holder.self = holder  # only the collector finds it
        for _ in range(2):
            try:
                holder.client.generate("for ever", timeout=0.2)
            except nb.APITimeoutError as error:
                holder.error = error
        for kind in (nb.RateLimitError, nb.NoImageError):
            try:
                holder.client.generate("a boat")
            except kind as error:
                holder.error, error.holder = error, holder
        holder.stream = holder.client.generate_stream("a boat", model="nano-banana")
        next(holder.stream)
        holder.image = holder.client.generate("a boat", model="nano-banana").image
        holder.view = memoryview(holder.image.buffer)
        holder.emulator = nb.Emulator()
        holder.offline = nb.Client.offline()

    async def awaits():
        holder = Holder()
        holder.self, holder.client = holder, nb.AsyncClient("key", base_url=url)
        holder.stream = holder.client.generate_stream("a boat", model="nano-banana")
        holder.event = await anext(holder.stream)
        holder.task = asyncio.create_task(holder.client.generate("a boat"))
        await asyncio.sleep(0.05)

    waits()
    asyncio.run(awaits())
    gc.collect()
    assert gc.garbage == []
    assert not [it for it in gc.get_objects() if isinstance(it, (Holder, nb.Client, nb.AsyncClient))]
    print("clean")
    """
    assert run(program, emulator.url) == "clean\n"


# The interpreter's end.

ENDS = {
    "a thread waits": """
        threading.Thread(target=client.generate, args=("a boat",), daemon=True).start()
    """,
    "many threads wait": """
        for _ in range(16):
            threading.Thread(target=client.generate, args=("a boat",), daemon=True).start()
    """,
    "a thread reads a stream": """
        threading.Thread(target=lambda: list(client.generate_stream("a boat")), daemon=True).start()
    """,
    "a thread has a loop": """
        def loop():
            aclient = nb.AsyncClient("key", base_url=url)
            async def main():
                await asyncio.gather(*(aclient.generate("a boat") for _ in range(4)))
            asyncio.run(main())
        threading.Thread(target=loop, daemon=True).start()
    """,
    "a stream is half read": """
        stream = client.generate_stream("half", model="nano-banana")
        next(stream)
    """,
    "a loop is abandoned": """
        aclient = nb.AsyncClient("key", base_url=url)
        async def main():
            global task
            task = asyncio.ensure_future(aclient.generate("a boat"))
            task._log_destroy_pending = False  # asyncio's own complaint
            await arrival()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
    """,
}


@pytest.mark.parametrize("program", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("code", [0, 7])
def test_the_interpreter_ends_with_calls_in_flight(
    program: str, code: int, emulator: nb.Emulator, tmp_path: Path
) -> None:
    half = {"match": {"prompt": "half"}, "text": "some words", "image": "png 9x9", "event_pause": 60}
    emulator.script([half, *HANG * 16])
    before = ARRIVED + 'client = nb.Client("key", base_url=url, retry=False)\n'
    after = f"\nwhile not arrived(): time.sleep(0.01)\nprint(time.time(), flush=True)\nsys.exit({code})\n"
    # Threads that are ended with the interpreter have nothing to say.
    with arrival(emulator, 1, tmp_path / "arrived") as file:
        ended_at = float(run(before + textwrap.dedent(program) + after, emulator.url, file, code=code))
    assert time.time() - ended_at < 20
    until(lambda: all(request["cancelled"] for request in emulator.requests))


def test_a_call_at_exit_is_answered_or_refused(emulator: nb.Emulator) -> None:
    program = """
    import atexit
    def late():
        try:
            print(client.generate("a boat", model="nano-banana").image.width)
        except (RuntimeError, nb.NanoBananaError) as error:
            print("refused", "ending" in str(error))
    if len(sys.argv) > 2:
        atexit.register(late)  # after nanobanana's own: it runs first
        client = nb.Client("key", base_url=url)
    else:
        client = nb.Client("key", base_url=url)
        class Late:
            def __del__(self):
                late()
        keep = Late()
        keep.self = keep
    """
    assert run(program, emulator.url, "first") == "1024\n"
    assert run(program, emulator.url) in ("", "refused True\n", "1024\n")


# Thousands.

THOUSANDS = """
count, what = int(sys.argv[2]), sys.argv[3]
from pathlib import Path

def state():
    gc.collect()
    status = Path("/proc/self/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1000
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")), resident

keep = nb.Client("key", base_url=url)

def one(number):
    if what == "copies":
        client = keep.with_options(timeout=100 + number % 7, model="nano-banana")
        if number % 10 == 0:
            client.generate("a boat", extra={})
        return
    client = nb.Client("key", base_url=url, retry=False)
    if what == "made":
        repr(client), client.chat(), client.generate_stream("a boat")
    if what == "called":
        assert client.generate("a boat").image.width == 8
    if what == "closed":
        with client:
            assert client.generate("a boat").image.width == 8

async def several():
    for number in range(count // 20):
        client = nb.AsyncClient("key", base_url=url, retry=False)
        await asyncio.gather(*(client.generate("a boat") for _ in range(4)))

def all():
    if what == "awaited":
        asyncio.run(several())
    else:
        for number in range(count):
            one(number)

keep.generate("a boat")
all()  # what is made once is there
time.sleep(0.2)
threads, files, resident = state()
all()
deadline = time.monotonic() + 20
while any(now > then for now, then in zip(state(), (threads, files))) and time.monotonic() < deadline:
    time.sleep(0.05)
after = state()
print(after[0] - threads, after[1] - files, after[2] - resident)
"""


@linux
@pytest.mark.parametrize(
    ("what", "count"), [("made", 5000), ("copies", 5000), ("called", 500), ("closed", 500), ("awaited", 2000)]
)
def test_thousands_are_made_and_dropped(what: str, count: int, emulator: nb.Emulator) -> None:
    emulator.script([{"image": "png 8x8"}] * 6000)
    threads, files, resident = run(THOUSANDS, emulator.url, str(count), what, seconds=180).split()
    # Threads that were idle may have ended meanwhile.
    assert int(threads) <= 0
    assert int(files) <= 0
    assert float(resident) < 3  # 5,000 that stay are 5.6 MB

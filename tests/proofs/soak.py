"""Many calls at once, some requests at fault: each ends in exactly one outcome, and nothing is left over."""

import asyncio
import collections
import gc
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nanobanana as nb

AT_ONCE = 64
# One request in twenty meets one of these.
FAULTS = [
    {"status": 503},
    {"status": 500},
    {"cut": "headers"},
    {"cut": 40},
    {"status": 429, "headers": {"retry-after": "0.05"}},
    {"text": "no", "finish_reason": "NO_IMAGE"},
    {"body": "{]"},
    {"status": 400},
]
# The emulator has a process of its own: its files and memory are not the client's.
SERVER = """
import json, sys, nanobanana as nb
emulator = nb.Emulator()
print(emulator.url, flush=True)
for line in sys.stdin:
    emulator.script(json.loads(line))
    print("ok", flush=True)
"""


def script(calls: int) -> list[dict]:
    steps = []
    for number in range(calls):
        fault = number % 20 == 7
        steps.append(FAULTS[number // 20 % len(FAULTS)] if fault else {"image": "png 8x8"})
    return steps


def held(rest: float) -> dict[str, int]:
    """What this process holds after a rest: a thread that has nothing to do is kept for ten seconds."""
    time.sleep(rest)
    gc.collect()
    with open("/proc/self/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    threads = len(os.listdir("/proc/self/task"))
    return {"files": len(os.listdir("/proc/self/fd")), "threads": threads, "memory_kb": resident}


def tell(outcome: object) -> str:
    return "ok" if outcome is None else type(outcome).__name__


async def singly(client: nb.AsyncClient, calls: int, outcomes: list[str], streamed: bool) -> None:
    async def work(numbers) -> None:
        for number in numbers:
            try:
                if streamed:
                    async with client.generate_stream(f"banana {number}") as stream:
                        async for _ in stream:
                            pass
                else:
                    await client.generate(f"banana {number}")
                outcomes.append("ok")
            except nb.NanoBananaError as error:
                outcomes.append(tell(error))

    numbers = iter(range(calls))
    await asyncio.gather(*(work(numbers) for _ in range(AT_ONCE)))


async def in_bulk(client: nb.AsyncClient, calls: int, outcomes: list[str]) -> None:
    async for outcome in client.generate_many((f"banana {n}" for n in range(calls)), concurrency=AT_ONCE):
        outcomes.append(tell(outcome.error))


def in_threads(client: nb.Client, calls: int, outcomes: list[str]) -> None:
    def work(number: int) -> str:
        try:
            client.generate(f"banana {number}")
            return "ok"
        except nb.NanoBananaError as error:
            return tell(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes.extend(pool.map(work, range(calls)))


def soak(calls: int, rest: float) -> dict:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url = server.stdout.readline().strip()
    retry = nb.Retry(initial=0.01)

    def prepare(requests: int) -> None:
        import json

        print(json.dumps(script(requests)), file=server.stdin, flush=True)
        assert server.stdout.readline().strip() == "ok"

    async def everything(each: int) -> list[str]:
        outcomes: list[str] = []
        with nb.Client("soak-key", base_url=url, retry=retry) as client:
            async with nb.AsyncClient("soak-key", base_url=url, retry=retry) as waiting:
                await singly(waiting, each, outcomes, streamed=False)
                await singly(waiting, each, outcomes, streamed=True)
                await in_bulk(waiting, each, outcomes)
                await asyncio.to_thread(in_threads, client, each, outcomes)
        await asyncio.sleep(0.3)
        return outcomes

    try:
        each = max(calls // 4, AT_ONCE)
        # Pools, threads and arenas that stay are there before the count begins.
        prepare(2 * AT_ONCE * 20)
        asyncio.run(everything(min(each, AT_ONCE * 20)))
        before = held(rest)
        prepare(calls * 2)
        outcomes = asyncio.run(everything(each))
        after = held(rest)
    finally:
        with server:
            server.kill()
    counted = collections.Counter(outcomes)
    return {"calls": each * 4, "outcomes": dict(counted), "before": before, "after": after}


def main(calls: int, most: float = 1.05, rest: float = 12) -> dict:
    figures = soak(calls, rest)
    print(figures)
    assert sum(figures["outcomes"].values()) == figures["calls"], "a call without an outcome, or with two"
    assert figures["outcomes"]["ok"] > figures["calls"] * 0.9
    for name, before in figures["before"].items():
        after = figures["after"][name]
        assert after <= before * most + 1, f"{name} grew from {before} to {after}"
    return figures


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)

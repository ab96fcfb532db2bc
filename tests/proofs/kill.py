"""A bulk run with a journal, killed at random moments and run again: only what is missing is paid for."""

import collections
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nanobanana as nb

AT_ONCE = 8
CHILD = {
    "python": [
        sys.executable,
        "-c",
        """
import sys, nanobanana as nb
url, items, journal, folder = sys.argv[1:]
with nb.Client("kill-key", base_url=url) as client:
    prompts = (f"banana {n:04}" for n in range(int(items)))
    for outcome in client.generate_many(prompts, concurrency=8, journal=journal, save_to=folder):
        if not outcome.ok: raise outcome.error
""",
    ],
    "node": [
        "node",
        "--input-type=module",
        "-e",
        """
import { Client } from 'nanobanana-sdk'
const [url, items, journal, saveTo] = process.argv.slice(1)
const client = new Client({ apiKey: 'kill-key', baseUrl: url })
const prompts = Array.from({ length: Number(items) }, (_, n) => `banana ${String(n).padStart(4, '0')}`)
for await (const outcome of client.generateMany(prompts, { concurrency: 8, journal, saveTo })) {
  if (!outcome.ok) throw outcome.error
}
""",
    ],
}


def begun_but_not_done(journal: Path) -> set[str]:
    """The keys of what was under way when the run was killed."""
    begun: set[str] = set()
    for line in journal.read_bytes().split(b"\n") if journal.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the line that was being written
        begun |= {entry["sent"]} if "sent" in entry else set()
        begun -= {entry.get("done"), entry.get("failed")}
    return begun


def prompts_of(requests: list[dict]) -> list[str]:
    return [request["json"]["contents"][0]["parts"][0]["text"] for request in requests]


def run(kills: int, items: int, languages: list[str], seed: int) -> dict:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place, nb.Emulator(keep=20 * items) as emulator:
        journal, folder = Path(place, "run.jsonl"), Path(place, "pictures")
        told = [emulator.url, str(items), str(journal), str(folder)]
        # So slow that every kill finds something under way.
        delay = 6 * kills / (items + 4 * kills)
        emulator.script([{"image": "png 64x64", "delay": delay, "times": items * 20}])
        under_way, killed = 0, 0
        for number in range(kills):
            asked_before = len(emulator.requests)
            child = subprocess.Popen(
                CHILD[languages[number % len(languages)]] + told, cwd=Path(__file__).parents[2]
            )
            # The journal says `sent` before a request leaves: only the server knows that one is under way.
            ends = time.monotonic() + 60
            while len(emulator.requests) == asked_before and child.poll() is None:
                assert time.monotonic() < ends, "nothing was sent"
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.8))
            child.send_signal(signal.SIGKILL)
            if child.wait() == -signal.SIGKILL:
                killed += 1
            else:
                assert child.returncode == 0, f"a run ended by itself, with {child.returncode}"
            under_way += len(begun_but_not_done(journal))
        subprocess.run(CHILD[languages[0]] + told, check=True, cwd=Path(__file__).parents[2], timeout=600)
        requests = emulator.requests
        asked = collections.Counter(prompts_of(requests))
        sidecars = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        pictures = {path.name for path in folder.iterdir()} - {path.name for path in folder.glob("*.json")}
        for sidecar in sidecars:
            for file in sidecar["files"]:
                assert nb.Image.open(folder / file["name"]).width == 64
        repeats = sum(asked.values()) - items
        assert len(asked) == items, "an item was never sent"
        assert repeats <= under_way, f"{repeats} repeats, but only {under_way} under way at the kills"
        # A run whose items are all done sends nothing.
        before = len(requests)
        subprocess.run(CHILD[languages[-1]] + told, check=True, cwd=Path(__file__).parents[2], timeout=600)
        assert len(emulator.requests) == before, "a done item was sent again"
        named = {file["name"] for sidecar in sidecars for file in sidecar["files"]}
        assert len(sidecars) >= items and named <= pictures
        # A kill between a picture and its note leaves the picture, which was paid for.
        alone = [name for name in pictures - named if not name.startswith(".")]
        assert all(nb.Image.open(folder / name).width == 64 for name in alone) and len(alone) <= under_way
    return {
        "items": items,
        "kills": killed,
        "under_way_at_kills": under_way,
        "requests": before,
        "repeats": repeats,
        "alone": len(alone),
    }


def main(kills: int, items: int, languages: list[str] | None = None, seed: int | None = None) -> dict:
    seed = seed if seed is not None else random.randrange(1 << 30)
    print("seed", seed)
    figures = run(kills, items, languages or ["python", "node"], seed)
    print(figures)
    return figures


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (30, 200))

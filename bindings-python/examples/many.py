"""Twelve pictures at once, stopped half-way and gone on with: only what is missing is drawn.

Runs offline as it is; with a key, make `nb.Client(budget=2)` instead. The cells (`# %%`) run one by one in a
notebook or an editor.
"""

# %%
import sys
from pathlib import Path

import nanobanana as nb

out = Path(sys.argv[1] if len(sys.argv) > 1 else "many")
client = nb.Client.offline(budget=2, model="nano-banana-2-lite")
fruits = [
    "banana",
    "apple",
    "pear",
    "plum",
    "cherry",
    "fig",
    "lemon",
    "lime",
    "mango",
    "melon",
    "peach",
    "quince",
]
items = [{"id": fruit, "prompt": f"A {fruit} in watercolour"} for fruit in fruits]

# %% What will it cost?
one = client.estimate(items[0]["prompt"])
low, typical, high = (usd * len(items) for usd in (one.low, one.typical, one.high))
print(f"estimate: {typical:.2f} USD ({low:.2f} to {high:.2f})")

# %% Something comes up after five pictures. Those that came are on disk, with a note beside each.
with client.generate_many(items, concurrency=4, journal=out / "run.jsonl", save_to=out) as outcomes:
    for number, outcome in enumerate(outcomes, 1):
        print("drawn:", outcome.id, outcome.files)
        if number == 5:
            break

# %% The same lines again: what is done comes from disk and costs nothing.
for outcome in client.generate_many(items, concurrency=4, journal=out / "run.jsonl", save_to=out):
    print("on disk:" if outcome.cached else "drawn:", outcome.id, outcome.result.cost)

# %%
print(f"spent: {client.spent.usd:.4f} USD for {client.spent.calls} pictures, {client.spent.unknown} unknown")
client.close()

"""A conversation of ten turns with a large picture each: how the process grows. usage: chat.py URL FILE

If FILE is there, its conversation is gone on with for a turn; else the one of this run is written to it.
"""

import gc
import sys
from pathlib import Path

import nanobanana as nb

url, file = sys.argv[1:]


def resident() -> float:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1000


client = nb.Client(base_url=url, api_key="bench")
if Path(file).exists():
    chat = client.load_chat(file)
    before = len(chat.history)
    chat.send("go on")
    print(f"{before} turns were loaded, {len(chat.history)} are there now")
else:
    client.generate("warm up")
    gc.collect()
    chat, before, size = client.chat(), resident(), 0
    for turn in range(10):
        size += len(chat.send(f"turn {turn}").image)
        gc.collect()
    grown = resident() - before
    ratio = grown / (size / 1e6)
    print(f"grown by {grown:.1f} MB for pictures of {size / 1e6:.1f} MB: {ratio:.2f} times")
    chat.save(file)

"""Makes the golden files of version 0.1.0. It ran once, with that version installed; see README.md."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image as Pil

import nanobanana as nb

HERE = Path(__file__).parent
TINY = {"image": "png 8x8"}
PORT = 47113  # an address that stands in the cache's keys; nobody has to listen there to be found

# Text, options and inputs of each item. `mask` makes pixels stay, so its picture is composed here.
ITEMS = [
    {"prompt": "a plain banana"},
    {"prompt": "a plain banana"},
    {
        "prompt": "a named banana",
        "id": "named",
        "options": {"aspect_ratio": "16:9", "seed": 7, "temperature": 0.5},
    },
    {"prompt": "a banana in a boat", "images": "inputs/boat.png"},
    {
        "prompt": "a banana on its side",
        "images": "inputs/turned.jpg",
        "options": {"image_size": "2K", "model": "nano-banana-pro"},
    },
    {"prompt": "two bananas", "options": {"n": 2, "system": "draw flat"}},
    {"prompt": "a masked banana", "images": "inputs/boat.png", "options": {"mask": nb.Box(0, 0, 4, 4)}},
    {
        "prompt": "a banana with a text",
        "options": {"attachments": "inputs/prices.csv", "timeout": 60, "retry": nb.Retry(max_attempts=2)},
    },
    {"prompt": "a banana of Mia", "images": nb.Reference("inputs/boat.png", name="Mia", role="character")},
    {
        "prompt": "a small boat",
        "images": "inputs/boat.png",
        "options": {"encode": nb.Encode(max_side=4, format="png")},
    },
    {"prompt": "done, and its line is gone", "id": "no line"},
    {"prompt": "refused banana"},
    {"prompt": "lost banana", "id": "lost"},
    {"prompt": "cut off bananas", "id": "cut", "options": {"n": 3}},
]


def inputs() -> None:
    folder = HERE / "inputs"
    folder.mkdir(exist_ok=True)
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    Pil.fromarray(pixels).save(folder / "boat.png")
    picture = Pil.fromarray(pixels[:4])
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(folder / "turned.jpg", exif=exif)
    (folder / "prices.csv").write_text("fruit,price\nbanana,1\n")


def steps(emulator: nb.Emulator) -> None:
    emulator.script(
        [
            {"match": {"prompt": "refused"}, "status": 400, "error": {"message": "no"}},
            {"match": {"prompt": "lost"}, "image": "png 8x8", "cut": "headers"},
            *[{"match": {"prompt": "cut off"}, **TINY}] * 2,
            {"match": {"prompt": "cut off"}, "hang": True},
            *[TINY] * 100,
        ]
    )


def many(url: str) -> None:
    client = nb.Client("golden-key-0000", base_url=url, retry=False)
    for outcome in client.generate_many(
        ITEMS, journal="run.jsonl", save_to="out", concurrency=1, ordered=True
    ):
        print(outcome.index, outcome.id, outcome.ok, outcome.cached, outcome.error, flush=True)


def journal() -> None:
    """Its last item is cut off by a kill when two of its three pictures are there."""
    with nb.Emulator() as emulator:
        steps(emulator)
        child = subprocess.Popen([sys.executable, __file__, "many", emulator.url], cwd=HERE)
        started = time.monotonic()
        while len(list((HERE / "out").glob("cut-*.png"))) < 2 and time.monotonic() - started < 30:
            time.sleep(0.01)
        time.sleep(0.3)
        child.send_signal(signal.SIGKILL)
        child.wait()
        told = [{"prompt": r["json"]["contents"][0]["parts"][0]["text"]} for r in emulator.requests]
        print(len(told), "requests")
    lines = [
        line
        for line in Path(HERE, "run.jsonl").read_text().splitlines(True)
        if '"done":"no line"' not in line
    ]
    Path(HERE, "run.jsonl").write_text("".join(lines))


def cache() -> None:
    with nb.Emulator(port=PORT) as emulator:
        emulator.script([TINY] * 20)
        client = nb.Client("golden-key-0000", base_url=emulator.url, cache=str(HERE / "cache"), retry=False)
        client.generate("a cached banana")
        client.generate("two cached bananas", n=2)
        client.edit("a cached boat", HERE / "inputs/boat.png", aspect_ratio="16:9", model="nano-banana-pro")
        client.generate("a streamed banana", thoughts=True)
        list(client.generate_many(["a cached item", "a cached item"], concurrency=1))


def chat() -> None:
    with nb.Emulator() as emulator:
        emulator.script([TINY] * 20)
        client = nb.Client("golden-key-0000", base_url=emulator.url, retry=False)
        talk = client.chat(system="draw flat", aspect_ratio="1:1")
        talk.send("a banana")
        talk.send(["now in a boat", HERE / "inputs/boat.png"])
        talk.save(HERE / "talk.chat.json")


def cassette() -> None:
    with nb.Emulator() as upstream:
        upstream.script([TINY] * 20)
        with nb.Emulator(cassette=str(HERE / "cassette"), upstream=upstream.url) as emulator:
            client = nb.Client("golden-key-0000", base_url=emulator.url, retry=False)
            client.generate("a recorded banana")
            client.edit("a recorded boat", HERE / "inputs/boat.png", seed=7)


if __name__ == "__main__":
    assert nb.__version__ == "0.1.0"
    os.chdir(HERE)
    if sys.argv[1:2] == ["many"]:
        many(sys.argv[2])
    else:
        inputs()
        journal()
        cache()
        chat()
        cassette()

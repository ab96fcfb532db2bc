# ruff: noqa: E501
"""Files that a client writes, beyond those of tests/golden: kept as they are, to be read by every later version."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kit import HERE, KEY, TESTS, digest, set_day, short, steady

import nanobanana as nb

MEDIA = TESTS / "media"
DOT = MEDIA / "dot.png"
#: Places of inputs stand in notes: these are seen from the folder of media.
NEAR = "dot.png"
KEPT = HERE / "written" / "0.1.0"
#: The address stands in the keys of the cache; nobody has to listen there.
PORT = 47123


def reply(word: str) -> dict[str, Any]:
    """An answer with thoughts, a picture and signatures that are the same each time."""
    parts = [
        {"text": "I think", "thought": True},
        {"text": f"Here is {word}", "thoughtSignature": "c2lnbmVk"},
        {
            "inlineData": {"mimeType": "image/png", "data": {"$image": "png 8x8"}},
            "thoughtSignature": "c2lnbmVkIHRvbw==",
        },
        {"newKind": {"of": "part"}},
    ]
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 1120, "totalTokenCount": 1125}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return {
        "json": {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": "gemini-3-pro-image",
            "responseId": f"of-{word}",
        }
    }


def drain(stream: nb.Stream) -> nb.Result:
    with stream:
        for _ in stream:
            pass
    assert stream.result
    return stream.result


def bulk(client: nb.Client, folder: Path) -> list[nb.Outcome]:
    items: list[Any] = [
        "a",
        {"prompt": "b", "id": "two", "options": {"n": 2, "output_format": "webp", "seed": 3}},
        {"prompt": "c", "images": [nb.Reference(NEAR, name="Mia")]},
        {"prompt": "d", "images": NEAR, "options": {"upload": "always"}},
    ]
    return list(
        client.generate_many(
            items, journal=folder / "run.jsonl", save_to=folder / "out", concurrency=1, ordered=True
        )
    )


def write(folder: Path, port: int) -> None:
    """Writes one of each kind into the folder."""
    with nb.Emulator() as emulator:
        emulator.script([reply(word) for word in ("one", "two", "three")])
        with nb.Client(KEY, base_url=emulator.url, retry=False) as client:
            chat = client.chat(
                model="nano-banana-pro", system="draw flat", aspect_ratio="16:9", thoughts=True
            )
            chat.send(["Put", nb.Reference(DOT, name="Mia", role="character"), "into", MEDIA / "square.png"])
            drain(chat.send_stream("now at night", images=[nb.Reference(DOT, role="style")]))
            chat.add("look at this", ["gs://bucket/boat.png"])
            chat.add("I see", role="model")
            chat.send("and again", temperature=0.5, image_size="2K")
            chat.save(folder / "talk.chat.json")
        emulator.script([{"image": "png 8x8", "times": 6}])
        with nb.Client(KEY, base_url=emulator.url, retry=False) as client:
            bulk(client, folder)
        with nb.Emulator(cassette=str(folder / "cassette"), upstream=emulator.url) as recording:
            use_cassette(recording.url, emulator)
    with nb.Emulator(port=port) as emulator:
        emulator.script([reply("cached"), reply("cached stream"), {"image": "png 8x8", "times": 9}])
        use_cache(folder / "cache", emulator.url)


def use_cassette(url: str, upstream: nb.Emulator | None = None) -> list[Any]:
    """Calls of a cassette: the same when it is recorded and when it is played."""
    if upstream:
        upstream.script([reply("streamed"), {"status": 400}, {"image": "png 8x8"}])
    with nb.Client(KEY, base_url=url, retry=False) as client:
        streamed = drain(client.generate_stream("a streamed banana", thoughts=True))
        try:
            client.generate("refused")
            refused = "it succeeded"
        except nb.NanoBananaError as error:
            refused = type(error).__name__
        file = client.files.upload(MEDIA / "brief.pdf", display_name="Brief", name="brief-1")
        read = client.generate("read", attachments=file)
        tokens = client.count_tokens("a banana").total_tokens
    return [
        digest(streamed.image.bytes),
        streamed.text,
        refused,
        file.mime_type,
        digest(read.image.bytes),
        tokens,
    ]


def use_cache(folder: Path, url: str) -> list[Any]:
    """Calls that a cache answers: the same when they are paid for and when they are found."""
    with nb.Client(KEY, base_url=url, retry=False, cache=str(folder)) as client:
        results = [
            client.generate("a banana", model="nano-banana-pro", thoughts=True),
            drain(client.generate_stream("a streamed banana", model="nano-banana-pro", thoughts=True)),
            client.generate("two", n=2, seed=3, model="nano-banana-pro"),
            client.edit("night", [nb.Reference(DOT, name="Mia")], labels={"a": "b"}, extra={"z": [1, 2.5]}),
        ]
    return [[one.cached, one.text, [digest(image.bytes) for image in one.images]] for one in results]


def read(folder: Path) -> dict[str, Any]:
    """Content of files that were written: the conversation, the outcomes of the run, the cassette, the cache."""
    report: dict[str, Any] = {}
    with nb.Emulator() as emulator, nb.Client(KEY, base_url=emulator.url, retry=False) as client:
        emulator.script([{"image": "png 8x8", "times": 9}])
        chat = client.load_chat(folder / "talk.chat.json")
        report["turns"] = short(json.loads(json.dumps([turn.to_dict() for turn in chat.history])))
        chat.send("go on")
        report["run"] = [[one.id, one.ok, one.cached] for one in bulk(client, folder)]
        sent = emulator.requests[-1]["json"]
        report["sent"] = short(json.loads(steady(json.dumps(sent))))
    with nb.Emulator(cassette=str(folder / "cassette")) as emulator:
        report["cassette"] = use_cassette(emulator.url)
    report["cache"] = use_cache(folder / "cache", f"http://127.0.0.1:{PORT}")
    return report


NAMES = [
    (re.compile(r"[0-9a-f]{64}"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<mark>"),
    (re.compile(r"(?<=cache/)[0-9a-f]{3}(?=/)"), "<part>"),
    (re.compile(r'(?<="by":"nanobanana )[^"]+'), "#"),
    (re.compile(r'"(response_id|responseId)":\s*"[-\w]{22}"'), r'"\1":"<made up>"'),
    (re.compile(r'"thoughtSignature":\s*"[^"]{96}"'), '"thoughtSignature":"<signature>"'),
]


def layouts(folder: Path) -> dict[str, Any]:
    """Names and contents of all files, without what is drawn by lot."""

    def plain(text: str) -> str:
        text = steady(text, folder)
        for pattern, by in NAMES:
            text = pattern.sub(by, text)
        return text

    report: dict[str, Any] = {"cache/<part>/<digest>.reply": {"bytes": []}}
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        name = plain(file.relative_to(folder).as_posix())
        if file.suffix in (".reply", ".model"):
            # Their names hold the emulator's port, and so have no order.
            sizes = report.setdefault(name, {"bytes": []})["bytes"]
            sizes.append(file.stat().st_size)
            sizes.sort()
            continue
        try:
            lines = plain(file.read_text("utf-8")).splitlines()
        except UnicodeDecodeError:
            report[name] = {"bytes": file.stat().st_size}
            continue
        try:
            report[name] = [short(json.loads("\n".join(lines)))]
        except ValueError:
            report[name] = [
                short(json.loads(line)) if line[:1] in "{[" and line[-1:] in "}]" else short(line)
                for line in lines
            ]
    return report


def in_media(folder: Path, work: str) -> str:
    """Writes or reads in a process of its own, whose folder is that of the media."""
    run = [sys.executable, "-W", "ignore", __file__, work, str(folder)]
    return subprocess.run(
        run, cwd=MEDIA, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=100
    ).stdout


def written() -> dict[str, Any]:
    """Names and contents of files written by this build."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        in_media(folder, "write")
        return layouts(folder)


def found() -> dict[str, Any]:
    """Content that this build reads in the kept files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "copy"
        shutil.copytree(KEPT, folder)
        return dict(json.loads(in_media(folder, "read")))


def keep() -> None:
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    in_media(KEPT, "keep")


if __name__ == "__main__":
    set_day()
    if sys.argv[1] == "read":
        json.dump(read(Path(sys.argv[2])), sys.stdout)
    else:
        write(Path(sys.argv[2]), PORT if sys.argv[1] == "keep" else 0)

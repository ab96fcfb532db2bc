# ruff: noqa: E501
"""A matrix of calls: each option alone at some values, each kind of input, masks, turns, streams, files."""

from __future__ import annotations

import io
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

from kit import KEY, TESTS, Recorder

import nanobanana as nb

MEDIA = TESTS / "media"
DOT, WIDE, PDF, CSV = (MEDIA / name for name in ("dot.png", "wide.jpg", "brief.pdf", "prices.csv"))
MODELS = ["nano-banana", "nano-banana-pro", "nano-banana-2", "nano-banana-2-lite", "nano-banana-2.1"]
Call = Callable[[nb.Client], Any]

OPTIONS: dict[str, list[Any]] = {
    "model": [*MODELS, "gemini-3-pro-image-preview", "gemini-9-unknown-image", "models/gemini-3-pro-image"],
    "aspect_ratio": ["1:1", "16:9", "1920x1080", "7:3", "9/16", "5:4"],
    "image_size": ["512", "1k", "2K", "4K"],
    "thinking": ["minimal", "low", "medium", "high"],
    "thoughts": [True, False],
    "search": [True, False],
    "image_search": [True, False],
    "system": ["draw flat", 'Ein "süßer" 🍌\n\\ 日本', ""],
    "modalities": ["image", "text+image"],
    "seed": [0, 7, -1, 2147483647],
    "temperature": [0, 0.5, 1, 1.5, 2],
    "top_p": [0, 0.1, 0.95, 1],
    "max_output_tokens": [1, 1000],
    "safety": [
        "off",
        {"harassment": "none", "HARM_CATEGORY_HATE_SPEECH": "BLOCK_ONLY_HIGH"},
        {"dangerous_content": "high"},
    ],
    "output_format": ["png", "jpeg", "webp"],
    "output_quality": [80],
    "mark_ai": [True, False],
    "service_tier": ["standard", "flex", "priority"],
    "encode": [
        nb.Encode(max_side=4, format="png"),
        nb.Encode(format="webp"),
        nb.Encode(format="jpeg", quality=50),
    ],
    "attachments": [
        PDF,
        [PDF, CSV],
        nb.Attachment(b"a text", mime_type="text/plain"),
        "https://www.youtube.com/watch?v=abc",
    ],
    "upload": ["auto", "never", "always"],
    "on_unsupported": ["error", "warn"],
    "timeout": [30, nb.Timeout(total=20, connect=5, idle=3)],
    "retry": [False, nb.Retry(max_attempts=2)],
    "headers": [{"x-mine": "1"}, {"X-Goog-User-Project": "p", "x-b": "ä"}],
    "labels": [{"team": "fruit"}],
    "extra": [
        {"generationConfig": {"imageConfig": {"personGeneration": "ALLOW_ALL"}}},
        {"cachedContent": "cachedContents/1"},
        {"generationConfig": {"seed": 3, "temperature": None}},
    ],
    "n": [1, 2, 3],
}

CLIENT: dict[str, Any] = {
    "model": {"model": "nano-banana-pro"},
    "version": {"api_version": "v1"},
    "headers": {"headers": {"x-mine": "1"}},
    "timeout": {"timeout": 12},
    "idle": {"timeout": nb.Timeout(total=90, idle=4)},
    "budget": {"budget": 5},
}


def calls() -> dict[str, tuple[dict[str, Any], Call]]:
    """Each call by its name, with the options of its client."""
    found: dict[str, tuple[dict[str, Any], Call]] = {}

    def add(name: str, call: Call, **client: Any) -> None:
        assert name not in found, name
        found[name] = (client, call)

    for option, values in OPTIONS.items():
        for at, value in enumerate(values):
            given: dict[str, Any] = {option: value}
            if option == "output_quality":
                given["output_format"] = "jpeg"
            images = [WIDE] if option in ("encode", "upload") else [DOT]
            add(f"generate {option} {at}", lambda c, o=given: c.generate("a banana", **o))
            add(f"edit {option} {at}", lambda c, o=given, i=images: c.edit("a banana", i, **o))
            if option != "n":
                add(f"stream {option} {at}", lambda c, o=given: drain(c.generate_stream("a banana", **o)))
                add(f"chat {option} {at}", lambda c, o=given: c.chat(**o).send("a banana"))
            if option == "model":
                for size in ("512", "1K", "4K"):
                    both = {**given, "image_size": size, "on_unsupported": "warn"}
                    add(f"generate model {at} size {size}", lambda c, o=both: c.generate("a banana", **o))
                for other in ("thinking", "temperature", "search", "seed", "thoughts"):
                    both = {**given, other: OPTIONS[other][0], "on_unsupported": "warn"}
                    add(f"generate model {at} {other}", lambda c, o=both: c.generate("a banana", **o))
    everything = {
        "aspect_ratio": "16:9", "image_size": "2K", "system": "flat", "seed": 1, "temperature": 0.5, "top_p": 0.5,
        "max_output_tokens": 500, "thinking": "low", "thoughts": True, "search": True, "modalities": "image",
        "safety": "off", "service_tier": "flex", "labels": {"a": "b"}, "headers": {"x-a": "b"}, "extra": {"z": {"y": [1, 2.5, None]}},
        "on_unsupported": "warn",
    }  # fmt: skip
    for model in MODELS:
        add(
            f"everything {model}",
            lambda c, m=model: c.edit("a", [DOT, WIDE], model=m, attachments=PDF, **everything),
        )
    for name, options in CLIENT.items():
        add(f"client {name}", lambda c: c.generate("a banana"), **options)
        add(f"client {name}, a stream", lambda c: drain(c.generate_stream("a banana")), **options)
    inputs(add)
    conversations(add)
    others(add)
    return found


def drain(stream: nb.Stream) -> nb.Stream:
    with stream:
        for _ in stream:
            pass
    return stream


def inputs(add: Callable[..., None]) -> None:
    data = DOT.read_bytes()
    kinds: dict[str, Any] = {
        "path": DOT,
        "text": str(DOT),
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "file object": io.BytesIO(data),
        "data url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR42mNkYGioZ2BgYahnYGBgAAANKQGEzakDZwAAAABJRU5ErkJggg==",
        "gs": "gs://bucket/boat.png",
        "files": "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "reference": nb.Reference(DOT),
        "reference named": nb.Reference(DOT, name="Mia"),
        "reference style": nb.Reference(DOT, role="style"),
        "reference character": nb.Reference(DOT, name="Mia", role="character"),
        "reference object": nb.Reference(DOT, name="the cup", role="object"),
        **{
            name: MEDIA / name
            for name in (
                "old.bmp",
                "old.gif",
                "small.webp",
                "named-jpg.jpg",
                "wide.jpg",
                "square.png",
                "text.png",
            )
        },
    }
    for name, value in kinds.items():
        add(f"input {name}", lambda c, v=value: c.edit("look", [v]))
        add(f"input {name} in a prompt", lambda c, v=value: c.generate(["look at", v, "well"]))
        add(f"input {name} twice", lambda c, v=value: c.edit(["first", DOT, "then"], [v, WIDE]))
    add(
        "references",
        lambda c: c.generate(
            [
                "Put",
                nb.Reference(DOT, name="Mia", role="character"),
                "into",
                WIDE,
                "with",
                nb.Reference(MEDIA / "square.png", name="cup", role="object"),
            ]
        ),
    )
    add("prompt of texts", lambda c: c.generate(["one", "two", "three"]))
    add("prompt of letters", lambda c: c.generate('Ein "süßer" 🍌\n\\ \u2028 \x7f \x01 日本</script>'))
    box, part = nb.Box(0, 0, 2, 1), nb.Box(0.1, 0.1, 0.5, 0.5, unit="fraction")
    square = MEDIA / "square.png"
    for name, mask in {
        "box": box,
        "fraction": part,
        "boxes": [box, nb.Box(1, 1, 3, 3)],
        "file": square,
    }.items():
        for keep in (True, False):
            add(
                f"mask {name}, keep {keep}",
                lambda c, m=mask, k=keep: c.edit("paint", square, mask=m, keep_outside=k),
            )
        add(
            f"mask {name}, two pictures",
            lambda c, m=mask: c.edit("paint", [square, DOT], mask=m, aspect_ratio="16:9"),
        )
        add(f"mask {name}, a stream", lambda c, m=mask: drain(c.edit_stream("paint", square, mask=m)))
    for how in ("auto", "never", "always"):
        add(
            f"upload {how} of all kinds",
            lambda c, u=how: c.edit("look", [DOT, data], attachments=[PDF, CSV], upload=u),
        )
    add(
        "attachment with a clip",
        lambda c: c.generate(
            "look", attachments=nb.Attachment("gs://b/film.mp4", mime_type="video/mp4", start=1.5, end=4)
        ),
    )
    add(
        "attachment of bytes",
        lambda c: c.generate(
            "read", attachments=[nb.Attachment(PDF.read_bytes(), mime_type="application/pdf")]
        ),
    )


def conversations(add: Callable[..., None]) -> None:
    def talk(client: nb.Client, how: str) -> None:
        chat = client.chat(model="nano-banana-pro", system="flat", thoughts=True)
        chat.send("a mascot")
        if how == "streams":
            drain(chat.send_stream("waving", images=[DOT]))
        else:
            chat.send("waving", images=[DOT])
        if how == "undone":
            chat.undo()
        if how == "dropped":
            chat.drop_images(1)
        if how == "branch":
            chat = chat.branch()
        if how == "reload":
            with tempfile.TemporaryDirectory() as folder:
                chat = client.load_chat(chat.save(pathlib.Path(folder) / "a.chat.json"))
        if how == "added":
            chat.add("look", [WIDE])
            chat.add("I see", role="model")
        if how == "another model":
            chat.send("again", model="nano-banana")
        chat.send(["with", nb.Reference(DOT, name="Mia")], aspect_ratio="16:9")

    for how in ("plain", "streams", "undone", "dropped", "branch", "reload", "added", "another model"):
        add(f"conversation {how}", lambda c, h=how: talk(c, h))


def others(add: Callable[..., None]) -> None:
    def files(client: nb.Client) -> None:
        file = client.files.upload(PDF, display_name="A brief")
        client.files.get(file.name)
        client.files.list()
        client.generate("read", attachments=file)
        client.files.delete(file.name)

    add("files", files)
    add("file of bytes", lambda c: c.files.upload(b"a text", mime_type="text/plain"))
    add("count tokens", lambda c: c.count_tokens("a banana", [DOT], model="nano-banana-pro", system="flat"))
    add("count tokens of a text", lambda c: c.count_tokens("a banana"))
    add("estimate", lambda c: c.estimate("a banana"))
    add("explain", lambda c: c.explain("a banana", [DOT]))
    items = ["a", {"prompt": "b", "options": {"seed": 4}}, {"prompt": "c", "images": DOT, "id": "three"}]
    add("many", lambda c: list(c.generate_many(items, concurrency=1)))
    add(
        "many with options",
        lambda c: list(c.generate_many(items, concurrency=1, model="nano-banana-pro", aspect_ratio="16:9")),
    )


def of_call(one: tuple[str, tuple[dict[str, Any], Call]]) -> list[dict[str, Any]]:
    name, (client_options, call) = one
    with nb.Emulator() as emulator, Recorder(emulator.url) as recorder:
        emulator.script([{"image": "png 8x8", "thoughts": ["hm"], "times": 20}])
        with nb.Client(KEY, base_url=recorder.url, **{"retry": False, **client_options}) as client:
            try:
                call(client)
                refused = None
            except nb.NanoBananaError as error:
                refused = type(error).__name__
        requests = [one.report() for one in recorder.requests]
        if " n " in name:
            requests.sort(key=lambda one: (one["line"], str(one.get("body"))))
        return [*requests, *([{"line": f"raised {refused}", "headers": []}] if refused else [])]


def of_matrix() -> dict[str, Any]:
    from sent import side_by_side

    made = calls()
    return dict(zip(made, side_by_side(of_call, list(made.items())), strict=True))

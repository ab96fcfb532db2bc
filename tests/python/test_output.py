"""What comes out, as Python sees it: `output_format`, streams, chats, runs of many."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

MARKS = Path(__file__).parent.parent / "media" / "marks"


def answer(data: bytes, mime_type: str = "image/png") -> dict[str, Any]:
    picture = {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}
    content = {"role": "model", "parts": [picture]}
    return {"json": {"candidates": [{"content": content, "finishReason": "STOP"}]}}


def test_a_picture_is_converted_and_what_came_is_kept(client: nb.Client, emulator: nb.Emulator) -> None:
    came = (MARKS / "c2pa.png").read_bytes()
    emulator.script([answer(came)])
    result = client.generate("a boat", output_format="webp", output_quality=80)
    assert result.image.mime_type == "image/webp"
    assert result.image.original is not None
    assert result.image.original.bytes == came
    assert [warning for warning in result.warnings if "C2PA" in warning]


def test_a_stream_gives_the_picture_of_its_result(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"images": ["png 9x9", "png 8x8"], "text": "there"}])
    events = list(client.generate_stream("a boat", output_format="jpeg"))
    images = [event.image for event in events if isinstance(event, nb.ImageEvent)]
    done = events[-1]
    assert isinstance(done, nb.DoneEvent)
    assert [image.mime_type for image in images] == ["image/jpeg"] * 2
    assert images == done.result.images
    assert [image.original.mime_type for image in images if image.original] == ["image/png"] * 2


async def drawn(client: nb.AsyncClient) -> nb.Result:
    async with client:
        async for event in client.generate_stream("a boat", output_format="png"):
            if isinstance(event, nb.DoneEvent):
                return event.result
    raise AssertionError


def test_a_chat_sends_back_the_very_bytes_that_came(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"image": "png 8x8"}, {"image": "png 9x9"}])
    chat = client.chat(output_format="jpeg")
    first = chat.send("a boat").image
    assert first.mime_type == "image/jpeg"
    chat.send("again")
    sent = emulator.requests[1]["json"]["contents"][1]["parts"]
    assert [part["inlineData"]["mimeType"] for part in sent if "inlineData" in part] == ["image/png"]
    assert chat.history[1].images == [first.original]


def test_a_run_writes_what_was_asked_for_and_goes_on_with_it(
    client: nb.Client, emulator: nb.Emulator, tmp_path: Path
) -> None:
    def run(**options: Any) -> list[nb.Outcome]:
        told = {"journal": tmp_path / "run.jsonl", "save_to": tmp_path / "out", **options}
        return list(client.generate_many(["a boat"], ordered=True, **told))

    emulator.script([{"image": "png 8x8"}])
    [first] = run(output_format="webp")
    assert first.result is not None
    assert [Path(name).suffix for name in first.files] == [".webp"]
    assert Path(first.files[0]).read_bytes() == first.result.image.bytes
    [again] = run(output_format="webp")
    assert again.cached and again.result is not None
    assert again.result.image == first.result.image
    assert again.result.warnings == first.result.warnings
    [other] = run(output_format="png")
    assert other.cached and other.result is not None
    assert other.files == first.files
    assert [warning for warning in other.result.warnings if "`output_format`" in warning]
    assert len(emulator.requests) == 1


def test_several_pictures_of_a_run_are_all_converted(
    client: nb.Client, emulator: nb.Emulator, tmp_path: Path
) -> None:
    emulator.script([{"image": "png 8x8"}])
    [outcome] = client.generate_many(
        ["a boat"], save_to=tmp_path, n=2, output_format="webp", model="nano-banana"
    )
    assert outcome.result is not None
    assert {Path(name).suffix for name in outcome.files} == {".webp"}
    assert {image.mime_type for image in outcome.result.images} == {"image/webp"}


def test_a_cache_keeps_what_came(emulator: nb.Emulator, tmp_path: Path) -> None:
    emulator.script([{"image": "png 8x8"}])
    with nb.Client("key", base_url=emulator.url, cache=str(tmp_path)) as client:
        one = client.generate("a boat", output_format="webp").image
        other = client.generate("a boat", output_format="jpeg").image
        as_it_came = client.generate("a boat").image
    assert len(emulator.requests) == 1
    assert [one.mime_type, other.mime_type, as_it_came.mime_type] == ["image/webp", "image/jpeg", "image/png"]
    assert one.original == other.original == as_it_came


@pytest.mark.parametrize("options", [{"output_quality": 80}, {"output_quality": 80, "output_format": "png"}])
def test_a_quality_needs_a_format_that_has_one(client: nb.Client, options: Any) -> None:
    with pytest.raises(nb.InvalidOptionError, match="jpeg or webp"):
        client.generate("a boat", **options)

"""What only Python can show of uploaded files."""

from __future__ import annotations

import asyncio
import io
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

import nanobanana as nb

PDF = b"%PDF-1.7\n"


def noise(side: int) -> bytes:
    rows = bytes((x * y * 37 + x * 11 + (x * x) % 251) % 256 for y in range(side) for x in range(side * 3))
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.frombytes("RGB", (side, side), rows).save(out, "png", compress_level=0)
    return out.getvalue()


def test_a_file_goes_up_from_whatever_it_is(client: nb.Client, image: nb.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("tides")
    sources = [path, str(path), PDF, bytearray(PDF), io.BytesIO(PDF), image]
    files = [client.files.upload(source) for source in sources]
    types = [file.mime_type for file in files]
    assert types == ["text/plain"] * 2 + ["application/pdf"] * 3 + [image.mime_type]
    assert {file.name for file in client.files.list()} == {file.name for file in files}
    assert client.files.get(files[0]) == files[0] == client.files.get(files[0].uri)
    client.files.delete(files[0].name)
    with pytest.raises(nb.PermissionDeniedError, match="48 hours"):
        client.files.get(files[0])


def test_a_file_is_taken_wherever_a_picture_is_and_travels(client: nb.Client, image: nb.Image) -> None:
    file = pickle.loads(pickle.dumps(client.files.upload(image)))
    assert isinstance(file, nb.File)
    options: nb.GenerateOptions = {"model": "nano-banana-pro", "extra": {"generationConfig": {"seed": 3}}}
    by_file = client.edit("at night", [file], **options)
    assert by_file.image == client.edit("at night", image, **options).image
    assert client.generate(["as in", file], **options).images
    assert client.count_tokens("night", file, model="nano-banana-pro").image_tokens == 560
    file.state = "PROCESSING"
    with pytest.raises(nb.ImageError, match="still PROCESSING"):
        client.edit("at night", file)


def test_large_pictures_go_by_reference(client: nb.Client, emulator: nb.Emulator) -> None:
    events: list[nb.ClientEvent] = []
    with client.with_options(on_event=events.append) as watched:
        watched.edit("at night", noise(100), upload="always", n=2)
        watched.edit("at dawn", noise(100), upload="always")
    starts = [request for request in emulator.requests if request["path"].startswith("/upload/")]
    assert len(starts) == 2  # a start and a chunk
    parts = emulator.requests[-1]["json"]["contents"][0]["parts"]
    assert parts[1]["fileData"]["mimeType"] == "image/png"


def test_a_key_of_each_call_is_that_of_uploads_too(emulator: nb.Emulator) -> None:
    with nb.Client(lambda: "bad", base_url=emulator.url, retry=False) as client:
        for call in (lambda: client.files.upload(PDF), client.files.list, lambda: client.count_tokens("x")):
            with pytest.raises(nb.AuthenticationError):
                call()


def test_asyncio_uploads_and_cancels(emulator: nb.Emulator) -> None:
    async def work() -> None:
        async with nb.AsyncClient("key-0123", base_url=emulator.url) as client:
            file = await client.files.upload(PDF, display_name="Notes")
            assert [one.display_name for one in await client.files.list()] == ["Notes"]
            assert (await client.files.get(file.name)).state == "ACTIVE"
            await client.files.delete(file)
            emulator.script([{"match": {"call": "upload_chunk"}, "hang": True}])
            before = len(emulator.requests)
            upload = asyncio.ensure_future(client.files.upload(PDF))

            async def come_true(holds: Callable[[], bool]) -> None:
                while not holds():
                    await asyncio.sleep(0.01)

            # The upload is begun, and its bytes are under way.
            await asyncio.wait_for(come_true(lambda: len(emulator.requests) == before + 2), 30)
            upload.cancel()
            with pytest.raises(asyncio.CancelledError):
                await upload
            await asyncio.wait_for(come_true(lambda: emulator.requests[-1]["cancelled"]), 30)

    asyncio.run(work())

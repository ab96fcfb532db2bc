"""Every kind of object that a picture may come in, and what is said of others."""

from __future__ import annotations

import base64
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import nanobanana as nb


@pytest.fixture
def sent(client: nb.Client, emulator: nb.Emulator) -> Any:
    """What arrives when this is edited: the type of each picture sent, and its base64 or size."""

    def sent(images: Any) -> list[tuple[str, Any]]:
        client.edit("draw it again", images, model="nano-banana")
        [content] = emulator.requests[-1]["json"]["contents"]
        parts = [part["inlineData"] for part in content["parts"] if "inlineData" in part]
        return [(part["mimeType"], part["data"]) for part in parts]

    return sent


def test_files_in_every_form(sent: Any, image: nb.Image, tmp_path: Path) -> None:
    path = image.save(tmp_path / "boat")
    data = image.bytes
    forms = [image, data, bytearray(data), memoryview(data), str(path), path, io.BytesIO(data)]
    forms += [np.frombuffer(data, np.uint8), image.buffer, image.to_data_url()]
    for form in forms:
        assert sent(form) == [(image.mime_type, {"$bytes": len(data)})], type(form)
    with path.open("rb") as file:
        assert sent((file, image)) == [(image.mime_type, {"$bytes": len(data)})] * 2


def test_pixels_in_every_form(sent: Any) -> None:
    colour = np.zeros((2, 3, 3), np.uint8)
    colour[0, :, 0] = [10, 20, 30]
    clear = np.dstack([colour, colour[..., :1]])

    class Interface:
        __array_interface__ = colour.__array_interface__

    class Dlpack:
        def __dlpack__(self, **options: Any) -> Any:
            return colour.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return colour.__dlpack_device__()

    grey, turned = colour[..., 0], colour.transpose(1, 0, 2)[::-1]
    forms: list[tuple[Any, Any]] = [(form, form) for form in (colour, turned, clear)]
    forms += [(grey, grey[..., None]), (colour[..., :1], grey[..., None])]
    forms += [(Interface(), colour), (Dlpack(), colour), (memoryview(colour), colour)]
    forms += [(PIL.Image.fromarray(array), array) for array in (colour, clear)]
    forms += [(PIL.Image.fromarray(grey), grey[..., None])]
    for form, pixels in forms:
        [(mime_type, data)] = sent(form)
        assert mime_type == "image/png"
        assert np.array_equal(nb.Image(base64.b64decode(data)).to_numpy(), pixels), type(form)


@pytest.mark.parametrize(("mode", "channels"), [("LA", 4), ("P", 3), ("CMYK", 3), ("1", 1), ("YCbCr", 3)])
def test_pillows_other_modes(sent: Any, mode: str, channels: int) -> None:
    [(_, data)] = sent(PIL.Image.new(mode, (3, 2)))
    assert nb.Image(base64.b64decode(data)).to_numpy().shape == (2, 3, channels)


def test_a_turned_photo_is_sent_upright(sent: Any) -> None:
    sideways, out = PIL.Image.new("RGB", (3, 2), "red"), io.BytesIO()
    exif = sideways.getexif()
    exif[0x0112] = 6
    sideways.save(out, "jpeg", exif=exif)
    [(_, data)] = sent(PIL.Image.open(out))
    assert nb.Image(base64.b64decode(data)).to_numpy().shape == (3, 2, 3)


def test_a_bytearray_is_copied_at_the_call(client: nb.Client, image: nb.Image) -> None:
    data = bytearray(image.bytes)
    result = client.edit("again", data, model="nano-banana")
    data.extend(b"it can be resized: nothing holds it")
    assert result.image


class BrokenFile:
    def read(self) -> bytes:
        raise OSError("the disk is gone")


BAD = [
    ({1, 2}, "builtins.set|set.*a picture is an Image"),
    (5, "a picture is an Image"),
    (np.zeros((4, 4, 3), np.float32), "elements are float32.*uint8"),
    (np.zeros((4, 4, 2), np.uint8), r"shape is \[4, 4, 2\]"),
    (np.zeros((1, 4, 4, 3), np.uint8), r"shape is \[1, 4, 4, 3\]"),
    (np.zeros((0, 4, 3), np.uint8), "0"),
    (io.StringIO("text"), 'gave str, not bytes; open a file with "rb"'),
    (BrokenFile(), "the disk is gone"),
    (PIL.Image.new("I;16", (4, 4)), "I;16"),
    (b"", "empty"),
    ("no/such/file.png", r"no/such/file\.png"),
]


@pytest.mark.parametrize(("bad", "problem"), BAD, ids=[type(bad).__name__ for bad, _ in BAD])
def test_a_bad_picture_is_named(client: nb.Client, image: nb.Image, bad: Any, problem: str) -> None:
    with pytest.raises(nb.ImageError, match=problem) as caught:
        client.edit("draw it again", [image, bad])
    assert caught.value.index == 1
    assert "picture 1" in str(caught.value)
    with pytest.raises(nb.ImageError) as caught:
        client.edit(["Put", image, "here"], [image, bad])
    assert caught.value.index == 2


def test_the_cause_is_chained(client: nb.Client) -> None:
    with pytest.raises(nb.ImageError) as caught:
        client.edit("draw it again", BrokenFile())
    assert isinstance(caught.value.__cause__, OSError)


def test_a_prompt_may_hold_pictures(client: nb.Client, emulator: nb.Emulator, image: nb.Image) -> None:
    client.generate(["Put", image, "into", PIL.Image.new("RGB", (8, 8))], model="nano-banana")
    parts = emulator.requests[-1]["json"]["contents"][0]["parts"]
    assert [sorted(part) for part in parts] == [["text"], ["inlineData"]] * 2


def test_what_is_said_of_inputs_pickles_and_shows_itself() -> None:
    mia = nb.Reference("mia.jpg", name="Mia", role="character")
    talk = nb.Attachment(b"%PDF-", mime_type="application/pdf", start=1.5)
    for said in (mia, talk):
        again = pickle.loads(pickle.dumps(said))
        assert again == said
        assert type(again) is type(said)
    assert repr(mia) == "Reference('mia.jpg', name='Mia', role='character')"
    assert repr(talk) == "Attachment(b'%PDF-', mime_type='application/pdf', start=1.5)"
    assert mia != nb.Reference("mia.jpg", name="Mia")
    assert mia != nb.Reference("tom.jpg", name="Mia", role="character")


def test_attachments_in_every_form(client: nb.Client, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("banana,1\n")
    data = path.read_bytes()
    with path.open("rb") as file:
        forms = [
            path,
            str(path),
            path.as_uri(),
            data,
            bytearray(data),
            memoryview(data),
            io.BytesIO(data),
            file,
        ]
        forms.append(nb.Attachment(path))
        came = client.generate("a banana", attachments=forms, model="nano-banana")
    assert came.text.endswith("With it came: " + ", ".join(["text/plain"] * 9) + ".")
    [outcome] = client.generate_many(
        [{"prompt": "a", "options": {"attachments": path, "model": "nano-banana"}}]
    )
    assert outcome.result is not None
    assert outcome.result.text.endswith("With it came: text/plain.")


OPTION, IMAGE = nb.InvalidOptionError, nb.ImageError
LATER = "goes with a prompt"
NOTHING: Any = None
MISTYPED: Any = "charcter"


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda c: c.edit("x", nb.Reference("a.png", role=MISTYPED)), OPTION, "`character`"),
        (lambda c: c.edit("x", nb.Reference(NOTHING)), IMAGE, "a Reference of nothing"),
        (lambda c: c.edit("x", [["a.png"]]), IMAGE, "picture 0 (a list)"),
        (lambda c: c.generate("x", attachments=[{}]), OPTION, "an attachment is bytes"),
        (lambda c: c.generate("x", attachments=[None]), OPTION, "an attachment is bytes"),
        (lambda c: c.generate("x", attachments=nb.Attachment(NOTHING)), OPTION, "of nothing"),
        (lambda c: c.generate("x", attachments=np.zeros((2, 2), np.uint8)), OPTION, "go in `images`"),
        (lambda c: c.chat(attachments=["a.pdf"]), OPTION, LATER),
        (lambda c: list(c.generate_many(["x"], attachments=["a.pdf"])), OPTION, LATER),
    ],
)
def test_what_cannot_be_is_told(client: nb.Client, call: Any, kind: type, problem: str) -> None:
    with pytest.raises(nb.NanoBananaError, match=re.escape(problem)) as raised:
        call(client)
    assert type(raised.value) is kind

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
from PIL import features

import nanobanana as nb

REAL = Path(__file__).parent.parent / "media" / "real"


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


def pixels_of(sent: list[tuple[str, Any]]) -> Any:
    [(mime_type, data)] = sent
    assert mime_type == "image/png"
    return nb.Image(base64.b64decode(data)).to_numpy()


def test_samples_of_every_kind(sent: Any) -> None:
    wanted = np.array([[[0], [128], [255]]], np.uint8)
    forms: list[Any] = [
        np.array([[0, 0.5, 1]], kind) for kind in (np.float16, np.float32, np.float64, ">f4", ">f8")
    ]
    forms += [np.array([[0, 0x8080, 0xFFFF]], kind) for kind in (np.uint16, ">u2")]
    forms += [np.array([[0, 9, 0.5, 9, 1]])[:, ::2], memoryview(np.array([[0, 0.5, 1]], np.float32))]
    for form in forms:
        assert np.array_equal(pixels_of(sent(form)), wanted), getattr(form, "dtype", form)
    assert pixels_of(sent(np.array([[False, True]])))[0, :, 0].tolist() == [0, 255]
    assert pixels_of(
        sent(
            memoryview(
                bytes(range(12)),
            ).cast("B", (2, 2, 3))
        )
    ).shape == (2, 2, 3)


class Tensor:
    """As torch's: it learns, and its memory is elsewhere, until it is asked for."""

    def __init__(self, array: Any, where: str = "elsewhere") -> None:
        self.array, self.where = array, where

    def detach(self) -> Tensor:
        return Tensor(self.array, "detached")

    def cpu(self) -> Tensor:
        assert self.where == "detached"
        return Tensor(self.array, "here")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        assert self.where == "here"
        return self.array


def test_a_tensor_is_taken_from_where_it_is(sent: Any) -> None:
    assert pixels_of(sent(Tensor(np.ones((2, 3, 3), np.float32)))).min() == 255


class Figure:
    """As matplotlib's."""

    def savefig(self, out: Any, format: str) -> None:
        PIL.Image.new("RGBA", (5, 4), "red").save(out, format)


def test_a_figure_is_sent_as_it_saves_itself(sent: Any) -> None:
    assert pixels_of(sent(Figure())).shape == (4, 5, 4)


def test_pillows_deep_modes(sent: Any) -> None:
    for mode, value in (("I;16", 0x8080), ("I;16B", 0x8080), ("I", 0x8080), ("F", 0.5)):
        assert pixels_of(sent(PIL.Image.new(mode, (3, 2), value))).tolist() == [[[128]] * 3] * 2, mode


def test_transparency_stays(sent: Any) -> None:
    palette = PIL.Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)
    palette.info["transparency"] = 1
    assert pixels_of(sent(palette)).tolist() == [[[255, 0, 0, 255], [0, 255, 0, 0]]]
    premultiplied = PIL.Image.new("RGBA", (1, 1), (200, 100, 50, 255)).convert("RGBa")
    assert pixels_of(sent(premultiplied)).tolist() == [[[200, 100, 50, 255]]]
    grey = PIL.Image.new("LA", (1, 1), (7, 255))
    assert pixels_of(sent(grey.convert("La"))).tolist() == [[[7, 7, 7, 255]]]
    keyed = PIL.Image.new("RGB", (1, 1), (1, 2, 3))
    keyed.info["transparency"] = (1, 2, 3)
    assert pixels_of(sent(keyed)).tolist() == [[[1, 2, 3, 0]]]
    clear = PIL.Image.new("RGBA", (2, 1), (255, 0, 0, 128))
    clear.putpixel((1, 0), (0, 255, 0, 0))
    few = clear.quantize(4, method=PIL.Image.Quantize.FASTOCTREE)
    assert few.mode == "P"
    assert np.array_equal(pixels_of(sent(few))[0], [few.convert("RGBA").getpixel((x, 0)) for x in (0, 1)])
    assert pixels_of(sent(PIL.Image.new("PA", (1, 1)))).tolist() == [[[0, 0, 0, 0]]]


def test_other_colours_become_those_of_a_screen(sent: Any) -> None:
    from PIL import ImageCms

    red = PIL.Image.new("RGB", (1, 1), "red")
    lab = ImageCms.profileToProfile(
        red, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert abs(pixels_of(sent(lab)).astype(int) - [255, 0, 0]).max() <= 5
    assert pixels_of(sent(red.convert("HSV"))).tolist() == [[[255, 0, 0]]]
    same = red.copy()
    same.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert pixels_of(sent(same)).tolist() == [[[255, 0, 0]]]
    broken = red.copy()
    broken.info["icc_profile"] = b"no profile"
    assert pixels_of(sent(broken)).tolist() == [[[255, 0, 0]]]


class Opened(PIL.Image.Image):
    """As pillow_heif's: a class of its own library."""


def test_a_picture_of_a_class_made_of_pillows_is_one_of_pillows(sent: Any) -> None:
    palette = PIL.Image.new("P", (2, 1), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.__class__ = Opened
    assert pixels_of(sent(palette)).tolist() == [[[0, 255, 0]] * 2]


def corner(path: Path) -> PIL.Image.Image:
    """As much of a picture as the emulator's log holds, with all that is said of it."""
    with PIL.Image.open(path) as whole:
        return whole.crop((0, 0, 6, 6))


# Of these Pillow keeps all that the file says.
SEEN = (
    "adobe-rgb.jpg",
    "cmyk-profile.jpg",
    "cmyk.jpg",
    "exif-6.jpg",
    "grey-16.png",
    "grey-16.tiff",
    "grey-alpha.png",
    "grey-profile.png",
    "p3-alpha.png",
    "p3.tiff",
    "palette-key.png",
    "srgb-profile.png",
    "unfit-profile.png",
)


@pytest.mark.parametrize("name", SEEN)
def test_a_picture_that_pillow_opened_becomes_what_its_file_does(
    client: nb.Client, sent: Any, name: str
) -> None:
    path = REAL / name
    opened, file = pixels_of(sent(corner(path))), nb.Image.open(path).to_numpy()
    # Pillow and the core read JPEG to within a step.
    wanted = file[:6, -6:] if name == "exif-6.jpg" else file[:6, :6]
    assert opened.shape == wanted.shape
    assert np.abs(opened.astype(int) - wanted).mean() <= 2
    explained = client.explain("a banana", [PIL.Image.open(path), path], encode=nb.Encode(max_side=20))
    one, other = (
        [why for why in plan.why if "written" not in why and "scaled" not in why and "service" not in why]
        for plan in explained.inputs
    )
    assert one == other
    assert len(explained.warnings) == 2


def test_a_profile_is_known_by_what_it_does_not_by_its_name(sent: Any) -> None:
    picture = corner(REAL / "adobe-rgb.jpg")
    wanted = pixels_of(sent(picture))
    picture.info["icc_profile"] = picture.info["icc_profile"].replace(b"test", b"sRGB")
    assert np.array_equal(pixels_of(sent(picture)), wanted)
    assert not np.array_equal(wanted, np.asarray(picture))


def test_a_profile_of_greys_is_theirs_in_every_mode(sent: Any) -> None:
    grey = corner(REAL / "grey-profile.png")
    wanted = pixels_of(sent(grey))
    assert not np.array_equal(wanted[..., 0], np.asarray(grey))
    assert np.array_equal(pixels_of(sent(grey.convert("LA")))[..., :1], wanted)
    deep = PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    deep.info["icc_profile"] = grey.info["icc_profile"]
    assert np.array_equal(pixels_of(sent(deep)), wanted)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_what_only_pillow_decodes_is_decoded_by_it(client: nb.Client, sent: Any) -> None:
    out = io.BytesIO()
    PIL.Image.new("RGB", (16, 8), "red").save(out, "avif")
    assert pixels_of(sent(out.getvalue())).shape == (8, 16, 3)
    [plan] = client.explain("a banana", out.getvalue()).inputs
    assert (plan.action, plan.given.mime_type) == ("converted", "image/avif")
    told = client.explain("a banana", REAL / "turned.avif")
    assert [warning.count("turned upright") for warning in told.warnings] == [1]
    assert (told.inputs[0].sent.width, told.inputs[0].sent.height) == (28, 40)


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
    (5, "is a number"),
    (np.full((4, 4, 3), 255, np.float32), "float32.*from 255 to 255.*divide by 255"),
    (np.full((4, 4), np.nan), "float64.*not finite"),
    (np.zeros((4, 4, 3), np.int64), "int64.*make them uint8"),
    (np.zeros((4, 4), np.complex64), "complex64"),
    (np.array([["a"]]), "<U1"),
    (np.float32([0, 1]), "its shape is 2"),
    (np.zeros((4, 4, 2), np.uint8), "shape is 4×4×2.*RGBA"),
    (np.zeros((3, 8, 8), np.uint8), r"shape is 3×8×8.*permute\(1, 2, 0\)"),
    (np.zeros((1, 4, 4, 3), np.uint8), "a batch of one"),
    (np.zeros((0, 4, 3), np.uint8), "it is empty"),
    (io.StringIO("text"), 'gave str, not bytes; open a file with "rb"'),
    (BrokenFile(), "the disk is gone"),
    (PIL.Image.new("I", (4, 4), -1), "mode 'I' has samples from -1"),
    (PIL.Image.new("F", (4, 4), 255), "float32.*divide by 255"),
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
        (lambda c: c.edit("x", [["a.png"]]), IMAGE, "picture 0 (list)"),
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

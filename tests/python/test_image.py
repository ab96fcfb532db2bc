"""`Image` and `Result` as Python objects: buffers, pickles, NumPy, Pillow, notebooks."""

from __future__ import annotations

import copy
import gc
import io
import pickle
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import features

import nanobanana as nb

MARKS = Path(__file__).parent.parent / "media" / "marks"
REAL = Path(__file__).parent.parent / "media" / "real"


def test_the_buffer_is_rusts_own_memory(image: nb.Image) -> None:
    one, other = (np.frombuffer(image.buffer, np.uint8) for _ in range(2))
    assert one.ctypes.data == other.ctypes.data
    assert image.buffer.readonly
    assert image.buffer.format == "B"
    assert image.buffer.nbytes == len(image) == len(image.bytes)
    with pytest.raises(TypeError):
        image.buffer[0] = 1
    view = nb.Image(image.bytes).buffer
    assert bytes(view) == bytes(image)  # the picture itself is gone, its memory is not


def test_bytes_are_made_once_and_borrowed(image: nb.Image) -> None:
    assert image.bytes is image.bytes
    data = image.bytes
    view = np.frombuffer(nb.Image(data).buffer, np.uint8)
    assert view.ctypes.data == np.frombuffer(data, np.uint8).ctypes.data
    changing = bytearray(data)
    kept = nb.Image(changing)
    changing[:] = b"\0" * len(data)
    assert kept == image == nb.Image(memoryview(data))
    assert len({kept, image}) == 1
    assert image != data


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pictures_and_results_pickle(client: nb.Client, protocol: int) -> None:
    result = client.generate("a boat", thoughts=True)
    assert result.thoughts.images
    back = pickle.loads(pickle.dumps(result, protocol))
    assert back == result
    assert back.image == result.image
    assert back.usage.total_tokens == result.usage.total_tokens > 0
    assert copy.copy(result.image) is copy.deepcopy(result.image) is result.image


def test_a_picture_of_an_unknown_type_survives_a_pickle() -> None:
    image = nb.Image._restore(b"what is this", "image/x-new")
    back = pickle.loads(pickle.dumps(image))
    assert (back.mime_type, back.bytes, back.width) == ("image/x-new", b"what is this", 0)


def test_save_convert_resize(image: nb.Image, tmp_path: Path) -> None:
    saved = image.save(tmp_path / "boat")
    assert isinstance(saved, Path)
    assert saved.read_bytes() == image.bytes
    assert nb.Image.open(str(saved)) == image
    assert nb.Image.open(image.save(str(tmp_path / "boat.webp"))).mime_type == "image/webp"
    assert image.convert("jpeg", quality=50).mime_type == "image/jpeg"
    assert (image.resize(64, 32).width, image.resize(64, 32).height) == (64, 32)
    with pytest.raises(nb.InvalidOptionError, match="quality"):
        image.convert("jpeg", quality=1000)
    with pytest.raises(nb.ImageError, match="resize"):
        image.resize(-5, 10)
    with pytest.raises(nb.ImageError, match="not a picture"):
        nb.Image(b"some text")
    with pytest.raises(nb.ImageError, match="Image takes the bytes"):
        nb.Image("boat.png")  # type: ignore[arg-type]


def test_a_missing_file_is_chained(tmp_path: Path) -> None:
    with pytest.raises(nb.ImageError, match=r"gone\.png") as caught:
        nb.Image.open(tmp_path / "gone.png")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_pixels_to_numpy_and_pillow(image: nb.Image) -> None:
    png = image.convert("png")
    pixels = png.to_numpy()
    assert (pixels.shape, pixels.dtype) == ((image.height, image.width, 3), np.uint8)
    assert np.array_equal(np.asarray(png), pixels)
    assert np.array_equal(np.asarray(png.to_pil()), pixels)
    assert np.array(png, dtype=np.float32).dtype == np.float32
    pixels[0, 0] = 0  # it is the caller's own
    assert np.asarray(png)[0, 0].any()
    with pytest.raises(ValueError, match="copy"):
        np.asarray(png, copy=False)
    grey = nb.Image(PIL_bytes(PIL.Image.new("L", (3, 2), 7)))
    assert grey.to_numpy().tolist() == [[[7]] * 3] * 2


def test_pixels_cross_without_a_copy(image: nb.Image) -> None:
    memory, (height, width, channels) = image._pixels()
    assert memoryview(memory).nbytes == height * width * channels
    assert not memoryview(memory).readonly
    one, other = (np.frombuffer(memory, np.uint8) for _ in range(2))
    assert one.ctypes.data == other.ctypes.data
    one[0] ^= 255
    assert one[0] == other[0]
    before = one.sum()
    del memory, other
    gc.collect()
    assert one.sum() == before, "the array keeps its memory"
    pixels = image.to_numpy()
    assert pixels.flags.writeable and pixels.flags.c_contiguous
    assert pixels.base is not None and not pixels.flags.owndata


def test_pillow_gets_every_mode(image: nb.Image) -> None:
    for mode in ("RGB", "RGBA"):
        given = image.to_pil().resize((9, 4)).convert(mode)
        back = nb.Image(PIL_bytes(given)).to_pil()
        assert (back.mode, back.tobytes()) == (mode, given.tobytes())
        back.putpixel((0, 0), 0)
    with pytest.raises(nb.ImageError) as caught:
        nb.Image._restore(b"what is this", "image/x-new").to_pil()
    assert isinstance(caught.value.__cause__, PIL.UnidentifiedImageError)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_what_only_pillow_decodes_has_pixels_too(tmp_path: Path) -> None:
    out = io.BytesIO()
    with PIL.Image.open(REAL / "p3.png") as wide:
        wide.save(out, "avif", quality=100, subsampling="4:4:4")
        stored = np.asarray(wide)
    image = nb.Image(out.getvalue())
    pixels = image.to_numpy()
    assert pixels.shape == (image.height, image.width, 3)
    seen = nb.Image.open(REAL / "p3.png").to_numpy().astype(int)
    assert np.abs(pixels - seen).mean() < np.abs(stored - seen).mean() / 4
    assert np.array_equal(np.asarray(image.to_pil()), pixels)
    png = image.convert("png")
    assert np.array_equal(png.to_numpy(), pixels)
    assert png.original == image
    assert (image.resize(8, 4).mime_type, image.resize(8, 4).width) == ("image/png", 8)
    assert np.array_equal(nb.Image.open(image.save(tmp_path / "a.png")).to_numpy(), pixels)
    assert image.save(tmp_path / "a").suffix == ".avif"
    turned = nb.Image.open(REAL / "turned.avif")
    assert turned.to_numpy().shape[:2] == (turned.height, turned.width)
    with pytest.raises(nb.ImageError, match="Pillow"):
        nb.Image(out.getvalue()[:-200]).to_numpy()


def test_what_a_conversion_loses_is_a_warning_at_the_caller(tmp_path: Path) -> None:
    came = nb.Image.open(MARKS / "c2pa.png")
    losses = [
        lambda: came.convert("jpeg"),
        lambda: came.convert("webp", quality=80),
        lambda: came.resize(3, 2),
        lambda: came.save(tmp_path / "boat.webp"),
    ]
    for lossy in losses:
        with pytest.warns(nb.ImageWarning, match="C2PA") as caught:
            lossy()
        assert [Path(warning.filename) for warning in caught] == [Path(__file__)]
    # Nothing is lost here; a warning would be an error.
    assert came.convert("png") == came
    assert came.save(tmp_path / "boat").read_bytes() == came.bytes
    assert nb.Image.open(MARKS / "plain.png").convert("jpeg").original is not None


def test_what_is_made_keeps_what_came(image: nb.Image) -> None:
    assert image.original is None
    made = image.convert("webp")
    assert made.original == image
    assert made.original is made.original
    small = made.resize(4, 4)
    assert small.original == image
    back = pickle.loads(pickle.dumps(small))
    assert (back, back.original) == (small, image)


def test_marks_are_told_as_a_record() -> None:
    found = nb.Image.open(MARKS / "c2pa.jpg").provenance
    generator = "Google C2PA Core Generator Library"
    assert found.to_dict() == {
        "c2pa": True,
        "ai": True,
        "marks": [{"kind": "c2pa", "claim": "trainedAlgorithmicMedia", "generator": generator}],
    }
    assert isinstance(found.marks[0], nb.Mark)
    assert nb.Image.open(MARKS / "plain.jpg").provenance == nb.Provenance(c2pa=False, ai=False, marks=[])


def PIL_bytes(picture: PIL.Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "png")
    return out.getvalue()


def test_a_result_saves_and_describes_itself(
    client: nb.Client, emulator: nb.Emulator, tmp_path: Path
) -> None:
    emulator.script([{"images": ["png 8x8", "jpeg 9x9"], "text": "there"}])
    result = client.generate("two")
    paths = result.save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["image-1.png", "image-2.jpg"]
    assert [nb.Image.open(path) for path in paths] == result.images
    described = result.to_dict()
    assert described["images"][1] == {
        "mime_type": "image/jpeg",
        "width": 9,
        "height": 9,
        "bytes": len(result.images[1]),
    }
    assert described["attempts"][0]["status"] == 200
    assert len(repr(result)) < 300
    result.images.clear()
    with pytest.raises(nb.NoImageError, match="text") as caught:
        _ = result.image
    assert caught.value.text == "there"
    assert isinstance(caught.value.usage, nb.Usage)

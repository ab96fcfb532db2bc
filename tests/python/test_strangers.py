"""Values of other libraries where a picture or an option is expected: taken, or answered with what to do."""

from __future__ import annotations

import base64
import io
import types
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

DOT = (Path(__file__).parents[1] / "media" / "dot.png").read_bytes()


@pytest.fixture
def client() -> nb.Client:
    return nb.Client.offline()


def sent(client: nb.Client, picture: Any) -> int:
    """How many bytes are sent for the picture."""
    return client.explain("x", picture).inputs[0].sent.bytes


def test_a_file_that_stands_at_its_end_is_read_from_its_start(client: nb.Client) -> None:
    file = io.BytesIO()
    file.write(DOT)
    assert sent(client, file) == len(DOT)
    assert sent(client, file) == len(DOT)

    class Pipe(io.BytesIO):
        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation("seek")

    pipe = Pipe(DOT)
    pipe.read()
    with pytest.raises(nb.ImageError, match="at its end"):
        sent(client, pipe)


@pytest.mark.filterwarnings("error")
def test_an_upload_that_is_awaited_names_the_call(client: nb.Client) -> None:
    class UploadFile:
        async def read(self) -> bytes:
            return DOT

    with pytest.raises(nb.ImageError, match=r"`await file\.read\(\)`"):
        sent(client, UploadFile())


def test_a_pil_image_that_was_closed_is_called_so(client: nb.Client) -> None:
    pil = pytest.importorskip("PIL.Image")
    with pil.open(io.BytesIO(DOT)) as closed:
        pass
    with pytest.raises(nb.ImageError, match="closed"):
        sent(client, closed)
    with pil.open(io.BytesIO(DOT)) as loaded:
        loaded.load()
    assert sent(client, loaded) > 0


def test_a_result_and_an_outcome_name_their_picture(client: nb.Client) -> None:
    result = client.generate("a boat")
    with pytest.raises(nb.ImageError, match=r"`result\.image`"):
        sent(client, result)
    outcome = next(iter(client.generate_many(["a boat"])))
    with pytest.raises(nb.ImageError, match=r"`outcome\.result\.image`"):
        sent(client, outcome)


def test_json_and_objects_with_inline_data_are_pictures(client: nb.Client) -> None:
    text = base64.b64encode(DOT).decode()
    part = types.SimpleNamespace(
        text=None, inline_data=types.SimpleNamespace(mime_type="image/png", data=DOT)
    )
    for picture in (
        {"inlineData": {"mimeType": "image/png", "data": text}},
        {"inline_data": {"mime_type": "image/png", "data": DOT}},
        part,
        types.SimpleNamespace(image_bytes=DOT, mime_type="image/png"),
        text,
    ):
        assert sent(client, picture) == len(DOT)
    with pytest.raises(nb.ImageError, match="not valid base64") as caught:
        sent(client, {"inlineData": {"data": "*" + text}})
    assert text[:12] not in str(caught.value)


def test_the_response_of_an_http_client_is_its_content(client: nb.Client) -> None:
    class Response:
        def __init__(self, status_code: int, content: bytes) -> None:
            self.status_code, self._content = status_code, content

        @property
        def content(self) -> bytes:
            return self._content

    assert sent(client, Response(200, DOT)) == len(DOT)
    with pytest.raises(nb.ImageError, match="status 404"):
        sent(client, Response(404, b"not found"))


def test_four_numbers_as_a_mask_are_answered_with_box(client: nb.Client) -> None:
    with pytest.raises(nb.ImageError, match=r"Box\(left, top, right, bottom\)"):
        client.edit("x", DOT, mask=(0, 0, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(nb.ImageError, match="is a number"):
        sent(client, 7)


def test_words_that_name_a_file_are_warned_about(
    client: nb.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cat.png").write_bytes(DOT)
    monkeypatch.chdir(tmp_path)
    given = ["draw this", "cat.png"]
    assert any('the text "cat.png" of the prompt' in warning for warning in client.generate(given).warnings)
    for other in (
        client.generate(["draw this", "dog.png"]),
        nb.Client.offline(local_files=False).generate(given),
    ):
        assert not any(".png" in warning for warning in other.warnings)


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "longdouble"])
def test_numpy_floats_of_every_width_are_options(client: nb.Client, name: str) -> None:
    np = pytest.importorskip("numpy")
    client.estimate("x", temperature=getattr(np, name)(0.5))


def test_numpy_scalars_are_options(client: nb.Client) -> None:
    np = pytest.importorskip("numpy")
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        client.estimate("x", seed=getattr(np, kind)(7))
    client.estimate("x", model="nano-banana-pro", thoughts=np.bool_(True))
    client.estimate("x", seed=np.array(7), aspect_ratio=np.str_("1:1"))
    with pytest.raises(nb.InvalidOptionError, match="seed"):
        client.estimate("x", seed=np.array([7, 8]))
    with pytest.raises(nb.InvalidOptionError, match="seed"):
        client.estimate("x", seed=np.bool_(True))


def test_a_tensor_without_dimensions_is_its_item(client: nb.Client) -> None:
    class Tensor:
        """As `torch.tensor(True)`: it has `__index__`, which gives 1."""

        dtype, shape = "torch.bool", ()

        def __index__(self) -> int:
            return 1

        def item(self) -> bool:
            return True

    client.estimate("x", model="nano-banana-pro", thoughts=Tensor())
    with pytest.raises(nb.InvalidOptionError, match="seed"):
        client.estimate("x", seed=Tensor())

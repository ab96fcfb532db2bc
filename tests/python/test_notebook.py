"""What a notebook gets to show, by IPython's own formatter."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

import nanobanana as nb
from nanobanana import _notebook

MARKS = Path(__file__).parent.parent / "media" / "marks"


@pytest.fixture
def shell() -> Iterator[Any]:
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell.instance()
    shell.display_formatter.active_types = ["text/plain", "text/html", "image/png", "image/jpeg"]
    try:
        yield shell
    finally:
        interactive.InteractiveShell.clear_instance()


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options as they are unless set: other tests, such as those of the docs, set them."""
    for name, value in (("_full", False), ("_side", 512), ("_max_bytes", None)):
        monkeypatch.setattr(_notebook, name, value)


def large(width: int = 1600, height: int = 800, mode: str = "RGB") -> nb.Image:
    noise = PIL.Image.effect_noise((width, height), 90).convert(mode)
    if mode == "RGBA":
        noise.putalpha(100)
    out = io.BytesIO()
    noise.save(out, "png")
    return nb.Image(out.getvalue())


def opened(data: str) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(base64.b64decode(data)))


def html_of(value: Any) -> str:
    return str(value._repr_mimebundle_()["text/html"])


def test_a_picture_shows_as_a_thumbnail() -> None:
    for mode, mime_type in (("RGB", "image/jpeg"), ("RGBA", "image/png")):
        image = large(mode=mode)
        bundle = image._repr_mimebundle_()
        assert set(bundle) == {"text/plain", mime_type}
        assert opened(bundle[mime_type]).size == (512, 256)
        assert len(bundle[mime_type]) < len(image) / 4
    nb.display_options(side=100)
    assert opened(large()._repr_mimebundle_()["image/jpeg"]).size == (100, 50)
    nb.display_options(full=True)
    image = large()
    assert base64.b64decode(image._repr_mimebundle_()["image/png"]) == image.bytes


def test_a_picture_with_credentials_shows_without_a_warning() -> None:
    image = nb.Image.open(MARKS / "c2pa.webp")
    assert opened(image._repr_mimebundle_()["image/jpeg"]).size == (12, 8)
    nb.display_options(full=True)
    assert opened(image._repr_mimebundle_()["image/jpeg"]).size == (12, 8)
    assert "data:image/webp" in html_of(nb.Result(images=[image], model="m", text="", errors=[]))


def test_what_cannot_be_decoded_is_told_in_words() -> None:
    image = nb.Image._restore(b"what is this", "image/x-new")
    assert set(image._repr_mimebundle_()) == {"text/plain"}
    html = html_of(nb.Result(images=[image], model="m", text="", errors=[]))
    assert "<img" not in html
    assert "image/x-new" in html


def test_a_result_shows_as_a_grid(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"images": ["png 8x8", "jpeg 9x9"]}])
    html = html_of(client.generate("two"))
    assert html.count("<img") == html.count("<figure") == 2
    assert "images[1] · 9×9" in html
    assert html.count("nano-banana-2.1") == 2  # in a caption and its alt


def test_words_are_escaped() -> None:
    error = nb.NoImageError("<script>alert(1)</script>")
    result = nb.Result(images=[], text="<b>no</b>", model="<i>", errors=[error])
    html = html_of(result)
    assert "<script" not in html and "<b>" not in html and "<i>" not in html
    assert "NoImageError: &lt;script&gt;" in html
    outcome = nb.Outcome(index=0, id="<u>", ok=False, error=error)
    assert "&lt;u&gt;" in html_of(outcome) and "<u>" not in html_of(outcome)


def test_a_list_shows_as_one_grid(shell: Any, client: nb.Client, emulator: nb.Emulator) -> None:
    _notebook.register()
    _notebook.register()
    emulator.script([{"image": "png 8x8"}, {"status": 400}])
    outcomes = list(client.generate_many(["one", "two"], concurrency=1, ordered=True))
    results = [outcome.result for outcome in outcomes if outcome.result]
    show = shell.display_formatter.format
    html = show(outcomes)[0]["text/html"]
    assert html.count("<img") == 1
    assert "[1]" in html and "BadRequestError" in html
    assert show(results * 2)[0]["text/html"].count("<img") == 2
    assert show([results[0].image] * 70)[0]["text/html"].count("<img") == 64
    assert "text/plain" in show(results)[0]


def test_all_other_lists_show_as_before(shell: Any) -> None:
    class Own(list):  # type: ignore[type-arg]
        def _repr_html_(self) -> str:
            return "its own"

    _notebook.register()
    show = shell.display_formatter.format
    for other in ([], [1, 2], [large(8, 8), 1], [nb.NoImageError("no")], (large(8, 8),)):
        assert set(show(other)[0]) == {"text/plain"}
    assert show(Own([1]))[0]["text/html"] == "its own"


def test_a_formatter_that_was_there_is_asked(shell: Any) -> None:
    shell.display_formatter.formatters["text/html"].for_type(list, lambda values: f"{len(values)} things")
    _notebook.register()
    show = shell.display_formatter.format
    assert show([1, 2])[0]["text/html"] == "2 things"
    assert "<img" in show([large(8, 8)])[0]["text/html"]


def test_options_of_the_display_are_checked() -> None:
    for wrong in ({"side": 5}, {"side": "512"}, {"full": 1}, {"side": True}):
        with pytest.raises(nb.InvalidOptionError):
            nb.display_options(**wrong)  # type: ignore[arg-type]

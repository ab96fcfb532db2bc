"""The scenarios with gemimg."""

from __future__ import annotations

import io
import logging

import gemimg
from kit import BUSY, KEY, MEDIA, NEW, OVERLOADED, PRO, URL, is_picture, main, requests, scenario, script


class Told(logging.Handler):
    """What it logs: it raises nothing, and gives None."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


def draw(
    name: str = NEW, prompt: str = "A heron in the reeds", key: str = KEY, **options: object
) -> gemimg.ImageGen:
    return gemimg.GemImg(api_key=key, model=name, base_url=URL).generate(prompt, save=False, **options)


def picture(drawn: gemimg.ImageGen) -> bytes:
    [image] = drawn.images
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def refused(words: str, name: str = NEW, key: str = KEY) -> None:
    told = Told()
    logging.getLogger("gemimg.gemimg").addHandler(told)
    assert draw(name, key=key) is None
    logging.getLogger("gemimg.gemimg").removeHandler(told)
    assert len(told.words) == 1 and words in told.words[0], told.words


@scenario("generate")
def generate() -> None:
    drawn = draw()
    is_picture(picture(drawn), 1024, 1024)
    assert drawn.usage.completion_tokens >= 1120
    # In letters of its own, as Google's cookbook has it.
    assert requests()[-1]["json"]["generationConfig"]["responseModalities"] == ["Image"]


@scenario("ratio-and-size")
def ratio_and_size() -> None:
    is_picture(picture(draw(PRO, aspect_ratio="16:9", image_size="2K")), 2752, 1536)


@scenario("edit")
def edit() -> None:
    # It always asks for a ratio.
    is_picture(
        picture(draw(prompt="Make it night", imgs=str(MEDIA / "wide.jpg"), aspect_ratio="3:2")), 1264, 848
    )


@scenario("bad-key")
def bad_key() -> None:
    refused("400 — API key not valid", key="bad")


@scenario("unknown-model")
def unknown_model() -> None:
    refused("404 — models/gemini-9-image is not found", "gemini-9-image")


@scenario("blocked-picture")
def blocked_picture() -> None:
    script({"finish_reason": "PROHIBITED_CONTENT"})
    refused("Image was not generated due to PROHIBITED_CONTENT")
    script({"finish_reason": "IMAGE_SAFETY"})
    refused("No image is present")


@scenario("rate-limit")
def rate_limit() -> None:
    script(BUSY)
    refused("429 — Resource has been exhausted")


@scenario("overloaded")
def overloaded() -> None:
    script(OVERLOADED)
    refused("503 — The model is overloaded.")


main()

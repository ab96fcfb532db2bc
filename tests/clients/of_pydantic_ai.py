"""The scenarios with the image generator of Pydantic AI."""

from __future__ import annotations

from typing import Any

from kit import BUSY, KEY, MEDIA, OVERLOADED, PRO, URL, Raised, is_picture, main, requests, scenario, script
from pydantic_ai import BinaryImage, ImageGenerator
from pydantic_ai.exceptions import ContentFilterError, ModelHTTPError
from pydantic_ai.images.google import GoogleImageGenerationModel
from pydantic_ai.providers.google import GoogleProvider

FLASH = "gemini-3.1-flash-image"


def draw(prompt: str = "A heron in the reeds", name: str = FLASH, key: str = KEY, **options: Any) -> Any:
    model = GoogleImageGenerationModel(name, provider=GoogleProvider(api_key=key, base_url=URL))
    return ImageGenerator(model).generate_sync(prompt, **options)


def picture(drawn: Any) -> bytes:
    [image] = drawn.images
    assert image.content.media_type == "image/jpeg" and image.output_format == "jpeg"
    return image.content.data


def refused(status: int, words: str, **options: Any) -> Any:
    with Raised(ModelHTTPError) as raised:
        draw(**options)
    assert raised.error.status_code == status and words in str(raised.error), raised.error
    return raised.error


@scenario("generate")
def generate() -> None:
    drawn = draw()
    is_picture(picture(drawn), 1024, 1024)
    assert drawn.model_name == FLASH and drawn.provider_response_id
    assert drawn.usage.output_tokens >= 1120 and drawn.provider_details["finish_reason"] == "STOP"


@scenario("ratio-and-size")
def ratio_and_size() -> None:
    config = {"aspect_ratio": "16:9", "image_size": "2K"}
    is_picture(picture(draw(name=PRO, settings={"google_image_config": config})), 2752, 1536)
    is_picture(picture(draw(settings={"dimensions": (688, 384)})), 688, 384)


@scenario("edit")
def edit() -> None:
    source = BinaryImage(data=(MEDIA / "wide.jpg").read_bytes(), media_type="image/jpeg")
    is_picture(picture(draw("Make it night", images=[source])), 1264, 848)
    assert requests()[-1]["json"]["generationConfig"]["responseModalities"] == ["IMAGE"]


@scenario("bad-key")
def bad_key() -> None:
    refused(400, "API key not valid", key="bad")


@scenario("unknown-model")
def unknown_model() -> None:
    refused(404, "NOT_FOUND", name="gemini-9-image")


@scenario("bad-ratio")
def bad_ratio() -> None:
    refused(400, "aspect ratio", name=PRO, settings={"google_image_config": {"aspect_ratio": "1:8"}})


@scenario("blocked-prompt")
def blocked_prompt() -> None:
    script({"block_reason": "PROHIBITED_CONTENT"})
    with Raised(ContentFilterError) as raised:
        draw()
    assert "PROHIBITED_CONTENT" in str(raised.error), raised.error


@scenario("blocked-picture")
def blocked_picture() -> None:
    script({"finish_reason": "IMAGE_SAFETY", "finish_message": "It was filtered."})
    with Raised(ContentFilterError) as raised:
        draw()
    assert "IMAGE_SAFETY" in str(raised.error), raised.error


@scenario("rate-limit")
def rate_limit() -> None:
    script(BUSY)
    assert refused(429, "RESOURCE_EXHAUSTED").retry_after is not None


@scenario("overloaded")
def overloaded() -> None:
    script(OVERLOADED)
    refused(503, "UNAVAILABLE")


main()

"""The scenarios with LiteLLM."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
from collections.abc import Callable
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # Else it fetches its price list when it is imported.

import litellm  # noqa: E402
from kit import (  # noqa: E402
    BROKEN_STREAM,
    BUSY,
    CUT_OFF,
    KEY,
    MEDIA,
    NEW,
    OVERLOADED,
    PRO,
    URL,
    Raised,
    is_picture,
    main,
    requests,
    scenario,
    script,
)

litellm.suppress_debug_info = True
HERE: dict[str, Any] = {"api_base": f"{URL}/v1beta", "api_key": KEY, "max_retries": 0}
BARE: dict[str, Any] = {"api_base": URL, "api_key": KEY, "custom_llm_provider": "gemini"}


def ask(name: str, content: Any, **options: Any) -> Any:
    messages = [{"role": "user", "content": content}]
    return litellm.completion(model=f"gemini/{name}", messages=messages, **{**HERE, **options})


def picture(answer: Any) -> str:
    [image] = answer.choices[0].message.images
    return image["image_url"]["url"]


@scenario("generate")
def generate() -> None:
    answer = ask(NEW, "A heron in the reeds", modalities=["image", "text"])
    is_picture(picture(answer), 1024, 1024)
    assert answer.choices[0].finish_reason == "stop" and answer.usage.completion_tokens >= 1120
    drawn = litellm.image_generation(prompt="A heron", model=f"gemini/{NEW}", **HERE)
    is_picture(drawn.data[0].b64_json, 1024, 1024)


@scenario("ratio-and-size")
def ratio_and_size() -> None:
    answer = ask(PRO, "A heron", imageConfig={"aspectRatio": "16:9", "imageSize": "2K"})
    is_picture(picture(answer), 2752, 1536)


@scenario("edit")
def edit() -> None:
    source = io.BytesIO((MEDIA / "wide.jpg").read_bytes())
    drawn = litellm.image_edit(image=source, prompt="Make it night", model=f"gemini/{NEW}", **HERE)
    is_picture(drawn.data[0].b64_json, 1264, 848)
    data = base64.b64encode((MEDIA / "wide.jpg").read_bytes()).decode()
    url = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
    is_picture(picture(ask(NEW, [{"type": "text", "text": "Make it night"}, url])), 1264, 848)


@scenario("stream")
def stream() -> None:
    pictures, finish = [], None
    for event in ask(PRO, "A heron", stream=True):
        [choice] = event.choices
        pictures += [image["image_url"]["url"] for image in getattr(choice.delta, "images", None) or []]
        finish = choice.finish_reason or finish
    [data] = pictures
    is_picture(data, 1024, 1024)
    assert finish == "stop"


@scenario("search")
def search() -> None:
    answer = ask(NEW, "A heron", tools=[{"googleSearch": {}}])
    is_picture(picture(answer), 1024, 1024)
    assert answer.vertex_ai_grounding_metadata[0]["groundingChunks"]


def lost_signature(second: Callable[[list[Any]], Any], answer: dict[str, Any]) -> None:
    turns = [{"role": "user", "content": "A mascot"}, answer, {"role": "user", "content": "Now waving"}]
    with Raised(litellm.BadRequestError) as refused:
        second(turns)
    assert "Image part is missing a thought_signature" in str(refused.error), refused.error
    [_, turn, _] = requests()[-1]["json"]["contents"]
    assert "inline_data" in turn["parts"][1] and "thoughtSignature" not in turn["parts"][1], turn


def talk(turns: list[Any], **options: Any) -> Any:
    return litellm.completion(model=f"gemini/{PRO}", messages=turns, **HERE, **options)


@scenario("chat")
def chat() -> None:
    answer = ask(PRO, "A mascot")
    is_picture(picture(answer), 1024, 1024)
    lost_signature(talk, answer.choices[0].message.model_dump())


@scenario("chat-stream")
def chat_stream() -> None:
    whole: Any = litellm.stream_chunk_builder(list(ask(PRO, "A mascot", stream=True)))
    lost_signature(lambda turns: list(talk(turns, stream=True)), whole.choices[0].message.model_dump())


@scenario("upload")
def upload() -> None:
    file = ("wide.jpg", (MEDIA / "wide.jpg").read_bytes(), "image/jpeg")
    uploaded = litellm.create_file(file=file, purpose="user_data", **BARE)
    # It sends only URIs of Google's own host by reference; the emulator knows its files under that name, too.
    uri = uploaded.id.replace(URL, "https://generativelanguage.googleapis.com")
    source = {"type": "file", "file": {"file_id": uri, "format": "image/jpeg"}}
    is_picture(picture(ask(NEW, [{"type": "text", "text": "Make it night"}, source])), 1264, 848)
    assert litellm.file_retrieve(file_id=uploaded.id, **BARE).status == "processed"


@scenario("models")
def models() -> None:
    names = litellm.GeminiModelInfo().get_models(api_key=KEY, api_base=URL)
    assert f"gemini/{NEW}" in names and len(names) == 5


@scenario("count-tokens")
def count_tokens() -> None:
    messages = [{"role": "user", "content": "Make it night, keep the boat"}]
    counted = asyncio.run(
        litellm.acount_tokens(model=f"gemini/{PRO}", messages=messages, api_base=URL, api_key=KEY)
    )
    assert counted.total_tokens == 7 and requests()[-1]["path"].endswith(":countTokens")


def refused(kind: type[Exception], status: int, words: str, name: str = NEW, **options: Any) -> Any:
    with Raised(kind) as raised:
        ask(name, "A heron", **options)
    assert raised.error.status_code == status and words in str(raised.error), raised.error
    return raised.error


@scenario("bad-key")
def bad_key() -> None:
    refused(litellm.AuthenticationError, 401, "API key not valid", api_key="bad")


@scenario("unknown-model")
def unknown_model() -> None:
    refused(litellm.NotFoundError, 404, "NOT_FOUND", "gemini-9-image")


@scenario("bad-ratio")
def bad_ratio() -> None:
    refused(litellm.BadRequestError, 400, "aspect ratio", PRO, imageConfig={"aspectRatio": "1:8"})


@scenario("blocked-prompt")
def blocked_prompt() -> None:
    script({"block_reason": "PROHIBITED_CONTENT"})
    answer = ask(NEW, "A heron")
    assert answer.choices[0].finish_reason == "content_filter"


@scenario("blocked-picture")
def blocked_picture() -> None:
    script({"finish_reason": "IMAGE_SAFETY", "finish_message": "It was filtered."})
    answer = ask(NEW, "A heron")
    assert answer.choices[0].finish_reason == "content_filter"


@scenario("rate-limit")
def rate_limit() -> None:
    script(BUSY)
    refused(litellm.RateLimitError, 429, "retryDelay")


@scenario("overloaded")
def overloaded() -> None:
    script(OVERLOADED)
    refused(litellm.InternalServerError, 500, "UNAVAILABLE")


@scenario("error-in-a-stream")
def error_in_a_stream() -> None:
    script(BROKEN_STREAM)
    words = []
    with Raised(litellm.ServiceUnavailableError) as raised:
        for event in ask(NEW, "A heron", stream=True):
            words.append(event.choices[0].delta.content)
    assert words == ["Here"] and "overloaded" in str(raised.error), (words, raised.error)


@scenario("continuation")
def continuation() -> None:
    # It asks for the rest only of an answer that may be so long.
    script(CUT_OFF)
    answer = ask(NEW, "A heron", max_tokens=8000)
    words = answer.choices[0].message.content
    assert words.startswith("Here it ") and len(words) > 20, words
    is_picture(picture(answer), 1024, 1024)
    script(CUT_OFF)
    words, pictures = "", []
    for event in ask(NEW, "A heron", max_tokens=8000, stream=True):
        [choice] = event.choices
        words += choice.delta.content or ""
        pictures += [image["image_url"]["url"] for image in getattr(choice.delta, "images", None) or []]
    assert words.startswith("Here it ") and len(words) > 20, words
    [data] = pictures
    is_picture(data, 1024, 1024)


@scenario("batch-file")
def batch_file() -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "A heron"}]}]}
    line = json.dumps({"key": "one", "request": request}).encode()
    file = litellm.create_file(file=("batch.jsonl", line, "application/jsonl"), purpose="batch", **BARE)
    batch = litellm.create_batch(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id=file.id, model=NEW, **BARE
    )
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        batch = litellm.retrieve_batch(batch_id=batch.id, model=NEW, **BARE)
    assert batch.status == "completed"
    answer = json.loads(litellm.file_content(file_id=batch.output_file_id, **BARE).content)
    parts = answer["response"]["candidates"][0]["content"]["parts"]
    [data] = [part["inlineData"]["data"] for part in parts if "inlineData" in part]
    is_picture(data, 1024, 1024)


main()

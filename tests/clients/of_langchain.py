"""The scenarios with langchain-google-genai."""

from __future__ import annotations

import base64
from typing import Any

from kit import (
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
    scenario,
    script,
    sent_three_turns,
)
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError, GoogleAPIError


def model(name: str, key: str = KEY, **options: Any) -> ChatGoogleGenerativeAI:
    return ChatGoogleGenerativeAI(model=name, api_key=key, base_url=URL, max_retries=1, **options)


def picture(message: BaseMessage) -> str:
    blocks = [block for block in message.content if isinstance(block, dict)]
    [url] = [block["image_url"]["url"] for block in blocks if block["type"] == "image_url"]
    return url


def shown(words: str, name: str) -> list[HumanMessage]:
    data = base64.b64encode((MEDIA / name).read_bytes()).decode()
    source = {"type": "image_url", "image_url": f"data:image/jpeg;base64,{data}"}
    return [HumanMessage([{"type": "text", "text": words}, source])]


@scenario("generate")
def generate() -> None:
    answer = model(NEW).invoke("A heron in the reeds")
    is_picture(picture(answer), 1024, 1024)
    assert answer.usage_metadata["output_tokens"] >= 1120
    assert answer.response_metadata["finish_reason"] == "STOP"


@scenario("ratio-and-size")
def ratio_and_size() -> None:
    answer = model(PRO, image_config={"aspect_ratio": "16:9", "image_size": "2K"}).invoke("A heron")
    is_picture(picture(answer), 2752, 1536)


@scenario("edit")
def edit() -> None:
    is_picture(picture(model(NEW).invoke(shown("Make it night", "wide.jpg"))), 1264, 848)


@scenario("stream")
def stream() -> None:
    whole: Any = None
    for event in model(PRO).stream("A heron"):
        assert isinstance(event, AIMessageChunk)
        whole = event if whole is None else whole + event
    is_picture(picture(whole), 1024, 1024)
    assert whole.response_metadata["finish_reason"] == "STOP"


@scenario("search")
def search() -> None:
    answer = model(NEW).bind_tools([{"google_search": {}}]).invoke("A heron")
    is_picture(picture(answer), 1024, 1024)
    assert answer.response_metadata["grounding_metadata"]["grounding_chunks"]


@scenario("chat")
def chat() -> None:
    turns: list[BaseMessage] = []
    for words in ("A mascot for a bakery", "Now waving", "Now in the rain"):
        turns.append(HumanMessage(words))
        answer = model(PRO).invoke(turns)
        assert isinstance(answer, AIMessage)
        is_picture(picture(answer), 1024, 1024)
        turns.append(answer)
    sent_three_turns()


@scenario("chat-stream")
def chat_stream() -> None:
    turns: list[BaseMessage] = []
    for words in ("A mascot for a bakery", "Now waving", "Now in the rain"):
        turns.append(HumanMessage(words))
        whole: Any = None
        for event in model(PRO).stream(turns):
            whole = event if whole is None else whole + event
        is_picture(picture(whole), 1024, 1024)
        turns.append(whole)
    sent_three_turns()


@scenario("upload")
def upload() -> None:
    # The library takes a file's URI and leaves the upload to the client that it holds.
    bound = model(NEW)
    file = bound.client.files.upload(file=MEDIA / "wide.jpg")
    source = {"type": "media", "file_uri": file.uri, "mime_type": file.mime_type}
    answer = bound.invoke([HumanMessage([{"type": "text", "text": "Make it night"}, source])])
    is_picture(picture(answer), 1264, 848)


@scenario("count-tokens")
def count_tokens() -> None:
    assert model(PRO).get_num_tokens("Make it night, keep the boat") == 7


def refused(status: int, words: str, call: ChatGoogleGenerativeAI) -> None:
    with Raised(ChatGoogleGenerativeAIError, GoogleAPIError) as raised:
        call.invoke("A heron")
    assert str(status) in str(raised.error) and words in str(raised.error), raised.error


@scenario("bad-key")
def bad_key() -> None:
    refused(400, "API key not valid", model(NEW, "bad"))


@scenario("unknown-model")
def unknown_model() -> None:
    refused(404, "NOT_FOUND", model("gemini-9-image"))


@scenario("bad-ratio")
def bad_ratio() -> None:
    refused(400, "aspect ratio", model(PRO, image_config={"aspect_ratio": "1:8"}))


@scenario("blocked-prompt")
def blocked_prompt() -> None:
    script({"block_reason": "PROHIBITED_CONTENT"})
    answer = model(NEW).invoke("A heron")
    assert answer.response_metadata["prompt_feedback"]["block_reason"] == "PROHIBITED_CONTENT"


@scenario("blocked-picture")
def blocked_picture() -> None:
    script({"finish_reason": "IMAGE_SAFETY", "finish_message": "It was filtered."})
    answer = model(NEW).invoke("A heron")
    assert not answer.content and answer.response_metadata["finish_reason"] == "IMAGE_SAFETY"


@scenario("rate-limit")
def rate_limit() -> None:
    script(BUSY)
    refused(429, "retryDelay", model(NEW))


@scenario("overloaded")
def overloaded() -> None:
    script(OVERLOADED)
    refused(503, "UNAVAILABLE", model(NEW))


@scenario("error-in-a-stream")
def error_in_a_stream() -> None:
    script(BROKEN_STREAM)
    words = []
    with Raised(ChatGoogleGenerativeAIError, GoogleAPIError) as raised:
        for event in model(NEW).stream("A heron"):
            words.append(event.text)
    assert words == ["Here"] and "503" in str(raised.error), (words, raised.error)


@scenario("continuation")
def continuation() -> None:
    script(CUT_OFF)
    whole = [model(NEW).invoke("A heron")]
    script(CUT_OFF)
    # Put together, its chunks have the words of both parts mixed: it counts the blocks of each from 0.
    events = list(model(NEW).stream("A heron"))
    for answers in (whole, events):
        words = "".join(answer.text for answer in answers)
        assert words.startswith("Here it ") and len(words) > 20, words
        blocks = [block for answer in answers for block in answer.content if isinstance(block, dict)]
        [url] = [block["image_url"]["url"] for block in blocks if block["type"] == "image_url"]
        is_picture(url, 1024, 1024)


main()

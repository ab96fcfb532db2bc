"""The scenarios with google-genai."""

from __future__ import annotations

import io
import json
import time
from typing import Any

from google import genai
from google.genai import errors, types
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
    requests,
    scenario,
    script,
    sent_three_turns,
)


def client(key: str) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=URL))


api = client(KEY)


def pictures(response: types.GenerateContentResponse) -> list[bytes]:
    return [part.inline_data.data for part in response.parts or [] if part.inline_data and not part.thought]


def picture(response: types.GenerateContentResponse) -> bytes:
    [data] = pictures(response)
    return data


def shaped(ratio: str, size: str | None = None) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(image_config=types.ImageConfig(aspect_ratio=ratio, image_size=size))


@scenario("generate")
def generate() -> None:
    response = api.models.generate_content(model=NEW, contents="A heron in the reeds")
    is_picture(picture(response), 1024, 1024)
    assert response.candidates[0].finish_reason == types.FinishReason.STOP
    usage = response.usage_metadata
    assert usage.candidates_tokens_details[0].modality == types.MediaModality.IMAGE
    assert usage.total_token_count > 1120 and response.model_version == NEW and response.response_id


@scenario("ratio-and-size")
def ratio_and_size() -> None:
    response = api.models.generate_content(model=PRO, contents="A heron", config=shaped("16:9", "2K"))
    is_picture(picture(response), 2752, 1536)


@scenario("edit")
def edit() -> None:
    source = types.Part.from_bytes(data=(MEDIA / "wide.jpg").read_bytes(), mime_type="image/jpeg")
    response = api.models.generate_content(model=NEW, contents=["Make it night", source])
    is_picture(picture(response), 1264, 848)


@scenario("stream")
def stream() -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    events = list(api.models.generate_content_stream(model=PRO, contents="A heron", config=config))
    final = [data for event in events for data in pictures(event)]
    assert len(final) == 1 and len(events) > 5
    is_picture(final[0], 1024, 1024)
    parts = [part for event in events for part in event.parts or []]
    assert any(part.thought and part.text for part in parts)
    assert any(part.thought and part.inline_data for part in parts)
    assert events[-1].candidates[0].finish_reason == types.FinishReason.STOP


@scenario("search")
def search() -> None:
    tool = types.Tool(google_search=types.GoogleSearch())
    config = types.GenerateContentConfig(tools=[tool])
    response = api.models.generate_content(model=NEW, contents="A heron", config=config)
    is_picture(picture(response), 1024, 1024)
    grounding = response.candidates[0].grounding_metadata
    assert grounding.web_search_queries and grounding.grounding_chunks[0].web.uri


def chatted(send: Any) -> None:
    for words in ("A mascot for a bakery", "Now waving", "Now in the rain"):
        is_picture(send(words), 1024, 1024)
    sent_three_turns()


@scenario("chat")
def chat() -> None:
    chat = api.chats.create(model=PRO)
    chatted(lambda words: picture(chat.send_message(words)))


@scenario("chat-stream")
def chat_stream() -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    chat = api.chats.create(model=PRO, config=config)

    def send(words: str) -> bytes:
        [data] = [data for event in chat.send_message_stream(words) for data in pictures(event)]
        return data

    chatted(send)


@scenario("upload")
def upload() -> None:
    file = api.files.upload(file=MEDIA / "wide.jpg", config={"display_name": "wide"})
    assert (file.state, file.mime_type, file.size_bytes) == (types.FileState.ACTIVE, "image/jpeg", 654)
    response = api.models.generate_content(model=NEW, contents=["Make it night", file])
    is_picture(picture(response), 1264, 848)
    assert api.files.get(name=file.name).display_name == "wide"
    assert file.name in [known.name for known in api.files.list(config={"page_size": 1})]
    api.files.delete(name=file.name)
    with Raised(errors.ClientError) as gone:
        api.files.get(name=file.name)
    assert gone.error.code == 403


@scenario("models")
def models() -> None:
    names = [model.name for model in api.models.list(config={"page_size": 2})]
    assert f"models/{NEW}" in names and len(names) == len(set(names)) == 5
    assert len(requests()) == 3
    model = api.models.get(model=PRO)
    assert "generateContent" in model.supported_actions and model.output_token_limit == 32768


@scenario("count-tokens")
def count_tokens() -> None:
    source = types.Part.from_bytes(data=(MEDIA / "dot.png").read_bytes(), mime_type="image/png")
    counted = api.models.count_tokens(model=PRO, contents=["Make it night", source])
    assert counted.total_tokens == 564


@scenario("bad-key")
def bad_key() -> None:
    stranger = client("bad")
    with Raised(errors.ClientError) as refused:
        stranger.models.generate_content(model=NEW, contents="A heron")
    assert refused.error.code == 400 and refused.error.status == "INVALID_ARGUMENT"
    assert "API key not valid" in refused.error.message
    assert refused.error.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


@scenario("unknown-model")
def unknown_model() -> None:
    with Raised(errors.ClientError) as refused:
        api.models.generate_content(model="gemini-9-image", contents="A heron")
    assert refused.error.code == 404 and refused.error.status == "NOT_FOUND"


@scenario("bad-ratio")
def bad_ratio() -> None:
    with Raised(errors.ClientError) as refused:
        api.models.generate_content(model=PRO, contents="A heron", config=shaped("1:8"))
    assert refused.error.code == 400 and "aspect ratio" in refused.error.message


@scenario("blocked-prompt")
def blocked_prompt() -> None:
    script({"block_reason": "PROHIBITED_CONTENT"})
    response = api.models.generate_content(model=NEW, contents="A heron")
    assert not response.candidates
    assert response.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


@scenario("blocked-picture")
def blocked_picture() -> None:
    script({"finish_reason": "IMAGE_SAFETY", "finish_message": "It was filtered."})
    response = api.models.generate_content(model=NEW, contents="A heron")
    assert response.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY and not response.parts


@scenario("rate-limit")
def rate_limit() -> None:
    script(BUSY)
    with Raised(errors.ClientError) as refused:
        api.models.generate_content(model=NEW, contents="A heron")
    assert refused.error.code == 429 and refused.error.status == "RESOURCE_EXHAUSTED"
    assert refused.error.details["error"]["details"][0]["retryDelay"] == "7s"


@scenario("overloaded")
def overloaded() -> None:
    script(OVERLOADED)
    with Raised(errors.ServerError) as refused:
        api.models.generate_content(model=NEW, contents="A heron")
    assert refused.error.code == 503 and refused.error.status == "UNAVAILABLE"


@scenario("error-in-a-stream")
def error_in_a_stream() -> None:
    script(BROKEN_STREAM)
    words = []
    with Raised(errors.ServerError) as refused:
        for event in api.models.generate_content_stream(model=NEW, contents="A heron"):
            words.append(event.text)
    assert words == ["Here"] and refused.error.code == 503


@scenario("continuation")
def continuation() -> None:
    script(CUT_OFF)
    whole = api.models.generate_content(model=NEW, contents="A heron")
    script(CUT_OFF)
    events = list(api.models.generate_content_stream(model=NEW, contents="A heron"))
    for responses in ([whole], events):
        words = [part.text for response in responses for part in response.parts or [] if part.text]
        assert "".join(words).startswith("Here it ") and len("".join(words)) > 20, words
        [data] = [data for response in responses for data in pictures(response)]
        is_picture(data, 1024, 1024)
        assert responses[-1].candidates[0].finish_reason == types.FinishReason.STOP


def ended(job: types.BatchJob) -> types.BatchJob:
    for _ in range(100):
        if job.done:
            break
        time.sleep(0.1)
        job = api.batches.get(name=job.name)
    assert job.state == types.JobState.JOB_STATE_SUCCEEDED, job.state
    return job


@scenario("batch-inline")
def batch_inline() -> None:
    asked: list[Any] = [
        {"contents": [{"parts": [{"text": words}], "role": "user"}]} for words in ("A heron", "A boat")
    ]
    job = ended(api.batches.create(model=NEW, src=asked, config={"display_name": "two"}))
    assert job.display_name == "two" and job.name in [known.name for known in api.batches.list()]
    answers = job.dest.inlined_responses
    assert len(answers) == 2
    for answer in answers:
        is_picture(picture(answer.response), 1024, 1024)
    api.batches.delete(name=job.name)


@scenario("batch-file")
def batch_file() -> None:
    request = {"contents": [{"parts": [{"text": "A heron"}], "role": "user"}]}
    lines = io.BytesIO(json.dumps({"key": "one", "request": request}).encode())
    # The documentation's own sample has this type.
    file = api.files.upload(file=lines, config={"mime_type": "jsonl"})
    job = ended(api.batches.create(model=NEW, src=file.name))
    answer = json.loads(api.files.download(file=job.dest.file_name))
    assert answer["key"] == "one"
    parts = answer["response"]["candidates"][0]["content"]["parts"]
    [data] = [part["inlineData"]["data"] for part in parts if "inlineData" in part]
    is_picture(data, 1024, 1024)


main()

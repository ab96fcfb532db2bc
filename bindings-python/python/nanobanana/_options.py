# Written by core/cli/tests/generated.rs from the tables in core.
# Change those; the test rewrites this file.

"""What a call and a client take, for type checkers and annotations."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, Required, TypeAlias, TypedDict

from ._generated import (
    Attachment,
    Box,
    Budget,
    Cache,
    ClientEvent,
    DoneEvent,
    Encode,
    File,
    ImageEvent,
    Reference,
    Retry,
    TextEvent,
    ThoughtEvent,
    Timeout,
)
from ._native import Image

__all__ = [
    "AspectRatio",
    "AttachmentInput",
    "ChatOptions",
    "ClientOptions",
    "EditOptions",
    "EmulatorOptions",
    "Event",
    "FileOptions",
    "GenerateOptions",
    "ImageInput",
    "ImageSize",
    "Item",
    "ManyOptions",
    "MaskInput",
    "Model",
    "Prompt",
    "Reading",
    "RecordOptions",
    "ScriptStep",
    "UploadOptions",
]

Model: TypeAlias = (
    Literal[
        "nano-banana-2.1",
        "gemini-nano-banana-2.1",
        "nano-banana-pro",
        "gemini-3-pro-image",
        "nano-banana-2",
        "gemini-3.1-flash-image",
        "nano-banana-2-lite",
        "gemini-3.1-flash-lite-image",
        "nano-banana",
        "gemini-2.5-flash-image",
    ]
    | str
)
"""A model, by id or alias; any other id is sent as it is."""

AspectRatio: TypeAlias = (
    Literal[
        "1:1",
        "1:4",
        "1:8",
        "2:3",
        "3:2",
        "3:4",
        "4:1",
        "4:3",
        "4:5",
        "5:4",
        "8:1",
        "9:16",
        "16:9",
        "21:9",
    ]
    | str
)
"""Width to height."""

ImageSize: TypeAlias = (
    Literal[
        "512",
        "1K",
        "2K",
        "4K",
    ]
    | str
)
"""How large a picture is, in any case of letters."""

Reading: TypeAlias = Literal[
    "v1-without-response-modalities",
    "v1-without-image-config",
    "sampling-refused",
    "nano-banana-2.1-takes-512",
    "nano-banana-2.1-takes-9-by-21",
    "nano-banana-2.1-takes-auto",
    "lite-takes-sizes",
    "pro-takes-thinking-level",
    "thinking-level-in-capitals",
    "response-format-in-plain-texts",
    "2.5-without-response-format",
    "signatures-on-vertex",
    "missing-file-404",
    "png-answers",
    "4k-of-3780-tokens",
    "21-by-9-at-512-is-168-high",
    "interim-pictures-count",
    "nano-banana-2-gone",
    "2.5-closed",
    "pro-preview-alias",
    "previews-answer",
    "tiers-of-the-own-page",
    "picture-sources-as-in-the-guide",
    "interactions-take-png",
    "interactions-want-512",
    "interactions-want-512px",
    "interactions-without-safety-settings",
    "interactions-errors-in-a-list",
    "interactions-leave-picture-search",
    "batches-of-100-mb",
]
"""Another reading of what the service does, where sources conflict."""


class _Array(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class _File(Protocol):
    def read(self) -> bytes: ...


class _Response(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...


_InlineData: TypeAlias = Mapping[Literal["inlineData", "inline_data"], Mapping[str, Any]]

ImageInput: TypeAlias = (
    Image
    | bytes
    | bytearray
    | memoryview
    | str
    | os.PathLike[str]
    | File
    | _File
    | _Response
    | _InlineData
    | _Array
    | Reference
)
"""A picture in whatever form it is at hand; PIL images and NumPy arrays are arrays here."""

AttachmentInput: TypeAlias = (
    bytes
    | bytearray
    | memoryview
    | str
    | os.PathLike[str]
    | File
    | _File
    | _Response
    | _InlineData
    | Attachment
)
"""A document or a video in whatever form it is at hand; a string is its path or URL."""

MaskInput: TypeAlias = ImageInput | Box
"""What of a picture may change: a picture that marks it, or a box."""

Prompt: TypeAlias = str | Sequence[str | ImageInput | Attachment]
"""A text, or texts and pictures in turn."""

Event: TypeAlias = DoneEvent | ImageEvent | TextEvent | ThoughtEvent
"""What a stream gives, as it arrives."""


class ChatOptions(TypedDict, total=False):
    """What all turns of a conversation, or all of many calls, can be told."""

    model: Model | None
    """The model, by id or alias. Default: the client's, else `nano-banana-2.1`."""

    aspect_ratio: AspectRatio | None
    """Width to height. Default: the shape of the first picture sent, else 1:1."""

    image_size: ImageSize | None
    """How large the picture will be. Default: 1K."""

    n: int | None
    """How many pictures: that many calls side by side. Default: 1."""

    thinking: Literal["minimal", "low", "medium", "high"] | None
    """How hard the model thinks before it draws. Default: the model's own."""

    thoughts: bool | None
    """Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`. Default: false."""

    search: bool | None
    """Whether the model may search the web first. Default: false."""

    image_search: bool | None
    """Whether the model may look at pictures of the web first. Default: false."""

    system: str | None
    """What the model is told before the prompt, for the whole call."""

    modalities: Literal["image", "text+image"] | None
    """What the answer may hold. Default: the service's, text and pictures."""

    seed: int | None
    """A seed, sent as it is; the service does not promise the same picture for the same seed.

    With `n`, call i sends `seed + i`.
    """

    temperature: float | None
    """How freely the model chooses, 0 to 2. Default: the service's, 1."""

    top_p: float | None
    """The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95."""

    max_output_tokens: int | None
    """The most tokens that the answer may take. Default: the model's limit."""

    safety: dict[str, str] | Literal["off"] | None
    """The adjustable filters: a threshold by category, short or full names, or "off".

    Default: the service's.
    """

    output_format: Literal["png", "jpeg", "webp"] | None
    """The type that pictures are to have.

    What came is converted here if it is of another one, and kept as the picture's `original`; what a
    conversion loses is a warning. Default: as it comes.
    """

    output_quality: int | None
    """How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg" or "webp".

    Default: 92 for JPEG; WebP without it loses nothing.
    """

    mark_ai: bool | None
    """Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP that AI made
    them, by IPTC's DigitalSourceType.

    Default: true.
    """

    service_tier: Literal["standard", "flex", "priority"] | None
    """How urgently the service works, and at what price. Default: standard."""

    encode: Encode | None
    """How pictures are encoded before they are sent. Default: they go as they are wherever they can."""

    upload: Literal["auto", "never", "always"] | None
    """Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones of a request
    that would be too large (100 MB), with "always" all above 16 kB, with "never" none.

    Each is uploaded once while it lives there, which is 48 hours. Default: auto.
    """

    on_unsupported: Literal["error", "warn"] | None
    """What happens to an option that the model does not have. Default: error."""

    timeout: Timeout | float | None
    """How long the call may take. Default: the client's. A number is in seconds."""

    retry: Retry | bool | None
    """When and how a failed attempt is made again. Default: the client's."""

    headers: dict[str, str] | None
    """HTTP headers to send beside our own.

    Those that belong to the connection or the body, such as Host and Content-Length, are refused.
    """

    labels: dict[str, str] | None
    """Labels for the bill: keys and values of at most 63 lower case characters."""

    extra: dict[str, Any] | None
    """Merged deeply into the request's JSON, last; for what the service has and we have not."""


class GenerateOptions(ChatOptions, total=False):
    """What one call can be told."""

    attachments: AttachmentInput | Sequence[AttachmentInput] | None
    """Documents (PDF, plain text) and videos that go with the prompt, behind its pictures: paths, bytes, URLs
    (YouTube's too), files of the API.

    An `Attachment` says more of one. Default: none.
    """


class EditOptions(GenerateOptions, total=False):
    """What an edit can be told of what it may change."""

    mask: MaskInput | Sequence[MaskInput] | None
    """What of the first picture may change: a picture of its size whose transparent parts, or if it has none
    its white ones, may change (grey means partly); an array of bool; a Box; or a list of these, of which
    each adds to what may change.

    Default: all of it.
    """

    keep_outside: bool | None
    """Whether only what lies in the mask is taken from the model: every pixel outside stays exactly as it is,
    and the result is PNG, or WebP without loss if `output_format` says so.

    Otherwise the model's picture is the result as it came. Default: true.
    """

    mask_feather: int | None
    """Over how many pixels the mask's edge is soft, towards its inside.

    Default: a hundredth of the picture's shorter side, at least 2.
    """


class ManyOptions(ChatOptions, total=False):
    """What `generate_many` can be told beside the options of its calls."""

    concurrency: int | None
    """How many items are under way at once. Default: 8."""

    ordered: bool | None
    """Whether outcomes come in the order of the items. Default: false, as they finish."""

    save_to: str | os.PathLike[str] | None
    """A folder for the pictures, made if it is missing.

    Each gets the name of its item's id, or of its number, and beside it a JSON file that says how it was
    made. No file is written over.
    """

    journal: str | os.PathLike[str] | None
    """A file that remembers what is done: run again with it, and only what is missing is sent.

    Pictures go to `save_to`, else to a folder of the journal's name with `.d` at its end.
    """

    stop_after_errors: int | None
    """After so many failed items nothing more is sent, and the run ends with an error. Default: no limit."""

    progress: bool | None
    """Whether to show how far the run is, in a terminal or a notebook. Default: false."""


class ClientOptions(TypedDict, total=False):
    """What a client can be told, beside its key."""

    model: Model | None
    """The model of calls that name none. Default: `nano-banana-2.1`."""

    base_url: str | None
    """Where the API is.

    A version at its end counts as `api_version` if that is not set, and an `/openai` behind it is left out.
    Default: the variable GOOGLE_GEMINI_BASE_URL, else Google's.
    """

    api_version: str | None
    """The version of the API. Default: the variable GOOGLE_GENAI_API_VERSION, else v1beta."""

    timeout: Timeout | float | None
    """How long a call may take. A number is in seconds."""

    retry: Retry | bool | None
    """When and how a failed attempt is made again."""

    max_concurrency: int | None
    """The most requests under way at once, for each model; more wait for their turn.

    A stream that is not read for a second does not count until it is read on. Default: no limit, unless the
    service asks to go slower.
    """

    rate: float | None
    """The most requests in a minute, for each model, sent evenly: at most a second's worth, or one, at once.

    Default: no limit, unless the service asks to go slower.
    """

    budget: Budget | float | None
    """How much may be spent, in USD. Default: no limit."""

    cache: Cache | str | os.PathLike[str] | None
    """Where answers are kept, so that the same request is not paid for twice. Default: nowhere."""

    catalogue: str | None
    """A catalogue to use instead of the built-in one: the path of its file, or an http(s): URL, which is
    fetched when a call first needs it.
    """

    headers: dict[str, str] | None
    """HTTP headers to send with every request.

    Those that belong to the connection or the body, such as Host and Content-Length, are refused.
    """

    proxy: str | None
    """The proxy's URL. Default: the system's; never for a loopback address."""

    ca_bundle: str | None
    """A PEM file of certificates to trust beside the system's and the built-in ones."""

    allow_private_urls: bool | None
    """Whether a picture's URL may lead to a private or local address. Default: false."""

    local_files: bool | None
    """Whether paths and file: URLs among the inputs are opened.

    A server whose users name pictures sets it to false: then bytes, other URLs and uploaded files are taken
    alone. Default: true.
    """

    on_event: Callable[[ClientEvent], object] | None
    """Is called with each step of each call, in order: a request that is sent, its answer, a wait, another
    try.

    No event holds a key, a prompt or a picture.
    """


class UploadOptions(TypedDict, total=False):
    """What the upload of a file can be told."""

    mime_type: str | None
    """What the file is, for example "application/pdf". Default: as its first bytes or its name say."""

    display_name: str | None
    """What it is called for people, at most 512 characters."""

    name: str | None
    """What the service calls it: "files/" and up to 40 lower case letters, digits and dashes; a name is given
    once.

    Default: one that is drawn by lot.
    """

    timeout: Timeout | float | None
    """How long all of it may take, until the file can be used.

    Default: the client's. A number is in seconds.
    """


class FileOptions(TypedDict, total=False):
    """What a question about uploaded files can be told."""

    timeout: Timeout | float | None
    """How long it may take. Default: the client's. A number is in seconds."""


class EmulatorOptions(TypedDict, total=False):
    """What an emulator can be told, beside its port."""

    host: str | None
    """The address it listens at.

    Any but that of this machine alone lets others in, under any name. Default: 127.0.0.1.
    """

    tls: bool | None
    """Whether it speaks TLS, with HTTP/2 for those who can, by a throw-away authority. Default: false."""

    keep: int | None
    """How many requests it remembers. Default: 1000."""

    file_life: float | None
    """How long an uploaded file lives. Default: 48 hours. In seconds."""

    file_processing: float | None
    """How long a video or a sound is PROCESSING before it is ACTIVE. Default: 0.2 seconds. In seconds."""

    batch_processing: float | None
    """How long a batch, or an interaction in the background, takes at least.

    Default: 0.2 seconds. In seconds.
    """

    batch_life: float | None
    """How long a batch may be pending or running before it is EXPIRED. Default: 48 hours. In seconds."""

    rpm: int | None
    """How many requests a minute each model takes before it answers 429. Default: no limit."""

    ipm: int | None
    """How many pictures a minute each model draws before it answers 429. Default: no limit."""

    rpd: int | None
    """How many requests a day each model takes before it answers 429. Default: no limit."""

    minute: float | None
    """How long a minute of these limits is: tests need not wait for a real one.

    Default: 60 seconds. In seconds.
    """

    cassette: str | None
    """The folder of recorded calls that it answers with, instead of drawing. Default: none."""

    upstream: str | None
    """The base URL of the real service, to which calls go that are to be recorded, with the key that they
    came with.

    Default: none.
    """

    record: Literal["missing", "always", "never"] | None
    """Which calls go there: "missing" ones, "always" all, or "never" any.

    Default: missing, if there is an `upstream`.
    """

    readings: Sequence[Reading] | None
    """Where sources conflict, the readings to follow in place of the usual ones; `docs/facts.md` lists them.

    Default: none.
    """


class RecordOptions(TypedDict, total=False):
    """What a running emulator can be told of recorded calls.

    What is not set stays as it is; if nothing is set, it draws again.
    """

    cassette: str | None
    """The folder of recorded calls that it answers with, instead of drawing."""

    upstream: str | None
    """The base URL of the real service, to which calls go that are to be recorded, with the key that they
    came with.
    """

    mode: Literal["missing", "always", "never"] | None
    """Which calls go there: "missing" ones, "always" all, or "never" any.

    Default: missing, if there is an `upstream`.
    """


class _ScriptMatch(TypedDict, total=False):
    """Which requests a step of a script is for: those that all of this fits."""

    prompt: str
    """Words that the request holds."""

    model: str
    """The model that it is for."""

    seed: int
    """Its seed."""

    path: str
    """What its path holds."""

    call: Literal[
        "generate",
        "batch_request",
        "count_tokens",
        "upload_start",
        "upload_chunk",
        "upload_query",
        "file_get",
        "file_list",
        "file_delete",
        "file_download",
        "batch_create",
        "batch_list",
        "batch_get",
        "batch_cancel",
        "batch_delete",
        "interaction_create",
        "interaction_get",
        "interaction_cancel",
        "interaction_delete",
    ]
    """Its kind."""


class ScriptStep(TypedDict, total=False):
    """One step of an emulator's script: which requests it is for, and how they are answered.

    Names, and times in seconds, are the same in every language and over HTTP.
    """

    status: int
    """The HTTP status; 300 and more alone is an error of that status."""

    error: dict[str, Any]
    """`{"status", "message", "details"}` in the service's form; without the step's `status` a word such as
    `"RESOURCE_EXHAUSTED"` says the HTTP status.
    """

    json: Any
    """A body; `{"$image": "png 8x8"}` in it becomes a picture in base64; in a stream it is an event, and a
    list is one event for each item.
    """

    body: str
    """A body byte for byte."""

    body_base64: str
    """The same, in base64."""

    hang: bool
    """No answer until the client goes."""

    match: _ScriptMatch
    """`{"prompt": "…", "model": "…", "seed": 7}`: only for a request whose words hold this, to this model,
    with this seed; `{"path": "…"}`: for any whose path holds this; `{"call": "…"}`: for a request of this
    kind: `generate`, `batch_request`, `count_tokens`, `upload_start`, `upload_chunk`, `upload_query`,
    `file_get`, `file_list`, `file_delete`, `file_download`, `batch_create`, `batch_list`, `batch_get`,
    `batch_cancel`, `batch_delete`, `interaction_create`, `interaction_get`, `interaction_cancel`,
    `interaction_delete` (`batch_request` is one of those that a batch is made of, whose path is
    `batches/ID`).
    """

    drift: float
    """How much its own answer to an edit with a mask drifts: 0 not at all, 1 as if nothing is said, up to 4.
    """

    times: int | Literal["always"]
    """How many requests the step is for, one by one, or `"always"`; 1 if nothing is said."""

    share: float
    """The step is for this part of the requests (0.05 is one in twenty), drawn by lot; always, unless `times`
    ends it.
    """

    share_seed: int
    """The same ones for the same seed; 0 if nothing is said."""

    thoughts: Sequence[Any]
    """A list of texts and of pictures (`{"$image": "png 8x8"}`); each is an event."""

    text: str
    """Words; two or three events."""

    image: str
    """A picture (`"jpeg 64x48"`); it is an event."""

    images: Sequence[str]
    """Several; each is an event."""

    text_after: str
    """Words after the pictures."""

    grounding: Literal[True] | dict[str, Any]
    """`true` for made-up metadata, or a map."""

    finish_reason: str
    """The end; `STOP` without one, and only `STOP` has the last part with a signature."""

    finish_message: str
    """What is said of it."""

    continuation: str
    """A token: the end is `CONTINUATION`, and a request with that token is taken afterwards.

    It goes out in base64, as the service's does; a text that is in base64 already as it is.
    """

    ratings: Sequence[Any]
    """`[{"category", "probability", "blocked"}]`, in the end."""

    block_reason: str
    """No answer but this feedback on the prompt, with `ratings` if there are any."""

    model_status: dict[str, Any]
    """`{"message", "modelStage", "retirementTime"}`, in every event."""

    headers: dict[str, Any]
    """Added to the reply."""

    delay: float
    """Seconds before the reply begins."""

    event_pause: float
    """Seconds between two events of a stream."""

    chunk: int
    """Bytes in one write."""

    pause: float
    """Seconds between two writes."""

    cut: int | Literal["headers"]
    """The line breaks after this many bytes of the body, or before `"headers"`: the connection is reset; with
    HTTP/2 only the stream.
    """

    stall: int
    """After this many bytes of the body nothing more comes, nor the end, until the client goes."""

    length: int
    """The `content-length` is off by so many bytes: with more, the body ends early and the connection with
    it; with fewer, the body is cut to fit.

    With HTTP/2, where the end is marked otherwise, the whole body goes out, and a client refuses the stream.
    """

    goaway: bool
    """With HTTP/2 this request is refused (`REFUSED_STREAM`: nothing was done with it) and the connection
    takes no others (`GOAWAY`), but ends those under way; with HTTP/1.1 the connection closes after the
    answer.
    """

    gzip: bool
    """The body is compressed; a stream so that each event can be read when it comes."""


class Item(TypedDict, total=False):
    """One call of `generate_many`."""

    prompt: Required[Prompt]
    """What to draw."""

    images: ImageInput | Sequence[ImageInput] | None
    """What to draw it from."""

    options: EditOptions | None
    """These go before those of all calls."""

    id: str | int | None
    """What a journal knows it by, and how its files are named."""

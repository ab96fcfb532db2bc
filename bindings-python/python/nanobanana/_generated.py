# Written by core/cli/tests/generated.rs from the tables in core.
# Change those; the test rewrites this file.

"""Errors, records and settings as classes; signatures with every option."""

from __future__ import annotations

from ._base import ErrorBase, OutcomeBase, Record, ResultBase, Settings, Wrapper, read_picture
from ._native import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, ClassVar, Literal, TypeAlias

    from ._options import (
        AspectRatio,
        AttachmentInput,
        Event,
        ImageInput,
        ImageSize,
        Item,
        MaskInput,
        Model,
        Prompt,
    )

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "Attachment",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "BlockedError",
    "Box",
    "Budget",
    "BudgetExceededError",
    "Cache",
    "ChatTurn",
    "ClientEvent",
    "ConfigError",
    "DoneEvent",
    "Encode",
    "Estimate",
    "Explained",
    "File",
    "Grounding",
    "ImageError",
    "ImageEvent",
    "InputPlan",
    "InternalServerError",
    "InvalidOptionError",
    "Mark",
    "MaskedEdit",
    "ModelInfo",
    "NanoBananaError",
    "NoImageError",
    "NotFoundError",
    "Outcome",
    "Partial",
    "PermissionDeniedError",
    "PictureFacts",
    "Provenance",
    "RateLimitError",
    "Reference",
    "ResponseError",
    "Result",
    "Retry",
    "Source",
    "Span",
    "Spent",
    "TextEvent",
    "ThoughtEvent",
    "Thoughts",
    "Timeout",
    "TokenCount",
    "UnknownCall",
    "UnsupportedOptionError",
    "Usage",
]


class Attempt(Record):
    """One request that was sent, or tried, on behalf of a call."""

    __slots__ = {
        "when": "When it began, in UTC, as `2026-11-24T20:44:39.123Z`.",
        "status": "The HTTP status of its answer; none if no answer came.",
        "reason": "Why it failed, in a few words; none if it succeeded.",
        "wait": "How long was waited after it, before the next one. In seconds.",
        "request_id": "The service's id of this request, if it sent one.",
    }
    _fields = dict.fromkeys(__slots__)
    when: str
    """When it began, in UTC, as `2026-11-24T20:44:39.123Z`."""
    status: int | None
    """The HTTP status of its answer; none if no answer came."""
    reason: str | None
    """Why it failed, in a few words; none if it succeeded."""
    wait: float
    """How long was waited after it, before the next one. In seconds."""
    request_id: str | None
    """The service's id of this request, if it sent one."""


class Usage(Record):
    """What a call used, in tokens as the service counted them."""

    __slots__ = {
        "input_tokens": "Tokens of the prompt, its pictures included.",
        "output_tokens": "Tokens of the answer, its pictures included, thoughts left out.",
        "image_tokens": "Those of the answer's tokens that are pictures.",
        "thought_tokens": "Tokens spent on thinking; billed like text of the answer.",
        "cached_tokens": "Those of the prompt's tokens that the service had cached.",
        "total_tokens": "All tokens together, as the service added them.",
    }
    _fields = dict.fromkeys(__slots__)
    input_tokens: int
    """Tokens of the prompt, its pictures included."""
    output_tokens: int
    """Tokens of the answer, its pictures included, thoughts left out."""
    image_tokens: int
    """Those of the answer's tokens that are pictures."""
    thought_tokens: int
    """Tokens spent on thinking; billed like text of the answer."""
    cached_tokens: int
    """Those of the prompt's tokens that the service had cached."""
    total_tokens: int
    """All tokens together, as the service added them."""


class Partial(Record):
    """What had arrived when a reply broke off."""

    __slots__ = {
        "text": "The text; empty if none came.",
        "images": "The final pictures, whole ones only.",
        "thoughts": "The thoughts in words; empty if none came.",
        "links": "Addresses of pictures that the reply names and that could not be fetched.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"images": read_picture}
    text: str
    """The text; empty if none came."""
    images: list[Image]
    """The final pictures, whole ones only."""
    thoughts: str
    """The thoughts in words; empty if none came."""
    links: list[str]
    """Addresses of pictures that the reply names and that could not be fetched."""


class NanoBananaError(ErrorBase):
    """Anything that this library raises.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
    """

    _fields = {**ErrorBase._fields, "call": None}
    message: str
    """What was wrong, what is allowed and what to do."""
    call: int | None
    """The number of the call, as its events have it; none if it failed before it was ready to be made."""


class ConfigError(NanoBananaError):
    """The client cannot be used as it was set up, for example because no API key was found.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
    """


class InvalidOptionError(NanoBananaError, TypeError, ValueError):
    """An option that does not exist, or a value of the wrong type or form. Nothing was sent.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        option: The option's name as it was given.
        allowed: The values that are allowed, if they can be listed.
        hint: The nearest thing that would have been right.
    """

    _fields = {**NanoBananaError._fields, "option": None, "allowed": None, "hint": None}
    option: str | None
    """The option's name as it was given."""
    allowed: list[str] | None
    """The values that are allowed, if they can be listed."""
    hint: str | None
    """The nearest thing that would have been right."""


class UnsupportedOptionError(NanoBananaError, ValueError):
    """The chosen model does not have this option, or not with this value. Nothing was sent.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        model: The id of the model.
        option: The option's name as it was given.
        value: The value that was given.
        allowed: The values that this model takes; empty if it does not have the option at all.
        hint: The nearest value that this model takes, or a model that takes the value given.
    """

    _fields = {
        **NanoBananaError._fields,
        "model": None,
        "option": None,
        "value": None,
        "allowed": None,
        "hint": None,
    }
    model: str | None
    """The id of the model."""
    option: str | None
    """The option's name as it was given."""
    value: Any
    """The value that was given."""
    allowed: list[str] | None
    """The values that this model takes; empty if it does not have the option at all."""
    hint: str | None
    """The nearest value that this model takes, or a model that takes the value given."""


class ImageError(NanoBananaError, ValueError):
    """A picture cannot be used: which one and why.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        index: Which of the call's pictures it is, counted from 0; none outside of a call.
        input: The picture as it was named: a path, a URL or a type, never bytes.
    """

    _fields = {**NanoBananaError._fields, "index": None, "input": None}
    index: int | None
    """Which of the call's pictures it is, counted from 0; none outside of a call."""
    input: str | None
    """The picture as it was named: a path, a URL or a type, never bytes."""


class BudgetExceededError(NanoBananaError):
    """The client's budget has no room for a request, which was not sent. What was spent stays spent.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        budget: The most that may be spent in all, in USD; none if only single requests are limited.
        per_call: The most that one request may be expected to cost, in USD; none if that is not limited.
        spent: What is spent, and kept for requests whose outcome is not known, in USD.
        held: What is set aside for requests under way, in USD.
        needed: What this would typically have cost, in USD.
        attempts: What was sent on behalf of this call before, in order.
    """

    _fields = {
        **NanoBananaError._fields,
        "budget": None,
        "per_call": None,
        "spent": None,
        "held": None,
        "needed": None,
        "attempts": [],
    }
    _readers = {**NanoBananaError._readers, "attempts": Attempt._read}
    budget: float | None
    """The most that may be spent in all, in USD; none if only single requests are limited."""
    per_call: float | None
    """The most that one request may be expected to cost, in USD; none if that is not limited."""
    spent: float | None
    """What is spent, and kept for requests whose outcome is not known, in USD."""
    held: float | None
    """What is set aside for requests under way, in USD."""
    needed: float | None
    """What this would typically have cost, in USD."""
    attempts: list[Attempt]
    """What was sent on behalf of this call before, in order."""


class APIError(NanoBananaError):
    """The service, or the way to it, failed.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
    """

    _fields = {
        **NanoBananaError._fields,
        "attempts": [],
        "billed": None,
        "retryable": False,
        "partial": None,
        "warnings": [],
    }
    _readers = {**NanoBananaError._readers, "attempts": Attempt._read, "partial": Partial._read}
    attempts: list[Attempt]
    """What was sent on behalf of this call, in order."""
    billed: str | None
    """Whether the failed call was paid for: "no", "yes" or "unknown"."""
    retryable: bool
    """Whether the same call may succeed later."""
    partial: Partial | None
    """What had arrived before the reply broke off; none if nothing had."""
    warnings: list[str]
    """What was known about the options before the call was sent, in sentences, as the warnings of a result;
    empty if nothing was.
    """


class APIConnectionError(APIError):
    """No answer came: the connection could not be made, or it broke.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
    """


class APITimeoutError(APIConnectionError):
    """The time allowed for the call ran out.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
    """


class APIStatusError(APIError):
    """The service answered with an error.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
    """

    _fields = {**APIError._fields, "status": None, "code": None, "details": None, "request_id": None}
    status: int | None
    """The HTTP status."""
    code: str | None
    """The service's own name of the error, for example "RESOURCE_EXHAUSTED"."""
    details: Any
    """What the service said beside the message."""
    request_id: str | None
    """The service's id of the request, if it sent one."""


class BadRequestError(APIStatusError):
    """The service found the request wrong (400, 413 and other 4xx).

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
    """


class AuthenticationError(APIStatusError):
    """The service does not know the API key.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
    """


class PermissionDeniedError(APIStatusError):
    """The key is missing, or may not do this.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
    """


class NotFoundError(APIStatusError):
    """The model or file does not exist, or not any more.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
    """


class RateLimitError(APIStatusError):
    """Too many requests, or a quota is used up.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
        retry_after: After how many seconds the service wants to be asked again, if it said so.
        quota: The quota that is used up, as the service names it.
        permanent: Whether waiting is of no use: true for a daily or a zero quota.
    """

    _fields = {**APIStatusError._fields, "retry_after": None, "quota": None, "permanent": None}
    retry_after: float | None
    """After how many seconds the service wants to be asked again, if it said so."""
    quota: str | None
    """The quota that is used up, as the service names it."""
    permanent: bool | None
    """Whether waiting is of no use: true for a daily or a zero quota."""


class InternalServerError(APIStatusError):
    """The service failed (any 5xx).

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        status: The HTTP status.
        code: The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        details: What the service said beside the message.
        request_id: The service's id of the request, if it sent one.
    """


class ResponseError(APIError):
    """A reply that is not what the API promises: cut off, not JSON, damaged.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
    """


class BlockedError(APIError):
    """The service refused the prompt or the picture for a reason of policy.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        stage: What was refused: "prompt" or "output".
        reason: The service's reason, for example "IMAGE_SAFETY".
        ratings: The service's ratings of the content by category.
        finish_reason: Why the answer ended, as the service names it.
        finish_message: The service's sentence about that.
        text: The text that came instead.
        usage: What the call used.
        cost: What the call cost in USD, if the model's prices are known.
        response_id: The service's id of the answer.
    """

    _fields = {
        **APIError._fields,
        "stage": None,
        "reason": None,
        "ratings": None,
        "finish_reason": None,
        "finish_message": None,
        "text": None,
        "usage": None,
        "cost": None,
        "response_id": None,
    }
    _readers = {**APIError._readers, "usage": Usage._read}
    stage: str | None
    """What was refused: "prompt" or "output"."""
    reason: str | None
    """The service's reason, for example "IMAGE_SAFETY"."""
    ratings: Any
    """The service's ratings of the content by category."""
    finish_reason: str | None
    """Why the answer ended, as the service names it."""
    finish_message: str | None
    """The service's sentence about that."""
    text: str | None
    """The text that came instead."""
    usage: Usage | None
    """What the call used."""
    cost: float | None
    """What the call cost in USD, if the model's prices are known."""
    response_id: str | None
    """The service's id of the answer."""


class NoImageError(APIError):
    """The call succeeded, but no picture came.

    Fields:
        message: What was wrong, what is allowed and what to do.
        call: The number of the call, as its events have it; none if it failed before it was ready to be
            made.
        attempts: What was sent on behalf of this call, in order.
        billed: Whether the failed call was paid for: "no", "yes" or "unknown".
        retryable: Whether the same call may succeed later.
        partial: What had arrived before the reply broke off; none if nothing had.
        warnings: What was known about the options before the call was sent, in sentences, as the warnings
            of a result; empty if nothing was.
        finish_reason: Why the answer ended, as the service names it.
        finish_message: The service's sentence about that.
        text: The text that came instead.
        usage: What the call used.
        cost: What the call cost in USD, if the model's prices are known.
        response_id: The service's id of the answer.
    """

    _fields = {
        **APIError._fields,
        "finish_reason": None,
        "finish_message": None,
        "text": None,
        "usage": None,
        "cost": None,
        "response_id": None,
    }
    _readers = {**APIError._readers, "usage": Usage._read}
    finish_reason: str | None
    """Why the answer ended, as the service names it."""
    finish_message: str | None
    """The service's sentence about that."""
    text: str | None
    """The text that came instead."""
    usage: Usage | None
    """What the call used."""
    cost: float | None
    """What the call cost in USD, if the model's prices are known."""
    response_id: str | None
    """The service's id of the answer."""


_ERRORS: dict[str, type[NanoBananaError]] = {
    "NanoBananaError": NanoBananaError,
    "ConfigError": ConfigError,
    "InvalidOptionError": InvalidOptionError,
    "UnsupportedOptionError": UnsupportedOptionError,
    "ImageError": ImageError,
    "BudgetExceededError": BudgetExceededError,
    "APIError": APIError,
    "APIConnectionError": APIConnectionError,
    "APITimeoutError": APITimeoutError,
    "APIStatusError": APIStatusError,
    "BadRequestError": BadRequestError,
    "AuthenticationError": AuthenticationError,
    "PermissionDeniedError": PermissionDeniedError,
    "NotFoundError": NotFoundError,
    "RateLimitError": RateLimitError,
    "InternalServerError": InternalServerError,
    "ResponseError": ResponseError,
    "BlockedError": BlockedError,
    "NoImageError": NoImageError,
}


def read_error(values: dict[str, Any], pictures: Iterable[Image] = ()) -> NanoBananaError:
    """The exception that the core describes."""
    return _ERRORS.get(values["kind"], NanoBananaError)._read(values, iter(pictures))


class Thoughts(Record):
    """What the model thought before it drew; asked for with `thoughts`."""

    __slots__ = {
        "text": "Its thoughts in words; empty if none came.",
        "images": "Its drafts, in order. The last one usually equals the final picture.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"images": read_picture}
    text: str
    """Its thoughts in words; empty if none came."""
    images: list[Image]
    """Its drafts, in order. The last one usually equals the final picture."""


class Source(Record):
    """One page or picture that the answer draws on."""

    __slots__ = {
        "title": "The page's title.",
        "uri": "The page's address. Where pictures from a search are shown, it must be linked.",
        "image_uri": "The picture's own address, if the source is a picture.",
    }
    _fields = dict.fromkeys(__slots__)
    title: str | None
    """The page's title."""
    uri: str | None
    """The page's address. Where pictures from a search are shown, it must be linked."""
    image_uri: str | None
    """The picture's own address, if the source is a picture."""


class Span(Record):
    """A stretch of the answer's text and the sources behind it."""

    __slots__ = {
        "start": "Where it begins, in bytes of UTF-8 in its part.",
        "end": "Where it ends, in bytes of UTF-8 in its part.",
        "text": "The text itself.",
        "sources": "Indexes into `sources`.",
    }
    _fields = dict.fromkeys(__slots__)
    start: int
    """Where it begins, in bytes of UTF-8 in its part."""
    end: int
    """Where it ends, in bytes of UTF-8 in its part."""
    text: str
    """The text itself."""
    sources: list[int]
    """Indexes into `sources`."""


class Grounding(Record):
    """What the model searched for and found."""

    __slots__ = {
        "queries": "The searches of the web.",
        "image_queries": "The searches for pictures.",
        "sources": "What was found.",
        "html": "Google's search suggestions as HTML; its terms ask that they are shown.",
        "spans": "Which text rests on which sources.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"sources": Source._read, "spans": Span._read}
    queries: list[str]
    """The searches of the web."""
    image_queries: list[str]
    """The searches for pictures."""
    sources: list[Source]
    """What was found."""
    html: str | None
    """Google's search suggestions as HTML; its terms ask that they are shown."""
    spans: list[Span]
    """Which text rests on which sources."""


class MaskedEdit(Record):
    """How a model's picture was laid on the picture that it was to change within a mask."""

    __slots__ = {
        "model_image": "The model's picture as it came.",
        "change_map": (
            "How much the model changed each pixel, within the mask and outside: a grey PNG of the first "
            "picture's size, 0 where nothing changed. None if it could not be made, and for an item of an "
            "earlier run."
        ),
        "leak": (
            "How much the model changed what lies outside of the mask: 0 for not at all, 1 for black that "
            "became white. It is the mean difference over all pixels and channels there, after the model's "
            "picture was laid in place and its colours were matched. None if it is not known."
        ),
        "shift": (
            "By how many pixels of the first picture the model had moved it, right and down; that is "
            "undone. Empty if it is not known."
        ),
        "scale": "How much larger the model had drawn it; 1 is the same size. That is undone, too.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"model_image": read_picture, "change_map": read_picture}
    model_image: Image
    """The model's picture as it came."""
    change_map: Image | None
    """How much the model changed each pixel, within the mask and outside: a grey PNG of the first picture's
    size, 0 where nothing changed.

    None if it could not be made, and for an item of an earlier run.
    """
    leak: float | None
    """How much the model changed what lies outside of the mask: 0 for not at all, 1 for black that became
    white.

    It is the mean difference over all pixels and channels there, after the model's picture was laid in place
    and its colours were matched. None if it is not known.
    """
    shift: list[float]
    """By how many pixels of the first picture the model had moved it, right and down; that is undone.

    Empty if it is not known.
    """
    scale: float | None
    """How much larger the model had drawn it; 1 is the same size. That is undone, too."""


class Result(ResultBase):
    """What a call gave: pictures, text, and all that the service said about them."""

    __slots__ = {
        "images": "The final pictures of all candidates, in order.",
        "masked": (
            "For each of these pictures, if it is an edit with a mask, what became of the model's picture."
        ),
        "text": "The text that came beside them; empty if none did.",
        "thoughts": "What the model thought, if it was asked to tell.",
        "usage": "The tokens that were used.",
        "cost": (
            "The price in USD, from the tokens and the tier that served; none if the prices are not known."
        ),
        "grounding": "What the model searched for and found, if it was allowed to.",
        "finish_reason": "Why the answer ended, as the service names it.",
        "model": "The model that answered, as the service names it.",
        "response_id": "The service's id of the answer.",
        "request_id": (
            "The service's id of the request that was answered, as its head names it; none if it did not, "
            "and for an answer from the cache."
        ),
        "rate_limits": (
            "The headers of that answer that tell of the service's limits: `retry-after`, and those whose "
            "names begin with `x-ratelimit-` or `ratelimit`. Empty if it sent none."
        ),
        "attempts": "What was sent, in order.",
        "call": (
            "The number of the call, as its events have it; none for an item that an earlier run has made."
        ),
        "warnings": "What the caller should know, in sentences.",
        "errors": "Of `n` pictures, why the missing ones are missing.",
        "cached": "Whether it came from a cache instead of the service.",
        "raw": "The reply's JSON; in place of a picture's bytes stands its number in the reply.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {
        "images": read_picture,
        "masked": MaskedEdit._read,
        "thoughts": Thoughts._read,
        "usage": Usage._read,
        "grounding": Grounding._read,
        "attempts": Attempt._read,
        "errors": read_error,
    }
    images: list[Image]
    """The final pictures of all candidates, in order."""
    masked: list[MaskedEdit]
    """For each of these pictures, if it is an edit with a mask, what became of the model's picture."""
    text: str
    """The text that came beside them; empty if none did."""
    thoughts: Thoughts
    """What the model thought, if it was asked to tell."""
    usage: Usage
    """The tokens that were used."""
    cost: float | None
    """The price in USD, from the tokens and the tier that served; none if the prices are not known."""
    grounding: Grounding | None
    """What the model searched for and found, if it was allowed to."""
    finish_reason: str | None
    """Why the answer ended, as the service names it."""
    model: str
    """The model that answered, as the service names it."""
    response_id: str | None
    """The service's id of the answer."""
    request_id: str | None
    """The service's id of the request that was answered, as its head names it; none if it did not, and for an
    answer from the cache.
    """
    rate_limits: dict[str, str]
    """The headers of that answer that tell of the service's limits: `retry-after`, and those whose names
    begin with `x-ratelimit-` or `ratelimit`.

    Empty if it sent none.
    """
    attempts: list[Attempt]
    """What was sent, in order."""
    call: int | None
    """The number of the call, as its events have it; none for an item that an earlier run has made."""
    warnings: list[str]
    """What the caller should know, in sentences."""
    errors: list[NanoBananaError]
    """Of `n` pictures, why the missing ones are missing."""
    cached: bool
    """Whether it came from a cache instead of the service."""
    raw: Any
    """The reply's JSON; in place of a picture's bytes stands its number in the reply."""


class ModelInfo(Record):
    """What is known of one model. Dates are texts like `2026-11-24`."""

    __slots__ = {
        "id": "The model's id.",
        "name": "What people call it.",
        "aliases": "Short names that stand for the id.",
        "state": '"stable", "preview" or "deprecated".',
        "aspect_ratios": "The aspect ratios it takes.",
        "image_sizes": "The sizes it takes, small to large.",
        "default_image_size": "The size it draws when none is asked for.",
        "thinking": "The thinking levels it takes; empty if none can be asked for.",
        "thoughts": "Whether its thoughts can be asked for.",
        "always_thinks": "Whether it thinks in every call, which is paid for and cannot be switched off.",
        "search": "Whether it can search the web.",
        "image_search": "Whether it can search for pictures.",
        "service_tiers": "The service tiers it is offered in.",
        "max_images": "How many pictures a call may send; none if no limit is known.",
        "soft_max_images": "Beyond how many pictures its results get worse; none if that is not known.",
        "references": (
            "How many references of a role it keeps alike from picture to picture, where that is known."
        ),
        "video_input": "Whether it takes videos.",
        "max_output_tokens": "How many tokens an answer may have.",
        "price_per_image": "What one picture costs in USD by size, in the standard tier, prompt not counted.",
        "prices_checked": "The day on which the prices were last checked.",
        "released": "Since when it is generally available.",
        "deprecated": "Since when it is deprecated.",
        "shutdown": "When it is shut down, or the earliest day for that.",
        "successor": "The id of the model to move to.",
        "closed_to_new_projects": "Since when projects that never used it are refused.",
        "notes": "What else is worth knowing, in sentences.",
    }
    _fields = dict.fromkeys(__slots__)
    id: str
    """The model's id."""
    name: str
    """What people call it."""
    aliases: list[str]
    """Short names that stand for the id."""
    state: str
    """"stable", "preview" or "deprecated"."""
    aspect_ratios: list[str]
    """The aspect ratios it takes."""
    image_sizes: list[str]
    """The sizes it takes, small to large."""
    default_image_size: str
    """The size it draws when none is asked for."""
    thinking: list[str]
    """The thinking levels it takes; empty if none can be asked for."""
    thoughts: bool
    """Whether its thoughts can be asked for."""
    always_thinks: bool
    """Whether it thinks in every call, which is paid for and cannot be switched off."""
    search: bool
    """Whether it can search the web."""
    image_search: bool
    """Whether it can search for pictures."""
    service_tiers: list[str]
    """The service tiers it is offered in."""
    max_images: int | None
    """How many pictures a call may send; none if no limit is known."""
    soft_max_images: int | None
    """Beyond how many pictures its results get worse; none if that is not known."""
    references: dict[str, int]
    """How many references of a role it keeps alike from picture to picture, where that is known."""
    video_input: bool
    """Whether it takes videos."""
    max_output_tokens: int
    """How many tokens an answer may have."""
    price_per_image: dict[str, float]
    """What one picture costs in USD by size, in the standard tier, prompt not counted."""
    prices_checked: str
    """The day on which the prices were last checked."""
    released: str | None
    """Since when it is generally available."""
    deprecated: str | None
    """Since when it is deprecated."""
    shutdown: str | None
    """When it is shut down, or the earliest day for that."""
    successor: str | None
    """The id of the model to move to."""
    closed_to_new_projects: str | None
    """Since when projects that never used it are refused."""
    notes: list[str]
    """What else is worth knowing, in sentences."""


if TYPE_CHECKING:

    class _Outcome(OutcomeBase):
        """What came of one item of `generate_many`."""

        index: int
        """The item's place among the items, from 0."""
        id: str | None
        """The item's id, if it has one."""
        cached: bool
        """Whether it was done in an earlier run and costs nothing now."""
        files: list[str]
        """Where its pictures are: those that were written, in the order of `result.images`."""
        key: str
        """What the journal knows it by: its id, or the hash of all that is sent; of equal items each but the
        first has its number behind it.

        Empty if the item failed before that was known.
        """

    class _Succeeded(_Outcome):
        """What came of one item of `generate_many`."""

        ok: Literal[True]
        """Whether there is a result; otherwise there is an error."""
        result: Result
        """What the call gave."""
        error: None
        """Why it failed."""

    class _Failed(_Outcome):
        """What came of one item of `generate_many`."""

        ok: Literal[False]
        """Whether there is a result; otherwise there is an error."""
        result: None
        """What the call gave."""
        error: NanoBananaError
        """Why it failed."""

    Outcome: TypeAlias = _Succeeded | _Failed
else:

    class Outcome(OutcomeBase):
        """What came of one item of `generate_many`."""

        __slots__ = {
            "index": "The item's place among the items, from 0.",
            "id": "The item's id, if it has one.",
            "ok": "Whether there is a result; otherwise there is an error.",
            "result": "What the call gave.",
            "error": "Why it failed.",
            "cached": "Whether it was done in an earlier run and costs nothing now.",
            "files": "Where its pictures are: those that were written, in the order of `result.images`.",
            "key": (
                "What the journal knows it by: its id, or the hash of all that is sent; of equal items each "
                "but the first has its number behind it. Empty if the item failed before that was known."
            ),
        }
        _fields = dict.fromkeys(__slots__)
        _readers = {"result": Result._read, "error": read_error}


class Estimate(Record):
    """What a call is expected to cost, in USD for all of its requests together."""

    __slots__ = {
        "model": "The id of the model.",
        "low": (
            "The price in USD if everything goes cheaply; none if the model, or its service tier, has no "
            "known price."
        ),
        "typical": "The price in USD that is most likely.",
        "high": "The price in USD if everything goes dearly; no limit that the service keeps.",
        "calls": "How many requests it is: `n`.",
        "input_tokens": "The tokens of the prompts and their pictures; none if the model is not known.",
        "image_tokens": "The tokens of the pictures that are drawn; none if the model is not known.",
        "assumes": "What was assumed, in sentences.",
        "not_included": "What may be billed beside it, in sentences.",
        "warnings": "What the caller should know about the options, in sentences.",
    }
    _fields = dict.fromkeys(__slots__)
    model: str
    """The id of the model."""
    low: float | None
    """The price in USD if everything goes cheaply; none if the model, or its service tier, has no known
    price.
    """
    typical: float | None
    """The price in USD that is most likely."""
    high: float | None
    """The price in USD if everything goes dearly; no limit that the service keeps."""
    calls: int
    """How many requests it is: `n`."""
    input_tokens: int | None
    """The tokens of the prompts and their pictures; none if the model is not known."""
    image_tokens: int | None
    """The tokens of the pictures that are drawn; none if the model is not known."""
    assumes: list[str]
    """What was assumed, in sentences."""
    not_included: list[str]
    """What may be billed beside it, in sentences."""
    warnings: list[str]
    """What the caller should know about the options, in sentences."""


class TokenCount(Record):
    """How many tokens a request would send."""

    __slots__ = {
        "total_tokens": "All of them.",
        "cached_tokens": "Those that the service has cached.",
        "text_tokens": "Those of words.",
        "image_tokens": "Those of pictures.",
        "video_tokens": "Those of videos.",
        "audio_tokens": "Those of sound.",
        "document_tokens": "Those of documents.",
        "warnings": "What the caller should know about the options, in sentences.",
    }
    _fields = dict.fromkeys(__slots__)
    total_tokens: int
    """All of them."""
    cached_tokens: int
    """Those that the service has cached."""
    text_tokens: int
    """Those of words."""
    image_tokens: int
    """Those of pictures."""
    video_tokens: int
    """Those of videos."""
    audio_tokens: int
    """Those of sound."""
    document_tokens: int
    """Those of documents."""
    warnings: list[str]
    """What the caller should know about the options, in sentences."""


class File(Record):
    """A file that was uploaded to the Files API.

    Its project alone can use it; it lives 48 hours, and is free.
    """

    __slots__ = {
        "name": 'What the service calls it: "files/" and up to 40 lower case letters, digits and dashes.',
        "uri": "Its address, which is what goes into a request.",
        "mime_type": 'What it is, for example "image/png".',
        "size_bytes": "How many bytes it has.",
        "state": '"PROCESSING", "ACTIVE" (it can be used) or "FAILED".',
        "display_name": "What its owner calls it.",
        "create_time": "When it was uploaded, in UTC, as `2026-11-24T20:44:39.123Z`.",
        "update_time": "When it was last changed.",
        "expiration_time": "When the service deletes it.",
        "sha256": "The SHA-256 of its bytes in base64, as the service tells it.",
        "source": 'How it came: "UPLOADED", "GENERATED" or "REGISTERED".',
        "error": "Why it cannot be used, if it is FAILED.",
    }
    _fields = dict.fromkeys(__slots__)
    name: str
    """What the service calls it: "files/" and up to 40 lower case letters, digits and dashes."""
    uri: str
    """Its address, which is what goes into a request."""
    mime_type: str
    """What it is, for example "image/png"."""
    size_bytes: int | None
    """How many bytes it has."""
    state: str
    """"PROCESSING", "ACTIVE" (it can be used) or "FAILED"."""
    display_name: str | None
    """What its owner calls it."""
    create_time: str | None
    """When it was uploaded, in UTC, as `2026-11-24T20:44:39.123Z`."""
    update_time: str | None
    """When it was last changed."""
    expiration_time: str | None
    """When the service deletes it."""
    sha256: str | None
    """The SHA-256 of its bytes in base64, as the service tells it."""
    source: str | None
    """How it came: "UPLOADED", "GENERATED" or "REGISTERED"."""
    error: str | None
    """Why it cannot be used, if it is FAILED."""


class PictureFacts(Record):
    """A picture's file or pixels in numbers."""

    __slots__ = {
        "mime_type": (
            'Its type, for example "image/png"; none for pixels that were never a file, and where it is not '
            "known."
        ),
        "width": "Its width in pixels, as it is seen; none where that is not known.",
        "height": "Its height in pixels, as it is seen; none where that is not known.",
        "bytes": "How many bytes it has; none where that is not known.",
    }
    _fields = dict.fromkeys(__slots__)
    mime_type: str | None
    """Its type, for example "image/png"; none for pixels that were never a file, and where it is not known.
    """
    width: int | None
    """Its width in pixels, as it is seen; none where that is not known."""
    height: int | None
    """Its height in pixels, as it is seen; none where that is not known."""
    bytes: int | None
    """How many bytes it has; none where that is not known."""


class InputPlan(Record):
    """What becomes of one picture before it is sent, and why."""

    __slots__ = {
        "index": "Which of the call's pictures it is, from 0: those of the prompt first, then `images`.",
        "input": "The picture as it was named, or what it is.",
        "action": (
            '"as it is" (the very bytes), "by reference" (the service fetches it), or what was done for its '
            'sake: "encoded" (pixels became a file), "converted" (another type or other colours), "turned" '
            '(upright, as its EXIF says), "shrunk" (fewer pixels or bytes). Of several the last of these.'
        ),
        "given": "What was handed in.",
        "sent": "What is sent.",
        "lossy": "Whether something of it is lost: colours, sharpness, frames or pixels.",
        "why": "What is done and for what reason, in sentences.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"given": PictureFacts._read, "sent": PictureFacts._read}
    index: int
    """Which of the call's pictures it is, from 0: those of the prompt first, then `images`."""
    input: str
    """The picture as it was named, or what it is."""
    action: str
    """"as it is" (the very bytes), "by reference" (the service fetches it), or what was done for its sake:
    "encoded" (pixels became a file), "converted" (another type or other colours), "turned" (upright, as
    its EXIF says), "shrunk" (fewer pixels or bytes).

    Of several the last of these.
    """
    given: PictureFacts
    """What was handed in."""
    sent: PictureFacts
    """What is sent."""
    lossy: bool
    """Whether something of it is lost: colours, sharpness, frames or pixels."""
    why: list[str]
    """What is done and for what reason, in sentences."""


class Explained(Record):
    """What a call would send."""

    __slots__ = {
        "model": "The id of the model.",
        "inputs": "What becomes of each picture, in the order in which they are sent.",
        "body_bytes": "How many bytes one request would have.",
        "warnings": "What the caller should know about the options and the pictures, in sentences.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"inputs": InputPlan._read}
    model: str
    """The id of the model."""
    inputs: list[InputPlan]
    """What becomes of each picture, in the order in which they are sent."""
    body_bytes: int
    """How many bytes one request would have."""
    warnings: list[str]
    """What the caller should know about the options and the pictures, in sentences."""


class UnknownCall(Record):
    """A request of which it is not known whether it was billed."""

    __slots__ = {
        "when": "When that was found, in UTC, as `2026-11-24T20:44:39.123Z`.",
        "model": "The id of the model.",
        "reason": "Why it is not known, in a few words.",
    }
    _fields = dict.fromkeys(__slots__)
    when: str
    """When that was found, in UTC, as `2026-11-24T20:44:39.123Z`."""
    model: str
    """The id of the model."""
    reason: str
    """Why it is not known, in a few words."""


class Spent(Record):
    """What a client and its copies have spent in this process, in USD."""

    __slots__ = {
        "usd": (
            "What the answered requests cost, in USD. One whose price is not known counts with what was set "
            "aside for it, if anything was."
        ),
        "calls": "How many requests were answered, and so paid for.",
        "pending_usd": "What is set aside for requests under way, in USD.",
        "unknown": "Of how many requests it is not known whether they were billed.",
        "unknown_usd": "What is kept for those, in USD: their typical price.",
        "unknown_calls": "Which those were; the last 100.",
        "unpriced": "How many of the answered requests have a price that is not known.",
        "remaining_usd": (
            "What the budget has left for further requests, in USD; none without one for all of them."
        ),
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"unknown_calls": UnknownCall._read}
    usd: float
    """What the answered requests cost, in USD.

    One whose price is not known counts with what was set aside for it, if anything was.
    """
    calls: int
    """How many requests were answered, and so paid for."""
    pending_usd: float
    """What is set aside for requests under way, in USD."""
    unknown: int
    """Of how many requests it is not known whether they were billed."""
    unknown_usd: float
    """What is kept for those, in USD: their typical price."""
    unknown_calls: list[UnknownCall]
    """Which those were; the last 100."""
    unpriced: int
    """How many of the answered requests have a price that is not known."""
    remaining_usd: float | None
    """What the budget has left for further requests, in USD; none without one for all of them."""


class ChatTurn(Record):
    """One turn of a conversation."""

    __slots__ = {
        "role": 'Who spoke: "user" or "model".',
        "text": "The words; empty if there were none.",
        "images": "The pictures, in order.",
        "files": "What was attached, as its type and size; and what was named only, as its URI.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"images": read_picture}
    role: str
    """Who spoke: "user" or "model"."""
    text: str
    """The words; empty if there were none."""
    images: list[Image]
    """The pictures, in order."""
    files: list[str]
    """What was attached, as its type and size; and what was named only, as its URI."""


class ThoughtEvent(Record):
    """The model thinks: some words, or a draft."""

    __slots__ = {
        "text": "Its thought in words.",
        "image": "Its draft.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"image": read_picture}
    type: ClassVar[Literal["thought"]] = "thought"
    """The event's name."""
    text: str | None
    """Its thought in words."""
    image: Image | None
    """Its draft."""


class TextEvent(Record):
    """Some of the answer's text."""

    __slots__ = {
        "text": "The next words.",
    }
    _fields = dict.fromkeys(__slots__)
    type: ClassVar[Literal["text"]] = "text"
    """The event's name."""
    text: str
    """The next words."""


class ImageEvent(Record):
    """A final picture."""

    __slots__ = {
        "image": "The picture.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"image": read_picture}
    type: ClassVar[Literal["image"]] = "image"
    """The event's name."""
    image: Image
    """The picture."""


class DoneEvent(Record):
    """The end: all that came, put together as a call without a stream would give it."""

    __slots__ = {
        "result": "The result.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"result": Result._read}
    type: ClassVar[Literal["done"]] = "done"
    """The event's name."""
    result: Result
    """The result."""


class ClientEvent(Record):
    """One step of a call: what `on_event` gets, and what the log says."""

    __slots__ = {
        "name": (
            '"wait" (for the client\'s turn, as its limits or the service\'s pause demand), "request", '
            '"response", "retry" (the attempt failed and is made again after `wait`), "upload" (a picture '
            'of the call is at the Files API now), "fetch" (a picture\'s own server was asked for it: '
            '`status` and `size`, or `reason`), "warning" (money, a loss or the model of a result: `reason` '
            'says it) or "dropped" (this and later events came faster than they were read; `dropped` is how '
            "many are missing here)."
        ),
        "message": "The same as a sentence, for a log.",
        "call": (
            "A number that the events of one call share, counted from 1 in each process. The call's result "
            "or error has the same number as `call`."
        ),
        "index": "Which of the call's `n` requests it is about, counted from 0.",
        "model": "The model's id.",
        "attempt": "Which attempt of the call it is, counted from 1.",
        "size": "Bytes of the request's body, or of all pictures that came.",
        "images": "How many pictures came.",
        "status": "The HTTP status of the answer; none if no answer came.",
        "request_id": "The service's id of the request, if it sent one.",
        "took": "How long the attempt took, from its first byte sent to its last one received. In seconds.",
        "wait": "How long is waited next, as far as is known. In seconds.",
        "reason": "Why the attempt failed, in a few words; none if it did not.",
        "usage": "The tokens used.",
        "cost": "The price in USD, if it is known.",
        "dropped": "How many events are missing here, because they came faster than they were read.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"usage": Usage._read}
    name: str
    """"wait" (for the client's turn, as its limits or the service's pause demand), "request", "response",
    "retry" (the attempt failed and is made again after `wait`), "upload" (a picture of the call is at the
    Files API now), "fetch" (a picture's own server was asked for it: `status` and `size`, or `reason`),
    "warning" (money, a loss or the model of a result: `reason` says it) or "dropped" (this and later
    events came faster than they were read; `dropped` is how many are missing here).
    """
    message: str
    """The same as a sentence, for a log."""
    call: int
    """A number that the events of one call share, counted from 1 in each process.

    The call's result or error has the same number as `call`.
    """
    index: int
    """Which of the call's `n` requests it is about, counted from 0."""
    model: str
    """The model's id."""
    attempt: int
    """Which attempt of the call it is, counted from 1."""
    size: int | None
    """Bytes of the request's body, or of all pictures that came."""
    images: int | None
    """How many pictures came."""
    status: int | None
    """The HTTP status of the answer; none if no answer came."""
    request_id: str | None
    """The service's id of the request, if it sent one."""
    took: float | None
    """How long the attempt took, from its first byte sent to its last one received. In seconds."""
    wait: float | None
    """How long is waited next, as far as is known. In seconds."""
    reason: str | None
    """Why the attempt failed, in a few words; none if it did not."""
    usage: Usage | None
    """The tokens used."""
    cost: float | None
    """The price in USD, if it is known."""
    dropped: int | None
    """How many events are missing here, because they came faster than they were read."""


class Mark(Record):
    """Something in a picture's file that says how it was made."""

    __slots__ = {
        "kind": (
            'Where it stands: "c2pa" (signed credentials), "xmp" or "iptc" (plain words that anybody can '
            "write)."
        ),
        "claim": (
            'What it says: the last word of an IPTC digital source type, such as "trainedAlgorithmicMedia", '
            'or a credit such as "Made with Google AI"; none if it says neither.'
        ),
        "generator": "The program that wrote it, if it says which.",
    }
    _fields = dict.fromkeys(__slots__)
    kind: str
    """Where it stands: "c2pa" (signed credentials), "xmp" or "iptc" (plain words that anybody can write)."""
    claim: str | None
    """What it says: the last word of an IPTC digital source type, such as "trainedAlgorithmicMedia", or a
    credit such as "Made with Google AI"; none if it says neither.
    """
    generator: str | None
    """The program that wrote it, if it says which."""


class Provenance(Record):
    """What a picture's file says about how it was made.

    It is found, not verified: no signature is checked, and a file without marks may have lost them.
    """

    __slots__ = {
        "c2pa": (
            "Whether it carries C2PA credentials. They are good for these very bytes only; a conversion "
            "drops them."
        ),
        "ai": "Whether a mark says that it was made or changed by AI.",
        "marks": "The marks, at most 16.",
    }
    _fields = dict.fromkeys(__slots__)
    _readers = {"marks": Mark._read}
    c2pa: bool
    """Whether it carries C2PA credentials.

    They are good for these very bytes only; a conversion drops them.
    """
    ai: bool
    """Whether a mark says that it was made or changed by AI."""
    marks: list[Mark]
    """The marks, at most 16."""


class Timeout(Settings):
    """How long things may take."""

    __slots__ = {
        "total": "The whole call, waits and retries included. Default: 10 minutes. In seconds.",
        "connect": "Making one connection. Default: 10 seconds. In seconds.",
        "idle": (
            "The longest silence between two pieces of an answer that has begun. Default: no limit. In "
            "seconds."
        ),
    }
    _fields = dict.fromkeys(__slots__)
    total: float | None
    """The whole call, waits and retries included. Default: 10 minutes. In seconds."""
    connect: float | None
    """Making one connection. Default: 10 seconds. In seconds."""
    idle: float | None
    """The longest silence between two pieces of an answer that has begun. Default: no limit. In seconds."""

    def __init__(
        self,
        *,
        total: float | None = None,
        connect: float | None = None,
        idle: float | None = None,
    ) -> None:
        self.total = total
        self.connect = connect
        self.idle = idle


class Retry(Settings):
    """When and how a failed attempt is made again."""

    __slots__ = {
        "max_attempts": (
            "How many requests a call may make in all, the first included. One that follows a wait which "
            "the service named does not count, unless this is 1: then nothing is sent again. Default: 4."
        ),
        "initial": (
            "The longest wait after the first failure, when the service names none; it doubles each time. "
            "How much of it is waited is left to chance. Default: 1 second. In seconds."
        ),
        "max_wait": (
            "The longest single wait. If the service asks for a longer one, the call fails at once. "
            "Default: 60 seconds. In seconds."
        ),
        "no_image": (
            "How many more times a call may be paid for when the model draws nothing (NO_IMAGE, "
            "IMAGE_OTHER). Default: 0."
        ),
        "resend_unknown": (
            "Whether a request is sent again when its answer was lost, so that it may have been billed "
            "already. If it is, a warning says so. Default: true."
        ),
    }
    _fields = dict.fromkeys(__slots__)
    max_attempts: int | None
    """How many requests a call may make in all, the first included.

    One that follows a wait which the service named does not count, unless this is 1: then nothing is sent
    again. Default: 4.
    """
    initial: float | None
    """The longest wait after the first failure, when the service names none; it doubles each time.

    How much of it is waited is left to chance. Default: 1 second. In seconds.
    """
    max_wait: float | None
    """The longest single wait.

    If the service asks for a longer one, the call fails at once. Default: 60 seconds. In seconds.
    """
    no_image: int | None
    """How many more times a call may be paid for when the model draws nothing (NO_IMAGE, IMAGE_OTHER).

    Default: 0.
    """
    resend_unknown: bool | None
    """Whether a request is sent again when its answer was lost, so that it may have been billed already.

    If it is, a warning says so. Default: true.
    """

    def __init__(
        self,
        *,
        max_attempts: int | None = None,
        initial: float | None = None,
        max_wait: float | None = None,
        no_image: int | None = None,
        resend_unknown: bool | None = None,
    ) -> None:
        self.max_attempts = max_attempts
        self.initial = initial
        self.max_wait = max_wait
        self.no_image = no_image
        self.resend_unknown = resend_unknown


class Budget(Settings):
    """How much may be spent, in USD.

    What a request costs is known only once it is answered: before it is sent its typical price is set aside,
    and one for which there is no room is not sent. So what is spent can pass the limit by no more than what
    the requests under way cost beyond that.
    """

    __slots__ = {
        "usd": (
            "The most that the client and its copies may spend in all, in USD; each process counts for "
            "itself. Default: no limit."
        ),
        "per_call": (
            "The most that one request may be expected to cost, in USD; also what is set aside for a "
            "request to a model whose price is not known. Default: no limit, and such a model is refused."
        ),
    }
    _fields = dict.fromkeys(__slots__)
    usd: float | None
    """The most that the client and its copies may spend in all, in USD; each process counts for itself.

    Default: no limit.
    """
    per_call: float | None
    """The most that one request may be expected to cost, in USD; also what is set aside for a request to a
    model whose price is not known.

    Default: no limit, and such a model is refused.
    """

    def __init__(
        self,
        *,
        usd: float | None = None,
        per_call: float | None = None,
    ) -> None:
        self.usd = usd
        self.per_call = per_call


class Cache(Settings):
    """Where answers are kept, so that a request that was answered before is answered from there: at once, and
    at no cost.

    Several clients and processes may use one folder. Requests are the same if the service's address, the
    model and all that the caller gave are: headers and the key do not count.
    """

    __slots__ = {
        "path": (
            "The folder. It is made if it is not there, for its owner alone: prompts and pictures stand in "
            "it."
        ),
        "max_bytes": (
            "The most bytes that its answers may take; those that were not used for the longest time go "
            "first. Default: 5,000,000,000 (5 GB)."
        ),
        "max_age": "How old an answer may be. Default: no limit. In seconds.",
    }
    _fields = dict.fromkeys(__slots__)
    path: str | None
    """The folder. It is made if it is not there, for its owner alone: prompts and pictures stand in it."""
    max_bytes: int | None
    """The most bytes that its answers may take; those that were not used for the longest time go first.

    Default: 5,000,000,000 (5 GB).
    """
    max_age: float | None
    """How old an answer may be. Default: no limit. In seconds."""

    def __init__(
        self,
        *,
        path: str | None = None,
        max_bytes: int | None = None,
        max_age: float | None = None,
    ) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.max_age = max_age


class Encode(Settings):
    """How pictures are encoded before they are sent.

    Without it a picture goes as it is wherever it can. With it, one that has a longer side, more bytes or
    another type than this says is encoded anew; all others still go as they are. Every loss is a warning.
    """

    __slots__ = {
        "max_side": "The longest side in pixels; larger pictures are scaled down. Default: no limit.",
        "max_bytes": (
            "The most bytes of one picture. Quality goes down first, and then the size in pixels, until it "
            "fits. Default: no limit."
        ),
        "format": (
            'What is written: "png", "jpeg", "webp", or "auto": the smallest that is faithful, so PNG or '
            "lossless WebP for drawings, text and what is transparent, else JPEG. Default: auto."
        ),
        "quality": (
            'How good what is lossy is made, 1 (smallest) to 100. With "webp" it asks for a lossy one. '
            "Default: 92; a WebP is lossless."
        ),
    }
    _fields = dict.fromkeys(__slots__)
    max_side: int | None
    """The longest side in pixels; larger pictures are scaled down. Default: no limit."""
    max_bytes: int | None
    """The most bytes of one picture.

    Quality goes down first, and then the size in pixels, until it fits. Default: no limit.
    """
    format: Literal["auto", "png", "jpeg", "webp"] | None
    """What is written: "png", "jpeg", "webp", or "auto": the smallest that is faithful, so PNG or lossless
    WebP for drawings, text and what is transparent, else JPEG.

    Default: auto.
    """
    quality: int | None
    """How good what is lossy is made, 1 (smallest) to 100.

    With "webp" it asks for a lossy one. Default: 92; a WebP is lossless.
    """

    def __init__(
        self,
        *,
        max_side: int | None = None,
        max_bytes: int | None = None,
        format: Literal["auto", "png", "jpeg", "webp"] | None = None,
        quality: int | None = None,
    ) -> None:
        self.max_side = max_side
        self.max_bytes = max_bytes
        self.format = format
        self.quality = quality


class Reference(Wrapper):
    """A picture that the prompt speaks of, and in words what it shows."""

    __slots__ = {
        "image": "What it is made of.",
        "name": 'What the prompt calls it, for example "Mia".',
        "role": "What it is there for. Default: nothing is said of it.",
    }
    _fields = dict.fromkeys(__slots__)
    del _fields["image"]
    _wraps = "image"
    image: ImageInput
    name: str | None
    """What the prompt calls it, for example "Mia"."""
    role: Literal["character", "object", "style", "scene"] | None
    """What it is there for. Default: nothing is said of it."""

    def __init__(
        self,
        image: ImageInput,
        *,
        name: str | None = None,
        role: Literal["character", "object", "style", "scene"] | None = None,
    ) -> None:
        self.image = image
        self.name = name
        self.role = role


class Attachment(Wrapper):
    """A document or a video, and what of it the model is to see."""

    __slots__ = {
        "source": "What it is made of.",
        "mime_type": (
            'Its type, for example "application/pdf". Default: seen in its first bytes, or in the end of '
            "its name if the service fetches it itself."
        ),
        "start": "From where on a video is seen. Default: its start. In seconds.",
        "end": "Up to where a video is seen. Default: its end. In seconds.",
        "fps": (
            "How many pictures of each second of a video are seen: more than 0, at most 24. Default: the "
            "service's, 1."
        ),
    }
    _fields = dict.fromkeys(__slots__)
    del _fields["source"]
    _wraps = "source"
    source: AttachmentInput
    mime_type: str | None
    """Its type, for example "application/pdf".

    Default: seen in its first bytes, or in the end of its name if the service fetches it itself.
    """
    start: float | None
    """From where on a video is seen. Default: its start. In seconds."""
    end: float | None
    """Up to where a video is seen. Default: its end. In seconds."""
    fps: float | None
    """How many pictures of each second of a video are seen: more than 0, at most 24.

    Default: the service's, 1.
    """

    def __init__(
        self,
        source: AttachmentInput,
        *,
        mime_type: str | None = None,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
    ) -> None:
        self.source = source
        self.mime_type = mime_type
        self.start = start
        self.end = end
        self.fps = fps


class Box(Wrapper):
    """A box of a picture, as a mask: what lies in it may change."""

    __slots__ = {
        "left": "Its left edge, in the `unit`.",
        "top": "Its top edge, in the `unit`.",
        "right": "Its right edge, in the `unit`; pixels from there on are outside.",
        "bottom": "Its bottom edge, in the `unit`; rows from there on are outside.",
        "unit": "The unit of these numbers. Default: px.",
    }
    _fields = dict.fromkeys(__slots__)
    _wraps = None
    left: float
    """Its left edge, in the `unit`."""
    top: float
    """Its top edge, in the `unit`."""
    right: float
    """Its right edge, in the `unit`; pixels from there on are outside."""
    bottom: float
    """Its bottom edge, in the `unit`; rows from there on are outside."""
    unit: Literal["px", "fraction"] | None
    """The unit of these numbers. Default: px."""

    def __init__(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        unit: Literal["px", "fraction"] | None = None,
    ) -> None:
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
        self.unit = unit


# Where they stand is nobody's business: neither a reader's nor a pickle's.
for _name in __all__:
    globals()[_name].__module__ = "nanobanana"

_EVENTS: dict[str, Any] = {
    "thought": ThoughtEvent,
    "text": TextEvent,
    "image": ImageEvent,
    "done": DoneEvent,
}


def read_event(values: dict[str, Any], pictures: Iterable[Image]) -> Event:
    """The event that the core describes."""
    event: Event = _EVENTS[values["type"]]._read(values, iter(pictures))
    return event


def read_outcome(values: dict[str, Any], pictures: Iterable[Image]) -> Outcome:
    """The outcome that the core describes."""
    kind: Any = Outcome
    outcome: Outcome = kind._read(values, iter(pictures))
    return outcome


def generate(
    self: Any,
    prompt: Prompt,
    *,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    attachments: AttachmentInput | Sequence[AttachmentInput] | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


def send(
    self: Any,
    prompt: Prompt,
    images: ImageInput | Sequence[ImageInput] | None = None,
    *,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    attachments: AttachmentInput | Sequence[AttachmentInput] | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


generate.__doc__ = send.__doc__ = """
    Options:
        model: The model, by id or alias. Default: the client's, else `nano-banana-2.1`.
        aspect_ratio: Width to height. Default: the shape of the first picture sent, else 1:1.
        image_size: How large the picture will be. Default: 1K.
        n: How many pictures: that many calls side by side. Default: 1.
        thinking: How hard the model thinks before it draws. Default: the model's own.
        thoughts: Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
            Default: false.
        search: Whether the model may search the web first. Default: false.
        image_search: Whether the model may look at pictures of the web first. Default: false.
        system: What the model is told before the prompt, for the whole call.
        modalities: What the answer may hold. Default: the service's, text and pictures.
        seed: A seed, sent as it is; the service does not promise the same picture for the same seed. With
            `n`, call i sends `seed + i`.
        temperature: How freely the model chooses, 0 to 2. Default: the service's, 1.
        top_p: The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95.
        max_output_tokens: The most tokens that the answer may take. Default: the model's limit.
        safety: The adjustable filters: a threshold by category, short or full names, or "off". Default:
            the service's.
        output_format: The type that pictures are to have. What came is converted here if it is of another
            one, and kept as the picture's `original`; what a conversion loses is a warning. Default: as it
            comes.
        output_quality: How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg"
            or "webp". Default: 92 for JPEG; WebP without it loses nothing.
        mark_ai: Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP
            that AI made them, by IPTC's DigitalSourceType. Default: true.
        service_tier: How urgently the service works, and at what price. Default: standard.
        encode: How pictures are encoded before they are sent. Default: they go as they are wherever they
            can.
        attachments: Documents (PDF, plain text) and videos that go with the prompt, behind its pictures:
            paths, bytes, URLs (YouTube's too), files of the API. An `Attachment` says more of one. Default:
            none.
        upload: Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones
            of a request that would be too large (100 MB), with "always" all above 16 kB, with "never" none.
            Each is uploaded once while it lives there, which is 48 hours. Default: auto.
        on_unsupported: What happens to an option that the model does not have. Default: error.
        timeout: How long the call may take. Default: the client's. A number is in seconds.
        retry: When and how a failed attempt is made again. Default: the client's.
        headers: HTTP headers to send beside our own. Those that belong to the connection or the body,
            such as Host and Content-Length, are refused.
        labels: Labels for the bill: keys and values of at most 63 lower case characters.
        extra: Merged deeply into the request's JSON, last; for what the service has and we have not.
    """


def edit(
    self: Any,
    prompt: Prompt,
    images: ImageInput | Sequence[ImageInput],
    *,
    mask: MaskInput | Sequence[MaskInput] | None = None,
    keep_outside: bool | None = None,
    mask_feather: int | None = None,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    attachments: AttachmentInput | Sequence[AttachmentInput] | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


edit.__doc__ = """
    Options:
        mask: What of the first picture may change: a picture of its size whose transparent parts, or if
            it has none its white ones, may change (grey means partly); an array of bool; a Box; or a list of
            these, of which each adds to what may change. Default: all of it.
        keep_outside: Whether only what lies in the mask is taken from the model: every pixel outside
            stays exactly as it is, and the result is PNG, or WebP without loss if `output_format` says so.
            Otherwise the model's picture is the result as it came. Default: true.
        mask_feather: Over how many pixels the mask's edge is soft, towards its inside. Default: a
            hundredth of the picture's shorter side, at least 2.
        model: The model, by id or alias. Default: the client's, else `nano-banana-2.1`.
        aspect_ratio: Width to height. Default: the shape of the first picture sent, else 1:1.
        image_size: How large the picture will be. Default: 1K.
        n: How many pictures: that many calls side by side. Default: 1.
        thinking: How hard the model thinks before it draws. Default: the model's own.
        thoughts: Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
            Default: false.
        search: Whether the model may search the web first. Default: false.
        image_search: Whether the model may look at pictures of the web first. Default: false.
        system: What the model is told before the prompt, for the whole call.
        modalities: What the answer may hold. Default: the service's, text and pictures.
        seed: A seed, sent as it is; the service does not promise the same picture for the same seed. With
            `n`, call i sends `seed + i`.
        temperature: How freely the model chooses, 0 to 2. Default: the service's, 1.
        top_p: The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95.
        max_output_tokens: The most tokens that the answer may take. Default: the model's limit.
        safety: The adjustable filters: a threshold by category, short or full names, or "off". Default:
            the service's.
        output_format: The type that pictures are to have. What came is converted here if it is of another
            one, and kept as the picture's `original`; what a conversion loses is a warning. Default: as it
            comes.
        output_quality: How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg"
            or "webp". Default: 92 for JPEG; WebP without it loses nothing.
        mark_ai: Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP
            that AI made them, by IPTC's DigitalSourceType. Default: true.
        service_tier: How urgently the service works, and at what price. Default: standard.
        encode: How pictures are encoded before they are sent. Default: they go as they are wherever they
            can.
        attachments: Documents (PDF, plain text) and videos that go with the prompt, behind its pictures:
            paths, bytes, URLs (YouTube's too), files of the API. An `Attachment` says more of one. Default:
            none.
        upload: Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones
            of a request that would be too large (100 MB), with "always" all above 16 kB, with "never" none.
            Each is uploaded once while it lives there, which is 48 hours. Default: auto.
        on_unsupported: What happens to an option that the model does not have. Default: error.
        timeout: How long the call may take. Default: the client's. A number is in seconds.
        retry: When and how a failed attempt is made again. Default: the client's.
        headers: HTTP headers to send beside our own. Those that belong to the connection or the body,
            such as Host and Content-Length, are refused.
        labels: Labels for the bill: keys and values of at most 63 lower case characters.
        extra: Merged deeply into the request's JSON, last; for what the service has and we have not.
    """


def estimate(
    self: Any,
    prompt: Prompt,
    images: ImageInput | Sequence[ImageInput] | None = None,
    *,
    mask: MaskInput | Sequence[MaskInput] | None = None,
    keep_outside: bool | None = None,
    mask_feather: int | None = None,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    attachments: AttachmentInput | Sequence[AttachmentInput] | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


def count_tokens(
    self: Any,
    prompt: Prompt,
    images: ImageInput | Sequence[ImageInput] | None = None,
    *,
    mask: MaskInput | Sequence[MaskInput] | None = None,
    keep_outside: bool | None = None,
    mask_feather: int | None = None,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    attachments: AttachmentInput | Sequence[AttachmentInput] | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


def explain(
    self: Any,
    prompt: Prompt,
    images: ImageInput | Sequence[ImageInput] | None = None,
    *,
    mask: MaskInput | Sequence[MaskInput] | None = None,
    keep_outside: bool | None = None,
    mask_feather: int | None = None,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    attachments: AttachmentInput | Sequence[AttachmentInput] | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


estimate.__doc__ = count_tokens.__doc__ = explain.__doc__ = """
    Options:
        mask: What of the first picture may change: a picture of its size whose transparent parts, or if
            it has none its white ones, may change (grey means partly); an array of bool; a Box; or a list of
            these, of which each adds to what may change. Default: all of it.
        keep_outside: Whether only what lies in the mask is taken from the model: every pixel outside
            stays exactly as it is, and the result is PNG, or WebP without loss if `output_format` says so.
            Otherwise the model's picture is the result as it came. Default: true.
        mask_feather: Over how many pixels the mask's edge is soft, towards its inside. Default: a
            hundredth of the picture's shorter side, at least 2.
        model: The model, by id or alias. Default: the client's, else `nano-banana-2.1`.
        aspect_ratio: Width to height. Default: the shape of the first picture sent, else 1:1.
        image_size: How large the picture will be. Default: 1K.
        n: How many pictures: that many calls side by side. Default: 1.
        thinking: How hard the model thinks before it draws. Default: the model's own.
        thoughts: Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
            Default: false.
        search: Whether the model may search the web first. Default: false.
        image_search: Whether the model may look at pictures of the web first. Default: false.
        system: What the model is told before the prompt, for the whole call.
        modalities: What the answer may hold. Default: the service's, text and pictures.
        seed: A seed, sent as it is; the service does not promise the same picture for the same seed. With
            `n`, call i sends `seed + i`.
        temperature: How freely the model chooses, 0 to 2. Default: the service's, 1.
        top_p: The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95.
        max_output_tokens: The most tokens that the answer may take. Default: the model's limit.
        safety: The adjustable filters: a threshold by category, short or full names, or "off". Default:
            the service's.
        output_format: The type that pictures are to have. What came is converted here if it is of another
            one, and kept as the picture's `original`; what a conversion loses is a warning. Default: as it
            comes.
        output_quality: How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg"
            or "webp". Default: 92 for JPEG; WebP without it loses nothing.
        mark_ai: Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP
            that AI made them, by IPTC's DigitalSourceType. Default: true.
        service_tier: How urgently the service works, and at what price. Default: standard.
        encode: How pictures are encoded before they are sent. Default: they go as they are wherever they
            can.
        attachments: Documents (PDF, plain text) and videos that go with the prompt, behind its pictures:
            paths, bytes, URLs (YouTube's too), files of the API. An `Attachment` says more of one. Default:
            none.
        upload: Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones
            of a request that would be too large (100 MB), with "always" all above 16 kB, with "never" none.
            Each is uploaded once while it lives there, which is 48 hours. Default: auto.
        on_unsupported: What happens to an option that the model does not have. Default: error.
        timeout: How long the call may take. Default: the client's. A number is in seconds.
        retry: When and how a failed attempt is made again. Default: the client's.
        headers: HTTP headers to send beside our own. Those that belong to the connection or the body,
            such as Host and Content-Length, are refused.
        labels: Labels for the bill: keys and values of at most 63 lower case characters.
        extra: Merged deeply into the request's JSON, last; for what the service has and we have not.
    """


def upload(
    self: Any,
    source: ImageInput,
    *,
    mime_type: str | None = None,
    display_name: str | None = None,
    name: str | None = None,
    timeout: Timeout | float | None = None,
) -> Any: ...


upload.__doc__ = """
    Options:
        mime_type: What the file is, for example "application/pdf". Default: as its first bytes or its
            name say.
        display_name: What it is called for people, at most 512 characters.
        name: What the service calls it: "files/" and up to 40 lower case letters, digits and dashes; a
            name is given once. Default: one that is drawn by lot.
        timeout: How long all of it may take, until the file can be used. Default: the client's. A number
            is in seconds.
    """


def get_file(
    self: Any,
    file: str | File,
    *,
    timeout: Timeout | float | None = None,
) -> Any: ...


def list_files(
    self: Any,
    *,
    timeout: Timeout | float | None = None,
) -> Any: ...


def delete_file(
    self: Any,
    file: str | File,
    *,
    timeout: Timeout | float | None = None,
) -> Any: ...


get_file.__doc__ = list_files.__doc__ = delete_file.__doc__ = """
    Options:
        timeout: How long it may take. Default: the client's. A number is in seconds.
    """


def chat(
    self: Any,
    *,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


def load_chat(
    self: Any,
    path: str | os.PathLike[str],
    *,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


chat.__doc__ = load_chat.__doc__ = """
    Options:
        model: The model, by id or alias. Default: the client's, else `nano-banana-2.1`.
        aspect_ratio: Width to height. Default: the shape of the first picture sent, else 1:1.
        image_size: How large the picture will be. Default: 1K.
        n: How many pictures: that many calls side by side. Default: 1.
        thinking: How hard the model thinks before it draws. Default: the model's own.
        thoughts: Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
            Default: false.
        search: Whether the model may search the web first. Default: false.
        image_search: Whether the model may look at pictures of the web first. Default: false.
        system: What the model is told before the prompt, for the whole call.
        modalities: What the answer may hold. Default: the service's, text and pictures.
        seed: A seed, sent as it is; the service does not promise the same picture for the same seed. With
            `n`, call i sends `seed + i`.
        temperature: How freely the model chooses, 0 to 2. Default: the service's, 1.
        top_p: The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95.
        max_output_tokens: The most tokens that the answer may take. Default: the model's limit.
        safety: The adjustable filters: a threshold by category, short or full names, or "off". Default:
            the service's.
        output_format: The type that pictures are to have. What came is converted here if it is of another
            one, and kept as the picture's `original`; what a conversion loses is a warning. Default: as it
            comes.
        output_quality: How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg"
            or "webp". Default: 92 for JPEG; WebP without it loses nothing.
        mark_ai: Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP
            that AI made them, by IPTC's DigitalSourceType. Default: true.
        service_tier: How urgently the service works, and at what price. Default: standard.
        encode: How pictures are encoded before they are sent. Default: they go as they are wherever they
            can.
        upload: Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones
            of a request that would be too large (100 MB), with "always" all above 16 kB, with "never" none.
            Each is uploaded once while it lives there, which is 48 hours. Default: auto.
        on_unsupported: What happens to an option that the model does not have. Default: error.
        timeout: How long the call may take. Default: the client's. A number is in seconds.
        retry: When and how a failed attempt is made again. Default: the client's.
        headers: HTTP headers to send beside our own. Those that belong to the connection or the body,
            such as Host and Content-Length, are refused.
        labels: Labels for the bill: keys and values of at most 63 lower case characters.
        extra: Merged deeply into the request's JSON, last; for what the service has and we have not.
    """


def generate_many(
    self: Any,
    prompts: Iterable[Prompt | Item],
    *,
    concurrency: int | None = None,
    ordered: bool | None = None,
    save_to: str | os.PathLike[str] | None = None,
    journal: str | os.PathLike[str] | None = None,
    stop_after_errors: int | None = None,
    progress: bool | None = None,
    model: Model | None = None,
    aspect_ratio: AspectRatio | None = None,
    image_size: ImageSize | None = None,
    n: int | None = None,
    thinking: Literal["minimal", "low", "medium", "high"] | None = None,
    thoughts: bool | None = None,
    search: bool | None = None,
    image_search: bool | None = None,
    system: str | None = None,
    modalities: Literal["image", "text+image"] | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_output_tokens: int | None = None,
    safety: dict[str, str] | Literal["off"] | None = None,
    output_format: Literal["png", "jpeg", "webp"] | None = None,
    output_quality: int | None = None,
    mark_ai: bool | None = None,
    service_tier: Literal["standard", "flex", "priority"] | None = None,
    encode: Encode | None = None,
    upload: Literal["auto", "never", "always"] | None = None,
    on_unsupported: Literal["error", "warn"] | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    headers: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> Any: ...


generate_many.__doc__ = """
    Options:
        concurrency: How many items are under way at once. Default: 8.
        ordered: Whether outcomes come in the order of the items. Default: false, as they finish.
        save_to: A folder for the pictures, made if it is missing. Each gets the name of its item's id, or
            of its number, and beside it a JSON file that says how it was made. No file is written over.
        journal: A file that remembers what is done: run again with it, and only what is missing is sent.
            Pictures go to `save_to`, else to a folder of the journal's name with `.d` at its end.
        stop_after_errors: After so many failed items nothing more is sent, and the run ends with an
            error. Default: no limit.
        progress: Whether to show how far the run is, in a terminal or a notebook. Default: false.
        model: The model, by id or alias. Default: the client's, else `nano-banana-2.1`.
        aspect_ratio: Width to height. Default: the shape of the first picture sent, else 1:1.
        image_size: How large the picture will be. Default: 1K.
        n: How many pictures: that many calls side by side. Default: 1.
        thinking: How hard the model thinks before it draws. Default: the model's own.
        thoughts: Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
            Default: false.
        search: Whether the model may search the web first. Default: false.
        image_search: Whether the model may look at pictures of the web first. Default: false.
        system: What the model is told before the prompt, for the whole call.
        modalities: What the answer may hold. Default: the service's, text and pictures.
        seed: A seed, sent as it is; the service does not promise the same picture for the same seed. With
            `n`, call i sends `seed + i`.
        temperature: How freely the model chooses, 0 to 2. Default: the service's, 1.
        top_p: The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95.
        max_output_tokens: The most tokens that the answer may take. Default: the model's limit.
        safety: The adjustable filters: a threshold by category, short or full names, or "off". Default:
            the service's.
        output_format: The type that pictures are to have. What came is converted here if it is of another
            one, and kept as the picture's `original`; what a conversion loses is a warning. Default: as it
            comes.
        output_quality: How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg"
            or "webp". Default: 92 for JPEG; WebP without it loses nothing.
        mark_ai: Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP
            that AI made them, by IPTC's DigitalSourceType. Default: true.
        service_tier: How urgently the service works, and at what price. Default: standard.
        encode: How pictures are encoded before they are sent. Default: they go as they are wherever they
            can.
        upload: Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones
            of a request that would be too large (100 MB), with "always" all above 16 kB, with "never" none.
            Each is uploaded once while it lives there, which is 48 hours. Default: auto.
        on_unsupported: What happens to an option that the model does not have. Default: error.
        timeout: How long the call may take. Default: the client's. A number is in seconds.
        retry: When and how a failed attempt is made again. Default: the client's.
        headers: HTTP headers to send beside our own. Those that belong to the connection or the body,
            such as Host and Content-Length, are refused.
        labels: Labels for the bill: keys and values of at most 63 lower case characters.
        extra: Merged deeply into the request's JSON, last; for what the service has and we have not.
    """


def client(
    self: Any,
    api_key: str | Callable[[], str] | None = None,
    *,
    model: Model | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    max_concurrency: int | None = None,
    rate: float | None = None,
    budget: Budget | float | None = None,
    cache: Cache | str | os.PathLike[str] | None = None,
    catalogue: str | None = None,
    headers: dict[str, str] | None = None,
    proxy: str | None = None,
    ca_bundle: str | None = None,
    allow_private_urls: bool | None = None,
    local_files: bool | None = None,
    on_event: Callable[[ClientEvent], object] | None = None,
) -> Any: ...


def with_options(
    self: Any,
    api_key: str | Callable[[], str] | None = None,
    *,
    model: Model | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    max_concurrency: int | None = None,
    rate: float | None = None,
    budget: Budget | float | None = None,
    cache: Cache | str | os.PathLike[str] | None = None,
    catalogue: str | None = None,
    headers: dict[str, str] | None = None,
    proxy: str | None = None,
    ca_bundle: str | None = None,
    allow_private_urls: bool | None = None,
    local_files: bool | None = None,
    on_event: Callable[[ClientEvent], object] | None = None,
) -> Any: ...


def offline(
    self: Any,
    *,
    model: Model | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    timeout: Timeout | float | None = None,
    retry: Retry | bool | None = None,
    max_concurrency: int | None = None,
    rate: float | None = None,
    budget: Budget | float | None = None,
    cache: Cache | str | os.PathLike[str] | None = None,
    catalogue: str | None = None,
    headers: dict[str, str] | None = None,
    proxy: str | None = None,
    ca_bundle: str | None = None,
    allow_private_urls: bool | None = None,
    local_files: bool | None = None,
    on_event: Callable[[ClientEvent], object] | None = None,
) -> Any: ...


client.__doc__ = with_options.__doc__ = offline.__doc__ = """
    Options:
        model: The model of calls that name none. Default: `nano-banana-2.1`.
        base_url: Where the API is. A version at its end counts as `api_version` if that is not set, and
            an `/openai` behind it is left out. Default: the variable GOOGLE_GEMINI_BASE_URL, else Google's.
        api_version: The version of the API. Default: the variable GOOGLE_GENAI_API_VERSION, else v1beta.
        timeout: How long a call may take. A number is in seconds.
        retry: When and how a failed attempt is made again.
        max_concurrency: The most requests under way at once, for each model; more wait for their turn. A
            stream that is not read for a second does not count until it is read on. Default: no limit, unless
            the service asks to go slower.
        rate: The most requests in a minute, for each model, sent evenly: at most a second's worth, or
            one, at once. Default: no limit, unless the service asks to go slower.
        budget: How much may be spent, in USD. Default: no limit.
        cache: Where answers are kept, so that the same request is not paid for twice. Default: nowhere.
        catalogue: A catalogue to use instead of the built-in one: the path of its file, or an http(s):
            URL, which is fetched when a call first needs it.
        headers: HTTP headers to send with every request. Those that belong to the connection or the body,
            such as Host and Content-Length, are refused.
        proxy: The proxy's URL. Default: the system's; never for a loopback address.
        ca_bundle: A PEM file of certificates to trust beside the system's and the built-in ones.
        allow_private_urls: Whether a picture's URL may lead to a private or local address. Default:
            false.
        local_files: Whether paths and file: URLs among the inputs are opened. A server whose users name
            pictures sets it to false: then bytes, other URLs and uploaded files are taken alone. Default:
            true.
        on_event: Is called with each step of each call, in order: a request that is sent, its answer, a
            wait, another try. No event holds a key, a prompt or a picture.
    """

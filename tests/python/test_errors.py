"""Errors as Python classes: bases, fields, causes, pickles."""

from __future__ import annotations

import copy
import pickle

import pytest

import nanobanana as nb


def test_the_tree() -> None:
    assert issubclass(nb.InvalidOptionError, TypeError)
    assert issubclass(nb.InvalidOptionError, ValueError)
    assert issubclass(nb.UnsupportedOptionError, ValueError)
    assert issubclass(nb.ImageError, ValueError)
    assert issubclass(nb.APITimeoutError, nb.APIConnectionError)
    assert issubclass(nb.RateLimitError, nb.APIStatusError)
    assert issubclass(nb.NanoBananaError, Exception)
    assert nb.RateLimitError.__module__ == "nanobanana"
    assert nb.RateLimitError.__doc__


def test_an_error_can_be_made_and_read() -> None:
    error = nb.RateLimitError("slow down", retry_after=3.0)
    assert (str(error), error.message, error.retry_after, error.status) == (
        "slow down",
        "slow down",
        3.0,
        None,
    )
    assert error.attempts == []
    assert error.attempts is not nb.RateLimitError().attempts
    with pytest.raises(TypeError, match="retry_afte"):
        nb.RateLimitError("slow down", retry_afte=3.0)


def test_errors_pickle_with_their_fields(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"status": 429, "headers": {"retry-after": "7"}}])
    with pytest.raises(nb.RateLimitError) as caught:
        client.generate("a boat")
    error = caught.value
    assert (error.status, error.retry_after) == (429, 7.0)
    assert [type(attempt) for attempt in error.attempts] == [nb.Attempt]
    for back in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(back) is nb.RateLimitError
        assert back.to_dict() == error.to_dict()
        assert back.attempts == error.attempts
    assert error.to_dict()["kind"] == "RateLimitError"


def test_what_came_instead_of_a_picture(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"text": "I would rather talk"}])
    with pytest.raises(nb.NoImageError) as caught:
        client.generate("a boat")
    assert caught.value.text == "I would rather talk"
    assert isinstance(caught.value.usage, nb.Usage)


def test_missing_ones_of_n_are_errors(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"image": "png 8x8"}, {"status": 500}])
    result = client.generate("a boat", n=2)
    assert len(result.images) == 1
    [error] = result.errors
    assert isinstance(error, nb.InternalServerError)
    assert error.status == 500
    assert pickle.loads(pickle.dumps(result)).errors[0].to_dict() == error.to_dict()


def test_a_refused_connection_is_chained() -> None:
    with nb.Emulator() as emulator:
        url = emulator.url
    with nb.Client("key-that-stays-secret", base_url=url, retry=False) as client:
        with pytest.raises(nb.APIConnectionError) as caught:
            client.generate("a boat")
        assert caught.value.__cause__ is not None
        assert "key-that-stays-secret" not in repr(caught.value.__cause__)

"""TLS and HTTP/2: this package's clients against the emulator, and the emulator against Python's own TLS."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from PIL import Image

import nanobanana as nb


@pytest.fixture
def emulator() -> Iterator[nb.Emulator]:
    with nb.Emulator(tls=True) as emulator:
        yield emulator


@pytest.fixture
def client(emulator: nb.Emulator) -> Iterator[nb.Client]:
    with nb.Client("k", base_url=emulator.url, ca_bundle=emulator.ca_bundle, retry=False) as client:
        yield client


async def until(holds: Callable[[], bool]) -> None:
    start = time.monotonic()
    while not holds():
        assert time.monotonic() < start + 30
        await asyncio.sleep(0.002)


def test_a_client_speaks_http_2_to_whom_the_bundle_vouches_for(
    emulator: nb.Emulator, client: nb.Client
) -> None:
    assert emulator.url.startswith("https://127.0.0.1:")
    assert client.generate("a boat").image.width == 1024
    assert [request["http_version"] for request in emulator.requests] == ["2"]
    assert 0 < emulator.requests[0]["at"] < 60
    with pytest.raises(nb.APIConnectionError, match="certificate"):
        nb.Client("k", base_url=emulator.url, retry=False).generate("a boat")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_pythons_own_tls_finds_nothing_wrong_with_the_certificate(emulator: nb.Emulator, host: str) -> None:
    port = urlsplit(emulator.url).port
    context = ssl.create_default_context(cafile=emulator.ca_bundle)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    line = http.client.HTTPSConnection(host, port, context=context, timeout=10)
    line.request("GET", "/v1beta/models", headers={"x-goog-api-key": "k"})
    assert json.loads(line.getresponse().read())["models"]
    assert emulator.requests[0]["http_version"] == "1.1"
    line.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        http.client.HTTPSConnection(host, port, context=ssl.create_default_context()).connect()


def test_the_bundle_goes_with_the_emulator() -> None:
    with nb.Emulator() as plain:
        assert plain.ca_bundle is None
    with nb.Emulator(tls=True) as emulator:
        path = emulator.ca_bundle
        assert path is not None
        assert os.path.exists(path)
    assert not os.path.exists(os.path.dirname(path))


def test_a_picture_of_30_mb_goes_both_ways(emulator: nb.Emulator, client: nb.Client) -> None:
    file = io.BytesIO()
    Image.frombytes("RGB", (3200, 3200), os.urandom(3200 * 3200 * 3)).save(file, "png", compress_level=0)
    picture = nb.Image(file.getvalue())
    part = {"inlineData": {"mimeType": "image/png", "data": picture.to_data_url().split(",")[1]}}
    emulator.script([{"json": {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}}])
    assert client.edit("again", picture).image == picture
    assert emulator.requests[0]["size"] > 40_000_000


def test_a_cancelled_call_resets_its_stream_and_no_other(emulator: nb.Emulator) -> None:
    async def cancel() -> None:
        options = {"base_url": emulator.url, "ca_bundle": emulator.ca_bundle}
        async with nb.AsyncClient("k", **options) as client:
            emulator.script([{"image": "png 8x8"}, {"hang": True}, {"image": "png 8x8", "delay": 0.5}])
            await client.generate("first")
            call = asyncio.create_task(client.generate("stuck"))
            await until(lambda: len(emulator.requests) == 2 and emulator.requests[1]["size"] > 0)
            other = asyncio.create_task(client.generate("beside it"))
            await until(lambda: len(emulator.requests) == 3)
            call.cancel()
            await until(lambda: emulator.requests[1]["cancelled"])
            assert (await other).image.width == 8

    asyncio.run(cancel())


@pytest.mark.parametrize(
    "step", [{"cut": "headers"}, {"cut": 99}, {"length": 99}, {"length": -99}, {"goaway": True}]
)
def test_a_fault_of_the_stream_is_no_picture_and_the_next_call_is(
    emulator: nb.Emulator, client: nb.Client, step: dict[str, object]
) -> None:
    emulator.script([{"image": "png 64x64", **step}, {"image": "png 8x8"}])
    with pytest.raises(nb.APIError):
        client.generate("a boat")
    assert client.generate("a boat").image.width == 8


def test_an_emulators_options_are_checked() -> None:
    with pytest.raises(nb.InvalidOptionError, match=r"`port` is -1; it takes 0 to 65535"):
        nb.Emulator(-1)
    with pytest.raises(nb.InvalidOptionError, match=r"`keep` is -1"):
        nb.Emulator(keep=-1)
    with nb.Emulator(keep=2) as emulator, nb.Client("k", base_url=emulator.url, retry=False) as client:
        emulator.script([{"status": 429, "times": 3}])
        for _ in range(3):
            with pytest.raises(nb.RateLimitError):
                client.generate("a boat")
        assert len(emulator.requests) == 2

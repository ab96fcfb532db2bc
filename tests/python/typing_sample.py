"""Read by the type checkers only: what a strictly typed program writes must pass, and help where it errs."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack, assert_type

import numpy as np
import PIL.Image

import nanobanana as nb


def plain(client: nb.Client) -> list[Path]:
    result = client.generate("a boat", model="nano-banana-pro", aspect_ratio="16:9", n=2, timeout=30)
    assert_type(result, nb.Result)
    assert_type(result.image, nb.Image)
    assert_type(result.image.bytes, bytes)
    assert_type(result.cost, float | None)
    assert_type(result.usage.image_tokens, int)
    assert_type(result.thoughts.images, list[nb.Image])
    return result.save("out")


def every_input(client: nb.Client, pil: PIL.Image.Image, array: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    client.edit("night", "sky.jpg")
    client.edit("night", [Path("sky.jpg"), b"", bytearray(), memoryview(b""), io.BytesIO(), pil, array])
    client.generate(["Put", Path("mia.jpg"), "into", nb.Image.open("cafe.jpg")])


def settings() -> nb.Client:
    with nb.Emulator() as emulator:
        client = nb.Client("key", base_url=emulator.url, timeout=nb.Timeout(total=5), retry=False)
    get_key: Callable[[], str] = str
    return client.with_options(get_key, retry=nb.Retry(max_attempts=2), headers={"x": "y"})


def wrapper(prompt: nb.Prompt, **options: Unpack[nb.GenerateOptions]) -> nb.Result:
    return nb.generate(prompt, **options)


def caught() -> float | None:
    try:
        wrapper("a boat", thinking="high", image_size="8K", safety="off")
    except nb.RateLimitError as error:
        assert_type(error.attempts, list[nb.Attempt])
        assert_type(error.status, int | None)
        return error.retry_after
    return None


async def awaited() -> nb.Image:
    async with nb.AsyncClient.offline(model="my-own-model") as client:
        assert_type(await client.generate("a boat"), nb.Result)
        return (await client.edit("night", "boat.png")).image


def wrong(client: nb.Client) -> None:
    client.generate("a boat", aspect_ration="16:9")  # type: ignore[call-arg]
    client.generate("a boat", n="2")  # type: ignore[arg-type]
    client.generate("a boat", thinking="loud")  # type: ignore[arg-type]
    client.edit("night", 5)  # type: ignore[arg-type]

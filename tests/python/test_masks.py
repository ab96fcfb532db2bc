"""Edits with a mask: what lies outside stays as it is, whatever the model does there."""

from __future__ import annotations

import asyncio
import io
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageChops
import PIL.ImageDraw
import pytest

import nanobanana as nb

SMALL: dict[str, Any] = {"model": "nano-banana-2", "image_size": "512"}


@pytest.fixture
def source(client: nb.Client) -> PIL.Image.Image:
    drawn = client.generate("a harbour with hills", aspect_ratio="4:3", seed=5, **SMALL).image
    return PIL.Image.open(io.BytesIO(drawn.bytes)).convert("RGB").resize((240, 180))


def some_mask(size: tuple[int, int], seed: int) -> PIL.Image.Image:
    dice = random.Random(seed)
    mask = PIL.Image.new("L", size)
    draw = PIL.ImageDraw.Draw(mask)
    for _ in range(dice.randint(1, 3)):
        left, top = dice.randrange(size[0] - 30), dice.randrange(size[1] - 30)
        box = (left, top, dice.randint(left + 8, size[0]), dice.randint(top + 8, size[1]))
        draw_one = dice.choice([draw.rectangle, draw.ellipse])
        draw_one(box, fill=dice.choice([255, 255, 160]))
    return mask


@pytest.mark.parametrize(("kind", "save"), [("png", {}), ("jpg", {"quality": 90}), ("webp", {"quality": 80})])
def test_outside_of_twenty_masks_not_one_pixel_changes(
    client: nb.Client, source: PIL.Image.Image, kind: str, save: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / f"source.{kind}"
    source.save(path, **save)
    before = nb.Image.open(path).to_numpy()
    masks = [some_mask(source.size, seed) for seed in range(20)]
    items: list[nb.Item] = [
        {"prompt": "a banana", "images": path, "options": {"mask": mask, "seed": seed}, "id": seed}
        for seed, mask in enumerate(masks)
    ]
    done = 0
    for outcome in client.generate_many(items, concurrency=4, **SMALL):
        assert outcome.result is not None, outcome.error
        after = outcome.result.image.to_numpy()
        outside = np.asarray(masks[outcome.index]) == 0
        assert after.shape == before.shape
        np.testing.assert_array_equal(after[outside], before[outside])
        # Another decoder sees the same.
        pillow = np.asarray(PIL.Image.open(io.BytesIO(outcome.result.image.bytes)).convert("RGB"))
        np.testing.assert_array_equal(pillow[outside], before[outside])
        assert (after != before).any()
        leak = outcome.result.leak
        assert leak is None or 0 < leak < 0.1
        done += 1
    assert done == 20


def test_a_mask_comes_in_every_form(client: nb.Client, source: PIL.Image.Image, tmp_path: Path) -> None:
    box = (60, 40, 160, 120)
    grey = PIL.Image.new("L", source.size)
    grey.paste(255, box)
    path = tmp_path / "mask.png"
    grey.save(path)
    clear = source.convert("RGBA")
    clear.putalpha(PIL.ImageChops.invert(grey))
    fraction = nb.Box(60 / 240, 40 / 180, 160 / 240, 120 / 180, unit="fraction")
    halves = [nb.Box(60, 40, 110, 120), nb.Box(110, 40, 160, 120)]
    forms: list[Any] = [
        path,
        str(path),
        path.read_bytes(),
        nb.Image.open(path),
        grey,
        clear,
        np.asarray(grey),
        np.asarray(grey) > 0,
        np.asarray(grey) / 255,
        nb.Box(*box),
        fraction,
        halves,
        [halves[0], path],
    ]
    results = [client.edit("a banana", source, mask=form, seed=1, **SMALL) for form in forms]
    assert len({result.image.bytes for result in results}) == 1
    # Without any mask all of them would be alike, too: this one holds, and something changed in it.
    before, after = np.asarray(source), results[0].image.to_numpy()
    assert after.shape == before.shape
    outside = np.asarray(grey) == 0
    np.testing.assert_array_equal(after[outside], before[outside])
    assert (after[~outside] != before[~outside]).any()
    assert all(len(result.masked) == 1 for result in results)
    other = client.edit("a banana", source, mask=nb.Box(0, 0, 40, 40), seed=1, **SMALL)
    assert other.image.bytes != results[0].image.bytes


def test_what_is_told_of_an_edit(client: nb.Client, source: PIL.Image.Image) -> None:
    result = client.edit("a banana", source, mask=nb.Box(60, 40, 160, 120), n=2, thoughts=True, **SMALL)
    assert len(result.images) == len(result.masked) == 2
    first = result.masked[0]
    assert result.model_image == first.model_image != result.image
    assert result.change_map is not None
    assert (result.change_map.width, result.change_map.height) == source.size
    assert result.change_map.to_numpy().shape == (180, 240, 1)
    assert result.leak == first.leak
    assert first.scale is not None
    assert abs(first.scale - 1) < 0.02
    assert len(first.shift) == 2
    assert len(result.thoughts.images) == 4
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert again.model_image == result.model_image
    assert result.to_dict()["masked"][0]["model_image"]["width"] == first.model_image.width
    plain = client.edit("a banana", source, **SMALL)
    assert (plain.masked, plain.model_image, plain.change_map, plain.leak) == ([], None, None, None)


def test_a_stream_gives_the_finished_picture(client: nb.Client, source: PIL.Image.Image) -> None:
    with client.edit_stream("a banana", source, mask=nb.Box(60, 40, 160, 120), **SMALL) as stream:
        pictures = [event.image for event in stream if isinstance(event, nb.ImageEvent)]
    assert stream.result is not None
    assert pictures == stream.result.images
    assert (pictures[0].width, pictures[0].height) == source.size
    before, after = np.asarray(source), pictures[0].to_numpy()
    outside = np.ones(before.shape[:2], bool)
    outside[40:120, 60:160] = False
    np.testing.assert_array_equal(after[outside], before[outside])
    assert (after[~outside] != before[~outside]).any()


def test_what_cannot_be_a_mask(client: nb.Client, emulator: nb.Emulator, source: PIL.Image.Image) -> None:
    sent = len(emulator.requests)
    bad: list[tuple[Any, str]] = [
        (PIL.Image.new("L", source.size), "nothing change"),
        (PIL.Image.new("L", (180, 240), 255), r"180x240 .* 240x180"),
        (nb.Box(10, 10, 10, 20), "empty or upside down"),
        (nb.Box(0, 0, 241, 20), "outside"),
        (nb.Box(0, 0, 10, 20, unit="fraction"), "outside"),
        (b"no picture", "not a picture"),
        ([], "empty list"),
        ((np.asarray(source.convert("L")) > 99).astype(np.uint8), "no value above 1"),
    ]
    for mask, problem in bad:
        with pytest.raises(nb.ImageError, match=problem) as caught:
            client.edit("a banana", source, mask=mask, **SMALL)
        assert "mask" in str(caught.value)
    with pytest.raises(nb.InvalidOptionError, match="unit"):
        client.edit("a banana", source, mask=nb.Box(0, 0, 1, 1, unit="em"), **SMALL)  # type: ignore[arg-type]
    with pytest.raises(nb.ImageError, match="a Box is no picture"):
        client.edit("a banana", nb.Box(0, 0, 1, 1), **SMALL)  # type: ignore[arg-type]
    for call in (client.generate, client.chat().send):
        with pytest.raises(nb.InvalidOptionError, match="`edit`"):
            call(["a banana", source], mask=nb.Box(0, 0, 1, 1))  # type: ignore[call-arg]
    with pytest.raises(nb.InvalidOptionError, match="`edit`"):
        next(iter(client.generate_many(["a banana"], mask=nb.Box(0, 0, 1, 1))))  # type: ignore[call-arg]
    assert len(emulator.requests) == sent


def test_awaited(emulator: nb.Emulator, source: PIL.Image.Image) -> None:
    async def edited() -> nb.Result:
        async with nb.AsyncClient("secret-key-0123", base_url=emulator.url) as client:
            box = nb.Box(60, 40, 160, 120)
            return await client.edit("a banana", source, mask=box, keep_outside=False, **SMALL)

    result = asyncio.run(edited())
    assert len(result.masked) == 1
    assert result.model_image is not None
    assert result.image == result.model_image
    assert result.change_map is not None
    assert (result.change_map.width, result.change_map.height) == source.size


def test_a_box_is_a_plain_value() -> None:
    box = nb.Box(1, 2, 3, 4)
    assert box == nb.Box(1, 2, 3, 4) != nb.Box(1, 2, 3, 4, unit="px")
    told = repr(nb.Box(0, 0, 1, 1, unit="fraction"))
    assert told == "Box(left=0, top=0, right=1, bottom=1, unit='fraction')"
    assert pickle.loads(pickle.dumps(box)) == box

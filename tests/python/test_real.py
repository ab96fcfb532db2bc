"""Pictures of other programs look as Pillow shows them; the table is the one that Rust and Node read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import features

import nanobanana as nb

FOLDER = Path(__file__).parent.parent / "media" / "real"
TABLE = json.loads((FOLDER / "expected.json").read_text())


def seen(pixels: np.ndarray) -> np.ndarray:
    """RGBA, colours multiplied by their alpha: what is transparent is of no colour."""
    rgba = np.asarray(
        PIL.Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).convert("RGBA")
    )
    return np.dstack([rgba[..., :3] * (rgba[..., 3:] / 255), rgba[..., 3]])


@pytest.mark.parametrize("name", TABLE)
def test_a_picture_is_seen_as_pillow_sees_it(name: str) -> None:
    row = TABLE[name]
    if name.endswith(".avif") and features.check("avif"):
        image = nb.Image.open(FOLDER / name)
        assert image.to_numpy().shape == (image.height, image.width, 3)
        return
    if "error" in row:
        with pytest.raises(nb.ImageError) as error:
            nb.Image.open(FOLDER / name).to_numpy()
        assert row["error"] in str(error.value)
        return
    image = nb.Image.open(FOLDER / name)
    pixels = image.to_numpy()
    assert [image.width, image.height] == row["size"]
    assert pixels.dtype == np.uint8
    assert pixels.shape == (image.height, image.width, row["channels"])
    with PIL.Image.open(FOLDER / row["expected"]) as reference:
        expected = np.asarray(reference.convert("RGBA"))
    assert np.abs(seen(pixels) - seen(expected)).mean() <= 2

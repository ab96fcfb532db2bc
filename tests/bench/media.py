"""Makes the pictures of the benchmarks, always the same ones. usage: media.py FOLDER

`input-N.png` are a PNG's header and random bytes, 4 MB each: only their header is looked at. `photo.*` is one
picture that compresses as a photo does, light and colours at every scale and a sensor's noise, and
`small-photo.*` the same with few pixels.
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(sys.argv[1])
random = np.random.default_rng(7)

header = b"IHDR" + struct.pack(">IIBBBBB", 4096, 4096, 8, 2, 0, 0, 0)
start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
for number in range(14):
    (folder / f"input-{number}.png").write_bytes(start + random.bytes(4_000_000 - len(start)))


def photo(width: int, height: int) -> Image.Image:
    light = np.full((height, width, 3), 128.0, np.float32)
    strength, cells = 70.0, 4
    while cells < width:
        coarse = random.normal(0, 1, (max(1, cells * 3 // 4), cells, 3)).astype(np.float32)
        # Colours change more slowly than light.
        coarse = coarse.mean(axis=2, keepdims=True) * 1.6 + coarse * (0.5 if cells < 64 else 0.1)
        for channel in range(3):
            layer = Image.fromarray(coarse[:, :, channel]).resize((width, height), Image.Resampling.BICUBIC)
            light[:, :, channel] += strength * np.asarray(layer)
        strength, cells = strength * 0.7, cells * 2
    light += random.normal(0, 2.5, light.shape).astype(np.float32)
    return Image.fromarray(light.clip(0, 255).astype(np.uint8))


for name, picture in {"photo": photo(4000, 3000), "small-photo": photo(64, 48)}.items():
    picture.save(folder / f"{name}.png")
    picture.save(folder / f"{name}.tif")
    picture.save(folder / f"{name}.jpg", quality=92, subsampling=0)
    picture.save(folder / f"{name}.webp", quality=80)
    picture.save(folder / f"{name}-lossless.webp", lossless=True, method=2)

"""Mutated headers, opened by three programs: what Pillow and sharp show alike, nanobanana must show, too.

Small files of every type (made here by Pillow and by hand, and those of tests/media/real) have fields of
their headers changed: markers, chunks, entries of directories, sizes. A picture is wrong if Pillow and sharp
(libvips) show the same and we show another size, orientation or other pixels. What we refuse though both show
it is counted by its message; it is no wrong picture. The seed makes a run repeatable.

    npm install --prefix /tmp/sharp sharp
    python tests/proofs/headers.py --sharp /tmp/sharp [--files 2000] [--seed 1] [--keep FOLDER] [--refused]

Exit code 1 if a picture is wrong; `--keep` writes those files to a folder, `--refused` lists what we refuse.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageOps

import nanobanana as nb

warnings.simplefilter("ignore")
here = Path(__file__).parent
WIDTH, HEIGHT = 29, 19
#: Mean difference of a channel, of 255: pictures are alike below the first, and others above the second.
ALIKE, OTHER = 6.0, 12.0

SHARP = """
import { createRequire } from "node:module";
import { readFileSync, writeFileSync, readdirSync } from "node:fs";
const [folder, modules] = process.argv.slice(2);
const sharp = createRequire(modules + "/")("sharp");
sharp.cache(false);
const seen = {};
for (const name of readdirSync(folder).filter((name) => name.startsWith("in-"))) {
  try {
    const picture = sharp(readFileSync(`${folder}/${name}`), { limitInputPixels: 1e6 }).autoOrient();
    const { data, info } = await picture.toColourspace("srgb").ensureAlpha().raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 4) continue;
    writeFileSync(`${folder}/out-${name}`, data);
    seen[name] = [info.width, info.height];
  } catch {}
}
writeFileSync(`${folder}/seen.json`, JSON.stringify(seen));
"""


# Seeds.


def drawn() -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    light = np.dstack([0.1 + 0.85 * across, 0.15 + 0.8 * down, 0.9 - 0.7 * across * down])
    picture = Image.fromarray((light * 255).round().astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((2, 2, 11, 7), (200, 40, 40))
    pen.rectangle((18, 10, 26, 16), (20, 60, 170))
    return picture


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif(order: str = "<", value: int = 6, kind: int = 3, prefix: bytes = b"", more: int = 0) -> bytes:
    """Exif of one orientation, in a directory that may say that it has more entries."""
    number = struct.pack(order + ("H2x" if kind in (3, 8) else "I"), value)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, 1 + more)
    return prefix + head + struct.pack(order + "HHI", 0x112, kind, 1) + number + bytes(4)


def seeds(dice: random.Random) -> list[tuple[str, bytes]]:
    picture = drawn()
    glass = picture.copy()
    glass.putalpha(Image.fromarray(np.linspace(255, 0, WIDTH).astype(np.uint8)[None].repeat(HEIGHT, 0)))
    grey, flat, bits = picture.convert("L"), picture.quantize(16), picture.convert("1")
    files = [("jpeg", saved(picture, "JPEG", quality=92, subsampling=number)) for number in (0, 1, 2)]
    files += [("jpeg", saved(picture, "JPEG", quality=92, **options)) for options in JPEGS]
    files += [("jpeg", saved(one, "JPEG", quality=92)) for one in (grey, picture.convert("CMYK"))]
    pngs = (picture, glass, grey, glass.convert("LA"), flat, picture.quantize(200), bits)
    files += [("png", saved(one, "PNG")) for one in pngs]
    files += [("png", saved(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"))]
    files += [("gif", saved(one, "GIF")) for one in (flat, picture.quantize(200), bits)]
    files += [("gif", saved(flat, "GIF", transparency=3))]
    files += [("gif", saved(flat, "GIF", save_all=True, append_images=[flat.rotate(180)]))]
    files += [
        ("webp", saved(one, "WEBP", quality=90, **options)) for one in (picture, glass) for options in WEBPS
    ]
    files += [("bmp", saved(one, "BMP")) for one in (picture, grey, flat, bits, glass)]
    for one in (
        picture,
        glass,
        grey,
        flat,
        bits,
        picture.convert("CMYK"),
        glass.convert("LA"),
        picture.convert("LAB"),
    ):
        for compression in (None, "tiff_lzw", "packbits", "tiff_adobe_deflate"):
            files.append(("tiff", saved(one, "TIFF", compression=compression)))
    files += [("tiff", saved(bits, "TIFF", compression=name)) for name in ("group3", "group4")]
    files += [("tiff", saved(one, "TIFF", compression="jpeg", quality=92)) for one in (picture, grey)]
    files += [("tiff", plain_tiff(dice)) for _ in range(60)]
    for path in sorted((here.parent / "media" / "real").iterdir()):
        kind = {"jpg": "jpeg"}.get(path.suffix[1:], path.suffix[1:])
        if kind in MUTATE and not path.stem.startswith(NOT_SEEDS):
            files.append((kind, path.read_bytes()))
    return files


#: Huge ones, colour profiles, and what docs/inputs.md decides as browsers do: Exif with another filler.
NOT_SEEDS = ("bomb", "p3", "adobe-rgb", "cmyk-profile", "grey-profile", "exif-filler")
JPEGS: list[dict[str, Any]] = [{"progressive": True}, {"keep_rgb": True}, {"restart_marker_blocks": 2}]
WEBPS: list[dict[str, Any]] = [{}, {"lossless": True}, {"exif": exif()}, {"lossless": True, "exif": exif()}]


def plain_tiff(dice: random.Random) -> bytes:
    """Uncompressed samples with tags that change what they mean."""
    order = dice.choice("<>")
    photometric = dice.choice([0, 0, 1, 1, 2, 2, 2, 3, 5, 6, 8, 9])
    own = {0: 1, 1: 1, 3: 1, 5: 4}.get(photometric, 3)
    bits = dice.choice([8, 8, 8, 16]) if own > 1 else dice.choice([1, 2, 4, 8, 8, 16])
    extra = dice.choice([[], [], [], [0], [1], [2], [2, 0], [0, 0]])
    samples = own + len(extra)
    fill = dice.choice([1, 1, 1, 2])
    picture = np.asarray(drawn()).astype(int)
    channels = {
        3: picture,
        1: picture.mean(-1, keepdims=True),
        4: np.dstack([255 - picture, picture[..., :1] // 3]),
    }
    pixels = channels[own]
    if photometric == 3:
        pixels = pixels * (2 ** min(bits, 8) - 1) // 255
    alpha = np.broadcast_to(np.linspace(255, 60, WIDTH)[None, :, None], (HEIGHT, WIDTH, len(extra)))
    pixels = np.concatenate([pixels, alpha], -1).astype(int)
    if bits < 8 and photometric != 3:
        pixels = pixels * (2**bits - 1) // 255
    planar = dice.choice([1, 1, 2]) if bits >= 8 else 1
    if bits < 8:
        row = np.unpackbits(pixels.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :].reshape(HEIGHT, -1)
        data = np.packbits(row, axis=-1).tobytes()
    else:
        scaled = (pixels * 257 if bits == 16 else pixels).astype(f"{order}u{bits // 8}")
        data = (np.moveaxis(scaled, -1, 0) if planar == 2 else scaled).tobytes()
    if fill == 2:
        data = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    planes = samples if planar == 2 else 1
    colours = 2**bits
    narrow = dice.random() < 0.3
    ramp = np.linspace(0, 255 if narrow else 65535, colours).astype(int).tolist()
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [WIDTH]),
        257: (4, [HEIGHT]),
        258: (3, [bits] * samples),
        259: (3, [1]),
        262: (3, [photometric]),
        266: (3, [fill]),
        273: (4, [0] * planes),
        277: (3, [samples]),
        278: (4, [HEIGHT]),
        279: (4, [len(data) // planes] * planes),
        284: (3, [planar]),
    }
    if extra:
        tags[338] = (3, extra)
    if photometric == 3 and bits <= 8:
        tags[320] = (3, ramp + ramp[::-1] + ramp)
    if photometric == 5 and dice.random() < 0.3:
        tags[332] = (3, [dice.choice([1, 2])])
    if photometric == 6:
        tags[530] = (3, [1, 1])
    if dice.random() < 0.2:
        tags[274] = (dice.choice([1, 3, 4]), [dice.randint(0, 9)])
    if dice.random() < 0.15:
        tags[254] = (4, [dice.choice([1, 2, 4])])
    return tiff(order, tags, data)


def tiff(order: str, tags: dict[int, tuple[int, list[int]]], data: bytes) -> bytes:
    size = 8 + 2 + 12 * len(tags) + 4
    packed = {}
    for tag, (kind, values) in tags.items():
        packed[tag] = struct.pack(order + str(len(values)) + {1: "B", 3: "H", 4: "I"}[kind], *values)
    places, at = {}, size
    for tag, value in packed.items():
        if len(value) > 4:
            places[tag], at = at, at + len(value)
    planes = len(tags[273][1])
    starts = [at + number * (len(data) // planes) for number in range(planes)]
    packed[273] = struct.pack(order + f"{planes}I", *starts)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(tags))
    for tag, value in sorted(packed.items()):
        kind, values = tags[tag]
        field = struct.pack(order + "I", places[tag]) if tag in places else value.ljust(4, b"\0")
        head += struct.pack(order + "HHI", tag, kind, len(values)) + field
    return head + bytes(4) + b"".join(packed[tag] for tag in places) + data


# Mutations.


def poke(dice: random.Random, data: bytes, start: int, end: int) -> bytes:
    """One byte of a range, changed to what is likely to mean something."""
    changed = bytearray(data)
    at = dice.randrange(start, min(end, len(changed)))
    changed[at] = dice.choice(
        [0, 1, 2, 3, 4, 8, 16, 255, changed[at] ^ (1 << dice.randrange(8)), dice.randrange(256)]
    )
    return bytes(changed)


def segments(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    at, found = 2, []
    while data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found, data[at:]


def mutate_jpeg(dice: random.Random, data: bytes) -> bytes:
    found, scan = segments(data)
    names = [name for name, _ in found]
    frame = next(number for number, name in enumerate(names) if name in (0xC0, 0xC1, 0xC2))
    way = dice.randrange(9)
    if way == 0:
        found[frame] = (found[frame][0], poke(dice, found[frame][1], 0, 99))
    elif way == 1:
        adobe = b"Adobe\0\x64\0\0\0\0" + bytes([dice.choice([0, 1, 2, 3])])
        found.insert(dice.randrange(len(found) + 1), (0xEE, adobe[: dice.choice([12, 12, 12, 11])]))
    elif way == 2:
        found = [one for one in found if one[0] not in (0xE0, 0xEE)]
    elif way == 3:
        body = bytearray(found[frame][1])
        changed, count = bytearray(scan), body[5]
        for number, name in zip(
            range(count), dice.choice([b"RGB4", b"\1\2\3\4", b"\0\1\2\3", b"CMYK", b"rgbk"]), strict=False
        ):
            body[6 + 3 * number] = changed[5 + 2 * number] = name
        found[frame], scan = (found[frame][0], bytes(body)), bytes(changed)
    elif way == 4:
        prefix = dice.choice([b"Exif\0\0", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
        body = exif(
            dice.choice("<>"),
            dice.randint(0, 9),
            dice.choice([1, 3, 3, 3, 4]),
            prefix,
            dice.choice([0, 0, 5]),
        )
        found.insert(
            dice.randrange(len(found) + 1), (0xE1, dice.choice([body, body, poke(dice, body, 6, 99)]))
        )
    elif way == 5:
        dice.shuffle(found)
    elif way == 6:
        number = dice.randrange(len(found))
        # Of tables only their names: their values are pixels, which decoders mend each in its way.
        name, body = found[number]
        if body:
            found[number] = (name, poke(dice, body, 0, 1 if name in (0xDB, 0xC4) else 12))
    elif way == 7:
        body = bytearray(found[frame][1])
        number = dice.randrange(body[5])
        body[7 + 3 * number] = dice.choice([0x11, 0x12, 0x21, 0x22, 0x41, 0x14, 0x31, 0x13, 0x24, 0x42])
        found[frame] = (found[frame][0], bytes(body))
    else:
        scan = dice.choice([scan[:-2], scan + b"more behind it", scan[:-2] + b"\xff\xff\xd9", scan + scan])
    fill = dice.choice([b"", b"", b"", b"\xff"])
    body = b"".join(fill + struct.pack(">BBH", 255, name, len(part) + 2) + part for name, part in found)
    return data[:2] + body + scan


def mutate_png(dice: random.Random, data: bytes) -> bytes:
    at, found = 8, []
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    way = dice.randrange(8)
    inner = range(1, len(found))
    if way == 0:
        found[0] = (b"IHDR", poke(dice, found[0][1], 0, 13))
    elif way == 1:
        number = dice.choice(inner)
        del found[number]
    elif way == 2:
        key = bytes(dice.choice([0, 0, 255, 40]) for _ in range(dice.choice([1, 2, 6, 6, 16, 300])))
        found.insert(dice.choice(inner), (b"tRNS", key))
    elif way == 3:
        body = exif(
            dice.choice("<>"),
            dice.randint(0, 9),
            dice.choice([3, 3, 4]),
            dice.choice([b"", b"", b"Exif\0\0"]),
        )
        found.insert(dice.choice(inner), (b"eXIf", body))
    elif way == 4:
        one, other = dice.choice(inner), dice.choice(inner)
        found[one], found[other] = found[other], found[one]
    elif way == 5:
        found.insert(dice.choice(inner), (b"gAMA", struct.pack(">I", dice.choice([45455, 100000, 22000]))))
    elif way == 6:
        found.insert(
            dice.choice(inner),
            (dice.choice([b"sBIT", b"bKGD", b"abCd", b"pHYs"]), bytes([dice.randrange(9)] * 3)),
        )
    else:
        number = next((number for number, (name, _) in enumerate(found) if name == b"IDAT"), 0)
        if number:
            body = found[number][1]
            half = dice.randrange(len(body))
            found[number : number + 1] = [(b"IDAT", body[:half]), (b"IDAT", body[half:])]
    crc = zlib.crc32
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc(name + body))
        for name, body in found
    )


def frame_of(data: bytes) -> int:
    """Where the first frame of a GIF is described."""
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    return at


def mutate_gif(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    table = 3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0
    frame = frame_of(data)
    way = dice.randrange(6)
    side = dice.choice([0, 1, 7, WIDTH, 40, 300])
    if way == 0:
        struct.pack_into("<H", changed, dice.choice([6, 8]), side)
    elif way == 1:
        struct.pack_into("<H", changed, frame + dice.choice([1, 3]), side)
    elif way == 2:
        struct.pack_into("<H", changed, frame + dice.choice([5, 7]), side)
    elif way == 3:
        return poke(dice, data, 10, 13)
    elif way == 4:
        return poke(dice, data, 13 + table, frame + 10)
    else:
        control = bytes([0x21, 0xF9, 4, dice.choice([0, 1, 5, 9, 13]), 0, 0, dice.randrange(16), 0])
        return data[:frame] + control + data[frame:]
    return bytes(changed)


def mutate_bmp(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    way = dice.randrange(6)
    if way == 0:
        return poke(dice, data, 2, 54)
    if way == 1:
        struct.pack_into("<i", changed, 22, -struct.unpack_from("<i", data, 22)[0])
    elif way == 2:
        struct.pack_into("<H", changed, 28, dice.choice([1, 2, 4, 8, 16, 24, 32]))
    elif way == 3:
        struct.pack_into("<I", changed, 30, dice.choice([0, 1, 2, 3, 6]))
    elif way == 4:
        struct.pack_into("<I", changed, dice.choice([10, 46, 34]), dice.choice([0, 2, 16, 54, 58, 256]))
    else:
        changed[6:10] = b"abcd"
    return bytes(changed)


def mutate_tiff(dice: random.Random, data: bytes) -> bytes:
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    count = struct.unpack_from(order + "H", data, at)[0]
    changed = bytearray(data)
    entry = at + 2 + 12 * dice.randrange(count)
    tag, kind, _ = struct.unpack_from(order + "HHI", data, entry)
    way = dice.randrange(6)
    if way == 0:
        struct.pack_into(order + "H", changed, entry + 2, dice.choice([1, 3, 4, 5, 8, 9, 16, 77]))
    elif way == 1:
        struct.pack_into(order + "I", changed, entry + 4, dice.choice([0, 1, 2, 3, 4, 1000]))
    elif way == 2:
        value = dice.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 32])
        struct.pack_into(order + ("H" if kind == 3 else "I"), changed, entry + 8, value)
    elif way == 3:
        struct.pack_into(
            order + "H",
            changed,
            entry,
            dice.choice([254, 255, 262, 266, 274, 284, 317, 330, 338, 339, 50706]),
        )
    elif way == 4:
        # A directory of its own at the end, with one entry more.
        new, value = dice.choice(
            [
                (254, 1),
                (266, 2),
                (274, 6),
                (274, 3),
                (338, 0),
                (338, 1),
                (338, 2),
                (284, 2),
                (317, 2),
                (339, 2),
                (332, 2),
            ]
        )
        entries = {
            struct.unpack_from(order + "H", data, at + 2 + 12 * n)[0]: data[
                at + 2 + 12 * n : at + 14 + 12 * n
            ]
            for n in range(count)
        }
        entries[new] = struct.pack(order + "HHIHH", new, 3, 1, value, 0)
        body = (
            struct.pack(order + "H", len(entries))
            + b"".join(entries[key] for key in sorted(entries))
            + bytes(4)
        )
        struct.pack_into(order + "I", changed, 4, len(changed))
        return bytes(changed) + body
    else:
        struct.pack_into(order + "H", changed, at, count + dice.choice([-1, 1, 3, 90]))
    return bytes(changed)


def mutate_webp(dice: random.Random, data: bytes) -> bytes:
    way = dice.randrange(5)
    if way == 0:
        return poke(dice, data, 12, 34)
    if way == 1:
        return poke(dice, data, 4, 8)
    body = data[12:]
    size = struct.pack("<I", WIDTH - 1)[:3] + struct.pack("<I", HEIGHT - 1)[:3]
    if body[:4] != b"VP8X":
        body = b"VP8X" + struct.pack("<II", 10, dice.choice([0, 8, 16, 24])) + size + body
    extra = exif(
        dice.choice("<>"), dice.randint(0, 9), dice.choice([3, 3, 4]), dice.choice([b"", b"Exif\0\0"])
    )
    chunk = (
        dice.choice([b"EXIF", b"EXIF", b"XMP ", b"abcd"])
        + struct.pack("<I", len(extra))
        + extra
        + bytes(len(extra) % 2)
    )
    body = body + chunk if way < 4 else body[:18] + chunk + body[18:]
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


MUTATE = {
    "jpeg": mutate_jpeg,
    "png": mutate_png,
    "gif": mutate_gif,
    "bmp": mutate_bmp,
    "tiff": mutate_tiff,
    "webp": mutate_webp,
}


def mutated(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    dice = random.Random(seed)
    files = seeds(dice)
    kinds = sorted(MUTATE)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = dice.choice([one for name, one in files if name == kind])
        for _ in range(dice.choice([1, 1, 1, 2])):
            try:
                data = MUTATE[kind](dice, data)
            except (IndexError, struct.error, ValueError, StopIteration):
                break
        yield kind, data


# The visible pixels.


def seen_by_pillow(data: bytes) -> np.ndarray | None:
    try:
        picture: Any = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        if picture.width * picture.height > 1_000_000:
            return None
        if picture.mode.startswith("I;16"):
            picture = Image.fromarray((np.asarray(picture.convert("I")) / 257).round().astype(np.uint8))
        elif picture.mode == "LAB":
            spaces = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
            picture = ImageCms.applyTransform(picture, ImageCms.buildTransform(*spaces, "LAB", "RGB"))
        elif picture.mode in ("I", "F"):
            return None
        if picture.mode == "La":
            picture = picture.convert("LA")
        return np.asarray(picture.convert("RGBA"))
    except Exception:
        return None


def seen_by_us(data: bytes) -> np.ndarray | str:
    try:
        pixels = nb.Image(data).to_numpy()
    except nb.ImageError as error:
        return str(error)
    alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    if pixels.shape[2] < 4:
        pixels = np.concatenate([np.broadcast_to(pixels, (*pixels.shape[:2], 3)), alpha], -1)
    return pixels


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two pictures are from each other, where they show something; of two sizes, infinitely."""
    if one.shape != other.shape:
        return float("inf")
    parts = []
    for pixels in (one, other):
        alpha = pixels[..., 3:].astype(float)
        parts.append(np.concatenate([pixels[..., :3] * alpha / 255, alpha], -1))
    return float(abs(parts[0] - parts[1]).mean())


def without_open_screen(data: bytes, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Ours, with theirs where the first frame of a GIF leaves the screen open, as in browsers."""
    try:
        left, top, wide, high = struct.unpack_from("<4H", data, frame_of(data) + 1)
    except (IndexError, struct.error):
        return ours
    if ours.shape != theirs.shape:
        return ours
    shown = theirs.copy()
    shown[top : top + high, left : left + wide] = ours[top : top + high, left : left + wide]
    return shown


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sharp", required=True, help="a folder with node_modules/sharp")
    ask.add_argument("--files", type=int, default=2000)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--keep", type=Path)
    ask.add_argument("--refused", action="store_true")
    asked = ask.parse_args()
    files = list(mutated(asked.files, asked.seed))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (_, data) in enumerate(files):
            (folder / f"in-{number}").write_bytes(data)
        (folder / "run.mjs").write_text(SHARP)
        subprocess.run(["node", folder / "run.mjs", folder, Path(asked.sharp).resolve()], check=True)
        sizes = json.loads((folder / "seen.json").read_text())
        sharp = {
            int(name[3:]): np.frombuffer((folder / f"out-{name}").read_bytes(), np.uint8).reshape(
                high, wide, 4
            )
            for name, (wide, high) in sizes.items()
        }
    counts: collections.Counter[str] = collections.Counter()
    refused: collections.Counter[str] = collections.Counter()
    wrong = []
    for number, (kind, data) in enumerate(files):
        pillow = seen_by_pillow(data)
        if pillow is None or number not in sharp:
            counts["not shown by both"] += 1
            continue
        if apart(pillow, sharp[number]) > ALIKE:
            counts["shown otherwise by Pillow and sharp"] += 1
            continue
        counts["shown alike by both"] += 1
        ours = seen_by_us(data)
        if isinstance(ours, str):
            counts["refused by us"] += 1
            refused[f"{kind}: {ours[:150]}"] += 1
            continue
        if kind == "gif":
            ours = without_open_screen(data, ours, pillow)
        if min(apart(pillow, ours), apart(sharp[number], ours)) > OTHER:
            wrong.append(
                f"{number} {kind}: {pillow.shape[:2]} ours {ours.shape[:2]}, {apart(pillow, ours):.1f} apart"
            )
            if asked.keep:
                asked.keep.mkdir(exist_ok=True, parents=True)
                (asked.keep / f"{asked.seed}-{number}.{kind}").write_bytes(data)
    print(
        len(files),
        "files;",
        "; ".join(f"{count} {what}" for what, count in counts.items()),
        f"; {len(wrong)} wrong",
    )
    if asked.refused:
        print("\n".join(f"{count:5} {what}" for what, count in refused.most_common()))
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

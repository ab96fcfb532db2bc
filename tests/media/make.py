"""Makes the files of this folder again (needs Pillow). They are committed; the cases know their bytes."""

import random
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageDraw

here = Path(__file__).parent


def picture(width, height):
    rgb = bytes(
        value
        for y in range(height)
        for x in range(width)
        for value in (x * 255 // width, y * 255 // height, 128)
    )
    return Image.frombytes("RGB", (width, height), rgb)


picture(2, 2).save(here / "dot.png", optimize=True)
picture(16, 16).save(here / "square.png", optimize=True)
picture(12, 8).save(here / "wide.jpg", quality=60)
mask = Image.new("L", (12, 8))
mask.paste(255, (3, 2, 9, 6))
mask.save(here / "wide-mask.png", optimize=True)
picture(8, 8).save(here / "small.webp", lossless=True)
picture(8, 8).quantize(16).save(here / "old.gif")
picture(8, 8).save(here / "old.bmp")
(here / "named-jpg.jpg").write_bytes((here / "dot.png").read_bytes())
(here / "cut-off.png").write_bytes((here / "dot.png").read_bytes()[:18])
(here / "text.png").write_text("this is a note, not a picture\n")
(here / "empty.png").write_bytes(b"")
(here / "brief.pdf").write_bytes(
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
(here / "prices.csv").write_text("fruit,price\nbanana,1\n")

# For the plan of what is sent.
plan = here / "plan"
plan.mkdir(exist_ok=True)


def noise(mode, width, height):
    """Like a photo: no two pixels are the same."""
    lot = random.Random(1)
    bands = len(mode)
    return Image.frombytes(mode, (width, height), lot.randbytes(width * height * bands))


def turned(size, orientation, name, **options):
    picture_ = picture(*size)
    exif = picture_.getexif()
    exif[0x0112] = orientation
    picture_.save(plan / name, exif=exif, **options)


turned((12, 8), 6, "turned.jpg", quality=90)
turned((12, 8), 8, "turned.png")
picture(12, 8).convert("CMYK").save(plan / "inks.jpg", quality=90)
picture(12, 8).save(plan / "page.tiff")
frames = [picture(8, 8).quantize(16), picture(8, 8).rotate(90).quantize(16)]
frames[0].save(plan / "moving.gif", save_all=True, append_images=frames[1:])
frames = [picture(8, 8), picture(8, 8).rotate(90)]
frames[0].save(plan / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
noise("RGB", 64, 48).save(plan / "photo.png")
noise("RGB", 64, 48).save(plan / "photo.jpg", quality=95)
drawing = Image.new("RGB", (120, 90), "white")
ImageDraw.Draw(drawing).ellipse((20, 20, 80, 70), fill="red", outline="black")
drawing.save(plan / "drawing.png")
clear = Image.new("RGBA", (64, 48), (255, 0, 0, 0))
ImageDraw.Draw(clear).rectangle((8, 8, 40, 30), fill=(0, 0, 255, 128))
clear.save(plan / "clear.png")
Image.frombytes("I;16", (4, 3), bytes(range(24))).save(plan / "deep.png")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
small = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
(plan / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + small)
# Only their first box: no more is read of them.
for kind in ("avif", "heic"):
    box = b"ftyp" + kind.encode() + bytes(4) + b"mif1"
    (plan / f"phone.{kind}").write_bytes(struct.pack(">I", len(box) + 4) + box)

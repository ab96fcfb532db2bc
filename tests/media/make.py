"""Makes the files of this folder again (needs Pillow). They are committed; the cases know their bytes."""

from pathlib import Path

from PIL import Image

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

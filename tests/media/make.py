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

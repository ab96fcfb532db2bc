"""Makes the files of this folder: pictures as people have them, written by other programs than ours.

Files that are there already stay as they are, with their rows; `--all` makes all of them anew.

Needs Pillow, pillow-heif, tifffile and imagecodecs from pip; ImageMagick 6 (`convert`), cwebp (`webp`),
heif-enc (`libheif-examples`), `libtiff-tools`, `libjpeg-turbo-progs` and `libimage-exiftool-perl` from apt.
Their versions matter little: the files are committed, and so is what those programs see in them
(`expected/`). `expected.json` is the table that the tests of all three languages read.

The names say what a file is. Only where no program writes a kind of file, bytes are moved by hand.
"""

import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageCms, ImageDraw, ImageOps

here = Path(__file__).parent
(here / "expected").mkdir(exist_ok=True)
pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None
table = {}
old = {} if "--all" in sys.argv else json.loads((here / "expected.json").read_text())
kept = {
    path: path.read_bytes() for path in [*here.iterdir(), *(here / "expected").iterdir()] if path.is_file()
}
assert all(here / name in kept for name in old)

# What is drawn: no side or corner like another, soft enough for JPEG, 40 by 28.

WIDTH, HEIGHT = 40, 28
x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
light = np.dstack([0.15 + 0.8 * x, 0.2 + 0.7 * y, 0.9 - 0.6 * x * y])
drawn = Image.fromarray((light * 255).round().astype(np.uint8))
pen = ImageDraw.Draw(drawn)
pen.rectangle((3, 3, 14, 9), (200, 40, 40))
pen.ellipse((22, 12, 36, 25), (30, 60, 160))
pen.rectangle((4, 18, 9, 25), (250, 240, 200))
fade = Image.fromarray(((1 - x) * 255).round().astype(np.uint8))
glass = drawn.copy()
glass.putalpha(fade)
grey = drawn.convert("L")


# How a file is written, what is seen in it, and what stands in the table.


def seen_by_pillow(path):
    """Upright and sRGB."""
    picture = Image.open(path)
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "P" or (picture.mode in ("L", "RGB", "1") and "transparency" in picture.info):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) / 257).round().astype(np.uint8))
    if picture.mode in ("LA", "PA", "La", "RGBa"):
        picture = picture.convert("RGBA")
    if profile:
        try:
            space = ImageCms.getOpenProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
        except (OSError, ImageCms.PyCMSError):
            space = None
        fits = {"RGB": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}.get(space, ())
        if picture.mode in fits:
            mode = {"RGBA": "RGBA", "L": "L"}.get(picture.mode, "RGB")
            target = ImageCms.createProfile("sRGB")
            if mode == "L":
                # lcms makes RGB of it, with three equal channels.
                rgb = ImageCms.profileToProfile(picture, io.BytesIO(profile), target, outputMode="RGB")
                return rgb.getchannel("G")
            return ImageCms.profileToProfile(picture, io.BytesIO(profile), target, outputMode=mode)
    return (
        picture
        if picture.mode in ("L", "RGB", "RGBA")
        else picture.convert("L" if picture.mode == "1" else "RGB")
    )


def seen_by_magick(path, *options):
    command = ["/usr/bin/convert", f"{path}[0]", *options, "-auto-orient", "-depth", "8", "PNG:-"]
    out = subprocess.run(command, check=True, capture_output=True)
    picture = Image.open(io.BytesIO(out.stdout))
    return (
        picture
        if picture.mode in ("L", "RGB", "RGBA")
        else picture.convert(
            "RGBA"
            if picture.mode in ("LA", "PA") or "transparency" in picture.info
            else "L"
            if picture.mode == "1"
            else "RGB"
        )
    )


def row(name, see=seen_by_pillow, channels=None, **header):
    """A file that shows a picture. `header`: what is not turned 1, 8 bits, rgb, opaque, sRGB, still."""
    if name in old:
        table[name] = old[name]
        return
    picture = see(here / name)
    if channels == 1 and picture.mode != "L":
        picture = picture.convert("L")
    picture.info = {}
    data = picture.tobytes()
    # Files that show the same share one rendering.
    for other in table.values():
        shape = [*picture.size], len(picture.getbands())
        alike = (other.get("size"), other.get("channels")) == shape
        if alike and Image.open(here / other["expected"]).tobytes() == data:
            reference = other["expected"]
            break
    else:
        reference = f"expected/{Path(name).name}.png"
        picture.save(here / reference, optimize=True)
    table[name] = {"size": [*picture.size], "channels": len(picture.getbands()), "expected": reference}
    if header:
        table[name]["header"] = header


def bad(name, words):
    """A file that gives an error with these words."""
    table[name] = old.get(name, {"error": words})


def pillow(name, picture, see=seen_by_pillow, header=None, **options):
    picture.save(here / name, **options)
    row(name, see, **(header or {}))


def magick(name, picture, *options, kind="", see=seen_by_magick, channels=None, **header):
    source = io.BytesIO()
    picture.save(source, "PNG")
    subprocess.run(
        [
            "/usr/bin/convert",
            "PNG:-",
            "+set",
            "date:create",
            "+set",
            "date:modify",
            *options,
            f"{kind}{here / name}",
        ],
        check=True,
        input=source.getvalue(),
    )
    row(name, see, channels, **header)


def turned(picture, orientation):
    """As it is stored, so that the tag makes it upright again."""
    back = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    for step in back[orientation]:
        picture = picture.transpose(step)
    return picture


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "A camera"
    return tags.tobytes()


# Colour profiles: no program writes small ones.


def icc(space, device, tags):
    """A profile of version 2 with these tags."""
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\x05test\0" + bytes(78), b"cprt": b"text\0\0\0\0CC0\0", **tags}
    body, index, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        index += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(
        ">I4sI4s4s4s",
        at + len(body),
        b"test",
        0x02100000,
        device,
        space,
        b"Lab " if space == b"CMYK" else b"XYZ ",
    )
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + body


def xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve(function, steps=256):
    values = [round(function(step / (steps - 1)) * 65535) for step in range(steps)]
    return struct.pack(">4sII", b"curv", 0, steps) + struct.pack(f">{steps}H", *values)


def gamma(value):
    return struct.pack(">4sIIH", b"curv", 0, 1, round(value * 256))


def srgb_curve(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def rgb_profile(red, green, blue, trc):
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249), b"rXYZ": xyz(*red), b"gXYZ": xyz(*green), b"bXYZ": xyz(*blue)}
    return icc(b"RGB ", b"mntr", {**tags, b"rTRC": trc, b"gTRC": trc, b"bTRC": trc})


P3 = rgb_profile(
    (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407), curve(srgb_curve)
)
ADOBE = rgb_profile(
    (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457), gamma(2.19921875)
)
GREY = icc(b"GRAY", b"mntr", {b"wtpt": xyz(0.9642, 1, 0.8249), b"kTRC": gamma(1.6)})


def press():
    """A made-up printing press: dull inks, a black that is not black."""
    inks = [(0.25, 0.6, 0.85), (0.8, 0.2, 0.5), (0.95, 0.9, 0.25), (0.18, 0.17, 0.16)]
    steps = np.linspace(0, 1, 5)
    grid = np.stack(np.meshgrid(steps, steps, steps, steps, indexing="ij"), -1).reshape(-1, 4)
    rgb = np.ones((len(grid), 3)) * (0.98, 0.97, 0.93)
    for number, ink in enumerate(inks):
        rgb *= 1 - grid[:, number : number + 1] * (1 - np.array(ink))
    picture = Image.fromarray((rgb[None] * 255).round().astype(np.uint8))
    lab = ImageCms.applyTransform(
        picture,
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
    )
    # Pillow's a and b have a sign; the table's begin at 128.
    table = np.asarray(lab).reshape(-1, 3) ^ np.array([0, 128, 128], np.uint8)
    ramp = bytes(range(256))
    lut = struct.pack(">4sI4B9i", b"mft1", 0, 4, 3, 5, 0, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return icc(
        b"CMYK",
        b"prtr",
        {b"wtpt": xyz(0.9642, 1, 0.8249), b"A2B0": lut + ramp * 4 + table.tobytes() + ramp * 3},
    )


# Turned by Exif.

for number in range(1, 9):
    pillow(
        f"exif-{number}.jpg",
        turned(drawn, number),
        exif=exif(number),
        quality=95,
        subsampling=0,
        header={"orientation": number} if number > 1 else None,
    )
pillow("exif-6.png", turned(drawn, 6), exif=exif(6), header={"orientation": 6})
pillow("exif-5-alpha.png", turned(glass, 5), exif=exif(5), header={"orientation": 5, "alpha": True})
pillow("exif-8-grey.png", turned(grey, 8), exif=exif(8), header={"orientation": 8, "color": "grey"})
pillow("exif-3.webp", turned(drawn, 3), exif=exif(3), quality=90, header={"orientation": 3})
pillow("exif-7-lossless.webp", turned(drawn, 7), exif=exif(7), lossless=True, header={"orientation": 7})
pillow("exif-8.tiff", turned(drawn, 8), tiffinfo={274: 8}, header={"orientation": 8})
# Pillow writes eXIf before the pixels; others write it behind.
whole = (here / "exif-6.png").read_bytes()
start = whole.index(b"eXIf") - 4
end = start + 12 + struct.unpack(">I", whole[start : start + 4])[0]
(here / "exif-6-late.png").write_bytes(whole[:start] + whole[end:-12] + whole[start:end] + whole[-12:])
row("exif-6-late.png", orientation=6)

# JPEG.

pillow("plain.jpg", drawn, quality=92)
pillow("grey.jpg", grey, quality=92, header={"color": "grey"})
pillow("progressive.jpg", drawn, quality=90, progressive=True)
pillow("progressive-420.jpg", drawn, quality=90, progressive=True, subsampling=2)
pillow("half-422.jpg", drawn, quality=90, subsampling=1)
pillow("restart.jpg", drawn, quality=90, restart_marker_blocks=2)
pillow("stored-as-rgb.jpg", drawn, quality=92, keep_rgb=True)
magick("magick-411.jpg", drawn, "-quality", "92", "-sampling-factor", "4x1")
cmyk = drawn.convert("CMYK")
inks = np.asarray(cmyk).astype(int)
black = inks[..., :3].min(-1) // 2
inks[..., :3] -= black[..., None]
inks[..., 3] = black
cmyk = Image.fromarray(inks.astype(np.uint8), "CMYK")
pillow("cmyk.jpg", cmyk, quality=95, header={"color": "cmyk"})
pillow("cmyk-profile.jpg", cmyk, quality=95, icc_profile=press(), header={"color": "cmyk", "icc": True})
whole = (here / "cmyk.jpg").read_bytes()
start = whole.index(b"\xff\xee\x00\x0eAdobe")
(here / "cmyk-unmarked.jpg").write_bytes(whole[:start] + whole[start + 16 :])
row("cmyk-unmarked.jpg", color="cmyk")
(here / "ycck.jpg").write_bytes(
    imagecodecs.jpeg8_encode(
        255 - np.asarray(cmyk), 95, colorspace="CMYK", outcolorspace="YCCK", subsampling="444"
    )
)
row("ycck.jpg", color="cmyk")
magick("cmyk-magick.jpg", drawn, "-colorspace", "CMYK", "-quality", "95", see=seen_by_pillow, color="cmyk")

# Colour profiles.

for kind, options in {"jpg": {"quality": 95}, "png": {}, "webp": {"lossless": True}, "tiff": {}}.items():
    pillow(f"p3.{kind}", drawn, icc_profile=P3, header={"icc": True}, **options)
pillow("p3-alpha.png", glass, icc_profile=P3, header={"icc": True, "alpha": True})
pillow("adobe-rgb.jpg", drawn, icc_profile=ADOBE, quality=95, header={"icc": True})
pillow("grey-profile.png", grey, icc_profile=GREY, header={"icc": True, "color": "grey"})
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
srgb = srgb[:24] + P3[24:36] + srgb[36:]  # when it was made
pillow("srgb-profile.png", drawn, icc_profile=srgb, see=lambda path: Image.open(path))
pillow("broken-profile.png", drawn, icc_profile=P3[:200])
pillow("unfit-profile.png", grey, icc_profile=P3, header={"color": "grey"})

# PNG.

pillow("plain.png", drawn)
deep = np.asarray(drawn).astype(np.uint16) * 257
deep[::2] = np.maximum(deep[::2], 200) - 100
veiled = np.dstack([deep, np.asarray(fade).astype(np.uint16) * 257])
for name, samples in {"grey-16": deep[..., 1], "rgb-16": deep, "rgba-16": veiled}.items():
    (here / f"{name}.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(samples)))
row("grey-16.png", depth=16, color="grey")
row("rgb-16.png", seen_by_magick, depth=16)
row("rgba-16.png", seen_by_magick, depth=16, alpha=True)
palette = drawn.quantize(16)
pillow("palette.png", palette, header={"color": "palette", "depth": 4})
pillow(
    "palette-alpha.png",
    palette,
    transparency=bytes(range(0, 256, 16)),
    header={"color": "palette", "depth": 4, "alpha": True},
)
pillow("palette-key.png", drawn.quantize(64), transparency=3, header={"color": "palette", "alpha": True})
pillow("palette-2.png", drawn.quantize(2), header={"color": "palette", "depth": 1})
pillow("bit-1.png", drawn.convert("1"), header={"color": "grey", "depth": 1})
magick(
    "grey-2.png",
    grey,
    "+dither",
    "-posterize",
    "4",
    "-depth",
    "2",
    "-define",
    "png:color-type=0",
    "-define",
    "png:bit-depth=2",
    color="grey",
    depth=2,
    channels=1,
)
magick(
    "grey-4.png",
    grey,
    "+dither",
    "-posterize",
    "16",
    "-depth",
    "4",
    "-define",
    "png:color-type=0",
    "-define",
    "png:bit-depth=4",
    color="grey",
    depth=4,
    channels=1,
)
pillow("grey-alpha.png", glass.convert("LA"), header={"color": "grey", "alpha": True})
pillow("rgba.png", glass, header={"alpha": True})
pillow("key.png", drawn, transparency=(200, 40, 40), header={"alpha": True})
pillow("key-grey.png", grey, transparency=grey.getpixel((5, 5)), header={"color": "grey", "alpha": True})
magick("interlaced.png", drawn, "-interlace", "PNG")
magick(
    "interlaced-1.png",
    drawn,
    "-monochrome",
    "-interlace",
    "PNG",
    "-define",
    "png:bit-depth=1",
    "-define",
    "png:color-type=0",
    color="grey",
    depth=1,
    channels=1,
)
magick("gamma.png", drawn, "-set", "gamma", "0.9", see=lambda path: drawn)
pillow(
    "animated.png",
    drawn,
    save_all=True,
    append_images=[ImageOps.invert(drawn)],
    duration=100,
    header={"animated": True},
)
pillow("one.png", Image.new("RGB", (1, 1), (12, 200, 99)))
pillow("narrow.png", drawn.resize((1, 28)))

# GIF.

pillow("still.gif", drawn.quantize(32), header={"color": "palette"})
frames = [turned(drawn, number).resize((WIDTH, HEIGHT)).quantize(16) for number in (3, 2, 4)]
pillow(
    "animated.gif",
    drawn.quantize(16),
    save_all=True,
    append_images=frames,
    duration=80,
    header={"color": "palette", "animated": True},
)
pillow("transparent.gif", palette, transparency=3, header={"color": "palette", "alpha": True})
magick("interlaced.gif", drawn, "-interlace", "GIF", color="palette")
# Outside of its frame it is transparent, as browsers show it; not of the colour that the file names for that.
magick(
    "small-frame.gif",
    drawn.crop((0, 0, 20, 14)),
    "-page",
    "40x28+8+6",
    see=lambda path: seen_by_magick(path, "-background", "none", "-flatten"),
    color="palette",
)
pillow("one.gif", Image.new("P", (1, 1)), header={"color": "palette"})

# WebP.

pillow("lossy.webp", drawn, quality=85)
pillow("lossless.webp", drawn, lossless=True)
pillow("lossy-alpha.webp", glass, quality=85, header={"alpha": True})
pillow("lossless-alpha.webp", glass, lossless=True, header={"alpha": True})
pillow(
    "animated.webp",
    glass,
    save_all=True,
    append_images=[glass.transpose(Image.Transpose.ROTATE_180)],
    lossless=True,
    duration=90,
    header={"animated": True, "alpha": True},
)
pillow(
    "animated-lossy.webp",
    drawn,
    save_all=True,
    append_images=[drawn.transpose(Image.Transpose.ROTATE_180)],
    quality=85,
    duration=90,
    header={"animated": True},
)
drawn.save(here / "cwebp.png")
subprocess.run(
    ["cwebp", "-quiet", "-q", "60", "-m", "6", "-sharp_yuv", here / "cwebp.png", "-o", here / "cwebp.webp"],
    check=True,
)
(here / "cwebp.png").unlink()
row("cwebp.webp")
pillow("one.webp", Image.new("RGB", (1, 1), (12, 200, 99)), lossless=True)

# BMP.

pillow("plain.bmp", drawn)
pillow("grey.bmp", grey, see=lambda path: Image.open(path).convert("RGB"), header={"color": "palette"})
pillow(
    "bit-1.bmp",
    drawn.convert("1"),
    see=lambda path: Image.open(path).convert("RGB"),
    header={"color": "palette", "depth": 1},
)
magick("rle.bmp", palette, "-compress", "RLE", kind="BMP3:", color="palette")
magick(
    "palette-4.bmp",
    palette,
    "-colors",
    "16",
    "-depth",
    "4",
    "-compress",
    "None",
    kind="BMP3:",
    color="palette",
    depth=4,
)
magick("os2.bmp", drawn, kind="BMP2:")
magick("rgb-565.bmp", drawn, "-define", "bmp:subtype=RGB565")
magick("rgb-555.bmp", drawn, "-define", "bmp:subtype=RGB555")
magick("rgba.bmp", glass, alpha=True)
rows = np.dstack([np.asarray(drawn)[..., ::-1], np.full((HEIGHT, WIDTH), 7, np.uint8)])
head = struct.pack("<IiiHHIIiiII", 40, WIDTH, -HEIGHT, 1, 32, 0, rows.nbytes, 2835, 2835, 0, 0)
(here / "top-down-32.bmp").write_bytes(
    b"BM" + struct.pack("<IHHI", 54 + rows.nbytes, 0, 0, 54) + head + rows.tobytes()
)
row("top-down-32.bmp")

# TIFF.

array = np.asarray(drawn)
for name, compression in {
    "plain": None,
    "lzw": "tiff_lzw",
    "deflate": "tiff_adobe_deflate",
    "packbits": "packbits",
}.items():
    pillow(f"{name}.tiff", drawn, compression=compression)
pillow("jpeg.tiff", drawn, compression="jpeg", quality=92)
pillow("grey.tiff", grey, header={"color": "grey"})
pillow("palette.tiff", drawn.quantize(200), header={"color": "palette"})
magick("palette-4.tiff", palette, "-type", "palette", "-compress", "LZW", color="palette", depth=4)
pillow("bit-1.tiff", drawn.convert("1"), header={"color": "grey", "depth": 1})
pillow("fax.tiff", drawn.convert("1"), compression="group4", header={"color": "grey", "depth": 1})
magick(
    "white-is-zero.tiff",
    grey,
    "-define",
    "quantum:polarity=min-is-white",
    "-compress",
    "None",
    color="grey",
    channels=1,
)
pillow("cmyk.tiff", cmyk, compression="tiff_lzw", header={"color": "cmyk"})
pillow(
    "cmyk-profile.tiff",
    cmyk,
    icc_profile=press(),
    compression="tiff_lzw",
    header={"color": "cmyk", "icc": True},
)
pillow("rgba.tiff", glass, header={"alpha": True})
magick("grey-alpha.tiff", glass.convert("LA"), "-compress", "Zip", color="grey", alpha=True)


def tiff(name, samples, see=seen_by_pillow, header=None, channels=None, **options):
    tifffile.imwrite(here / name, samples, metadata=None, **options)
    row(name, see, channels, **(header or {}))


tiff("big-endian.tiff", array, photometric="rgb", byteorder=">")
tiff(
    "planar.tiff",
    np.ascontiguousarray(np.moveaxis(array, -1, 0)),
    photometric="rgb",
    planarconfig="separate",
    compression="zlib",
)
tiff("tiled.tiff", array, photometric="rgb", tile=(16, 16), compression="zlib", predictor=True)
tiff("rgb-16.tiff", deep, photometric="rgb", see=seen_by_magick, header={"depth": 16})
tiff(
    "rgb-16-big-endian.tiff", deep, photometric="rgb", byteorder=">", see=seen_by_magick, header={"depth": 16}
)
tiff("grey-16.tiff", deep[..., 1], photometric="minisblack", header={"depth": 16, "color": "grey"})
multiplied = np.asarray(glass).astype(int)
multiplied[..., :3] = multiplied[..., :3] * multiplied[..., 3:] // 255
tiff(
    "multiplied.tiff",
    multiplied.astype(np.uint8),
    photometric="rgb",
    extrasamples=["assocalpha"],
    header={"alpha": True},
)
tiff("more-pages.tiff", np.stack([array, array[::-1]]), photometric="rgb", header={"animated": True})
tifffile.imwrite(here / "float.tiff", light.astype(np.float32), photometric="rgb", metadata=None)
row(
    "float.tiff",
    lambda path: Image.fromarray((tifffile.imread(path) * 255).round().astype(np.uint8)),
    depth=32,
)
tifffile.imwrite(here / "float-heights.tiff", (x * 900 - 40).astype(np.float32), metadata=None)
bad("float-heights.tiff", "floats from -40 to 860; only 0 to 1 are a picture")
tifffile.imwrite(here / "whole-32.tiff", (x * 1e9).astype(np.uint32), metadata=None)
bad("whole-32.tiff", "whole numbers of 32 or 64 bits")

# What is not decoded here.

source = here / "source.png"
drawn.save(source)
subprocess.run(["heif-enc", "-q", "60", source, "-o", here / "photo.heic"], check=True, capture_output=True)
source.unlink()
bad("photo.heic", "pillow-heif")
pillow_heif.from_pillow(drawn).save(here / "phone.heif", quality=60)
bad("phone.heif", "sharp")
drawn.save(here / "photo.avif", quality=60)
bad("photo.avif", "AVIF are not decoded here")

drawn.save(here / "turned.avif", quality=60, exif=exif(6))
bad("turned.avif", "AVIF are not decoded here")

# Exif and XMP wherever programs write them.


def exiftool(name, source, *options, **header):
    (here / name).write_bytes((here / source).read_bytes())
    subprocess.run(["exiftool", "-q", "-overwrite_original", *options, here / name], check=True)
    row(name, **header)


def drawn_turned(kind, **options):
    out = io.BytesIO()
    turned(drawn, 6).save(out, kind, **options)
    return out.getvalue()


def segment(marker, data):
    return struct.pack(">BBH", 255, marker, len(data) + 2) + data


def written(name, data, *, see=seen_by_pillow, **header):
    (here / name).write_bytes(data)
    row(name, see, **header)


entry = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0)
far = struct.pack("<HHII", 0x10F, 2, 40, 0x7FFFFF00)
tail = struct.pack("<HHII", 0x9C9C, 1, 400, 0x7FFFFF00)
plain = drawn_turned("JPEG", quality=95, subsampling=0)


def directory(*entries, count=None):
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count or len(entries)) + b"".join(entries) + bytes(4)


def with_exif(*bodies):
    return plain[:2] + b"".join(segment(0xE1, body) for body in bodies) + plain[2:]


turn = b"Exif\0\0" + directory(entry)
upright = b"Exif\0\0" + directory(struct.pack("<HHIHH", 0x112, 3, 1, 1, 0))
written("exif-bad-tag-before.jpg", with_exif(b"Exif\0\0" + directory(far, entry)), orientation=6)
written("exif-bad-tag-behind.jpg", with_exif(b"Exif\0\0" + directory(entry, tail)), orientation=6)
written("exif-count.jpg", with_exif(b"Exif\0\0" + directory(entry, count=600)), orientation=6)
written(
    "exif-long.jpg", with_exif(b"Exif\0\0" + directory(struct.pack("<HHII", 0x112, 4, 1, 6))), orientation=6
)
written("exif-twice.jpg", with_exif(turn, upright), orientation=6)
written("exif-prefix-twice.jpg", with_exif(b"Exif\0\0" + turn), orientation=6)
# Pillow does not take it, browsers do.
written(
    "exif-filler.jpg",
    with_exif(b"Exif\0\xff" + turn[6:]),
    see=lambda path: Image.open(here / "exif-6.jpg").transpose(Image.Transpose.ROTATE_270),
    orientation=6,
)
for name in ("turned.jpg", "turned.png", "turned.webp"):
    kind = {"jpg": "JPEG"}.get(name[7:], name[7:])
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True}}.get(kind, {})
    (here / name).write_bytes(drawn_turned(kind, **options))
exiftool("exiftool.jpg", "turned.jpg", "-Orientation#=6", orientation=6)
exiftool("exiftool.png", "turned.png", "-Orientation#=6", orientation=6)
exiftool("exiftool.webp", "turned.webp", "-Orientation#=6", orientation=6)
exiftool("exiftool-xmp.jpg", "turned.jpg", "-XMP-tiff:Orientation#=6", orientation=6)
exiftool("exiftool-xmp.png", "turned.png", "-XMP-tiff:Orientation#=6", orientation=6)
exiftool("exiftool-xmp.webp", "turned.webp", "-XMP-tiff:Orientation#=6", orientation=6)
for name in ("turned.jpg", "turned.png", "turned.webp"):
    (here / name).unlink()
whole = (here / "exif-3.webp").read_bytes()
place = whole.index(b"EXIF")
inner = whole[place + 8 :]
inner = (b"Exif\0\0" + inner)[: len(inner) + 6]
body = whole[12:place] + b"EXIF" + struct.pack("<I", len(inner)) + inner
written("exif-prefix.webp", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body, orientation=3)
raw = drawn_turned("PNG")
digits = turn.hex()
text = f"\nexif\n{len(turn):8}\n" + "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72)) + "\n"
for name, kind, before, data in (
    ("exif-text.png", b"tEXt", b"", text.encode()),
    ("exif-packed-text.png", b"zTXt", b"\0", zlib.compress(text.encode())),
):
    body = b"Raw profile type exif\0" + before + data
    extra = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    written(name, raw[:33] + extra + raw[33:], orientation=6)

# Tags that change pixels.


def tool(name, *command, see=seen_by_pillow, channels=None, **header):
    subprocess.run([*command, here / name], check=True)
    row(name, see, channels, **header)


one_bit = {"color": "grey", "depth": 1}
tool("low-bit-first.tiff", "tiffcp", "-f", "lsb2msb", "-c", "none", here / "bit-1.tiff", **one_bit)
tool("low-bit-first-fax.tiff", "tiffcp", "-f", "lsb2msb", "-c", "g4", here / "bit-1.tiff", **one_bit)
tool("low-bit-first-lzw.tiff", "tiffcp", "-f", "lsb2msb", "-c", "lzw:2", here / "plain.tiff")
tool(
    "low-bit-first-big-endian.tiff",
    "tiffcp",
    "-B",
    "-f",
    "lsb2msb",
    "-c",
    "none",
    here / "grey.tiff",
    color="grey",
)
tool("planes.tiff", "tiffcp", "-p", "separate", "-c", "lzw", here / "rgba.tiff", alpha=True)
tool(
    "tiles.tiff", "tiffcp", "-t", "-w", "16", "-l", "16", "-c", "zip", here / "palette.tiff", color="palette"
)
whole = np.dstack([np.asarray(cmyk), np.asarray(fade)])
tifffile.imwrite(
    here / "cmyk-alpha.tiff", whole, photometric="separated", extrasamples=["unassalpha"], metadata=None
)
inked = cmyk.convert("RGB")
inked.putalpha(fade)
row("cmyk-alpha.tiff", lambda path: inked, color="cmyk", alpha=True)
tifffile.imwrite(
    here / "cmyk-spot.tiff", whole, photometric="separated", extrasamples=["unspecified"], metadata=None
)
row("cmyk-spot.tiff", color="cmyk")
data = bytearray((here / "rgba.tiff").read_bytes())
count = struct.unpack_from("<H", data, struct.unpack_from("<I", data, 4)[0])[0]
start = struct.unpack_from("<I", data, 4)[0] + 2
for number in range(count):
    if struct.unpack_from("<H", data, start + 12 * number)[0] == 338:
        struct.pack_into("<H", data, start + 12 * number, 65000)
written("fourth-sample.tiff", bytes(data), alpha=True)


def retagged(name, **changes):
    """The first directory of a TIFF of Pillow, with entries added or changed at its end."""
    data = (here / name).read_bytes()
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    rows = {
        struct.unpack_from("<H", data, start + 2 + 12 * n)[0]: data[start + 2 + 12 * n : start + 14 + 12 * n]
        for n in range(count)
    }
    for tag, value in changes.items():
        rows[int(tag[1:])] = struct.pack("<HHIHH", int(tag[1:]), 3, 1, value, 0)
    body = struct.pack("<H", len(rows)) + b"".join(rows[tag] for tag in sorted(rows)) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + body


written("idle-predictor.tiff", retagged("plain.tiff", t317=2))
written("smaller-copy.tiff", retagged("plain.tiff", t254=1))
narrow = bytearray((here / "palette.tiff").read_bytes())
start = struct.unpack_from("<I", narrow, 4)[0]
for number in range(struct.unpack_from("<H", narrow, start)[0]):
    tag, _, count, place = struct.unpack_from("<HHII", narrow, start + 2 + 12 * number)
    if tag == 320:
        for at in range(place, place + 2 * count, 2):
            struct.pack_into("<H", narrow, at, struct.unpack_from("<H", narrow, at)[0] >> 8)
# Pillow takes the high bytes, which are 0; libtiff and ImageMagick see 8 bits.
written(
    "narrow-palette.tiff",
    bytes(narrow),
    see=lambda path: seen_by_pillow(here / "palette.tiff"),
    color="palette",
)


def seen_as_lab(path):
    spaces = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.applyTransform(Image.open(path), ImageCms.buildTransform(*spaces, "LAB", "RGB"))


spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
lab = ImageCms.applyTransform(drawn, ImageCms.buildTransform(*spaces, "RGB", "LAB"))
pillow("lab.tiff", lab, see=seen_as_lab)
tifffile.imwrite(
    here / "multi-ink.tiff",
    np.asarray(cmyk),
    photometric="separated",
    extratags=[(332, 3, 1, 2, True)],
    metadata=None,
)
bad("multi-ink.tiff", "its inks are not cyan, magenta, yellow and black")
samples = light[:12, :16].astype(np.float32)
samples[0, 0] = np.nan
tifffile.imwrite(here / "float-nan.tiff", samples, photometric="rgb", metadata=None)
bad("float-nan.tiff", "no numbers (NaN)")
with tifffile.TiffWriter(here / "preview-first.tiff") as pages:
    pages.write(array[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    pages.write(array, photometric="rgb", metadata=None)
bad("preview-first.tiff", "smaller copy of another one (NewSubfileType)")

still = (here / "still.gif").read_bytes()


def screen(*size):
    return still[:6] + struct.pack("<HH", *size) + still[10:]


written("screen-0.gif", screen(0, 0), color="palette")
written("small-screen.gif", screen(11, 7), color="palette")
start = still.index(b"\x2c", 13 + (3 << ((still[10] & 7) + 1)))
twice = b"\x21\xf9\x04\x01\0\0\x03\0" + b"\x21\xf9\x04\0\0\0\0\0"
# A control that names no colour takes none back.
written("two-controls.gif", still[:start] + twice + still[start:], color="palette", alpha=True)


def components(data, names):
    data = bytearray(data)
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for number, name in enumerate(names):
        data[frame + 10 + 3 * number] = data[scan + 5 + 2 * number] = name
    return bytes(data)


def without(data, *markers):
    data = bytearray(data)
    for marker in markers:
        start = data.find(bytes((0xFF, marker)))
        if start >= 0:
            del data[start : start + 2 + struct.unpack_from(">H", data, start + 2)[0]]
    return bytes(data)


stored = without((here / "stored-as-rgb.jpg").read_bytes(), 0xE0, 0xEE)


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


def marked(data, *marks):
    return data[:2] + b"".join(marks) + data[2:]


written("marked-rgb.jpg", marked(components(stored, b"\1\2\3"), adobe(0)))
written("marked-twice.jpg", marked(components(stored, b"\1\2\3"), adobe(1), adobe(0)))
bare = without((here / "plain.jpg").read_bytes(), 0xE0)
written("marked-odd.jpg", marked(bare, adobe(2)))
written("named-rgb-jfif.jpg", components((here / "plain.jpg").read_bytes(), b"RGB"))
written("named-0-1-2.jpg", components(bare, b"\0\1\2"))
ink = without((here / "ycck.jpg").read_bytes(), 0xEE)
written("marked-ycck-1.jpg", marked(ink, adobe(1)), color="cmyk")

ppm = io.BytesIO()
drawn.save(ppm, "PPM")


def cjpeg(name, *options):
    out = subprocess.run(["cjpeg", *options], check=True, input=ppm.getvalue(), capture_output=True)
    (here / name).write_bytes(out.stdout)


for name, sampling in {
    "12": "1x2,1x1,1x1",
    "41": "4x1,1x1,1x1",
    "two-chromas": "2x2,2x1,1x2",
    "all-2": "2x1,2x1,2x1",
}.items():
    cjpeg(f"sampled-{name}.jpg", "-quality", "92", "-sample", sampling)
    row(f"sampled-{name}.jpg")
cjpeg("sampled-oddly.jpg", "-quality", "92", "-sample", "1x1,2x1,2x1")
bad("sampled-oddly.jpg", "its colours have more samples than its light")
cjpeg("arithmetic.jpg", "-arithmetic", "-quality", "92")
bad("arithmetic.jpg", "arithmetic coding")

magick("rle-4.bmp", palette, "-colors", "16", "-compress", "RLE", kind="BMP3:", color="palette")
reserved = bytearray((here / "plain.bmp").read_bytes())
reserved[6:10] = b"abcd"
written("reserved.bmp", bytes(reserved))

# Files without their last bytes that are whole all the same.

# Pillow does not open a JPEG without its end mark, browsers do.
for name, source, length, header in (
    ("no-end.jpg", "plain.jpg", 2, {}),
    ("no-end-progressive.jpg", "progressive.jpg", 2, {}),
    ("no-end.png", "plain.png", 12, {}),
    ("no-trailer.gif", "still.gif", 1, {"color": "palette"}),
):
    written(
        name,
        (here / source).read_bytes()[:-length],
        see=lambda path, source=source: seen_by_pillow(here / source),
        **header,
    )
written("more-behind.jpg", (here / "plain.jpg").read_bytes() + b"a trailer of a camera" * 40)

# Files of types that are not taken.

small = np.ascontiguousarray(array[:12, :16])
for name, data, words in (
    (
        "photo.jxl",
        imagecodecs.jpegxl_encode(small, 80),
        "a JPEG XL. Make a PNG or JPEG of it, for example with `djxl",
    ),
    ("photo.jp2", imagecodecs.jpeg2k_encode(small, 30, codecformat="jp2"), "a JPEG 2000 (JP2)"),
    ("photo.j2k", imagecodecs.jpeg2k_encode(small, 30, codecformat="j2k"), "a JPEG 2000 codestream"),
    ("photo.jls", imagecodecs.jpegls_encode(small), "JPEG-LS"),
    ("photo.jxr", imagecodecs.jpegxr_encode(small, 0.8), "a JPEG XR"),
    ("photo.qoi", imagecodecs.qoi_encode(small), "a QOI"),
    ("lossless.jpg", imagecodecs.ljpeg_encode(np.ascontiguousarray(small[..., 0])), "a lossless JPEG (SOF3)"),
):
    (here / name).write_bytes(data)
    bad(name, words)
tifffile.imwrite(here / "big.tiff", small, photometric="rgb", bigtiff=True, metadata=None)
bad("big.tiff", "a BigTIFF. Make an ordinary TIFF or PNG of it, for example with `tiffcp")
tiny = Image.fromarray(small)
for name, kind, words in (
    ("icon.ico", "ICO", "a Windows icon"),
    ("icon.icns", "ICNS", "a macOS icon"),
    ("texture.dds", "DDS", "a DirectDraw texture"),
    ("photo.tga", "TGA", "a TGA"),
    ("photo.ppm", "PPM", "a Netpbm picture"),
    ("photo.sgi", "SGI", "an SGI picture"),
    ("photo.pcx", "PCX", "a PCX"),
    ("page.eps", "EPS", "a PostScript file"),
):
    tiny.save(here / name, kind)
    # An icon has sizes that nobody needs here.
    (here / name).write_bytes((here / name).read_bytes()[:9000])
    bad(name, words)
for name, kind, words in (
    ("layers.psd", "PSD", "a Photoshop document"),
    ("light.hdr", "HDR", "a Radiance HDR"),
    ("photo.wbmp", "WBMP", "a WBMP"),
    ("photo.pam", "PAM", "a Netpbm picture"),
    ("sky.fits", "FITS", "a FITS"),
    ("photo.xpm", "XPM", "an XPM"),
):
    source = io.BytesIO()
    tiny.save(source, "PNG")
    subprocess.run(
        ["/usr/bin/convert", "PNG:-", f"{kind}:{here / name}"], check=True, input=source.getvalue()
    )
    bad(name, words)
(here / "drawing.svg").write_text(
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>\n'
)
bad("drawing.svg", "an SVG drawing")
(here / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
bad("pointer.png", "git lfs pull")
(here / "apple.png").write_bytes(
    raw[:8] + struct.pack(">I", 4) + b"CgBIP\0 \2" + struct.pack(">I", zlib.crc32(b"CgBIP\0 \2")) + raw[8:]
)
bad("apple.png", "CgBI")

# Damage.

for name in (
    "plain.jpg",
    "progressive.jpg",
    "plain.png",
    "lossy.webp",
    "lossless.webp",
    "still.gif",
    "plain.bmp",
    "plain.tiff",
    "lzw.tiff",
):
    whole = (here / name).read_bytes()
    stem, kind = name.split(".")
    (here / f"cut-{stem}.{kind}").write_bytes(whole[: len(whole) * 2 // 3])
    bad(f"cut-{stem}.{kind}", "cut off")
(here / "cut-header.jpg").write_bytes((here / "plain.jpg").read_bytes()[:60])
bad("cut-header.jpg", "its image/jpeg header is not whole")
flipped = bytearray((here / "plain.png").read_bytes())
flipped[flipped.index(b"IDAT") + 40] ^= 0x55
(here / "flipped.png").write_bytes(flipped)
bad("flipped.png", "damaged")


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge(width, height):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(9000), 9)) + chunk(b"IEND", b"")


(here / "bomb.png").write_bytes(huge(60000, 60000))
bad("bomb.png", "60000x60000, 3600 megapixels; at most 268 are taken")
whole = bytearray((here / "plain.jpg").read_bytes())
frame = whole.index(b"\xff\xc0")
whole[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
(here / "bomb.jpg").write_bytes(whole)
bad("bomb.jpg", "65500x65500, 4290 megapixels")
whole = bytearray((here / "still.gif").read_bytes())
whole[6:10] = struct.pack("<HH", 65535, 65535)
(here / "bomb.gif").write_bytes(whole)
bad("bomb.gif", "65535x65535, 4294 megapixels")
whole = bytearray((here / "plain.bmp").read_bytes())
whole[18:26] = struct.pack("<ii", 50000, 50000)
(here / "bomb.bmp").write_bytes(whole)
bad("bomb.bmp", "50000x50000, 2500 megapixels")
(here / "empty.png").write_bytes(b"")
bad("empty.png", "empty (0 bytes)")
(here / "text.png").write_text("<html>404: there is no such picture</html>\n")
bad("text.png", "its bytes are text")
(here / "zeros.jpg").write_bytes(bytes(300))
bad("zeros.jpg", "no known picture type")

for path, data in kept.items():
    if path.name in old or path.parent.name == "expected":
        path.write_bytes(data)
named = set(table) | {row["expected"] for row in table.values() if "expected" in row}
for path in [*here.iterdir(), *(here / "expected").iterdir()]:
    if path.is_file() and path.name not in ("make.py", "expected.json", "README.md"):
        assert str(path.relative_to(here)) in named, path
        assert path.stat().st_size < 20_000, path
lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in table.items())
(here / "expected.json").write_text(f"{{\n{lines}\n}}\n")
print(len(table), "files")

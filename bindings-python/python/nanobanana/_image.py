"""How pictures go to and from other libraries; imported when first needed."""

from __future__ import annotations

import importlib
import io
import os
import sys
import threading
import warnings
from typing import Any

from ._base import ImageWarning
from ._generated import ImageError, Provenance
from ._native import Image


def _imported(module: str, library: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        advice = f"{purpose} needs {library}, which is not installed: pip install {library.lower()}"
        raise ImportError(advice, name=library) from error


def warn(sentences: list[str]) -> None:
    """Tell what a picture has lost to whoever called the method in Rust that calls this."""
    for sentence in sentences:
        warnings.warn(sentence, ImageWarning, stacklevel=2)


def provenance(values: dict[str, Any]) -> Provenance:
    return Provenance._read(values, iter(()))


def to_pil(image: Image) -> Any:
    pil = _imported("PIL.Image", "Pillow", "Image.to_pil()")
    try:
        memory, (height, width, channels) = image._pixels()
    except ImageError as error:
        return _by_pillow(pil, image, error)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    return pil.frombuffer(mode, (width, height), memory, "raw", mode, 0, 1)


def _by_pillow(pil: Any, image: Image, error: ImageError) -> Any:
    """A picture of a type that is not decoded here, as HEIC and AVIF."""
    import PIL.ImageOps

    try:
        picture = pil.open(io.BytesIO(image.buffer))
        return PIL.ImageOps.exif_transpose(picture)
    except Exception as cause:
        raise error from cause


# A lazy picture is read when its pixels are first asked for, which two threads must not do at the same time.
_pillow = threading.Lock()


def _unlock() -> None:
    global _pillow
    _pillow = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)

Unpacked = tuple[str, tuple[int, ...], bytes]
"""The kind of samples, the shape, and the samples without gaps."""


def from_pil(picture: Any) -> Unpacked:
    """A PIL image as a person sees it: upright as its EXIF says, in sRGB as its colour profile says."""
    with _pillow:
        picture.load()
        if picture.getexif().get(0x0112, 1) != 1:
            import PIL.ImageOps

            picture = PIL.ImageOps.exif_transpose(picture)
        size = picture.size[::-1]
        if picture.mode.startswith("I"):
            return "uint16", size, _sixteen_bits(picture)
        if picture.mode == "F":
            return "float32", size, picture.tobytes()
        picture = _srgb(picture)
        bands = len(picture.getbands())
        return "uint8", (*size, bands) if bands > 1 else size, picture.tobytes()


def _sixteen_bits(picture: Any) -> bytes:
    """Pillow reads 16-bit files as any of these modes, and writes them so."""
    import array

    if picture.mode == "I":
        low, high = picture.getextrema()
        if low < 0 or high > 65535:
            raise ValueError(f"its mode 'I' has samples from {low} to {high}; they are taken from 0 to 65535")
        wide = array.array("i", picture.tobytes())
        return array.array("H", wide).tobytes()
    samples = array.array("H", picture.tobytes())
    if picture.mode != "I;16N" and (picture.mode == "I;16B") != (sys.byteorder == "big"):
        samples.byteswap()
    return samples.tobytes()


def _srgb(picture: Any) -> Any:
    """The same as L, RGB or RGBA, in sRGB."""
    clear = picture.mode.endswith(("A", "a")) or "transparency" in picture.info
    wanted = "RGBA" if clear else "L" if picture.mode in ("1", "L") else "RGB"
    known = _profile(picture)
    if picture.mode == "La":
        picture = picture.convert("LA")
    # Inks are turned into colours by their profile, if they have one; all else has colours.
    if picture.mode not in (wanted, "LAB") and not (picture.mode == "CMYK" and known):
        picture = picture.convert(wanted)
    if known:
        import PIL.ImageCms

        alpha, colours = (
            picture.getchannel("A") if clear else None,
            picture.convert("RGB") if clear else picture,
        )
        try:
            screen = PIL.ImageCms.createProfile("sRGB")
            colours = PIL.ImageCms.profileToProfile(colours, known, screen, outputMode="RGB")
        except PIL.ImageCms.PyCMSError:
            # A profile of other colours than these: a viewer ignores it, too.
            return picture.convert(wanted)
        if alpha and colours:
            colours.putalpha(alpha)
        picture = colours or picture
    return picture if picture.mode == wanted else picture.convert(wanted)


def _profile(picture: Any) -> Any:
    """What the colours of a picture mean, if it is not sRGB, is known, and the library for it is there."""
    data = picture.info.get("icc_profile")
    if not data and picture.mode != "LAB":
        return None
    try:
        from PIL import ImageCms

        if not data:
            return ImageCms.createProfile("LAB")
        known = ImageCms.ImageCmsProfile(io.BytesIO(data))
        return None if "srgb" in ImageCms.getProfileDescription(known).lower() else known
    except (ImportError, OSError):
        # A broken one is an OSError, too.
        return None


def decode(data: bytes) -> Unpacked | None:
    """The pixels of a file that only other libraries decode; None if they are not there."""
    try:
        import PIL.Image
    except ImportError:
        return None
    try:
        return from_pil(PIL.Image.open(io.BytesIO(data)))
    except PIL.UnidentifiedImageError:
        pass
    try:
        heif = importlib.import_module("pillow_heif")
    except ImportError:
        return None
    return from_pil(heif.open_heif(data).to_pillow())


def from_figure(figure: Any) -> bytes:
    """A matplotlib figure as its own `savefig` draws it."""
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def to_numpy(image: Image) -> Any:
    numpy = _imported("numpy", "numpy", "Image.to_numpy()")
    memory, shape = image._pixels()
    return numpy.frombuffer(memory, numpy.uint8).reshape(shape)


def to_array(image: Image, dtype: Any, copy: bool | None) -> Any:
    if copy is False:
        raise ValueError("the pixels are compressed: an array of them is always a copy")
    pixels = to_numpy(image)
    return pixels if dtype is None else pixels.astype(dtype, copy=False)


def as_array(value: Any) -> Any:
    """An object of any library that speaks NumPy's protocols: without gaps, in this machine's byte order."""
    numpy = _imported("numpy", "numpy", f"a picture of type {type(value).__name__}")
    if hasattr(value, "detach"):
        # A tensor that learns, or lives on a graphics card.
        value = value.detach()
        value = value.cpu() if hasattr(value, "cpu") else value
    if hasattr(value, "__array_interface__") or hasattr(value, "__array__"):
        array = numpy.asarray(value)
    else:
        try:
            array = numpy.asarray(memoryview(value))
        except TypeError:
            array = numpy.from_dlpack(value)
    if array.dtype == numpy.float16:
        array = array.astype(numpy.float32)
    return numpy.ascontiguousarray(array, array.dtype.newbyteorder("="))


def notebook() -> Any:
    """`IPython.display`, if this runs in a notebook."""
    module = sys.modules.get("IPython")
    inside = module is not None and getattr(module.get_ipython(), "kernel", None) is not None
    return importlib.import_module("IPython.display") if inside else None


def show(image: Image) -> None:
    if here := notebook():
        here.display(image)
        return
    import subprocess
    import tempfile

    path = image.save(os.path.join(tempfile.mkdtemp(prefix="nanobanana-"), "image"))
    if sys.platform == "win32":
        os.startfile(path)
        return
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        subprocess.Popen([opener, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise RuntimeError(f"no viewer was found ({opener} is missing); the picture is in {path}") from error


def mimebundle(image: Image) -> dict[str, str]:
    from ._notebook import bundle_of_image

    return bundle_of_image(image)


def reduce(image: Image, protocol: int) -> tuple[Any, ...]:
    import pickle

    data = pickle.PickleBuffer(image.buffer) if protocol >= 5 else bytes(image.buffer)
    return Image._restore, (data, image.mime_type, image.original)

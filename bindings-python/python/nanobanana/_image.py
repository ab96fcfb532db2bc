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
    """A picture of a type that only Pillow may know."""
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

Unpacked = tuple[str, tuple[int, ...], bytes, bool, "bytes | None", int]
"""The kind of samples, the shape, the samples without gaps, whether they are inks, profile, orientation."""


def is_closed(picture: Any) -> bool:
    """Whether a PIL image was closed before its pixels were read. Pillow's own error has no words for it."""
    # The attribute is called `im` before Pillow 11.
    if picture.__dict__.get("_im", picture.__dict__.get("im")) is not None:
        return False
    file = picture.__dict__.get("fp")
    return type(file).__name__ in ("NoneType", "DeferredError") or bool(getattr(file, "closed", False))


def from_pil(picture: Any) -> Unpacked:
    """A PIL image as it is stored; what it looks like to a person is the core's to say."""
    with _pillow:
        return _unpacked(picture)


def _unpacked(picture: Any) -> Unpacked:
    picture.load()
    turned = picture.getexif().get(0x0112)
    orientation = turned if isinstance(turned, int) and 1 <= turned <= 8 else 1
    # Its own colours are known; whatever profile it has is not for those that it gets here.
    profile = None if picture.mode == "LAB" else picture.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else None
    size = picture.size[::-1]
    if picture.mode.startswith("I"):
        return "uint16", size, _sixteen_bits(picture), False, profile, orientation
    if picture.mode == "F":
        return "float32", size, picture.tobytes(), False, profile, orientation
    wanted = _plain_mode(picture)
    if picture.mode != wanted:
        picture = picture.convert(wanted)
    shape = (*size, len(wanted))
    return "uint8", shape, picture.tobytes(), wanted == "CMYK", profile, orientation


def _plain_mode(picture: Any) -> str:
    """The one of L, LA, RGB, RGBA and CMYK that keeps all that a picture of another mode has."""
    mode = picture.mode
    if mode in ("LA", "RGBA", "CMYK"):
        return str(mode)
    if mode == "La":
        return "LA"
    if mode in ("RGBa", "PA") or (mode == "P" and picture.palette.mode.endswith("A")):
        return "RGBA"
    clear = "transparency" in picture.info
    if mode in ("1", "L"):
        return "LA" if clear else "L"
    return "RGBA" if clear and mode in ("P", "RGB") else "RGB"


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


def decode(data: bytes) -> Unpacked | None:
    """A file that only other libraries decode, opened by them; None if they are not there."""
    try:
        import PIL.Image
    except ImportError:
        return None
    try:
        return _unpacked(PIL.Image.open(io.BytesIO(data)))
    except PIL.UnidentifiedImageError:
        pass
    try:
        heif = importlib.import_module("pillow_heif")
    except ImportError:
        return None
    return _unpacked(heif.open_heif(data).to_pillow())


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


def marimo() -> Any:
    """The module `marimo`, if this runs in a notebook of it."""
    module = sys.modules.get("marimo")
    running = getattr(module, "running_in_notebook", None)
    return module if running and running() else None


def notebook() -> Any:
    """`IPython.display`, if this runs in a notebook of a kernel."""
    if marimo():
        return None
    module = sys.modules.get("IPython")
    inside = module is not None and getattr(module.get_ipython(), "kernel", None) is not None
    return importlib.import_module("IPython.display") if inside else None


def show(image: Image) -> None:
    if here := notebook():
        here.display(image)
        return
    if here := marimo():
        here.output.append(image)
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

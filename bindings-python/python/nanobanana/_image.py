"""How pictures go to and from other libraries; imported when first needed."""

from __future__ import annotations

import importlib
import io
import os
import sys
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


def from_pil(picture: Any) -> tuple[int, int, int, bytes]:
    """Width, height, channels and bytes of a PIL image, turned upright as its EXIF says."""
    if picture.getexif().get(0x0112, 1) != 1:
        import PIL.ImageOps

        picture = PIL.ImageOps.exif_transpose(picture)
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        raise ValueError(f"its mode {mode!r} has no 8-bit channels; convert it to L, RGB or RGBA first")
    if mode not in ("L", "RGB", "RGBA"):
        clear = mode.endswith(("A", "a")) or "transparency" in picture.info
        mode = "RGBA" if clear else "L" if mode == "1" else "RGB"
        picture = picture.convert(mode)
    return *picture.size, len(picture.getbands()), picture.tobytes()


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
    """An object of any library that speaks NumPy's protocols, as something with a buffer."""
    numpy = _imported("numpy", "numpy", f"a picture of type {type(value).__name__}")
    if hasattr(value, "__array_interface__") or hasattr(value, "__array__"):
        return numpy.asarray(value)
    return numpy.from_dlpack(value)


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

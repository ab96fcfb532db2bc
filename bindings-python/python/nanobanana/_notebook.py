"""How pictures show in a notebook: small, in a grid, with their captions; imported when first needed."""

from __future__ import annotations

import html
import sys
from typing import Any, NamedTuple

from ._generated import InvalidOptionError, NanoBananaError, Outcome, Result
from ._native import Door, Image

_full = False
_side = 512

# Longer than any side.
_ANY = 1 << 31

# How many pictures one output shows; a list of thousands would fill any notebook.
_MOST = 64
# More pictures than these get half the room each.
_FEW = 4


def display_options(*, full: bool | None = None, side: int | None = None) -> None:
    """Choose how pictures show in a notebook; what is None stays as it is.

    A picture shows as a thumbnail whose longer side has at most `side` pixels (512 unless set), so that
    a saved notebook stays small. With `full`, the pictures themselves are shown, and saved with it.
    """
    global _full, _side
    if full is not None and not isinstance(full, bool):
        raise InvalidOptionError("option `full` takes True or False", option="full")
    if side is not None and (isinstance(side, bool) or not isinstance(side, int) or not 16 <= side <= 4096):
        raise InvalidOptionError("option `side` takes a whole number of pixels, 16 to 4096", option="side")
    _full = _full if full is None else full
    _side = _side if side is None else side


class _Cell(NamedTuple):
    """One place of a grid: a picture, or words; and what is written below."""

    image: Image | None
    words: str
    caption: str
    warnings: tuple[str, ...] = ()


def _shown(images: list[Image], side: int, types: tuple[str, ...]) -> list[Image | str]:
    """What stands for each picture on the screen: a picture of one of these types, or why there is none."""
    whole = [_full and image.mime_type in types for image in images]
    small = [image for image, is_whole in zip(images, whole, strict=True) if not is_whole]
    told, pictures, _ = Door.tools().call(
        "wait", "thumbnails", None, small, {"side": _ANY if _full else side}
    )
    made = iter(pictures)
    failed = iter(told["failed"])
    return [
        image if is_whole else next(failed) or next(made)
        for image, is_whole in zip(images, whole, strict=True)
    ]


def _size(image: Image) -> str:
    return f"{image.width}×{image.height}" if image.width else image.mime_type


def _cells(value: Any, name: str) -> list[_Cell]:
    """The places that a picture, a result, an outcome or an error takes."""
    if isinstance(value, Image):
        return [_Cell(value, "", _line(name, _size(value)))]
    if isinstance(value, Outcome):
        name = _line(name, value.id)
        value = value.result or value.error
    if isinstance(value, NanoBananaError):
        return [_Cell(None, f"{type(value).__name__}: {value}", name)]
    several = len(value.images) > 1
    cost = None if value.cost is None else f"${value.cost:.4f}"
    cells = []
    for at, image in enumerate(value.images):
        own = _line(name, f"images[{at}]" if several else None, _size(image))
        # What a result has once is said once.
        cells.append(_Cell(image, "", own if at else _line(own, value.model, cost)))
    if not cells:
        cells.append(_Cell(None, value.text, _line(name, value.model, cost)))
    cells[0] = cells[0]._replace(warnings=tuple(value.warnings or ()))
    return cells + [cell for error in value.errors for cell in _cells(error, name)]


def _line(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _grid(cells: list[_Cell]) -> str:
    more = len(cells) - _MOST
    cells = cells[:_MOST]
    side = _side if len(cells) <= _FEW else max(_side // 2, 16)
    types = ("image/png", "image/jpeg", "image/webp", "image/gif")
    shown = iter(_shown([cell.image for cell in cells if cell.image], side, types))
    figures = [_figure(cell, next(shown) if cell.image else cell.words, side) for cell in cells]
    if more > 0:
        figures.append(f"<p>… and {more} more</p>")
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(figures)}</div>'


def _figure(cell: _Cell, shown: Image | str, side: int) -> str:
    caption = html.escape(cell.caption)
    if isinstance(shown, Image):
        alt = html.escape(cell.caption, quote=True)
        inside = f'<img src="{shown.to_data_url()}" alt="{alt}" style="max-width:100%;height:auto">'
    else:
        words = shown if len(shown) <= 1000 else shown[:999] + "…"
        inside = f'<div style="white-space:pre-wrap">{html.escape(words)}</div>'
    below = f'<figcaption style="font-size:85%;opacity:0.75">{caption}</figcaption>'
    # A mark in words: colours differ between themes.
    warned = "".join(
        f'<div style="font-size:85%;white-space:pre-wrap">⚠ {html.escape(warning)}</div>'
        for warning in cell.warnings
    )
    width = "100%" if _full else f"{side}px"
    return f'<figure style="margin:0;max-width:{width}">{inside}{below}{warned}</figure>'


def bundle(value: Any) -> dict[str, str]:
    """A result or an outcome in the forms of which a notebook chooses one."""
    register()
    return {"text/plain": repr(value), "text/html": _grid(_cells(value, ""))}


def bundle_of_image(image: Image) -> dict[str, str]:
    register()
    shown = _shown([image], _side, ("image/png", "image/jpeg", "image/gif"))[0]
    forms = {"text/plain": repr(image)}
    if isinstance(shown, Image):
        forms[shown.mime_type] = shown.to_data_url().partition(",")[2]
    return forms


def grid_of_list(values: Any) -> str | None:
    """A list of pictures, results or outcomes as a grid; None if it is a list of anything else."""
    shows = (Image, Result, Outcome)
    if not values or not all(isinstance(value, (*shows, NanoBananaError)) for value in values):
        return None
    if not any(isinstance(value, shows) for value in values):
        return None
    return _grid([cell for at, value in enumerate(values) for cell in _cells(value, f"[{at}]")])


class _Lists:
    """Shows lists of ours; all others as they were shown before."""

    def __init__(self, before: Any) -> None:
        self.before = before

    def __call__(self, values: Any) -> str | None:
        # Found here are also the subclasses of list, which may show themselves.
        own = getattr(values, "_repr_html_", None) if type(values) is not list else None
        if callable(own):
            shown: str | None = own()
            return shown
        if (grid := grid_of_list(values)) is not None:
            return grid
        other: str | None = self.before(values) if self.before else None
        return other


def register() -> None:
    """Have IPython, if it runs, show lists of pictures and results as grids."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    formatter = shell.display_formatter.formatters.get("text/html") if shell else None
    if formatter is None:
        return
    try:
        before = formatter.lookup_by_type(list)
    except KeyError:
        before = None
    if not isinstance(before, _Lists):
        formatter.for_type(list, _Lists(before))

"""How pictures show in a notebook: small, in a grid, with their captions; imported when first needed."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ._cell import Cell, current
from ._generated import InvalidOptionError, NanoBananaError, Outcome, Result
from ._native import Door, Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._native import Answer

_full = False
_side = 512
_max_bytes: int | None = None

# Longer than any side.
_ANY = 1 << 31

# How many pictures one output shows; a list of thousands would fill any notebook.
MOST = 64
# More pictures than these get half the room each.
_FEW = 4
# Thumbnails shrink down to this side, so that more of them fit into a cell.
_LEAST = 64

# A page shows WebP everywhere; as an output of its own not every front-end does.
_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_TYPES_ALONE = ("image/png", "image/jpeg", "image/gif")


def display_options(
    *, full: bool | None = None, side: int | None = None, max_bytes: int | None = None
) -> None:
    """Choose how pictures show in a notebook; what is None stays as it is.

    A picture shows as a thumbnail whose longer side has at most `side` pixels (512 unless set), so that
    a saved notebook stays small. With `full`, the pictures themselves are shown, and saved with it.

    One cell shows at most `max_bytes` bytes of pictures and their captions (4,000,000 unless set, or no
    limit with `full`): above that pictures get smaller, then fewer, and a line says how many are left out.
    """
    global _full, _side, _max_bytes
    if full is not None and not isinstance(full, bool):
        raise InvalidOptionError("option `full` takes True or False", option="full")
    if side is not None and (isinstance(side, bool) or not isinstance(side, int) or not 16 <= side <= 4096):
        raise InvalidOptionError("option `side` takes a whole number of pixels, 16 to 4096", option="side")
    whole = isinstance(max_bytes, int) and not isinstance(max_bytes, bool)
    if max_bytes is not None and not (whole and 10_000 <= max_bytes <= 1_000_000_000):
        raise InvalidOptionError(
            "option `max_bytes` takes a whole number of bytes, 10,000 to 1,000,000,000", option="max_bytes"
        )
    _full = _full if full is None else full
    _side = _side if side is None else side
    _max_bytes = _max_bytes if max_bytes is None else max_bytes


class Place(NamedTuple):
    """One place of a grid: a picture, or words; and what is written below."""

    image: Image | None
    words: str
    caption: str
    warnings: tuple[str, ...] = ()


Shown = Image | str
"""What stands for a picture on the screen: a picture, or why there is none."""


def thumbnails_asked(images: Sequence[Image], side: int) -> tuple[str, None, list[Image], dict[str, int]]:
    return "thumbnails", None, list(images), {"side": side}


def thumbnails_read(answer: Answer) -> list[Shown]:
    made = iter(answer[1])
    return [problem or next(made) for problem in answer[0]["failed"]]


def thumbnails(images: Sequence[Image], side: int) -> list[Shown]:
    return thumbnails_read(Door.tools().call("wait", *thumbnails_asked(images, side)))


def _instead(shown: Iterable[Shown], change: list[bool], by: list[Shown]) -> list[Shown]:
    others = iter(by)
    return [next(others) if is_changed else one for one, is_changed in zip(shown, change, strict=True)]


def _full_or_small(images: Sequence[Image], side: int, types: tuple[str, ...]) -> list[Shown]:
    is_small = [not (_full and image.mime_type in types) for image in images]
    small = [image for image, changes in zip(images, is_small, strict=True) if changes]
    return _instead(images, is_small, thumbnails(small, _ANY if _full else side))


def _weight(shown: Shown) -> int:
    """How many bytes a picture takes as base64."""
    return (len(shown) + 2) // 3 * 4 + 64 if isinstance(shown, Image) else 0


def _fitted(shown: list[Shown], side: int, room: int, is_full: bool) -> list[Shown]:
    """Pictures that together fit into so many bytes, if they can be made small enough for that."""
    while sum(map(_weight, shown)) > room and (is_full or side > _LEAST):
        if not is_full:
            side = max(side // 2, _LEAST)
        is_full = False
        is_picture = [isinstance(one, Image) for one in shown]
        pictures = [one for one in shown if isinstance(one, Image)]
        shown = _instead(shown, is_picture, thumbnails(pictures, side))
    return shown


def _size(image: Image) -> str:
    return f"{image.width}×{image.height}" if image.width else image.mime_type


def places(value: Any, name: str) -> list[Place]:
    """The places that a picture, a result, an outcome or an error takes."""
    if isinstance(value, Image):
        return [Place(value, "", _line(name, _size(value)))]
    if isinstance(value, Outcome):
        name = _line(name, value.id)
        value = value.result or value.error
    if isinstance(value, NanoBananaError):
        return [Place(None, f"{type(value).__name__}: {value}", name)]
    several = len(value.images) > 1
    cost = None if value.cost is None else f"${value.cost:.4f}"
    cells = []
    for at, image in enumerate(value.images):
        own = _line(name, f"images[{at}]" if several else None, _size(image))
        # What a result has once is said once.
        cells.append(Place(image, "", own if at else _line(own, value.model, cost)))
    if not cells:
        cells.append(Place(None, value.text, _line(name, value.model, cost)))
    cells[0] = cells[0]._replace(warnings=tuple(value.warnings or ()))
    return cells + [cell for error in value.errors for cell in places(error, name)]


def _line(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def side_of(number: int) -> int:
    """The longer side that each of so many pictures may have."""
    return _side if number <= _FEW else max(_side // 2, 16)


def bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _left_out(pictures: int, others: int, because: str) -> str:
    if not pictures and not others:
        return ""
    parts = []
    if pictures:
        parts.append("1 picture" if pictures == 1 else f"{pictures} pictures")
    if others:
        parts.append(f"{others} more")
    verb = "is" if pictures + others == 1 else "are"
    return f"<p>… {' and '.join(parts)} {verb} left out: {because}</p>"


def grid(
    cells: Sequence[Place], room: int, *, are_small: bool = False, left: tuple[int, int] = (0, 0)
) -> str:
    """Places as a grid of at most so many bytes, and a line that says how many are left out.

    The pictures may be thumbnails already, and pictures and other places may have been left out before.
    """
    rest, cells = list(cells[MOST:]), cells[:MOST]
    because = f"one output shows at most {MOST}"
    side = side_of(len(cells))
    images = [cell.image for cell in cells if cell.image]
    shown: list[Shown] = [*images] if are_small else _full_or_small(images, side, _TYPES)
    # Room for the words around the pictures and for the last line.
    room -= sum(bytes_of(_figure(cell, cell.words, side)) for cell in cells) + 500
    fitted = iter(_fitted(shown, side, room, _full and not are_small))
    figures = []
    for at, cell in enumerate(cells):
        stands = next(fitted) if cell.image else cell.words
        room -= _weight(stands)
        if room < 0:
            rest = [*cells[at:], *rest]
            because = _limit()
            break
        figures.append(_figure(cell, stands, side))
    pictures = sum(cell.image is not None for cell in rest)
    line = _left_out(left[0] + pictures, left[1] + len(rest) - pictures, because)
    return f'<div style="{_style(len(figures), side)}">{"".join(figures)}</div>{line}'


def _limit() -> str:
    way_out = "nanobanana.display_options(max_bytes=…) changes that"
    return f"one cell shows at most {_most_bytes() / 1e6:g} MB; {way_out}"


def _style(number: int, side: int) -> str:
    """Up to four in two columns, more of them in as many columns as the page has room for."""
    if number > _FEW:
        columns = f"repeat(auto-fill,min(100%,{side}px))"
    else:
        columns = f"repeat({2 if number > 1 else 1},minmax(0,{'1fr' if _full else f'{side}px'}))"
    return f"display:grid;grid-template-columns:{columns};gap:12px"


def _figure(cell: Place, shown: Shown, side: int) -> str:
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


def _most_bytes() -> int:
    if _max_bytes is None:
        # A caller who asks for whole pictures has asked for their bytes.
        return _ANY if _full else 4_000_000
    return _max_bytes


def room(cell: Cell | None, but: int | None = None) -> int:
    """How many bytes a cell has left, what one of its runs shows not counted."""
    return max(_most_bytes() - (cell.bytes(but) if cell else 0), 0)


def _counted(cell: Cell | None, shown: str) -> str:
    if cell:
        cell.others += bytes_of(shown)
    return shown


def _shows_pictures() -> bool:
    """Whether a picture can show: IPython in a terminal has words only."""
    shell = _shell()
    return shell is None or "text/html" in shell.display_formatter.active_types


def bundle(value: Any) -> dict[str, str]:
    """A result or an outcome in the forms of which a notebook chooses one."""
    register()
    forms = {"text/plain": repr(value)}
    if _shows_pictures():
        cell = current()
        forms["text/html"] = _counted(cell, grid(places(value, ""), room(cell)))
    return forms


def bundle_of_image(image: Image) -> dict[str, str]:
    register()
    forms = {"text/plain": repr(image)}
    if _shows_pictures():
        cell = current()
        left = room(cell)
        [shown] = _fitted(_full_or_small([image], _side, _TYPES_ALONE), _side, left, _full)
        if _weight(shown) > left:
            forms["text/plain"] += f" (1 picture is left out: {_limit()})"
        elif isinstance(shown, Image):
            forms[shown.mime_type] = _counted(cell, shown.to_data_url().partition(",")[2])
    return forms


def grid_of_list(values: Any) -> str | None:
    """A list of pictures, results or outcomes as a grid; None if it is a list of anything else."""
    shows = (Image, Result, Outcome)
    if not values or not all(isinstance(value, (*shows, NanoBananaError)) for value in values):
        return None
    if not any(isinstance(value, shows) for value in values):
        return None
    cell = current()
    above = [cell is not None and cell.shows(value) for value in values]
    cells = [one for at, value in enumerate(values) if not above[at] for one in places(value, f"[{at}]")]
    if not any(above):
        return _counted(cell, grid(cells, room(cell)))
    line = f"<div>{sum(above)} of {len(values)} outcomes: shown with the progress of this cell</div>"
    return _counted(cell, line + grid(cells, room(cell)) if cells else line)


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


def _shell() -> Any:
    module = sys.modules.get("IPython")
    return module.get_ipython() if module else None


def register() -> None:
    """Have IPython, if it runs, show lists of pictures and results as grids."""
    shell = _shell()
    formatter = shell.display_formatter.formatters.get("text/html") if shell else None
    if formatter is None:
        return
    try:
        before = formatter.lookup_by_type(list)
    except KeyError:
        before = None
    if not isinstance(before, _Lists):
        formatter.for_type(list, _Lists(before))

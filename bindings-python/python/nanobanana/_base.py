"""What the generated classes are built on: records, settings and errors."""

from __future__ import annotations

from ._native import Door, Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any, ClassVar, Self

    from ._generated import MaskedEdit
    from ._native import Answer


class ImageWarning(UserWarning):
    """A conversion lost something that the picture had, for example its C2PA credentials."""


ImageWarning.__module__ = "nanobanana"


def read_picture(description: Any, pictures: Iterator[Image]) -> Image:
    """A picture stands in the JSON as its description, and itself comes beside it, in the same order."""
    return next(pictures)


def _plain(value: Any) -> Any:
    if isinstance(value, Fields):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Image):
        size = {"width": value.width, "height": value.height}
        return {"mime_type": value.mime_type, **size, "bytes": len(value)}
    return value


class Fields:
    """What has named values."""

    __slots__ = ()
    # Their names and defaults; and how those are read that are more than plain values.
    _fields: ClassVar[dict[str, Any]] = {}
    _readers: ClassVar[dict[str, Any]] = {}

    def __init__(self, **fields: Any) -> None:
        for name, default in self._fields.items():
            setattr(self, name, fields.pop(name, list(default) if isinstance(default, list) else default))
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(fields))!r}")

    @classmethod
    def _read(cls, values: dict[str, Any], pictures: Iterator[Image]) -> Self:
        fields = {name: values[name] for name in cls._fields if values.get(name) is not None}
        for name, read in cls._readers.items():
            value = fields.get(name)
            if isinstance(value, list):
                fields[name] = [read(item, pictures) for item in value]
            elif value is not None:
                fields[name] = read(value, pictures)
        return cls(**fields)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values, an event's `type` first, pictures described without their bytes."""
        names = ("type", *self._fields) if hasattr(type(self), "type") else self._fields
        return {name: _plain(getattr(self, name)) for name in names}


class Record(Fields):
    """A group of named values that came back from a call."""

    __slots__ = ()

    @classmethod
    def _one(cls, answer: Answer) -> Self:
        return cls._read(answer[0], iter(answer[1]))

    @classmethod
    def _all(cls, answer: Answer) -> list[Self]:
        [records], pictures = answer[0].values(), iter(answer[1])
        return [cls._read(record, pictures) for record in records]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"


class ResultBase(Record):
    """What a result can do beside holding its fields."""

    __slots__ = ()
    images: list[Image]
    masked: list[MaskedEdit]
    text: str
    model: str
    cost: float | None
    warnings: list[str]

    @property
    def image(self) -> Image:
        """The first final picture; `NoImageError` if the answer holds text only."""
        if self.images:
            return self.images[0]
        from ._generated import NoImageError

        known = {name: getattr(self, name) for name in NoImageError._fields if name in self._fields}
        raise NoImageError("this answer holds text only; `text` has it", **known)

    @property
    def model_image(self) -> Image | None:
        """Of an edit with a mask, the model's first picture as it came."""
        return self.masked[0].model_image if self.masked else None

    @property
    def change_map(self) -> Image | None:
        """Of an edit with a mask, how much the model changed each pixel: see `MaskedEdit`."""
        return self.masked[0].change_map if self.masked else None

    @property
    def leak(self) -> float | None:
        """Of an edit with a mask, how much the model changed outside of it, 0 to 1: see `MaskedEdit`."""
        return self.masked[0].leak if self.masked else None

    def save(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write every picture into the directory (made if missing) and return their paths.

        They are named image-1, image-2 and so on, with the extensions of their types. No file is replaced,
        also if other threads and processes write there: a picture that is there already keeps its place, and
        another one gets the next free number.
        """
        from pathlib import Path

        told = Door.tools().call("wait", "save_all", None, self.images, {"path": directory})
        return [Path(path) for path in told[0]]

    def __repr__(self) -> str:
        text = self.text if len(self.text) < 60 else self.text[:59] + "…"
        told = f"images={self.images!r}, text={text!r}, model={self.model!r}, cost={self.cost!r}"
        return f"Result({told}, warnings={self.warnings!r})" if self.warnings else f"Result({told})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from ._notebook import bundle

        return bundle(self)


class OutcomeBase(Record):
    """What an outcome can do beside holding its fields."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from ._notebook import bundle

        return bundle(self)


class Settings(Record):
    """A group of named values to set; what is None is not set. `dict(settings)` gives the others."""

    __slots__ = ()

    def keys(self) -> list[str]:
        """The names of what is set."""
        return [name for name in self._fields if getattr(self, name) is not None]

    def __getitem__(self, name: str) -> Any:
        return {name: getattr(self, name) for name in self._fields}[name]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self[name]!r}" for name in self.keys())
        return f"{type(self).__name__}({fields})"


class Wrapper(Settings):
    """A picture or a document, and what is said of it."""

    __slots__ = ()
    # The name of what it wraps, if it wraps something.
    _wraps: ClassVar[str | None]

    @property
    def _of(self) -> Any:
        return self._wraps and getattr(self, self._wraps)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bool(self._of == other._of) and super().__eq__(other)

    def __repr__(self) -> str:
        wrapped = [repr(self._of)] if self._wraps else []
        fields = (f"{name}={self[name]!r}" for name in self.keys())
        return f"{type(self).__name__}({', '.join([*wrapped, *fields])})"


class ErrorBase(Fields, Exception):
    """An error with fields, which are its attributes. It pickles: its fields are its `__dict__`."""

    _fields: ClassVar[dict[str, Any]] = {"message": ""}

    def __init__(self, message: str = "", **fields: Any) -> None:
        Exception.__init__(self, message)
        super().__init__(message=message, **fields)

    def to_dict(self) -> dict[str, Any]:
        """The name of the class as `kind`, and all fields as plain values."""
        return {"kind": type(self).__name__, **super().to_dict()}

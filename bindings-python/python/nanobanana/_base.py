"""What the generated classes are built on: records, settings and errors."""

from __future__ import annotations

from ._native import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any, ClassVar, Self

    from ._native import Answer


def _built(nested: Any, value: Any, pictures: Iterator[Image]) -> Any:
    if isinstance(value, list):
        return [_built(nested, item, pictures) for item in value]
    if value is None:
        return None
    # A picture stands in the JSON as its description, and itself comes beside it, in the same order.
    return next(pictures) if nested is Image else nested._read(value, pictures)


def _plain(value: Any) -> Any:
    if isinstance(value, Record | ErrorBase):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Image):
        size = {"width": value.width, "height": value.height}
        return {"mime_type": value.mime_type, **size, "bytes": len(value)}
    return value


class Record:
    """A group of named values that came back from a call."""

    __slots__ = ()
    _names: ClassVar[tuple[str, ...]] = ()
    _nested: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls.__module__ = "nanobanana"
        cls._names = (*cls._names, *cls.__dict__.get("__slots__", ()))

    def __init__(self, **fields: Any) -> None:
        for name in self._names:
            setattr(self, name, fields.pop(name, None))
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(fields))!r}")

    @classmethod
    def _read(cls, values: dict[str, Any], pictures: Iterator[Image]) -> Self:
        record = cls.__new__(cls)
        for name in cls._names:
            value, nested = values.get(name), cls._nested.get(name)
            setattr(record, name, value if nested is None else _built(nested, value, pictures))
        return record

    @classmethod
    def _one(cls, answer: Answer) -> Self:
        return cls._read(answer[0], iter(answer[1]))

    @classmethod
    def _all(cls, answer: Answer) -> list[Self]:
        [records], pictures = answer[0].values(), iter(answer[1])
        return [cls._read(record, pictures) for record in records]

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values, an event's `type` first, pictures described without their bytes."""
        names = ("type", *self._names) if hasattr(type(self), "type") else self._names
        return {name: _plain(getattr(self, name)) for name in names}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._names)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names)
        return f"{type(self).__name__}({fields})"


class ResultBase(Record):
    """What a result can do beside holding its fields."""

    __slots__ = ()
    if TYPE_CHECKING:
        images: list[Image]
        text: str
        model: str
        cost: float | None
        finish_reason: str | None
        usage: Any
        response_id: str | None

    @property
    def image(self) -> Image:
        """The first final picture; `NoImageError` if the answer holds text only."""
        if self.images:
            return self.images[0]
        from ._generated import NoImageError

        names = ("text", "finish_reason", "usage", "cost", "response_id")
        fields = {name: getattr(self, name) for name in names}
        raise NoImageError("this answer holds text only; `text` has it", **fields)

    def save(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write every picture into the directory (made if missing) and return their paths.

        The files are called image-1, image-2, …, each with the extension of its type.
        """
        from pathlib import Path

        Path(directory).mkdir(parents=True, exist_ok=True)
        return [image.save(Path(directory, f"image-{at}")) for at, image in enumerate(self.images, 1)]

    def __repr__(self) -> str:
        text = self.text if len(self.text) < 60 else self.text[:59] + "…"
        return f"Result(images={self.images!r}, text={text!r}, model={self.model!r}, cost={self.cost!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from ._image import mimebundle, tag

        if len(self.images) == 1:
            return {**mimebundle(self.images[0]), "text/plain": repr(self)}
        tags = "\n".join(tag(image) for image in self.images)
        return {"text/plain": repr(self), **({"text/html": tags} if tags else {})}


class Settings(Record):
    """A group of named values to set; what is None is not set. `dict(settings)` gives the others."""

    __slots__ = ()

    def keys(self) -> list[str]:
        """The names of what is set."""
        return [name for name in self._names if getattr(self, name) is not None]

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return getattr(self, name)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self[name]!r}" for name in self.keys())
        return f"{type(self).__name__}({fields})"


class ErrorBase(Exception):
    """An error with fields, which are its attributes. It pickles: its fields are its `__dict__`."""

    _fields: ClassVar[dict[str, Any]] = {}
    _nested: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls.__module__ = "nanobanana"
        above: type[ErrorBase] = cls.__mro__[1]
        cls._fields = {**above._fields, **cls.__dict__.get("_fields", {})}
        cls._nested = {**above._nested, **cls.__dict__.get("_nested", {})}

    def __init__(self, message: str = "", **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        for name, default in self._fields.items():
            setattr(self, name, fields.pop(name, list(default) if isinstance(default, list) else default))
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(fields))!r}")

    @classmethod
    def _from(cls, values: dict[str, Any], pictures: Iterator[Image]) -> Self:
        fields: dict[str, Any] = {}
        for name in cls._fields:
            value, nested = values.get(name), cls._nested.get(name)
            if value is not None:
                fields[name] = value if nested is None else _built(nested, value, pictures)
        return cls(values["message"], **fields)

    @staticmethod
    def _read(values: dict[str, Any], pictures: Iterator[Image]) -> ErrorBase:
        from ._generated import read_error

        return read_error(values, pictures)

    def to_dict(self) -> dict[str, Any]:
        """The name of the class as `kind`, and all fields as plain values."""
        fields = {name: _plain(getattr(self, name)) for name in self._fields}
        return {"kind": type(self).__name__, "message": self.message, **fields}

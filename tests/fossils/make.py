"""Records the fossils anew, all or those whose names hold a word: `python tests/fossils/make.py [WORD…]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from kit import HERE, layout, set_day


def cases() -> dict[str, Any]:
    import sent

    return sent.folded(sent.of_cases())


def options() -> dict[str, Any]:
    import matrix
    import sent

    return sent.folded(matrix.of_matrix())


def files() -> dict[str, Any]:
    import written

    return written.written()


def read() -> dict[str, Any]:
    import written

    return written.found()


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "sent/cases.json": cases,
    "sent/matrix.json": options,
    "written/files.json": files,
    "written/read.json": read,
}


def answers() -> dict[str, dict[str, Any]]:
    """Answers as Python and the command give them, and their words."""
    import answered

    words = answered.Words()
    files = {"answered/python.json": answered.python(words), "answered/command.json": answered.shells(words)}
    return json.loads(json.dumps({**files, "answered/words.json": words.found}))  # type: ignore[no-any-return]


def main(names: list[str]) -> None:
    set_day()
    if "kept" in names:
        import written

        written.keep()
    asked = lambda file: not names or any(name in file for name in names)  # noqa: E731
    made = {file: record() for file, record in FILES.items() if asked(file)}
    if asked("answered"):
        made |= answers()
    if "pickles" in names:
        # Pickles of one version stay as they are: every later one loads them.
        import answered

        made["pickles.json"] = answered.pickles()
    for file, value in made.items():
        place = HERE / file
        place.parent.mkdir(exist_ok=True)
        place.write_text(layout(value), "utf-8")
        print(f"{file}: {place.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

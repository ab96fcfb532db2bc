"""Records the fossils anew, all or those that are named: `python tests/fossils/make.py [sent] [answered] [written]`."""

from __future__ import annotations

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


FILES: dict[str, Callable[[], dict[str, Any]]] = {"sent/cases.json": cases, "sent/matrix.json": options}


def main(names: list[str]) -> None:
    set_day()
    for file, record in FILES.items():
        if not names or any(name in file for name in names):
            place = HERE / file
            place.parent.mkdir(exist_ok=True)
            place.write_text(layout(record()), "utf-8")
            print(f"{file}: {place.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

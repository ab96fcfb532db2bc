"""Make a notebook of a Python file in the percent format.

`python make_notebook.py tour.py` writes tour.ipynb.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def notebook_of(source: str) -> str:
    """The notebook as text, without outputs: the same source gives the same bytes."""
    cells: list[dict[str, object]] = []
    for at, block in enumerate(re.split(r"^# %%", source, flags=re.MULTILINE)[1:]):
        head, _, body = block.partition("\n")
        is_text = "[markdown]" in head
        body = body.strip("\n")
        if is_text:
            body = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        cell: dict[str, object] = {"cell_type": "markdown" if is_text else "code", "id": f"cell-{at}"}
        if not is_text:
            cell |= {"execution_count": None, "outputs": []}
        cells.append({**cell, "metadata": {}, "source": body.splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    page = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(page, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        text = notebook_of(path.read_text(encoding="utf-8"))
        path.with_suffix(".ipynb").write_text(text, encoding="utf-8", newline="\n")

"""Runs a notebook's cells in a kernel of its own, and looks for the pictures that they must show."""

from __future__ import annotations

import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120).execute()
shown = [
    sum("image/jpeg" in output.get("data", {}) for output in cell.outputs)
    for cell in notebook.cells
    if cell.cell_type == "code"
]
assert shown == [0, 1, 1, 3], shown

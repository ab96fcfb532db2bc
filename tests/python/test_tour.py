"""The tour runs in a kernel of its own, as it is in the repository, and its outputs stay small."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

# Apart from the tests: a kernel's client has warnings of its own.
RUN = """
import json, sys
import nbformat
from nbclient import NotebookClient

page = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(page, timeout=120, kernel_name="python3").execute()
json.dump([cell.outputs for cell in page.cells if cell.cell_type == "code"], sys.stdout)
"""


def test_the_notebook_is_made_of_its_source() -> None:
    found = importlib.util.spec_from_file_location("make_notebook", EXAMPLES / "make_notebook.py")
    assert found and found.loader
    maker = importlib.util.module_from_spec(found)
    found.loader.exec_module(maker)
    source = (EXAMPLES / "tour.py").read_text(encoding="utf-8")
    made = maker.notebook_of(source)
    assert made == (EXAMPLES / "tour.ipynb").read_text(encoding="utf-8"), (
        "run `python examples/make_notebook.py examples/tour.py`"
    )
    cells = json.loads(made)["cells"]
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    assert len(cells) == source.count("# %%") and len(made) < 10_000


def printed(outputs: list[Any]) -> str:
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def pictures(outputs: list[Any]) -> int:
    pages = [output.get("data", {}) for output in outputs]
    return sum("image/jpeg" in page for page in pages) + sum(
        page.get("text/html", "").count("<img") for page in pages
    )


def test_the_tour_runs(tmp_path: Path) -> None:
    for needed in ("nbclient", "ipykernel"):
        pytest.importorskip(needed)
    run = [sys.executable, "-c", RUN, str(EXAMPLES / "tour.ipynb")]
    env = {**os.environ, "IPYTHONDIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    ended = subprocess.run(run, capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    cells: list[list[Any]] = json.loads(ended.stdout)
    assert [pictures(outputs) for outputs in cells] == [0, 1, 4, 1, 1, 3, 6, 0, 0]
    sizes = [len(json.dumps(outputs)) for outputs in cells]
    assert max(sizes) < 500_000 and sum(sizes) < 2_000_000, sizes
    said = [printed(outputs) for outputs in cells]
    assert said[1].startswith("1376 x 768 pixels, 0.0") and said[1].endswith(" USD\n")
    assert "outside of the mask" in said[4]
    assert said[6].startswith("estimate: 0.") and said[6].endswith("6 of 6 are drawn\n")
    assert "spent: 0." in said[7] and "left:  0." in said[7] and "refused: 8 requests" in said[7]
    assert "boat" in said[8]
    # One display for the run: its bar, its money and its pictures.
    [run_output] = [output for output in cells[6] if output["output_type"] == "display_data"]
    page = run_output["data"]["text/html"]
    assert "6/6" in page and "of the budget left" in page and page.count("<img") == 6
    assert not [output for outputs in cells for output in outputs if output["output_type"] == "error"]

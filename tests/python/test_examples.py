"""The examples run as they are, offline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "bindings-python" / "examples"

TOLD = {
    "live_stream": ["thinks: ", "draft: ", "picture: ", "done: ", "left after: "],
    "edit_in_turns": ["1: ", "2: ", "3a: ", "3b: ", "after undo: Chat(4 turns) and Chat(6 turns)", "4: "],
    "masked_edit": ["source: ", "edit: ", "same below: True", "model: ", "changes: ", "leak: "],
    "many": ["estimate: ", "drawn: ", "on disk: ", "spent: "],
}


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(TOLD)


@pytest.mark.parametrize("name", TOLD)
def test_an_example(name: str, tmp_path: Path) -> None:
    run = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), str(tmp_path)]
    ended = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    for start in TOLD[name]:
        assert any(line.startswith(start) for line in ended.stdout.splitlines()), ended.stdout
    assert list(tmp_path.glob("*.jpg"))

"""The first screens of both READMEs run as they are written, one block after the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("readme", ["README.md", "bindings-python/README.md"])
def test_the_first_screen(
    readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text("utf-8"), re.DOTALL)
    assert blocks
    names = {"__name__": readme}
    for block in blocks:
        exec(compile(block, readme, "exec"), names)
    assert (tmp_path / "boat.jpg").is_file()
    assert "boat.jpg" in capsys.readouterr().out

"""Items of a journal of version 0.1.0 are known from Python, too; core/tests/golden.rs has the rest."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

import nanobanana as nb

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0"


def test_a_journal_of_0_1_0_goes_on(
    emulator: nb.Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec and spec.loader
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    shutil.copytree(GOLDEN, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    emulator.script([{"image": "png 8x8"}] * 50)
    client = nb.Client("golden-key-0000", base_url=emulator.url, retry=False)

    def run() -> list[nb.Outcome]:
        return list(
            client.generate_many(make.ITEMS, journal="run.jsonl", save_to="out", concurrency=1, ordered=True)
        )

    outcomes = run()
    assert [one.index for one in outcomes if not one.cached] == [11, 12, 13]
    for one in outcomes[12:]:
        assert one.result is not None
        assert any("may have been paid for" in text for text in one.result.warnings)
    assert len(emulator.requests) == 5
    assert all(one.cached for one in run()) and len(emulator.requests) == 5

"""What a running emulator is told from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import nanobanana as nb


def test_recording_begins_and_stops_while_it_runs(tmp_path: Path) -> None:
    with nb.Emulator() as service, nb.Emulator() as emulator:
        client = nb.Client("a-real-key-0123", base_url=emulator.url, retry=False)
        service.script([{"image": "png 8x8"}])
        emulator.record(cassette=str(tmp_path), upstream=service.url)
        assert client.generate("a boat").image.width == 8
        assert "a-real-key-0123" not in (tmp_path / "cassette.json").read_text()
        emulator.record(mode="never")
        assert client.generate("a boat").image.width == 8
        with pytest.raises(nb.NotFoundError, match='"a boat" was recorded, "a ship" is sent'):
            client.generate("a ship")
        emulator.record()
        assert client.generate("a ship").image.width == 1024
        assert len(service.requests) == 1
        with pytest.raises(nb.InvalidOptionError, match="`mode` needs a `cassette`"):
            emulator.record(mode="never")
        with pytest.raises(nb.InvalidOptionError, match="Did you mean `mode`"):
            emulator.record(modes="never")  # type: ignore[call-arg]

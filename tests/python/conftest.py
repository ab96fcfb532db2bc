from __future__ import annotations

from collections.abc import Iterator

import pytest

import nanobanana as nb


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own key or base URL must not reach a test."""
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def emulator() -> Iterator[nb.Emulator]:
    with nb.Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(emulator: nb.Emulator) -> Iterator[nb.Client]:
    with nb.Client("secret-key-0123", base_url=emulator.url, retry=False) as client:
        yield client


@pytest.fixture
def image(client: nb.Client) -> nb.Image:
    return client.generate("a small boat", model="nano-banana").image

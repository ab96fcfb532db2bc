"""For pytest, which finds it by itself: an emulator for each test, and calls that were recorded.

    def test_draws(nanobanana_client):
        assert nanobanana_client.generate("a boat").image.width == 1024

    @pytest.mark.nanobanana(rpm=1)  # options of the emulator
    def test_waits(nanobanana_emulator, nanobanana_client): ...

    @pytest.mark.nanobanana_cassette  # calls of the real service, from cassettes/<module>/<test>
    def test_real(nanobanana_client): ...

While a test has the emulator, GOOGLE_GEMINI_BASE_URL and a key that costs nothing are set, so that other
clients of the API go there too. Cassettes are recorded by `pytest --nanobanana-record=missing` (or `always`),
with the key of the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from . import AsyncClient, Client, Emulator

SERVICE = "https://generativelanguage.googleapis.com"
KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nanobanana")
    group.addoption(
        "--nanobanana-record",
        choices=["never", "missing", "always"],
        default="never",
        help="which calls of tests with a cassette go to the real service, and are billed (default: never)",
    )
    group.addoption(
        "--nanobanana-upstream", default=SERVICE, help="the service that cassettes are recorded from"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "nanobanana(**options): the options of the emulator of this test")
    config.addinivalue_line(
        "markers", "nanobanana_cassette(folder=None): the test's calls are recorded ones, from this folder"
    )


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for mark in request.node.iter_markers("nanobanana"):
        options = {**mark.kwargs, **options}
    mark = request.node.get_closest_marker("nanobanana_cassette")
    if mark is not None:
        path = Path(request.node.path)
        folder = mark.kwargs.get("folder", mark.args[0] if mark.args else None)
        name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in request.node.name)
        folder = path.parent / (folder or Path("cassettes", path.stem, name))
        options["cassette"] = os.fspath(folder)
        record = request.config.getoption("--nanobanana-record")
        if record != "never":
            options |= {"record": record, "upstream": request.config.getoption("--nanobanana-upstream")}
    return options


@pytest.fixture
def nanobanana_emulator(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """An emulator of its own for the test; clients that name no other base URL go there."""
    from . import Emulator

    options = _options(request)
    with Emulator(**options) as emulator:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.url)
        if "upstream" not in options:
            for name in KEYS:
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("GEMINI_API_KEY", "offline")
        yield emulator


@pytest.fixture
def nanobanana_client(nanobanana_emulator: Emulator) -> Iterator[Client]:
    """A client of the test's emulator."""
    from . import Client

    with Client() as client:
        yield client


@pytest.fixture
def nanobanana_async_client(nanobanana_emulator: Emulator) -> AsyncClient:
    """The same for asyncio."""
    from . import AsyncClient

    return AsyncClient()

"""The plugin as another project's tests use it: in pytest runs of their own."""

from pathlib import Path

import pytest

import nanobanana as nb

pytest_plugins = ["pytester"]


def run(pytester: pytest.Pytester, test: str, *flags: str) -> pytest.RunResult:
    path = pytester.makepyfile(test_it=test)
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\naddopts = '--strict-markers'\n")
    return pytester.runpytest_subprocess(path, "-p", "no:cacheprovider", *flags)


def test_a_test_has_an_emulator_and_a_client_of_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "a-real-key-0123")
    done = run(
        pytester,
        """
        import os, pytest, nanobanana as nb

        def test_draws(nanobanana_client, nanobanana_emulator):
            assert nanobanana_client.generate("a boat").image.width == 1024
            assert len(nanobanana_emulator.requests) == 1
            assert os.environ["GOOGLE_GEMINI_BASE_URL"] == nanobanana_emulator.url
            assert "GOOGLE_API_KEY" not in os.environ

        def test_any_client_goes_there(nanobanana_emulator):
            nb.Client().generate("a boat")
            assert len(nanobanana_emulator.requests) == 1

        @pytest.mark.nanobanana(rpm=0)
        def test_limits(nanobanana_client):
            with pytest.raises(nb.RateLimitError):
                nanobanana_client.generate("a boat", retry=False)

        def test_asyncio(nanobanana_async_client):
            import asyncio
            assert asyncio.run(nanobanana_async_client.generate("a boat")).image

        def test_it_is_over_afterwards():
            assert "GOOGLE_GEMINI_BASE_URL" not in os.environ
            assert os.environ["GOOGLE_API_KEY"] == "a-real-key-0123"
        """,
    )
    done.assert_outcomes(passed=5)


def test_calls_are_recorded_when_it_is_said_and_come_from_the_folder_else(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "a-real-key-0123")
    test = """
        import pytest

        @pytest.mark.nanobanana_cassette
        @pytest.mark.parametrize("what", ["boat"])
        def test_real(nanobanana_client, what):
            assert nanobanana_client.generate(what, seed=1).text
        """
    run(pytester, test).assert_outcomes(failed=1)
    with nb.Emulator() as service:
        flags = ["--nanobanana-record=missing", f"--nanobanana-upstream={service.url}"]
        run(pytester, test, *flags).assert_outcomes(passed=1)
        assert len(service.requests) == 1
    folder = Path(pytester.path, "cassettes", "test_it", "test_real-boat-")
    assert "a-real-key-0123" not in (folder / "cassette.json").read_text()
    assert {path.suffix for path in folder.iterdir()} == {".json", ".jpg"}
    run(pytester, test).assert_outcomes(passed=1)

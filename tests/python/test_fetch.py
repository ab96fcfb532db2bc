"""Pictures of the web, from Python: fetched, redirected, through a proxy, refused."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

DOT = (Path(__file__).parent.parent / "media" / "dot.png").read_bytes()


class Web(http.server.ThreadingHTTPServer):
    """A server of pictures, and as a proxy all of the internet: it leads where a URL says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Web)
        self.server.seen.append(self.path)
        _, is_redirect, place = self.path.partition("/to?")
        body = b"" if is_redirect else DOT
        self.send_response(302 if is_redirect else 200)
        if is_redirect:
            self.send_header("location", place)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def sent(emulator: nb.Emulator) -> list[Any]:
    [content] = emulator.requests[-1]["json"]["contents"]
    return [part["inlineData"]["mimeType"] for part in content["parts"] if "inlineData" in part]


def test_a_picture_is_fetched_and_redirects_are_followed(emulator: nb.Emulator, web: Web) -> None:
    url = f"http://127.0.0.1:{web.server_port}"
    with nb.Client("a-key-of-mine", base_url=emulator.url, allow_private_urls=True) as client:
        client.edit("at night", [f"{url}/a.png", f"{url}/to?/b.png"])
    assert sent(emulator) == ["image/png"] * 2
    assert sorted(web.seen) == ["/a.png", "/b.png", "/to?/b.png"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_picture_is_fetched_through_a_proxy(emulator: nb.Emulator, web: Web, host: str) -> None:
    proxy = f"http://{host}:{web.server_port}"
    with nb.Client("a-key-of-mine", base_url=emulator.url, proxy=proxy) as client:
        client.edit("at night", ["http://pictures.example.com/a.png"])
        assert sent(emulator) == ["image/png"]
        for place in ("http://10.0.0.1/", "http://localhost/", "http://db/", "file:///etc/passwd"):
            with pytest.raises(nb.ImageError):
                client.edit("at night", [f"http://pictures.example.com/to?{place}"])
    assert all(target.startswith("http://pictures.example.com/") for target in web.seen), web.seen


def test_the_proxy_of_the_environment_may_be_anywhere(emulator: nb.Emulator, web: Web) -> None:
    program = (
        "import nanobanana as nb, sys\n"
        "with nb.Client('a-key-of-mine', base_url=sys.argv[1]) as client:\n"
        "    client.edit('at night', ['http://pictures.example.com/a.png'])\n"
        "    for url in ('http://10.0.0.1/a.png', 'http://db/a.png', 'http://127.0.0.1/a.png'):\n"
        "        try:\n"
        "            client.edit('at night', [url])\n"
        "        except nb.ImageError:\n"
        "            continue\n"
        "        raise SystemExit(url)\n"
    )
    for name in ("http_proxy", "ALL_PROXY"):
        web.seen.clear()
        proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
        plain = {key: value for key, value in os.environ.items() if key.lower() not in proxies}
        env = {**plain, name: f"http://localhost:{web.server_port}", "NO_PROXY": "10.0.0.0/8,db"}
        subprocess.run([sys.executable, "-c", program, emulator.url], env=env, check=True, timeout=60)
        assert web.seen == ["http://pictures.example.com/a.png"]


def test_no_text_becomes_a_file_if_the_client_opens_none(emulator: nb.Emulator, tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(DOT)
    fifo = tmp_path / "fifo"
    if hasattr(os, "mkfifo"):
        os.mkfifo(fifo)
    named: list[Any] = [
        str(path),
        path,
        path.as_uri(),
        str(fifo),
        fifo,
        tmp_path,
        "no/such.png",
        nb.Reference(path),
    ]
    with nb.Client("a-key-of-mine", base_url=emulator.url, local_files=False) as client:
        for images in named:
            with pytest.raises(nb.ImageError, match="local_files"):
                client.edit("at night", images)
            if not isinstance(images, nb.Reference):  # which is no mask
                with pytest.raises(nb.NanoBananaError, match="local_files"):
                    client.edit("at night", DOT, mask=images)
            [outcome] = client.generate_many([{"prompt": "at night", "images": [images]}])
            assert isinstance(outcome.error, nb.ImageError), outcome
            assert "local_files" in str(outcome.error)
        with pytest.raises(nb.NanoBananaError, match="local_files"):
            client.generate("at night", attachments=[path])
        with pytest.raises(nb.ImageError, match="local_files"):
            client.files.upload(path)
        with pytest.raises(nb.ImageError, match="local_files"):
            client.with_options(retry=False).chat().send("at night", path)
        assert emulator.requests == []
        with path.open("rb") as file:
            client.edit("at night", [file, DOT, nb.Image.open(path)])
        assert len(sent(emulator)) == 3


def test_debug_of_a_proxy_shows_no_password(emulator: nb.Emulator) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        proxy = f"http://me:canary@localhost:{free.getsockname()[1]}"
    with nb.Client("a-key-of-mine", base_url=emulator.url, proxy=proxy) as client:
        with pytest.raises(nb.ImageError) as caught:
            client.edit("at night", ["http://pictures.example.com/a.png?sig=canary"])
        assert "canary" not in f"{client!r}{caught.value!r}{caught.value}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1/?key=canary"),
        ("GOOGLE_GEMINI_BASE_URL", "ftp://me:canary@127.0.0.1:1"),
        ("GOOGLE_GEMINI_BASE_URL", "me:canary@127.0.0.1"),
        ("GOOGLE_GENAI_API_VERSION", "../v1"),
        ("GOOGLE_GENAI_API_VERSION", "v1?key=canary"),
    ],
)
def test_the_environment_changes_no_path(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(nb.ConfigError, match=name) as caught:
        nb.Client("a-key-of-mine")
    assert "canary" not in f"{caught.value!r}"

"""Makes every ask of asks.json with google-genai; prints what was sent as a line of JSON each."""

from __future__ import annotations

from typing import Any

from google import genai
from google.genai import types
from kit import URL
from recorder import Maker, main


class Theirs(Maker):
    def __init__(self) -> None:
        self.client = genai.Client(api_key="any-key", http_options=types.HttpOptions(base_url=URL))
        self.chat: Any = None
        self.uri = ""

    def given(self, value: Any) -> Any:
        match value:
            case {"uri_of_upload": _}:
                return self.uri
            case {"part": part}:
                return types.Part(**self.given(part))
            case _:
                return super().given(value)

    def make(self, step: list[Any]) -> None:
        name, arguments = self.given(step)
        owner, _, verb = name.partition(".")
        made = getattr(self.chat if owner == "chat" else getattr(self.client, owner), verb)(**arguments)
        if owner == "chats":
            self.chat = made
        elif verb == "upload":
            self.uri = made.uri
        elif verb.endswith("stream") or verb == "list":
            list(made)


main(Theirs, "python")

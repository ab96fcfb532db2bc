"""Makes every ask of asks.json with nanobanana; prints what was sent as a line of JSON each."""

from __future__ import annotations

from typing import Any

from kit import URL
from recorder import Maker, main

import nanobanana as nb


class Ours(Maker):
    def __init__(self) -> None:
        self.client = nb.Client("any-key", base_url=URL, retry=False)
        self.chat: nb.Chat | None = None
        self.file: nb.File | None = None

    def given(self, value: Any) -> Any:
        match value:
            case {"reference": of, **fields}:
                return nb.Reference(self.given(of), **fields)
            case {"attachment": of, **fields}:
                return nb.Attachment(self.given(of), **fields)
            case {"uri_of_upload": _}:
                return self.file
            case _:
                return super().given(value)

    def make(self, step: list[Any]) -> None:
        name, prompt, images, options = self.given(step)
        owner, _, verb = name.rpartition(".")
        of: Any = {"": self.client, "chat": self.chat, "files": self.client.files}[owner]
        arguments = [given for given in (prompt, images) if given is not None]
        made = getattr(of, verb)(*arguments, **options)
        if verb == "chat":
            self.chat = made
        elif verb == "upload":
            self.file = made
        elif verb.endswith("stream"):
            with made as stream:
                for _ in stream:
                    pass


main(Ours, "ours")

"""What those who make the asks of asks.json in Python share."""

from __future__ import annotations

import abc
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from kit import controls

TESTS = Path(__file__).parent.parent


class Maker(abc.ABC):
    """Makes one ask, step by step."""

    def given(self, value: Any) -> Any:
        match value:
            case {"bytes_of": name}:
                return (TESTS / name).read_bytes()
            case {"path": name}:
                return str(TESTS / name)
            case dict():
                return {key: self.given(item) for key, item in value.items()}
            case list():
                return [self.given(item) for item in value]
            case _:
                return value

    @abc.abstractmethod
    def make(self, step: list[Any]) -> None:
        """Makes one call of an ask."""


def main(maker: type[Maker], key: str) -> None:
    out, sys.stdout = sys.stdout, sys.stderr
    for ask in json.loads((TESTS / "clients" / "asks.json").read_text()):
        controls("reset", {})
        controls("script", ask.get("script", []))
        try:
            one = maker()
            for step in ask[key]:
                one.make(step)
            fault = None
        except Exception:
            fault = traceback.format_exc(limit=-2)
        told = {"id": ask["id"], "fault": fault, "requests": controls("requests")}
        print(json.dumps(told), file=out, flush=True)

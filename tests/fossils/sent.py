# ruff: noqa: E501
"""Requests of every case of tests/cases, and of a matrix of options, inputs and calls."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kit import KEY, TESTS, Recorder

import nanobanana as nb

sys.path.insert(0, str(TESTS / "python"))
import test_cases as cases  # noqa: E402

PICTURE = {"image": "png 8x8"}
DOT = TESTS / "media" / "dot.png"


def entry(requests: list[dict[str, Any]], *, side_by_side: bool) -> list[dict[str, Any]]:
    """Requests that are sent at the same time have no order: theirs is that of their bodies."""
    return sorted(requests, key=lambda one: (one["line"], str(one.get("body")))) if side_by_side else requests


def of_case(case: dict[str, Any]) -> list[dict[str, Any]]:
    with (
        nb.Emulator() as emulator,
        Recorder(emulator.url) as recorder,
        tempfile.TemporaryDirectory() as folder,
    ):
        emulator.script(case.get("server", []))
        options = {"base_url": recorder.url, "api_key": KEY, **case.get("client", {})}
        options = {
            name: cases.given(value) if cases.is_path(value) else value for name, value in options.items()
        }
        # Only requests count here; results and errors of the cases have their own test.
        with contextlib.suppress(nb.NanoBananaError), nb.Client(**options) as client:
            if "steps" in case:
                converse(client, case, Path(folder))
            else:
                cases.ask(client, case["call"], [])
        n = case.get("call", {}).get("options", {}).get("n")
        return entry([one.report() for one in recorder.requests], side_by_side=n is not None)


def converse(client: nb.Client, case: dict[str, Any], folder: Path) -> None:
    chat = client.chat(**case.get("chat", {}))
    for step in case["steps"]:
        if step["verb"] == "branch":
            chat = chat.branch()
        elif step["verb"] == "reload":
            chat = client.load_chat(chat.save(folder / "a.chat.json"))
        else:
            with contextlib.suppress(nb.NanoBananaError):
                cases.ask(chat, step, [])


def side_by_side(make: Callable[[Any], Any], items: list[Any]) -> Iterator[Any]:
    with ThreadPoolExecutor(6) as pool:
        yield from pool.map(make, items)


def of_cases() -> dict[str, Any]:
    made = side_by_side(of_case, cases.CASES)
    return {case["id"]: requests for case, requests in zip(cases.CASES, made, strict=True) if requests}


def folded(entries: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The same with each set of headers and each body written once, and with repetitions counted."""
    bodies: set[str] = set()
    sets: dict[tuple[str, ...], str] = {}
    whole: dict[str, Any] = {"headers": {}}
    for name, requests in entries.items():
        lines: list[dict[str, Any]] = []
        for one in requests:
            headers = tuple(one["headers"])
            label = sets.setdefault(headers, f"h{len(sets)}")
            line = {**one, "headers": label}
            if line.get("digest") in bodies:
                line.pop("body", None)
            elif "body" in line and "digest" in line:
                bodies.add(line["digest"])
            if lines and {**lines[-1], "times": 1} == {**line, "times": 1}:
                lines[-1]["times"] = lines[-1].get("times", 1) + 1
            else:
                lines.append(line)
        whole[name] = lines
    whole["headers"] = {label: list(headers) for headers, label in sets.items()}
    return whole


def unfolded(whole: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    entries: dict[str, list[dict[str, Any]]] = {}
    bodies: dict[str, Any] = {}
    for name, lines in whole.items():
        if name == "headers":
            continue
        entries[name] = []
        for line in lines:
            one = {**line, "headers": whole["headers"][line["headers"]]}
            times = one.pop("times", 1)
            if "digest" in one and ("body" in one or one["digest"] in bodies):
                one["body"] = bodies.setdefault(one["digest"], one.get("body"))
            entries[name] += [one] * times
    return entries

# ruff: noqa: E501, SIM117
"""Answers as Python shows them: errors of each class and fault, records, settings, and the command's output."""

from __future__ import annotations

import base64
import builtins
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit import KEY, TESTS, TODAY, short, steady
from sent import side_by_side

import nanobanana as nb

sys.path.insert(0, str(TESTS / "python"))
import test_faults as faults  # noqa: E402

MEDIA = TESTS / "media"
DOT = MEDIA / "dot.png"
WORDED = {"message", "warnings", "reason", "why", "hint", "finish_message", "note", "notes", "error"}
#: Numbers of a process's calls, and ids that an emulator makes up.
MADE_UP = {"call", "response_id", "upload_id", "took", "at", "rate_limits", "responseId", "thoughtSignature"}


class Words:
    """Messages taken out of answers: their wording may change where their structure does not."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def out_of(self, value: Any, at: str, name: str = "") -> Any:
        """The value with `<words>` in place of each message."""
        match value:
            case dict():
                return {key: self.out_of(item, f"{at}/{key}", key) for key, item in value.items()}
            case list():
                return [self.out_of(item, f"{at}/{i}", name) for i, item in enumerate(value)]
            case int() | float() if name == "wait" and value and at.startswith("fault"):
                return "<a pause>"
            case str() if name in MADE_UP:
                return "<made up>"
            case str() if name in WORDED and " " in value:
                self.found[at] = steady(value)
                return "<words>"
            case str():
                return short(steady(value))
            case int() | float() if name in MADE_UP and not isinstance(value, bool):
                return "<made up>"
            case float():
                return round(value, 9)
            case _:
                return value


def texts(value: Any, name: str = "") -> set[str]:
    match value:
        case dict():
            return {text for key, item in value.items() for text in texts(item, key)}
        case list():
            return {text for item in value for text in texts(item, name)}
        case str() if name in WORDED and " " in value:
            return {value}
        case _:
            return set()


def shown(value: Any, plain: Any) -> str:
    """Its `repr`, without words and without what is made up."""
    text = repr(value)
    for words in sorted(texts(plain), key=len, reverse=True):
        text = text.replace(repr(words), "<words>").replace(words, "<words>")
    text = re.sub(rf"\b({'|'.join(MADE_UP)})=('[^']*'|[\d.]+)", r"\1=<made up>", steady(text))
    return text if len(text) < 400 else short(text)


def about(value: Any, words: Words, at: str) -> dict[str, Any]:
    """A record or an error: its class, its fields, its `repr`, and that a pickle holds all of it."""
    plain = value.to_dict()
    back = pickle.loads(pickle.dumps(value))
    report = {"class": type(value).__name__, "pickles": type(back) is type(value) and back.to_dict() == plain}
    if isinstance(value, nb.NanoBananaError):
        # A field that is not here has its default, which stands with its class.
        default = type(value)().to_dict()
        report["whole"] = list(plain) == list(default) and list(vars(value)) == list(default)[1:]
        plain = {name: item for name, item in plain.items() if item != default[name]}
        report["whole"] &= str(value) == value.message and value.args == (value.message,)
        report |= {"cause": type(value.__cause__).__name__} if value.__cause__ else {}
    report["fields"] = words.out_of(plain, at)
    if not at.startswith(("fault", "model")):
        report["repr"] = shown(value, plain)
    return report


def of_faults(words: Words) -> dict[str, Any]:
    """Errors of the matrix of faults."""
    kinds = {"generate", "generate_stream"}
    slow = {"stall_always", "no_such_host"}
    cells = [cell for cell in faults.CELLS if cell.kind["id"] in kinds and cell.fault["id"] not in slow]
    cells = [cell for cell in cells if cell.expected()["end"] != "result"]

    def make(cell: Any) -> Any:
        with nb.Emulator(**cell.fault.get("emulator", {})) as emulator:
            emulator.script(cell.script())
            with nb.Client(**cell.options(emulator)) as client:
                return faults.call(client, cell.kind["id"]).error

    made = side_by_side(make, cells)
    return {
        f"fault {cell.id}": about(error, words, f"fault {cell.id}")
        for cell, error in zip(cells, made, strict=True)
    }


def refused() -> dict[str, Callable[[nb.Client], Any]]:
    """Errors before anything is sent, and how each is come by."""
    return {
        "no such option": lambda c: c.generate("a", aspect="1:1"),  # type: ignore[call-arg]
        "wrong type": lambda c: c.generate("a", n="two"),  # type: ignore[arg-type]
        "wrong value": lambda c: c.generate("a", thinking="loud"),  # type: ignore[arg-type]
        "wrong ratio": lambda c: c.generate("a", aspect_ratio="5:7"),
        "out of range": lambda c: c.generate("a", temperature=3),
        "n of a stream": lambda c: c.generate_stream("a", n=2),  # type: ignore[call-arg]
        "wrong setting": lambda c: c.generate("a", encode={"max_sid": 3}),  # type: ignore[arg-type]
        "retry as a number": lambda c: c.generate("a", retry=3),  # type: ignore[arg-type]
        "wrong client": lambda c: nb.Client(KEY, base_url="ftp://x"),
        "no such client option": lambda c: nb.Client(KEY, base_urls="x"),  # type: ignore[call-arg]
        "no key": lambda c: nb.Client(),
        "unsupported size": lambda c: c.generate("a", model="nano-banana", image_size="4K"),
        "unsupported option": lambda c: c.generate("a", model="nano-banana", thinking="high"),
        "no such file": lambda c: c.edit("a", "missing.png"),
        "not a picture": lambda c: c.edit("a", b"no picture"),
        "cut-off picture": lambda c: c.edit("a", MEDIA / "cut-off.png"),
        "empty picture": lambda c: c.edit("a", MEDIA / "empty.png"),
        "no prompt": lambda c: c.generate(""),
        "no picture": lambda c: c.edit("a", []),
        "mask without a picture": lambda c: c.edit("a", [], mask=nb.Box(0, 0, 1, 1)),
        "wrong mask": lambda c: c.edit("a", DOT, mask=MEDIA / "wide-mask.png"),
        "budget": lambda c: c.with_options(budget=0.0001).generate("a"),
        "private address": lambda c: c.edit("a", "http://127.0.0.1:9/a.png"),
        "no such chat": lambda c: c.load_chat("missing.chat.json"),
        "no such model option": lambda c: c.generate("a", model=""),
    }


STATUSES = [400, 401, 403, 404, 408, 409, 413, 418, 429, 500, 501, 502, 503, 504, 529]


def of_errors(words: Words) -> dict[str, Any]:
    report: dict[str, Any] = {}

    def caught(name: str, make: Callable[[], Any]) -> None:
        try:
            make()
            report[name] = "it succeeded"
        except nb.NanoBananaError as error:
            report[name] = about(error, words, name)

    with nb.Emulator() as emulator, nb.Client(KEY, base_url=emulator.url, retry=False) as client:
        # A client that was asked to wait keeps its next call waiting: each step has its own.
        once = lambda: nb.Client(KEY, base_url=emulator.url, retry=False)  # noqa: E731
        for name, call in refused().items():
            caught(name, lambda call=call: call(client))  # type: ignore[misc]
        for status in STATUSES:
            emulator.script([{"status": status}])
            caught(f"status {status}", lambda: once().generate("a"))
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
        error = {"status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": details}
        for name, step in {
            "details": {
                "status": 429,
                "error": error,
                "headers": {"retry-after": "9", "x-request-id": "r-1"},
            },
            "block": {
                "block_reason": "SAFETY",
                "ratings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": True}],
            },
            "finish": {"finish_reason": "IMAGE_SAFETY", "finish_message": "not this"},
            "words": {"text": "no picture today"},
            "unknown": {"finish_reason": "NEW_REASON"},
            "broken stream": {"text": "words", "image": "png 8x8", "cut": 900},
        }.items():
            emulator.script([step])
            caught(f"scripted {name}", lambda: once().generate("a"))
            emulator.script([step])
            caught(f"scripted {name}, a stream", lambda: list(once().generate_stream("a")))
    return report


def of_classes() -> dict[str, Any]:
    """Every public class made by hand: its bases, its fields with their defaults, its `repr`."""
    report: dict[str, Any] = {}
    for name in sorted(dir(nb)):
        one = getattr(nb, name)
        if name.startswith("_") or not isinstance(one, type):
            continue
        bases = [
            base.__name__
            for base in one.__mro__[1:-1]
            if base in (*vars(nb).values(), *vars(builtins).values())
        ]
        report[f"class {name}"] = {
            "module": one.__module__,
            "bases": bases,
            "fields": getattr(one, "_fields", None),
        }
        report[f"class {name}"]["names"] = [name for name in dir(one) if not name.startswith("_")]
        if issubclass(one, nb.NanoBananaError):
            error = one("a message")
            report[f"class {name}"] |= {"made": error.to_dict(), "repr": repr(error)}
    return report


def objects(client: nb.Client, emulator: nb.Emulator, folder: Path) -> dict[str, Any]:
    """Everything that a call answers with."""
    thoughts = ["hm", {"$image": "png 4x4"}]
    full = {
        "thoughts": thoughts,
        "text": "here",
        "images": ["png 8x8", "png 6x4"],
        "text_after": "bye",
        "grounding": True,
    }
    emulator.script([full, full, {**full, "times": 1}])
    result = client.generate("a boat", thoughts=True, search=True)
    events = list(client.generate_stream("a boat", thoughts=True))
    emulator.script([{"image": "png 8x8", "times": 99}])
    chat = client.chat(system="flat")
    chat.send("a boat")
    chat.send(["now", nb.Reference(DOT, name="Mia")])
    masked = client.edit("paint", MEDIA / "square.png", mask=nb.Box(0, 0, 2, 2))
    two = client.generate("two", n=2)
    warned = client.generate("a", seed=4, on_unsupported="warn", model="gemini-3-pro-image-preview")
    emulator.script([{"image": "png 8x8"}, {"status": 400}, {"image": "png 8x8"}])
    outcomes = list(
        client.generate_many(["a", "b", {"prompt": "c", "id": "three"}], concurrency=1, ordered=True)
    )
    file = client.files.upload(MEDIA / "brief.pdf", display_name="Brief")
    found: dict[str, Any] = {
        "result": result, "result of n": two, "result of a mask": masked, "result with warnings": warned,
        "usage": result.usage, "grounding": result.grounding, "thoughts": result.thoughts, "attempt": result.attempts[0],
        **{f"event {i} {type(event).__name__}": event for i, event in enumerate(events)},
        **{f"outcome {i}": outcome for i, outcome in enumerate(outcomes)},
        **{f"turn {i}": turn for i, turn in enumerate(chat.history)},
        "estimate": client.estimate("a", image_size="4K", n=2, model="nano-banana-pro"), "estimate of an edit": client.estimate("a", [DOT]),
        "explained": client.explain("a", [DOT, MEDIA / "wide.jpg"], encode=nb.Encode(max_side=8)), "count": client.count_tokens("a", [DOT]),
        "file": file, "spent": client.spent,
        **{f"model {model.id}": model for model in client.models()},
        "timeout": nb.Timeout(total=5), "retry": nb.Retry(max_attempts=2), "budget": nb.Budget(usd=3), "encode": nb.Encode(max_side=4),
        "cache": nb.Cache(path="folder"), "box": nb.Box(0, 1, 2, 3), "reference": nb.Reference("a.png", name="Mia", role="style"),
        "attachment": nb.Attachment("a.pdf", mime_type="application/pdf"),
    }  # fmt: skip
    return found


def shells(words: Words) -> dict[str, Any]:
    """Output of the command with `--json`, and its exit codes."""
    report: dict[str, Any] = {}
    with nb.Emulator() as emulator, tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        env = {
            **os.environ,
            "NANOBANANA_TODAY": TODAY,
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": emulator.url,
        }
        (folder / "dot.png").write_bytes(DOT.read_bytes())
        (folder / "jobs.jsonl").write_text('"a"\n{"prompt":"b","id":"two"}\n')

        def run(*args: str, script: Any = None, text: str = "") -> None:
            emulator.script(script or [{"image": "png 8x8", "times": 9}])
            command = [sys.executable, "-m", "nanobanana", *args, "--json"]
            done = subprocess.run(
                command, input=text, env=env, cwd=folder, capture_output=True, text=True, timeout=60
            )
            at = f"command {' '.join(args)}" + (f" {json.dumps(script)}" if script else "")
            lines = []
            for i, line in enumerate(done.stdout.splitlines()):
                said = json.loads(steady(line, folder))
                lines.append(words.out_of(said, f"{at}/{i}"))
            if args[0] == "many":
                lines.sort(key=str)
            report[at] = {"exit": done.returncode, "lines": lines}

        run("generate", "a boat", "-o", "a")
        run("generate", "a boat", "--n", "2", "--model", "nano-banana-pro", "-o", "two")
        run("edit", "at night", "dot.png", "-o", "b.png")
        run("chat", "-o", "c", text="a boat\nat night\n")
        run("many", "jobs.jsonl", "-o", "out", "--concurrency", "1")
        run("estimate", "a boat")
        run("explain", "at night", "dot.png")
        run("count-tokens", "a boat")
        run("models")
        run("files", "list")
        run("generate", "a", "--aspect-ratio", "5:7")
        run("generate", "a", "--model", "nano-banana", "--image-size", "4K")
        run("edit", "a", "missing.png")
        run("generate", "a", "--no-such-flag")
        for step in (
            *({"status": status} for status in (400, 401, 403, 404, 429, 500, 503)),
            {"block_reason": "SAFETY"}, {"finish_reason": "NO_IMAGE"}, {"cut": "headers"}, {"body": "not JSON"},
        ):  # fmt: skip
            run("generate", "a", "--retry", "false", script=[step])
    return report


def python(words: Words) -> dict[str, Any]:
    report = {**of_classes(), **of_errors(words), **of_faults(words)}
    with nb.Emulator() as emulator, tempfile.TemporaryDirectory() as folder:
        with nb.Client(KEY, base_url=emulator.url, retry=False) as client:
            for name, one in objects(client, emulator, Path(folder)).items():
                if isinstance(
                    one,
                    nb.Timeout
                    | nb.Retry
                    | nb.Budget
                    | nb.Encode
                    | nb.Cache
                    | nb.Box
                    | nb.Reference
                    | nb.Attachment,
                ):
                    report[name] = {
                        "repr": repr(one),
                        "set": {key: str(one[key]) for key in dict(one)},
                        "pickles": pickle.loads(pickle.dumps(one)) == one,
                    }
                else:
                    report[name] = about(one, words, name)
            emulator.script([{"image": "png 8x8"}])
            picture = client.generate("a").image
            for name, one in {
                "client": client,
                "chat": client.chat(),
                "picture": picture,
                "files": client.files,
                "emulator": emulator,
            }.items():
                report[f"repr of {name}"] = steady(repr(one))
    return report


def pickles() -> dict[str, Any]:
    """Pickles of this build, which every later one must load, with what each of them holds."""
    global MEDIA, DOT
    # No place of this machine in what is kept.
    os.chdir(MEDIA)
    MEDIA, DOT = Path(), Path("dot.png")
    kept: dict[str, Any] = {}
    with nb.Emulator() as emulator, tempfile.TemporaryDirectory() as folder:
        with nb.Client(KEY, base_url=emulator.url, retry=False) as client:
            found = objects(client, emulator, Path(folder))
            found["picture"] = found["result"].image
            found |= {
                f"error {one.__name__}": one("a message")
                for one in vars(nb).values()
                if isinstance(one, type) and issubclass(one, nb.NanoBananaError)
            }
            emulator.script([{"text": "words", "image": "png 8x8", "cut": 900}])
            try:
                list(client.generate_stream("a"))
            except nb.NanoBananaError as error:
                found["error with what came"] = error
            for name, call in {**refused()}.items():
                try:
                    call(client)
                except nb.NanoBananaError as error:
                    found[f"error {name}"] = error
    for name, one in found.items():
        if name.startswith("model ") and name != "model gemini-3-pro-image":
            continue
        data = base64.b64encode(pickle.dumps(one, 4)).decode()
        kept[name] = {"holds": held(one), "pickle": data}
    return kept


def held(one: Any) -> Any:
    """Content of a pickled object, as plain values."""
    if isinstance(one, nb.Image):
        return {"mime_type": one.mime_type, "bytes": base64.b64encode(one.bytes).decode()}
    plain = repr(one) if isinstance(one, nb.Box | nb.Reference | nb.Attachment | nb.Cache) else one.to_dict()
    return json.loads(json.dumps({"class": type(one).__name__, "fields": plain}))


def load(entry: dict[str, Any]) -> Any:
    return held(pickle.loads(base64.b64decode(entry["pickle"])))

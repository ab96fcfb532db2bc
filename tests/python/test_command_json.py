"""The output of the command with `--json` is as its published schema says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import nanobanana as nb

ROOT = Path(__file__).parent.parent.parent
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs/public/command.schema.json").read_text("utf-8"))


def strict() -> dict[str, Any]:
    """The schema of this version alone: a property that it does not name is an error."""
    schema: dict[str, Any] = json.loads(json.dumps(SCHEMA))
    for name, one in schema["$defs"].items():
        if "allOf" in one:
            one["unevaluatedProperties"] = False
        elif "properties" in one and name != "Result":
            one["additionalProperties"] = False
    return schema


def check(command: str, line: str) -> Any:
    schema = {**strict(), "$ref": f"#/$defs/nanobanana%20{command.replace(' ', '%20')}"}
    del schema["anyOf"]
    value = json.loads(line)
    wrong = sorted(Draft202012Validator(schema).iter_errors(value), key=str)
    assert not wrong, f"{command}: {[(error.json_path, error.message) for error in wrong]}"
    assert Draft202012Validator(SCHEMA).is_valid(value)
    return value


class Shell:
    def __init__(self, folder: Path, emulator: nb.Emulator) -> None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        keys = {"GEMINI_API_KEY": "test-key-0123", "GOOGLE_GEMINI_BASE_URL": emulator.url}
        self.folder, self.env = folder, {**os.environ, **keys, "PATH": path}

    def __call__(self, *args: str, code: int = 0, stdin: str = "") -> list[str]:
        run = ["nanobanana", *args, "--json"]
        done = subprocess.run(
            run, input=stdin, timeout=60, cwd=self.folder, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def shell(tmp_path: Path, emulator: nb.Emulator) -> Shell:
    (tmp_path / "boat.jpg").write_bytes((ROOT / "tests/media/wide.jpg").read_bytes())
    return Shell(tmp_path, emulator)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert not Draft202012Validator(SCHEMA).is_valid({"width": 1024})


def test_drawing(shell: Shell, emulator: nb.Emulator, tmp_path: Path) -> None:
    (drawn,) = shell("generate", "a boat", "--search", "--thoughts", "--model", "nano-banana-pro", "-o", "a")
    assert check("generate", drawn)["files"] == ["a.jpg"]
    box = "10%,10%,60%,60%"
    (drawn,) = shell("edit", "at night", "boat.jpg", "--mask", box, "-o", "b.png")
    assert check("edit", drawn)["masked"] is not None
    for line in shell("chat", "-o", "c", stdin="a boat\nat night\n"):
        check("chat", line)
    (tmp_path / "jobs.jsonl").write_text('"a"\n"b"\n', "utf-8")
    emulator.script([{}, {"block_reason": "PROHIBITED_CONTENT"}])
    good, bad = sorted(
        shell("many", "jobs.jsonl", "-o", "out", code=4)[:2], key=lambda line: '"ok":false' in line
    )
    assert check("many", good)["files"] and check("many", bad)["error"]["kind"] == "BlockedError"


def test_asking(shell: Shell) -> None:
    (line,) = shell("models")
    assert len(check("models", line)) >= 5
    check("estimate", *shell("estimate", "a boat"))
    check("explain", *shell("explain", "at night", "boat.jpg", "--encode", '{"max_side": 8}'))
    check("count-tokens", *shell("count-tokens", "at night", "boat.jpg"))


def test_doctor(shell: Shell) -> None:
    (line,) = shell("doctor")
    assert check("doctor", line)["ok"]


def test_probe(shell: Shell) -> None:
    only = ["--only", "missing-file-404", "--max-usd", "1"]
    plan = check("probe", *shell("probe", *only))
    report = check("probe", *shell("probe", *only, "--yes"))
    assert plan.keys() < report.keys()


def test_no_command_is_left_out(shell: Shell) -> None:
    """Each command that takes `--json` has its entry; `emulate` prints its URL, and JSON only if it fails."""

    def said(*args: str) -> str:
        return subprocess.run(
            ["nanobanana", *args, "--help"], env=shell.env, capture_output=True, text=True
        ).stdout

    def listed(text: str) -> list[str]:
        block = text.split("Commands:\n")[1].split("\n\n")[0] if "Commands:\n" in text else ""
        return [line.split()[0] for line in block.splitlines() if line.split()[0] != "help"]

    commands = [
        [name, *inner] for name in listed(said()) for inner in [[one] for one in listed(said(name))] or [[]]
    ]
    with_json = {" ".join(command) for command in commands if "--json" in said(*command)}
    named = {name.removeprefix("nanobanana ") for name in SCHEMA["$defs"] if name.startswith("nanobanana ")}
    assert with_json - {"emulate"} == named - {"failure"}


def test_files(shell: Shell) -> None:
    (line,) = shell("files", "upload", "boat.jpg")
    name = check("files upload", line)["name"]
    check("files get", *shell("files", "get", name))
    assert [file["name"] for file in check("files list", *shell("files", "list"))] == [name]
    assert check("files delete", *shell("files", "delete", name)) == {"deleted": name}


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        ({"status": 400, "error": {"status": "INVALID_ARGUMENT", "message": "no"}}, "BadRequestError", 1),
        ({"status": 429, "error": {"status": "RESOURCE_EXHAUSTED", "message": "no"}}, "RateLimitError", 5),
        ({"block_reason": "PROHIBITED_CONTENT"}, "BlockedError", 4),
        ({"finish_reason": "NO_IMAGE"}, "NoImageError", 1),
        ({"cut": "headers"}, "APIConnectionError", 6),
    ],
)
def test_failures(step: Any, kind: str, code: int, shell: Shell, emulator: nb.Emulator) -> None:
    emulator.script([step])
    (line,) = shell("generate", "a boat", "--retry", "false", code=code)
    assert check("failure", line)["error"]["kind"] == kind


def test_wrong_options(shell: Shell) -> None:
    for args in (["--aspect-ratio", "5:7"], ["--thinking", "loud"], ["--api-version", ""]):
        (line,) = shell("generate", "a boat", *args, code=2)
        check("failure", line)


def test_doctor_and_probe(shell: Shell) -> None:
    check("doctor", *shell("doctor", "--timeout", "20"))
    check("probe", *shell("probe"))
    asked = ["--only", "missing-file-404,signatures-on-vertex", "--max-usd", "1", "--yes"]
    report = check("probe", *shell("probe", *asked))
    assert [row["supports"] for row in report["conflicts"]] == ["undecided", "usual"]

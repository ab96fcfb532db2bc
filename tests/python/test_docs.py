"""The pages of `docs/` and the READMEs: their Python and shell runs as it is written, against the emulator.

The blocks of a page run one after the other in one folder, so that a later one goes on from an earlier one.
A comment `<!-- not run: why -->` right before a block leaves it out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not {"node_modules", ".vitepress"} & set(page.parts))
FENCE = re.compile(
    r"(?:<!-- not run: (?P<why>[^\n]+?) -->\n+)?^```(?P<lang>\w+)[^\n]*\n(?P<code>.*?)^```$", re.M | re.S
)

# What the pages speak of, by files of the same shape.
FILES = {
    "boat.jpg": "wide.jpg",
    "sky.jpg": "wide.jpg",
    "cafe.jpg": "wide.jpg",
    "mia.jpg": "wide.jpg",
    "logo.png": "square.png",
    "sky-mask.png": "wide-mask.png",
    "plan.pdf": "brief.pdf",
    "prices.csv": "prices.csv",
    "company-ca.pem": "ca.pem",
}


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """Language and text of the blocks that run."""
    found = FENCE.finditer(page.read_text("utf-8"))
    return [(m["lang"], m["code"]) for m in found if m["lang"] in languages and not m["why"]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of a reader who has a key and a few files; the service is an emulator."""
    for name, source in FILES.items():
        (tmp_path / name).write_bytes((ROOT / "tests" / "media" / source).read_bytes())
    monkeypatch.chdir(tmp_path)
    with nb.Emulator() as emulator:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.url)
        monkeypatch.setenv("GEMINI_API_KEY", "a-key-of-a-reader")
        monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
        yield tmp_path
    nb.set_default_client(None)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem
)
def test_python_of_a_page(page: Path, folder: Path) -> None:
    names = {"__name__": page.stem, "nb": nb, "Path": Path, "client": nb.Client()}
    # A test of a reader's own is a function; pytest would give it these.
    fixtures = {"nanobanana_client": names["client"]}
    for _, block in blocks(page, "python"):
        known = set(names)
        with warnings.catch_warnings():
            # A page may show what warns.
            warnings.simplefilter("ignore")
            exec(compile(block, str(page.relative_to(ROOT)), "exec"), names)
            for name in [name for name in set(names) - known if name.startswith("test_")]:
                test = names[name]
                test(**{arg: fixtures[arg] for arg in test.__code__.co_varnames[: test.__code__.co_argcount]})


@pytest.mark.skipif(sys.platform == "win32", reason="the pages are for a POSIX shell")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=lambda page: page.stem)
def test_shell_of_a_page(page: Path, folder: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(code for _, code in blocks(page, "sh"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = ["bash", "-c", script]
    ended = subprocess.run(run, capture_output=True, text=True, timeout=120, env={**os.environ, "PATH": path})
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


def test_every_variable_of_the_environment_has_its_line() -> None:
    read = re.compile(
        r"""(?:variable|env::var|var_os|getenv|environ\.get|debuglog)\(\s*["']([A-Z_]{4,})["']"""
    )
    by_name = re.compile(r"""process\.env(?:\.|\[['"])([A-Z_]{4,})""")
    folders = [
        "core/src",
        "core/base/src",
        "core/emulator/src",
        "core/cli/src",
        "bindings-python/src",
        "bindings-python/python",
        "bindings-node/src",
        "bindings-node/lib",
    ]
    files = [
        file
        for folder in folders
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".rs", ".py", ".ts", ".mts")
    ]
    texts = [file.read_text("utf-8") for file in files if file.name != "pytest_plugin.py"]
    names = {name for text in texts for pattern in (read, by_name) for name in pattern.findall(text)}
    assert {"GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "TERM_PROGRAM"} <= names
    page = (DOCS / "environment.md").read_text("utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_every_command_is_on_its_page() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "nanobanana", "--help"], capture_output=True, text=True, check=True
    ).stdout
    listed = printed.split("Commands:")[1].split("Options:")[0]
    commands = re.findall(r"^  (\w[\w-]*)", listed, re.M)
    assert "generate" in commands
    page = (DOCS / "command.md").read_text("utf-8")
    assert [name for name in commands if not re.search(rf"^\| [^|]*`{name}\b", page, re.M)] == []


def as_written(page: Path, before: str, after: str) -> None:
    """Rewrites a page that is not as its sources say, and fails."""
    if before != after:
        page.write_text(after, "utf-8")
        name = page.relative_to(ROOT)
        pytest.fail(f"{name} was out of date and has been rewritten; look at the difference, run again")


def test_the_steps_of_scripts_stand_on_their_page() -> None:
    steps = (ROOT / "core/emulator/src/steps.md").read_text("utf-8")
    tables = re.findall(r"^\| name \| meaning \|\n(?:\|.*\n)+", steps, re.M)
    assert len(tables) == 3
    page = DOCS / "reference" / "scripts.md"
    before = after = page.read_text("utf-8")
    for number, table in enumerate(tables, 1):
        pattern = rf"<!-- table: {number} -->.*?<!-- end -->"
        whole = f"<!-- table: {number} -->\n{table}<!-- end -->"
        after = re.sub(pattern, lambda _, whole=whole: whole, after, flags=re.S)
    as_written(page, before, after)


def reasons(heading: str) -> dict[str, list[str]]:
    """The cells behind each word of the table below a heading of the page of scripts."""
    page = (DOCS / "reference" / "scripts.md").read_text("utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


@pytest.mark.parametrize(
    ("heading", "fact", "name"),
    [
        ("Finish reasons", "Every reason of an end", "finish_reason"),
        ("Block reasons", "Every reason of a block", "block_reason"),
    ],
)
def test_each_reason_gives_what_its_page_says(heading: str, fact: str, name: str) -> None:
    facts = (ROOT / "tests" / "facts.json").read_text("utf-8")
    probes = facts.split(f'"field": "{fact}"')[1].split('"field":')[0]
    told = reasons(heading)
    assert list(told) == re.findall(rf'"{name}": "(\w+)"', probes)
    with nb.Emulator() as emulator:
        client = nb.Client("a-key-of-a-reader", base_url=emulator.url, retry=nb.Retry(no_image=1, initial=0))
        for word, (meaning, got, retryable) in told.items():
            emulator.script([{name: word, "times": 2}])
            with pytest.raises(nb.APIError) as raised:
                client.generate("a boat")
            error = raised.value
            said = f"`{type(error).__name__}`"
            if isinstance(error, nb.BlockedError):
                assert error.reason == word
                said += f", stage `{error.stage}`"
            elif len(error.attempts) == 2:
                said += "; asked again if `no_image` is set"
            assert (word, got, retryable) == (word, said, "yes" if error.retryable else "no")
            assert meaning
            assert error.billed == "yes"


def test_prices_of_a_page_are_those_of_the_catalogue() -> None:
    with nb.Client.offline() as client:
        known = {f"${price:.4f}" for model in client.models() for price in model.price_per_image.values()}
    told = re.findall(r"\$\d+\.\d+", (DOCS / "money.md").read_text("utf-8"))
    assert told
    assert [price for price in told if price not in known] == []


def test_names_of_other_libraries_are_as_the_client_answers_them() -> None:
    names = json.loads((ROOT / "tests" / "foreign_names.json").read_text("utf-8"))["names"]
    page = DOCS / "coming-from.md"
    before = after = page.read_text("utf-8")
    with nb.Client.offline() as client:
        for library in ("google-genai", "openai", "litellm"):
            answers: dict[str, list[str]] = {}
            for row in sorted(names, key=lambda row: row["name"].lower()):
                if row["from"].split()[0] == library:
                    same = answers.setdefault(answer(client, row), [])
                    same += [name for name in [f"`{row['name']}`"] if name not in same]
            assert answers, library
            lines = "".join(f"| {', '.join(theirs)} | {ours} |\n" for ours, theirs in answers.items())
            table = f"<!-- table: {library} -->\n| there | here |\n| --- | --- |\n{lines}<!-- end -->"
            pattern = rf"<!-- table: {re.escape(library)} -->.*?<!-- end -->"
            after = re.sub(pattern, lambda _, table=table: table, after, flags=re.S)
    as_written(page, before, after)


def answer(client: nb.Client, row: dict[str, Any]) -> str:
    """What the client says of another library's name, as a cell of a table."""
    options: dict[str, Any] = {row["name"]: "a value"}
    try:
        if row["at"] == "client":
            nb.Client("a-key-of-a-reader", **options)
        else:
            client.generate("x", **({"retry": options} if row["at"] == "retry" else options))
    except nb.InvalidOptionError as error:
        said = re.sub(r"^option `[^`]+` (does not exist: )?", "", str(error))
        said = re.sub(r"^is (called|written) (`[^`]+`)(.*) here$", r"\2\3", said).replace("|", "\\|")
        if row["name"] not in row["ours"]:
            return said
    except nb.NanoBananaError:
        pass
    return "the same name"

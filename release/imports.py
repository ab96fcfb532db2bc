"""What an import costs above the bare interpreter, beside the peers, from what `dist` packed.

python release/imports.py [--rounds N] [--write]

Every Python package has its own environment. The sides take turns; a figure is that of a whole process,
and the median of the rounds. It fails if a mark is missed. `--write` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"

# Milliseconds above the interpreter at most, for each way in.
MARKS = {"python": 10, "require": 25, "import": 25}

PYTHON = {
    "nanobanana-sdk": "nanobanana",
    "google-genai": "google.genai",
    "openai": "openai",
    "pillow": "PIL.Image",
}
NODE = ["nanobanana-sdk", "@google/genai", "openai", "sharp"]
OURS = "nanobanana-sdk"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


def python_sides(place: Path) -> dict[str, list[str]]:
    """The commands by package; the bare interpreter has no name."""
    sides = {}
    for package, module in PYTHON.items():
        venv = place / package
        run(sys.executable, "-m", "venv", venv)
        python = venv / "bin" / "python"
        source = (
            ["--no-index", "--find-links", DIST / "python", "--only-binary", ":all:"]
            if package == OURS
            else []
        )
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *source, package)
        sides.setdefault("", [str(python), "-c", "pass"])
        version = f"import importlib.metadata as m; print(m.version({package!r}))"
        sides[f"{package} {run(python, '-c', version).strip()}"] = [str(python), "-c", f"import {module}"]
    return sides


def node_sides(place: Path, node: str) -> dict[str, dict[str, list[str]]]:
    place.mkdir()
    (place / "package.json").write_text('{ "private": true }')
    ours = [str(file) for file in sorted((DIST / "npm").glob("*.tgz"))]
    names = [*ours, *(name for name in NODE if name != OURS)]
    run("npm", "install", "--silent", "--no-audit", "--no-fund", *names, cwd=place)
    required = {"": [node, "-e", "0"]}
    imported = {"": [node, "--input-type=module", "-e", "0"]}
    for name in NODE:
        manifest = json.loads((place / "node_modules" / name / "package.json").read_text("utf-8"))
        label = f"{name} {manifest['version']}"
        required[label] = [node, "-e", f"require('{name}')"]
        imported[label] = [node, "--input-type=module", "-e", f"import '{name}'"]
    return {"require": required, "import": imported}


def measured(command: Sequence[str], cwd: Path) -> tuple[float, float]:
    """Wall and CPU of a whole process, in milliseconds."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}")
    return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def medians(sides: dict[str, list[str]], cwd: Path, rounds: int) -> dict[str, tuple[float, float]]:
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    names = list(sides)
    # The first round is not counted: it brings files into memory.
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            figures = measured(sides[name], cwd)
            if turn:
                runs[name].append(figures)
    return {
        name: (statistics.median(wall for wall, _ in each), statistics.median(cpu for _, cpu in each))
        for name, each in runs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    version = sys.version.split()[0]
    lines = ["| | | wall ms | CPU ms | |", "| --- | --- | --: | --: | --- |"]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="nanobanana-imports-") as folder:
        place = Path(folder)
        node = run("node", "-p", "process.execPath").strip()
        ways = {"python": python_sides(place), **node_sides(place / "npm", node)}
        titles = {
            "python": f"Python {version}",
            "require": f"Node {run(node, '--version').strip()[1:]}, `require`",
            "import": "the same, `import`",
        }
        for way, sides in ways.items():
            figures = medians(sides, place / "npm", asked.rounds)
            bare = figures.pop("")
            lines.append(f"| {titles[way]} | the bare interpreter | {bare[0]:.1f} | {bare[1]:.1f} | |")
            for name, (wall, cpu) in figures.items():
                own, verdict = name.startswith(f"{OURS} "), ""
                if own:
                    is_met = wall - bare[0] <= MARKS[way]
                    missed += not is_met
                    verdict = f"at most +{MARKS[way]}: {'met' if is_met else '**missed**'}"
                label = f"**{name}**" if own else name
                lines.append(f"| | {label} | +{wall - bare[0]:.1f} | +{cpu - bare[1]:.1f} | {verdict} |")
    table = "\n".join(lines)
    print(table)
    if asked.write:
        write(table, asked.rounds)
    sys.exit(bool(missed))


def write(table: str, rounds: int) -> None:
    page = ROOT / "docs" / "benchmarks.md"
    commit = run("git", "rev-parse", "--short=8", "HEAD", cwd=ROOT).strip()
    today = datetime.date.today()
    text = f"""<!-- imports -->

## Import of the packages

`python release/imports.py`, {rounds} rounds on {today} at {commit}. Whole processes that import one
package and end; ours is from what a release packs. The figures of packages are what they take above the bare
interpreter.

{table}

<!-- /imports -->"""
    old = page.read_text("utf-8")
    pattern = re.compile(r"<!-- imports -->.*<!-- /imports -->", re.S)
    new = pattern.sub(lambda _: text, old) if pattern.search(old) else f"{old.rstrip()}\n\n{text}\n"
    page.write_text(new, "utf-8")


main()

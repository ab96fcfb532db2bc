"""Checks the Python that readers copy, the pages' and the examples', with mypy and pyright, both strict.

The blocks of a page are one file, since they run one after the other. The package itself must be typed
completely.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = ROOT / "target" / "typed"
PACKAGE = ROOT / "bindings-python" / "python"
PYRIGHT = ROOT / "node_modules" / "pyright" / "index.js"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.M | re.S)

# What a page may leave out, as its tests give it.
GIVEN = {
    "nb": "import nanobanana as nb",
    "Path": "from pathlib import Path",
    "client": "client = nb.Client()",
}

RULES = {
    # Blocks show values, and imports for the next block.
    "reportUnusedExpression": "none",
    "reportUnusedImport": "none",
    "reportUnusedVariable": "none",
    # pyright does not narrow an outcome by `if outcome.ok:`; mypy does, and reads the same files.
    "reportOptionalMemberAccess": "none",
}


def page_as_file(page: Path) -> str:
    code = "\n".join(BLOCK.findall(page.read_text("utf-8")))
    if not code:
        return ""
    made = r"^\s*(import .*\b{0}\b|from .* import .*\b{0}\b|{0} =|.* as {0}:)"
    given = [line for name, line in GIVEN.items() if not re.search(made.format(name), code, re.M)]
    return "\n".join([*given, "", code])


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    docs = ROOT / "docs"
    for page in [ROOT / "README.md", PACKAGE.parent / "README.md", *docs.rglob("[!.]*.md")]:
        if {"node_modules", ".vitepress"} & set(page.parts):
            continue
        if code := page_as_file(page):
            name = "_".join(page.relative_to(ROOT).with_suffix("").parts).replace("-", "_").lower()
            (OUT / f"{name}.py").write_text(code, "utf-8")
    for file in (ROOT / "examples" / "tour.py", ROOT / "tests" / "python" / "typing_sample.py"):
        shutil.copy(file, OUT)
    files = sorted(map(str, OUT.glob("*.py")))
    config = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(PACKAGE)],
        **RULES,
    }
    (OUT / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    pyright = ["node", str(PYRIGHT), "--pythonpath", sys.executable]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    for name, command in {
        "mypy": [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *files],
        "pyright": [*pyright, "--project", str(OUT)],
        "the types of the package": [*pyright, "--verifytypes", "nanobanana", "--ignoreexternal"],
    }.items():
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        if ended.returncode:
            sys.exit(f"{name}:\n{ended.stdout}{ended.stderr}")
    print(f"{len(files)} files of pages and examples are typed")


if __name__ == "__main__":
    main()

"""The stub of the compiled module, and the classes as type checkers read them, are what runs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_type_checkers_read_is_what_runs() -> None:
    allowed = Path(__file__).with_name("stubtest.txt")
    config = ["--mypy-config-file", str(ROOT / "pyproject.toml"), "--allowlist", str(allowed)]
    command = [sys.executable, "-m", "mypy.stubtest", "nanobanana", "--concise", *config]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"

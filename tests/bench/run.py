"""Our figures with a peer's beside them, in one run, each side in a clean environment. Linux; takes minutes.

usage: python tests/bench/run.py WHEEL TARBALL    (`pip wheel . --no-deps`, `npm pack`)
"""

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
wheel, tarball = (str(Path(path).resolve()) for path in sys.argv[1:3])
ROUNDS = 15


def run(*command: str, cwd: str | None = None) -> str:
    return subprocess.run(command, check=True, cwd=cwd, text=True, stdout=subprocess.PIPE).stdout.strip()


def milliseconds(command: list[str], cwd: str) -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, cwd=cwd)
        return (time.perf_counter() - start) * 1000

    once()
    return statistics.median(once() for _ in range(ROUNDS))


with tempfile.TemporaryDirectory() as folder:
    python = {}
    for name, source in {"nanobanana-sdk": wheel, "google-genai": "google-genai"}.items():
        venv.create(f"{folder}/{name}", with_pip=True)
        python[name] = f"{folder}/{name}/bin/python"
        run(python[name], "-m", "pip", "install", "--quiet", source)
    Path(f"{folder}/package.json").write_text("{}")
    run("npm", "install", "--silent", "--no-audit", "--no-fund", tarball, "@google/genai@2.32.0", cwd=folder)

    print(f"import, median of {ROUNDS}, above the bare interpreter")
    for name, module in {"nanobanana-sdk": "nanobanana", "google-genai": "google.genai"}.items():
        bare = milliseconds([python[name], "-c", "pass"], folder)
        took = milliseconds([python[name], "-c", f"import {module}"], folder)
        print(f"  python  {name:16} {took - bare:6.1f} ms  (bare {bare:.1f})")
    for name in ("nanobanana-sdk", "@google/genai"):
        for kind, flag, code in (
            ("import", "module", f"import '{name}'"),
            ("require", "commonjs", f"require('{name}')"),
        ):
            bare = milliseconds(["node", f"--input-type={flag}", "-e", "0"], folder)
            took = milliseconds(["node", f"--input-type={flag}", "-e", code], folder)
            print(f"  node    {name:16} {took - bare:6.1f} ms  ({kind}, bare {bare:.1f})")

    for script in ("receive.mjs", "stall.mjs", "chat.mjs"):
        Path(folder, script).write_text((HERE / script).read_text())

    def both(script: str, *args: str) -> None:
        for name, interpreter in python.items():
            print(f"  python  {name:16} {run(interpreter, str(HERE / f'{script}.py'), name, *args)}")
        for name in ("nanobanana-sdk", "@google/genai"):
            print(f"  node    {name:16} {run('node', '--expose-gc', f'{folder}/{script}.mjs', name, *args)}")

    @contextlib.contextmanager
    def serving(megabytes: int) -> Iterator[str]:
        command = [sys.executable, str(HERE / "server.py"), str(megabytes)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()

    with serving(15) as url:
        print("one picture of 15 MB: peak memory above the baseline")
        both("receive", url, "call")
        print("eight pictures of 15 MB at once")
        both("stall", url)
    with serving(30) as url:
        print("one picture of 30 MB, by a call and by a stream, three times")
        for how in ("call", "stream") * 3:
            both("receive", url, how)
    with serving(4) as url:
        print("a conversation of ten turns with 4 MB each, then the other language goes on with it")
        ours = (
            [python["nanobanana-sdk"], str(HERE / "chat.py")],
            ["node", "--expose-gc", f"{folder}/chat.mjs"],
        )
        for one, other in (ours, ours[::-1]):
            file = f"{folder}/{Path(one[0]).name}.chat.json"
            print(f"  {Path(one[0]).name:7} {run(*one, url, file)}")
            print(f"  {Path(other[0]).name:7} {run(*other, url, file)}")

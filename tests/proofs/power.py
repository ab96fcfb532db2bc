"""Power cuts in the middle of a bulk run: its traced writes are replayed without what was not synced.

A run is traced by strace. Each cut takes the first so many of its calls and builds the folder that a disk
may hold then: what was synced, and of the rest nothing (every other cut) or a part that is left to chance,
names and bytes each for themselves. From there the run goes on with the same service. What was handed out
must be there without another request, and what is asked for again must be said.

    python tests/proofs/power.py [CUTS] [COMMAND...]
"""

import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nanobanana as nb

CALLS = (
    "openat,creat,open,write,pwrite64,writev,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,link,linkat,"
    "unlink,unlinkat,mkdir,mkdirat,ftruncate,close"
)
LINE = re.compile(r"^(\d+)\s+(?:([a-z0-9_]+)\((.*)|<\.\.\. ([a-z0-9_]+) resumed>(.*))$")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


def calls(trace: Path) -> list[tuple[str, str, int]]:
    """The calls that came back, in that order: name, arguments, result."""
    begun: dict[str, str] = {}
    found = []
    for line in trace.read_text().splitlines():
        match = LINE.match(line)
        if not match:
            continue
        thread, name, rest, resumed, tail = match.groups()
        if name and rest.endswith("<unfinished ...>"):
            begun[thread] = rest.removesuffix("<unfinished ...>")
            continue
        if resumed:
            name, rest = resumed, begun.pop(thread, "") + tail
        arguments, _, result = rest.rpartition(" = ")
        number = re.match(r"-?\d+", result)
        if number and int(number[0]) >= 0:
            found.append((name, arguments, int(number[0])))
    return found


def strings(arguments: str) -> list[bytes]:
    """The texts among them, whole."""
    found = STRING.findall(arguments)
    assert not any(cut for _, cut in found), "strace cut a text"
    return [bytes.fromhex(text.replace("\\x", "")) for text, _ in found]


class File:
    """What a file holds for good, and what was written since."""

    def __init__(self) -> None:
        self.synced = b""
        self.pending: list[tuple[int, bytes]] = []
        self.length = 0

    def write(self, at: int, data: bytes) -> None:
        self.pending.append((at, data))
        self.length = max(self.length, at + len(data))

    def content(self, chosen: list[tuple[int, bytes]]) -> bytes:
        content = bytearray(self.synced)
        for at, data in chosen:
            content.extend(b"\0" * (at + len(data) - len(content)))
            content[at : at + len(data)] = data
        return bytes(content)

    def sync(self) -> None:
        self.synced, self.pending = self.content(self.pending), []


class Disk:
    """Files and folders below a root, as the calls left them and as they are for good."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.names: dict[str, File | None] = {}  # None: a folder
        self.durable: dict[str, File | None] = {}
        self.pending: list[tuple[str, str, File | None]] = []  # folder, name, what has it (or nothing)
        self.open: dict[int, list] = {}
        self.sent: collections.Counter[str] = collections.Counter()
        self.told: set[str] = set()

    def path(self, name: bytes, folder: str) -> str:
        path = os.path.normpath(os.path.join(folder, os.fsdecode(name)))
        return path if path == self.root or path.startswith(self.root + "/") else ""

    def name(self, path: str, file: "File | None", gone: bool = False) -> None:
        if gone:
            self.names.pop(path, None)
        else:
            self.names[path] = file
        self.pending.append((path, "gone" if gone else "there", file))

    def do(self, call: str, arguments: str, result: int, prompts: list[bytes]) -> None:
        texts = strings(arguments)
        number = re.match(r"(\d+)", arguments)
        fd = int(number[1]) if number else -1
        if call in ("openat", "open", "creat"):
            path = self.path(texts[0], self.root)
            self.open.pop(result, None)
            if not path:
                return
            if "O_CREAT" in arguments and path not in self.names:
                self.name(path, File())
            file = self.names.get(path)
            if file is not None and "O_TRUNC" in arguments:
                file.synced, file.pending, file.length = b"", [], 0  # the worst that may be
            self.open[result] = [path, file, 0, "O_APPEND" in arguments]
        elif call == "close":
            self.open.pop(fd, None)
        elif call in ("write", "pwrite64", "writev", "sendto", "sendmsg"):
            data = b"".join(texts)
            if fd in self.open:
                held = self.open[fd]
                _, file, at, appends = held
                if file is None:
                    return
                at = file.length if appends else at
                if call == "pwrite64":
                    at = int(arguments.rsplit(",", 1)[1].rstrip(") "))
                file.write(at, data[:result])
                held[2] = at + result
            elif data.startswith(b'{"index":'):
                # Outcomes on standard output, which may have been given another number.
                for outcome in map(json.loads, data.splitlines()):
                    if outcome["ok"]:
                        self.told.add(outcome["id"])
            else:
                for prompt in prompts:
                    self.sent[prompt.decode()] += data.count(b'"' + prompt + b'"')
        elif call in ("fsync", "fdatasync"):
            if fd in self.open:
                path, file = self.open[fd][:2]
                if file is not None:
                    file.sync()
                else:
                    self.settle(lambda entry: os.path.dirname(entry[0]) == path)
        elif call == "ftruncate":
            if fd in self.open and self.open[fd][1] is not None:
                self.open[fd][1].sync()
                length = int(arguments.split(",")[1].rstrip(") "))
                file = self.open[fd][1]
                file.synced = file.synced[:length].ljust(length, b"\0")
                file.length = length
        elif call in ("link", "linkat", "rename", "renameat", "renameat2"):
            old, new = (self.path(text, self.root) for text in texts[:2])
            if old and new and old in self.names:
                self.name(new, self.names[old])
                if call.startswith("rename"):
                    self.name(old, None, gone=True)
        elif call in ("unlink", "unlinkat"):
            path = self.path(texts[0], self.root)
            if path in self.names:
                self.name(path, None, gone=True)
        elif call in ("mkdir", "mkdirat"):
            path = self.path(texts[0], self.root)
            if path:
                self.name(path, None)

    def settle(self, which) -> None:
        left = []
        for entry in self.pending:
            if which(entry):
                self.apply(self.durable, entry)
            else:
                left.append(entry)
        self.pending = left

    @staticmethod
    def apply(names: dict, entry: tuple) -> None:
        path, how, file = entry
        if how == "gone":
            names.pop(path, None)
        else:
            names[path] = file

    def after_the_cut(self, chance: random.Random | None, target: Path) -> None:
        """Writes what is left; by chance also some of what was not synced."""
        names = dict(self.durable)
        for entry in self.pending:
            if chance and chance.random() < 0.5:
                self.apply(names, entry)
        target.mkdir()
        for path, file in sorted(names.items()):
            place = target / os.path.relpath(path, self.root)
            if path == self.root or not place.parent.is_dir():
                continue  # its folder's own name was lost
            if file is None:
                place.mkdir(exist_ok=True)
                continue
            chosen = []
            if chance and file.pending:
                # Some of the blocks, and of the last one a part.
                chosen = [part for part in file.pending if chance.random() < 0.7]
                if chosen and chance.random() < 0.5:
                    at, data = chosen[-1]
                    chosen[-1] = (at, data[: chance.randrange(len(data) + 1)])
            place.write_bytes(file.content(chosen))


def run(cuts: int, items: int, command: list[str], seed: int) -> dict:
    chance = random.Random(seed)
    figures: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as place, nb.Emulator(keep=100_000) as emulator:
        place = os.path.realpath(place)
        emulator.script([{"image": "png 16x16", "delay": 0.01, "times": 1_000_000}])
        prompts = [f"banana {number:04}" for number in range(items)]
        jobs = Path(place, "jobs.jsonl")
        lines = [
            {"prompt": prompt, "id": prompt, "options": {"n": 3 if number % 5 == 0 else 1}}
            for number, prompt in enumerate(prompts)
        ]
        jobs.write_text("".join(json.dumps(line) + "\n" for line in lines))
        job = {line["id"]: line["options"]["n"] for line in lines}
        environment = {**os.environ, "GEMINI_API_KEY": "power-key"}
        args = [
            *command,
            "many",
            str(jobs),
            "--base-url",
            emulator.url,
            "--journal",
            "run.jsonl",
            "-o",
            "out",
            "--json",
        ]
        root = os.path.join(place, "first")
        os.mkdir(root)
        trace = Path(place, "trace")
        traced = ["strace", "-f", "-qq", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none"]
        with open(os.path.join(place, "outcomes"), "wb") as out:
            subprocess.run(
                [*traced, "-o", str(trace), *args], cwd=root, env=environment, check=True, stdout=out
            )
        found = calls(trace)
        changes = [at for at, (name, arguments, _) in enumerate(found) if name != "close"]
        # Where the run is under way, not while the program is loaded.
        first = next(at for at in changes if b"run.jsonl" in b"".join(strings(found[at][1])))
        changes = [at for at in changes if at >= first]
        figures["syncs"] = sum(name in ("fsync", "fdatasync") for name, *_ in found)
        points = sorted(chance.sample(changes, min(cuts, len(changes))))
        for number, point in enumerate(points):
            disk = Disk(root)
            for name, arguments, result in found[:point]:
                disk.do(name, arguments, result, [prompt.encode() for prompt in prompts])
            target = Path(place, f"cut-{number}")
            disk.after_the_cut(chance if number % 2 else None, target)
            before = len(emulator.requests)
            done = subprocess.run(args, cwd=target, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"cut {number} at {point}: {done.stdout}{done.stderr}"
            outcomes = {outcome["id"]: outcome for outcome in map(json.loads, done.stdout.splitlines())}
            texts = [one["json"]["contents"][0]["parts"][0]["text"] for one in emulator.requests[before:]]
            again = collections.Counter(texts)
            assert len(outcomes) == items and all(outcome["ok"] for outcome in outcomes.values())
            for prompt in prompts:
                outcome = outcomes[prompt]
                warned = " ".join(outcome["result"]["warnings"])
                said = "may have been paid for" in warned or "done again" in warned
                files = [nb.Image.open(target / file) for file in outcome["files"]]
                assert len(files) == job[prompt] and all(image.width == 16 for image in files)
                if prompt in disk.told:
                    figures["handed out before a cut"] += 1
                    assert not again[prompt], (
                        f"cut {number} at {point}: {prompt} was handed out and is paid for again"
                    )
                elif disk.sent[prompt]:
                    figures["sent and not handed out"] += 1
                    kept = job[prompt] - again[prompt]
                    figures["of these pictures that were found"] += kept
                    figures["of these pictures paid for again and said"] += again[prompt]
                    assert said or not again[prompt], (
                        f"cut {number} at {point}: {prompt} is paid for again in silence"
                    )
            figures["cuts"] += 1
    assert figures["handed out before a cut"], "no outcome was seen"
    return dict(figures)


def main(cuts: int = 40, command: list[str] | None = None, items: int = 30, seed: int | None = None) -> dict:
    seed = seed if seed is not None else random.randrange(1 << 30)
    print("seed", seed)
    figures = run(cuts, items, command or [sys.executable, "-m", "nanobanana"], seed)
    print(figures)
    return figures


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40, sys.argv[2:] or None)

"""Packs wheels and npm tarballs anew with the best level of libdeflate, which every unpacker reads.

python squeeze.py FILE...
"""

from __future__ import annotations

import gzip
import os
import sys
import zipfile
from pathlib import Path

import deflate

BEST = 12


class Compressor:
    """What `zipfile` asks for, with all of a file compressed at once."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def compress(self, piece: bytes) -> bytes:
        self.pieces.append(bytes(piece))
        return b""

    def flush(self) -> bytes:
        return bytes(deflate.deflate_compress(b"".join(self.pieces), BEST))


def wheel(file: Path, to: Path) -> None:
    # zipfile has no door for another compressor of the same method.
    zipfile._get_compressor = lambda kind, level=None: Compressor()  # type: ignore[attr-defined]
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w") as new:
        for entry in old.infolist():
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(entry))
    with zipfile.ZipFile(to) as new:
        if damaged := new.testzip():
            raise ValueError(f"{damaged} did not survive")


def tarball(file: Path, to: Path) -> None:
    plain = gzip.decompress(file.read_bytes())
    to.write_bytes(deflate.gzip_compress(plain, BEST))
    if gzip.decompress(to.read_bytes()) != plain:
        raise ValueError(f"{file} did not survive")


for name in sys.argv[1:]:
    file = Path(name)
    to = file.with_name(f"{file.name}.new")
    (wheel if file.suffix == ".whl" else tarball)(file, to)
    print(f"{file.name}: {file.stat().st_size} bytes, now {to.stat().st_size}")
    os.replace(to, file)

"""Files that are written from Python, and the mark of AI."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nanobanana as nb

COMMAND = str(Path(sys.executable).parent / "nanobanana")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")


@pytest.fixture
def picture() -> nb.Image:
    return nb.Client.offline().generate("a boat", aspect_ratio="1:1").image


def test_a_name_that_is_given_is_replaced_through_links_with_its_mode(
    tmp_path: Path, picture: nb.Image
) -> None:
    private = tmp_path / "private.jpg"
    private.touch(0o600)
    link, other = tmp_path / "link.jpg", tmp_path / "other.jpg"
    link.symlink_to("private.jpg")
    link_of_link = tmp_path / "second.jpg"
    link_of_link.symlink_to("link.jpg")
    picture.save(link_of_link)
    assert private.stat().st_mode & 0o777 == 0o600 and private.read_bytes() == picture.bytes
    assert link.is_symlink() and link_of_link.is_symlink()
    os.link(private, other)
    png = picture.convert("png")
    png.save(tmp_path / "hard.png")
    os.link(tmp_path / "hard.png", tmp_path / "name.png")
    png.resize(8, 8).save(tmp_path / "name.png")
    assert (tmp_path / "hard.png").read_bytes() == (tmp_path / "name.png").read_bytes()
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(nb.ImageError, match="no process reads"):
        picture.save(tmp_path / "pipe.jpg")
    assert (tmp_path / "pipe.jpg").is_fifo()
    chat = nb.Client.offline().chat()
    (tmp_path / "talk.chat.json").touch(0o600)
    assert chat.save(tmp_path / "talk").stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_no_text_is_a_name(tmp_path: Path, picture: nb.Image) -> None:
    name = os.fsdecode(b"caf\xe9")
    path = picture.save(tmp_path / f"{name}.jpg")
    assert os.fsencode(path).endswith(b"caf\xe9.jpg") and path.read_bytes() == picture.bytes
    result = nb.Client.offline().generate("a boat")
    assert result.save(tmp_path / name) == [tmp_path / name / "image-1.jpg"]
    chat = nb.Client.offline().chat()
    chat.send("a boat")
    path = chat.save(os.path.join(str(tmp_path), name))
    assert path.is_file() and os.fsencode(path).endswith(b"caf\xe9.chat.json")
    assert len(nb.Client.offline().load_chat(path).history) == 2


RACE = """
import sys, time, nanobanana as nb
results = [nb.Client.offline().generate(sys.argv[1] + str(k)) for k in range(3)]
print("ready", flush=True)
at = float(input())
while time.time() < at:
    pass
for result in results:
    result.save(sys.argv[2])
"""


def test_processes_that_save_into_one_folder_replace_nothing(tmp_path: Path) -> None:
    args = [sys.executable, "-c", RACE]
    children = [
        subprocess.Popen([*args, f"p{at}", str(tmp_path)], stdin=-1, stdout=-1, text=True) for at in range(3)
    ]
    for child in children:
        assert child.stdout is not None and child.stdout.readline()
    at = time.time() + 0.3
    for child in children:
        child.communicate(f"{at}\n")
        assert child.returncode == 0
    assert len(list(tmp_path.iterdir())) == 9


def test_closed_streams_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "jobs.jsonl").write_text('"a"\n"b"\n"c"\n')
    line = f"{COMMAND} many jobs.jsonl --offline -o out --concurrency 1 <&- >&-"
    run = subprocess.run(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 0 and run.stderr.count("out/0000") == 3, run.stderr
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 3
    line = f"{COMMAND} generate x --offline -o - >&-"
    run = subprocess.run(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2 and "standard output is closed" in run.stderr


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_pillow_reads_the_mark(kind: str, picture: nb.Image) -> None:
    pil = pytest.importorskip("PIL.Image")
    word = "digitalsourcetype/trainedAlgorithmicMedia"
    made = [picture.convert(kind), picture.resize(64, 64), picture.convert("jpeg", quality=50)]
    for image in made:
        read = pil.open(io.BytesIO(image.bytes))
        read.load()
        assert word in str(read.info["xmp"] if "xmp" in read.info else read.info["XML:com.adobe.xmp"])
        assert image.provenance.ai
    assert not picture.convert(kind, mark_ai=False).provenance.ai
    assert not picture.resize(64, 64, mark_ai=False).provenance.ai
    asked = nb.Client.offline().generate("a boat", output_format=kind)
    assert asked.image.provenance.ai
    asked = nb.Client.offline().generate("a boat", output_format=kind, mark_ai=False)
    assert not asked.image.provenance.ai
    own = nb.Image(picture.bytes).convert(kind)
    assert not own.provenance.ai


def test_an_edit_with_a_mask_says_that_a_part_was_drawn(picture: nb.Image) -> None:
    edited = nb.Client.offline().edit("a sky", picture, mask=nb.Box(0, 0, 300, 300))
    claims = [mark.claim for mark in edited.image.provenance.marks]
    assert claims == ["compositeWithTrainedAlgorithmicMedia"]
    edited = nb.Client.offline().edit("a sky", picture, mask=nb.Box(0, 0, 300, 300), mark_ai=False)
    assert not edited.image.provenance.ai

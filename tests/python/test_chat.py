"""Conversations in Python: both fronts, queues, files."""

from __future__ import annotations

import asyncio
import pickle
import threading
from pathlib import Path

import pytest

import nanobanana as nb

PRO = "nano-banana-pro"


def said(chat: nb.Chat | nb.AsyncChat) -> list[tuple[str, str, int]]:
    return [(turn.role, turn.text if turn.role == "user" else "", len(turn.images)) for turn in chat.history]


def test_turns_undo_and_branches(client: nb.Client, image: nb.Image) -> None:
    chat = client.chat(model=PRO)
    assert repr(chat) == "Chat(0 turns)"
    assert chat.undo() is False
    first = chat.send("a mascot")
    assert pickle.loads(pickle.dumps(first)) == first
    chat.send("waving", images=[image, image.bytes])
    assert said(chat) == [("user", "a mascot", 0), ("model", "", 1), ("user", "waving", 2), ("model", "", 1)]
    assert chat.history[1].images == first.images
    assert isinstance(chat.history[0], nb.ChatTurn)
    branch = chat.branch()
    assert chat.undo() is True
    assert (repr(chat), repr(branch)) == ("Chat(2 turns)", "Chat(4 turns)")
    chat.drop_images()
    assert [len(turn.images) for turn in chat.history] == [0, 0]
    branch.drop_images(keep=1)
    assert [len(turn.images) for turn in branch.history] == [0, 0, 0, 1]
    assert pickle.loads(pickle.dumps(branch.history)) == branch.history


def test_words_are_an_answer(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"text": "What colour?"}])
    result = client.chat(model=PRO).send("a boat")
    assert (result.images, result.text) == ([], "What colour?")
    with pytest.raises(nb.NoImageError) as caught:
        result.image  # noqa: B018
    assert caught.value.text == "What colour?"


def test_turns_of_ones_own(client: nb.Client, image: nb.Image) -> None:
    chat = client.chat(model=PRO)
    chat.add("my own boat", image, role="user")
    chat.add(["here it is", image], role="model")
    assert chat.send("at night").image
    assert [turn[0] for turn in said(chat)] == ["user", "model", "user", "model"]
    with pytest.raises(nb.InvalidOptionError, match="role"):
        chat.add("x", role="system")  # type: ignore[arg-type]
    with pytest.raises(nb.ImageError):
        chat.add("x", "no-such-file.png")


def test_sends_at_the_same_time_queue(client: nb.Client, emulator: nb.Emulator) -> None:
    emulator.script([{"delay": 0.1, "image": "png 8x8"}] * 3)
    chat = client.chat(model=PRO)
    threads = [threading.Thread(target=chat.send, args=(f"turn {number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert [role for role, _, _ in said(chat)] == ["user", "model"] * 3
    sizes = [len(request["json"]["contents"]) for request in emulator.requests]
    assert sizes == [1, 3, 5]


def test_a_stream_that_is_left_changes_nothing(client: nb.Client, emulator: nb.Emulator) -> None:
    chat = client.chat(model=PRO)
    with chat.send_stream("a boat") as stream:
        next(stream)
    assert chat.history == []
    assert [event.type for event in chat.send_stream("a boat")][-1] == "done"
    assert len(chat.history) == 2


def test_files(client: nb.Client, tmp_path: Path) -> None:
    chat = client.chat(model=PRO)
    chat.send("a mascot")
    path = chat.save(tmp_path / "mascot")
    assert path == tmp_path / "mascot.chat.json"
    assert "secret-key" not in path.read_text()
    again = client.load_chat(str(path), aspect_ratio="16:9")
    assert again.history == chat.history
    assert again.send("waving").model == "gemini-3-pro-image"
    path.write_text(path.read_text().replace('"nanobanana_chat":1', '"nanobanana_chat":99'))
    with pytest.raises(nb.InvalidOptionError, match="newer version"):
        client.load_chat(path)
    with pytest.raises(nb.InvalidOptionError) as caught:
        client.load_chat(tmp_path / "missing")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_asyncio(emulator: nb.Emulator, image: nb.Image, tmp_path: Path) -> None:
    async def main() -> None:
        async with nb.AsyncClient("key", base_url=emulator.url, model=PRO) as client:
            chat = client.chat()
            await chat.add("mine", image)
            await asyncio.gather(chat.send("blue"), chat.send("red"))
            async with chat.send_stream("green") as stream:
                assert [event.type async for event in stream][-1] == "done"
            assert repr(chat) == "AsyncChat(7 turns)"
            assert len(chat.branch().history) == 7
            assert chat.undo() is True
            chat.drop_images(keep=1)
            again = await client.load_chat(await chat.save(tmp_path / "a"))
            assert again.history == chat.history
            assert (await again.send("more")).image

    asyncio.run(main())


def test_what_changes_a_conversation_takes_effect_in_the_order_of_the_calls(
    client: nb.Client, emulator: nb.Emulator
) -> None:
    def users(chat: nb.Chat | nb.AsyncChat) -> list[str]:
        return [turn.text for turn in chat.history if turn.role == "user"]

    async def main() -> None:
        async with nb.AsyncClient("key", base_url=emulator.url, retry=False, model="nano-banana") as client:
            chat = client.chat()
            assert chat.undo() is False
            await chat.send("one")
            emulator.script([{"delay": 0.3}, {"delay": 0.3}])
            two = asyncio.create_task(chat.send("two"))
            await asyncio.sleep(0)
            assert chat.undo() is True
            three = asyncio.create_task(chat.send("three"))
            await asyncio.sleep(0)
            branch = chat.branch()
            chat.drop_images()
            await two
            assert users(chat) == ["one"]
            await three
            assert users(chat) == ["one", "three"]
            assert [len(turn.images) for turn in chat.history] == [0, 0, 0, 0]
            await branch.send("four")
            assert users(branch) == ["one", "three", "four"]
            assert [len(turn.images) for turn in branch.history] == [0, 1, 0, 1, 0, 1]

    asyncio.run(main())
    # Threads share a conversation, too; within the loop of a stream nothing waits for itself.
    chat = client.chat(model="nano-banana")
    emulator.script([{"delay": 0.5}])
    sender = threading.Thread(target=chat.send, args=("one",))
    sender.start()
    while not emulator.requests or emulator.requests[-1]["status"]:
        pass
    assert chat.undo() is True
    sender.join()
    assert chat.history == []
    for _ in chat.send_stream("two"):
        chat.undo()
    assert chat.history == []


def test_headers_of_a_conversation_are_not_in_its_file(client: nb.Client, tmp_path: Path) -> None:
    chat = client.chat(headers={"x-secret": "canary-chat-header"}, model="nano-banana")
    chat.send("a boat", headers={"cookie": "canary-turn-header"})
    text = chat.save(tmp_path / "a").read_text()
    assert "canary" not in text
    assert "headers" not in text

"""The outputs of one cell: one display, few updates, so many bytes; and the front-ends that differ."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import PIL.Image
import pytest

import nanobanana as nb
from nanobanana import _notebook, _panel
from nanobanana._native import Door

SMALL = {"image": "png 8x8"}


@pytest.fixture
def kernel() -> Iterator[Any]:
    """A shell as a kernel has it; `outputs` are those that its front-end gets."""
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    publisher = pytest.importorskip("IPython.core.displaypub").CapturingDisplayPublisher
    shell = interactive.InteractiveShell.instance()
    shell.display_formatter.active_types = ["text/plain", "text/html", "image/png", "image/jpeg"]
    shell.kernel = object()
    shell.display_pub = publisher()
    _notebook.register()
    try:
        yield shell
    finally:
        interactive.InteractiveShell.clear_instance()


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_full", False), ("_side", 512), ("_max_bytes", None)):
        monkeypatch.setattr(_notebook, name, value)


@pytest.fixture(autouse=True)
def small(emulator: nb.Emulator) -> None:
    emulator.script([SMALL] * 80)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands unless it is set, or has a step for each look at it."""
    clock = SimpleNamespace(now=1000.0, step=0.0)

    def look() -> float:
        clock.now += clock.step
        return float(clock.now)

    monkeypatch.setattr(_panel, "time", SimpleNamespace(monotonic=look))
    return clock


def noisy(side: int = 512) -> nb.Image:
    """A picture of which also thumbnails are large: noise that is half clear."""
    noise = PIL.Image.merge("RGBA", [PIL.Image.effect_noise((side, side), 90) for _ in range(4)])
    return png(noise)


def png(picture: PIL.Image.Image) -> nb.Image:
    out = io.BytesIO()
    picture.save(out, "png")
    return nb.Image(out.getvalue())


def outputs(kernel: Any) -> list[tuple[bool, str]]:
    """Whether each output is an update, and its page."""
    return [(one["update"], one["data"].get("text/html", "")) for one in kernel.display_pub.outputs]


def many(number: int) -> list[str]:
    return [f"picture {at}" for at in range(number)]


def test_all_runs_of_a_cell_share_one_display(kernel: Any, client: nb.Client) -> None:
    for prompts in (many(3), many(2)):
        assert all(one.ok for one in client.generate_many(prompts, progress=True))
    shown = outputs(kernel)
    assert [update for update, _ in shown].count(False) == 1
    assert len({one["transient"]["display_id"] for one in kernel.display_pub.outputs}) == 1
    last = shown[-1][1]
    assert "3/3" in last and "2/2" in last
    assert last.count("<img") == 5
    kernel.execution_count += 1
    list(client.generate_many(many(1), progress=True))
    assert [update for update, _ in outputs(kernel)].count(False) == 2
    assert "3/3" not in outputs(kernel)[-1][1]


def test_pictures_stand_in_the_order_of_their_items(kernel: Any, emulator: nb.Emulator) -> None:
    emulator.script([{**SMALL, "delay": 0.5}, SMALL, SMALL, SMALL])
    with nb.Client("key", base_url=emulator.url) as client:
        list(client.generate_many(many(4), progress=True))
    captions = re.findall(r'alt="\[(\d)\]', outputs(kernel)[-1][1])
    assert captions == ["0", "1", "2", "3"]


def test_a_display_is_updated_four_times_a_second_and_at_the_end(
    kernel: Any, client: nb.Client, clock: SimpleNamespace
) -> None:
    list(client.generate_many(many(20), progress=True))
    assert len(outputs(kernel)) == 2
    assert "20/20" in outputs(kernel)[-1][1] and outputs(kernel)[-1][1].count("<img") == 20
    kernel.display_pub.outputs.clear()
    kernel.execution_count += 1
    clock.now, clock.step = clock.now + 1, 0.1
    began = clock.now
    list(client.generate_many(many(20), progress=True))
    seconds = clock.now - began
    assert seconds > 1 and len(outputs(kernel)) <= seconds * 4 + 2
    assert len(outputs(kernel)) > seconds * 2


def test_a_run_of_asyncio_shows_all_of_its_pictures(kernel: Any, emulator: nb.Emulator) -> None:
    async def main() -> None:
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            assert len([one async for one in client.generate_many(many(6), progress=True)]) == 6
        for _ in range(1000):
            if outputs(kernel)[-1][1].count("<img") == 6:
                break
            await asyncio.sleep(0.01)

    asyncio.run(main())
    shown = outputs(kernel)
    assert [update for update, _ in shown].count(False) == 1
    assert "6/6" in shown[-1][1] and shown[-1][1].count("<img") == 6


def test_pictures_that_come_while_others_are_decoded_are_shown_too(
    kernel: Any, emulator: nb.Emulator, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        gate, tools = asyncio.Event(), Door.tools()

        async def late(how: Any, *asked: Any) -> Any:
            assert how == "await"
            await gate.wait()
            return await tools.call(how, *asked)

        slow = SimpleNamespace(call=late)
        monkeypatch.setattr(_panel, "Door", SimpleNamespace(tools=lambda: slow))
        async with nb.AsyncClient("key", base_url=emulator.url) as client:
            assert len([one async for one in client.generate_many(many(3), progress=True)]) == 3
        assert outputs(kernel) == []
        gate.set()
        for _ in range(1000):
            if outputs(kernel):
                break
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert [page.count("<img") for _, page in outputs(kernel)] == [3]


def test_the_progress_has_the_money_and_the_failures(kernel: Any, emulator: nb.Emulator) -> None:
    emulator.script([SMALL, {"status": 400}, SMALL])
    with nb.Client("key", base_url=emulator.url, retry=False, budget=2) as client:
        list(client.generate_many(many(3), progress=True, concurrency=1))
        spent = client.spent
        assert spent.usd > 0 and spent.remaining_usd is not None
        last = outputs(kernel)[-1][1]
        assert f"3/3, 1 failed, 0 waiting, ${spent.usd:.2f}" in last
        assert f"${spent.remaining_usd:.2f} of the budget left" in last
        assert "BadRequestError" in last


def test_no_budget_is_named_where_there_is_none(kernel: Any, client: nb.Client) -> None:
    list(client.generate_many(many(1), progress=True))
    assert "budget" not in outputs(kernel)[-1][1]


def test_outcomes_that_the_display_shows_are_not_shown_again(kernel: Any, client: nb.Client) -> None:
    outcomes = list(client.generate_many(many(3), progress=True))
    show = kernel.display_formatter.format
    again = show(outcomes)[0]["text/html"]
    assert "<img" not in again and "3 of 3 outcomes" in again
    kernel.execution_count += 1
    assert show(outcomes)[0]["text/html"].count("<img") == 3


def test_a_long_run_shows_as_many_pictures_as_a_list(kernel: Any, client: nb.Client) -> None:
    outcomes = list(client.generate_many(many(67), progress=True))
    last = outputs(kernel)[-1][1]
    assert last.count("<img") == 64
    assert "3 pictures are left out" in last
    again = kernel.display_formatter.format(outcomes)[0]["text/html"]
    assert again.count("<img") == 3 and "64 of 67 outcomes" in again


def test_pictures_get_smaller_before_they_are_left_out() -> None:
    result = nb.Result(images=[noisy()] * 4, model="m", text="", errors=[])
    html = result._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 4 and "left out" not in html
    assert 500_000 < len(html) <= 4_000_000
    nb.display_options(max_bytes=100_000)
    html = result._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 4 and len(html) <= 100_000
    nb.display_options(max_bytes=30_000)
    html = result._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 1 and len(html) <= 30_000
    assert "3 pictures are left out" in html and "0.03 MB" in html and "max_bytes" in html


def test_a_cell_has_a_limit_for_all_that_it_shows(kernel: Any) -> None:
    result = nb.Result(images=[noisy()] * 2, model="m", text="", errors=[])
    nb.display_options(max_bytes=200_000)
    show = kernel.display_formatter.format
    shown = [show(value)[0] for value in (result, [result], result, result.image, [result.image])]
    assert 50_000 < sum(len(text) for one in shown for text in one.values()) <= 200_000 + 5_000
    assert "2 pictures are left out" in shown[2]["text/html"]
    assert set(shown[3]) == {"text/plain"} and "1 picture is left out" in shown[3]["text/plain"]
    assert "1 picture is left out" in shown[4]["text/html"]
    kernel.execution_count += 1
    assert "image/png" in show(result.image)[0]


def test_the_display_of_a_run_counts_for_its_cell(kernel: Any, emulator: nb.Emulator) -> None:
    nb.display_options(max_bytes=60_000)
    emulator.script([{"image": "png 300x300"}] * 12)
    with nb.Client("key", base_url=emulator.url) as client:
        results = [one.result for one in client.generate_many(many(12), progress=True)]
    last = outputs(kernel)[-1][1]
    assert last.count("<img") >= 1 and len(last) <= 60_000
    more = kernel.display_formatter.format(results)[0]["text/html"]
    assert len(last) + len(more) <= 61_000


def test_whole_pictures_have_the_limit_that_was_set() -> None:
    image = noisy()
    nb.display_options(full=True)
    assert len(image._repr_mimebundle_()["image/png"]) > len(image)
    nb.display_options(max_bytes=100_000)
    assert len(image._repr_mimebundle_()["image/png"]) <= 100_000


def test_four_pictures_are_two_columns(client: nb.Client) -> None:
    html = client.generate("four", n=4)._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 4
    assert "display:grid" in html and "repeat(2,minmax(0,512px))" in html
    assert "repeat(1," in client.generate("one")._repr_mimebundle_()["text/html"]
    five = nb.Result(images=[png(PIL.Image.new("RGB", (9, 9)))] * 5, model="m", text="", errors=[])
    assert "repeat(auto-fill,min(100%,256px))" in five._repr_mimebundle_()["text/html"]


class Terminal:
    """A standard error that is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_a_terminal_has_a_line_and_no_display(
    kernel: Any, client: nb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    del kernel.kernel
    kernel.display_formatter.active_types = ["text/plain"]
    terminal = Terminal()
    monkeypatch.setattr("os.get_terminal_size", lambda _: SimpleNamespace(columns=80))
    monkeypatch.setattr(sys, "stderr", terminal)
    outcomes = list(client.generate_many(many(3), progress=True))
    monkeypatch.undo()
    assert kernel.display_pub.outputs == []
    assert "3/3" in terminal.text and terminal.text.endswith("\n")
    result = outcomes[0].result
    assert result is not None
    for value in (result, result.image, outcomes[0], outcomes):
        assert set(kernel.display_formatter.format(value)[0]) == {"text/plain"}
    assert set(result._repr_mimebundle_()) == set(result.image._repr_mimebundle_()) == {"text/plain"}


class Marimo(ModuleType):
    """As much of marimo as is used; `shown` is what the cell shows."""

    def __init__(self, running: bool = True) -> None:
        super().__init__("marimo")
        self.shown: list[Any] = ["before"]
        self.words: list[str] = []
        self.ended = 0
        self.running_in_notebook = lambda: running
        self.Html = str
        self.output = SimpleNamespace(append=self.shown.append)
        self.status = SimpleNamespace(progress_bar=self._begin, spinner=self._begin)

    def _begin(self, **options: Any) -> Any:
        assert options["remove_on_exit"] is True
        self.shown.append(self)
        return self

    def __enter__(self) -> Any:
        return self

    def update(self, *, subtitle: str, increment: int = 0) -> None:
        self.words.append(subtitle)
        self.ended += increment

    def __exit__(self, *error: object) -> None:
        self.shown.remove(self)


@pytest.mark.parametrize("sized", [True, False])
def test_marimo_keeps_what_its_cell_has_shown(
    sized: bool, kernel: Any, emulator: nb.Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    marimo = Marimo()
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    with nb.Client("key", base_url=emulator.url, budget=5) as client:
        prompts = many(3) if sized else iter(many(3))
        list(client.generate_many(prompts, progress=True))
        result = client.generate("one more")
    result.image.show()
    # Its own `display` replaces all that the cell shows.
    assert kernel.display_pub.outputs == []
    assert marimo.shown[0] == "before" and len(marimo.shown) == 3
    assert "<progress" in marimo.shown[1] and marimo.shown[1].count("<img") == 3
    assert marimo.shown[2] is result.image
    assert marimo.words and all("of the budget left" in words for words in marimo.words)


def test_marimo_that_is_only_imported_changes_nothing(
    kernel: Any, client: nb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    marimo = Marimo(running=False)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    list(client.generate_many(many(2), progress=True))
    assert marimo.shown == ["before"]
    assert "2/2" in outputs(kernel)[-1][1]


def test_the_limit_is_checked() -> None:
    for wrong in (5, 4e6, True, "4 MB", 1 << 40):
        with pytest.raises(nb.InvalidOptionError, match="max_bytes"):
            nb.display_options(max_bytes=wrong)  # type: ignore[arg-type]

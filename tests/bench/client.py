"""One case with one library in this process, which is a fresh one; prints what it took as one line of JSON.

usage: client.py LIBRARY sync|async CASE [JSON]    with {url, count, files} as the case needs them

Seconds and bytes. CPU is that of all threads of the process between the case's start and end; the peak is
the high-water mark of resident memory above what was resident at the start.
"""

import gc
import json
import resource
import sys
import time

# Nothing else is imported before a library's import is measured.
Numbers = dict[str, float]


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def status(name: str) -> int:
    """A value of this process in bytes."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":")) * 1024


class Meter:
    """What happens between its making and `read`."""

    def __init__(self) -> None:
        gc.collect()
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        self.before = status("VmRSS")
        self.used, self.start = cpu(), time.perf_counter()

    def read(self) -> Numbers:
        wall, used = time.perf_counter() - self.start, cpu() - self.used
        return {"wall": wall, "cpu": used, "peak": status("VmHWM") - self.before}


MODEL = "gemini-3-pro-image"


class Nanobanana:
    def __init__(self, url: str, is_async: bool) -> None:
        import nanobanana as nb

        self.nb = nb
        settings = {"base_url": url, "api_key": "bench", "model": MODEL, "retry": False}
        self.client = (nb.AsyncClient if is_async else nb.Client)(**settings)

    def call(self, prompt: str):
        return self.client.generate(prompt).image

    def stream(self, prompt: str):
        with self.client.generate_stream(prompt) as events:
            return [event.image for event in events if isinstance(event, self.nb.ImageEvent)][-1]

    def inputs(self, files: list[str]):
        return self.client.edit("edit", files).image

    def chat(self, turns: int) -> int:
        self.kept = self.client.chat()
        return sum(len(self.kept.send("go on").image) for _ in range(turns))

    async def acall(self, prompt: str):
        return (await self.client.generate(prompt)).image

    async def astream(self, prompt: str):
        async with self.client.generate_stream(prompt) as events:
            return [event.image async for event in events if isinstance(event, self.nb.ImageEvent)][-1]

    async def ainputs(self, files: list[str]):
        return (await self.client.edit("edit", files)).image

    async def achat(self, turns: int) -> int:
        self.kept = self.client.chat()
        return sum([len((await self.kept.send("go on")).image) for _ in range(turns)])


class Google:
    def __init__(self, url: str, is_async: bool) -> None:
        from google import genai

        self.part = genai.types.Part
        self.client = genai.Client(api_key="bench", http_options={"base_url": url})
        self.aio = self.client.aio

    @staticmethod
    def picture(answer):
        parts = answer.candidates[0].content.parts
        return next(part.inline_data.data for part in parts if part.inline_data)

    def parts(self, files: list[str]):
        def part(path: str):
            with open(path, "rb") as file:
                return self.part.from_bytes(data=file.read(), mime_type="image/png")

        return ["edit", *map(part, files)]

    def call(self, prompt: str):
        return self.picture(self.client.models.generate_content(model=MODEL, contents=prompt))

    def stream(self, prompt: str):
        answers = self.client.models.generate_content_stream(model=MODEL, contents=prompt)
        return [self.picture(answer) for answer in answers][-1]

    def inputs(self, files: list[str]):
        return self.picture(self.client.models.generate_content(model=MODEL, contents=self.parts(files)))

    def chat(self, turns: int) -> int:
        self.kept = self.client.chats.create(model=MODEL)
        return sum(len(self.picture(self.kept.send_message("go on"))) for _ in range(turns))

    async def acall(self, prompt: str):
        return self.picture(await self.aio.models.generate_content(model=MODEL, contents=prompt))

    async def astream(self, prompt: str):
        answers = await self.aio.models.generate_content_stream(model=MODEL, contents=prompt)
        return [self.picture(answer) async for answer in answers][-1]

    async def ainputs(self, files: list[str]):
        return self.picture(await self.aio.models.generate_content(model=MODEL, contents=self.parts(files)))

    async def achat(self, turns: int) -> int:
        self.kept = self.aio.chats.create(model=MODEL)
        return sum([len(self.picture(await self.kept.send_message("go on"))) for _ in range(turns)])


class OpenAI:
    def __init__(self, url: str, is_async: bool) -> None:
        import base64

        import openai

        self.decode = base64.b64decode
        settings = {"base_url": f"{url}/v1", "api_key": "bench", "max_retries": 0}
        self.images = (openai.AsyncOpenAI if is_async else openai.OpenAI)(**settings).images

    asked = {"model": "gpt-image-1"}

    def call(self, prompt: str):
        return self.decode(self.images.generate(prompt=prompt, **self.asked).data[0].b64_json)

    def stream(self, prompt: str):
        events = self.images.generate(prompt=prompt, stream=True, **self.asked)
        return [self.decode(event.b64_json) for event in events][-1]

    async def acall(self, prompt: str):
        return self.decode((await self.images.generate(prompt=prompt, **self.asked)).data[0].b64_json)

    async def astream(self, prompt: str):
        events = await self.images.generate(prompt=prompt, stream=True, **self.asked)
        return [self.decode(event.b64_json) async for event in events][-1]


LIBRARIES = {"nanobanana-sdk": Nanobanana, "google-genai": Google, "openai": OpenAI}


def run_sync(library: str, case: str, asked: dict) -> Numbers:
    side = LIBRARIES[library](asked["url"], False)
    for _ in range(asked.get("warm", 1)):
        side.call("warm up")
    meter = Meter()
    match case:
        case "small":
            size = sum(len(side.call("draw")) for _ in range(asked["count"]))
        case "chat":
            size = side.chat(asked["count"])
        case "inputs":
            size = len(side.inputs(asked["files"]))
        case "stream":
            size = len(side.stream("draw"))
        case _:
            size = len(side.call("draw"))
    return meter.read() | {"size": size}


async def run_async(library: str, case: str, asked: dict) -> Numbers:
    import asyncio

    side = LIBRARIES[library](asked["url"], True)
    for _ in range(asked.get("warm", 1)):
        await side.acall("warm up")
    if case == "flight":
        return await flight(side, asked["count"])
    meter = Meter()
    match case:
        case "small":
            size = sum([len(await side.acall("draw")) for _ in range(asked["count"])])
        case "chat":
            size = await side.achat(asked["count"])
        case "inputs":
            size = len(await side.ainputs(asked["files"]))
        case "stream":
            size = len(await side.astream("draw"))
        case _:
            size = len(await side.acall("draw"))
    numbers = meter.read() | {"size": size}
    # A turn of the loop, so that what has ended is cleared away.
    await asyncio.sleep(0)
    return numbers


TICK = 0.005


async def tick(stalls: list[float]) -> None:
    import asyncio

    while True:
        start = time.perf_counter()
        await asyncio.sleep(TICK)
        stalls.append(time.perf_counter() - start - TICK)


async def flight(side, count: int) -> Numbers:
    """Many calls at once, beside a ticker; another one ticks in a process that does nothing else."""
    import asyncio
    import subprocess

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    idle = subprocess.Popen([sys.executable, __file__, "control", "async", "control"], **pipes)
    idle.stdout.readline()
    stalls: list[float] = []
    ticker = asyncio.create_task(tick(stalls))
    await asyncio.sleep(0.05)
    meter = Meter()
    stalls.clear()
    pictures = await asyncio.gather(*(side.acall("draw") for _ in range(count)))
    # The last tick too: what ended the calls may have held it up.
    await asyncio.sleep(2 * TICK)
    numbers = meter.read() | {"size": sum(map(len, pictures)), "stall": max(stalls)}
    numbers["wall"] -= 2 * TICK
    ticker.cancel()
    return numbers | {"control": float(idle.communicate("\n")[0])}


async def control() -> float:
    import asyncio

    stalls: list[float] = []
    ticker = asyncio.create_task(tick(stalls))
    await asyncio.sleep(0.05)
    stalls.clear()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    ticker.cancel()
    return max(stalls)


def imported(library: str, asked: dict) -> Numbers:
    module = {"nanobanana-sdk": "nanobanana", "google-genai": "google.genai", "openai": "openai"}[library]
    meter = Meter()
    __import__(module)
    numbers = meter.read()
    start = time.perf_counter()
    LIBRARIES[library](asked["url"], False)
    return numbers | {"client": time.perf_counter() - start}


def coded(library: str, asked: dict) -> Numbers:
    """Decodes a file to an array, or makes a file of another format of one that is not compressed."""
    import io

    import numpy
    import PIL.Image

    target, quality = asked.get("format"), asked.get("quality")

    def ours(data: bytes):
        import nanobanana as nb

        image = nb.Image(data)
        if target is None:
            return image.to_numpy()
        return image.convert(target, **({} if quality is None else {"quality": quality})).buffer

    def pillow(data: bytes):
        image = PIL.Image.open(io.BytesIO(data))
        if target is None:
            return numpy.asarray(image)
        options = {"jpeg": {"quality": quality, "subsampling": 0}, "webp": {"quality": quality}}.get(
            target, {}
        )
        if target == "webp" and quality is None:
            options = {"lossless": True}
        out = io.BytesIO()
        image.save(out, target, **options)
        return out.getbuffer()

    def read(path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    call = ours if library == "nanobanana-sdk" else pillow
    data = read(asked["file"])
    call(read(asked["small"]))
    meter = Meter()
    made = call(data)
    return meter.read() | {"size": made.nbytes}


def main() -> None:
    library, how, case = sys.argv[1:4]
    asked = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    if case == "import":
        numbers = imported(library, asked)
    elif case == "codec":
        numbers = coded(library, asked)
    else:
        import asyncio

        if case == "control":
            print(asyncio.run(control()))
            return
        numbers = (
            asyncio.run(run_async(library, case, asked)) if how == "async" else run_sync(library, case, asked)
        )
    print(json.dumps(numbers))


main()

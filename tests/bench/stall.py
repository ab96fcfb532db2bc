"""Eight pictures at once in one asyncio loop: the longest stall of a 5 ms ticker. usage: stall.py PACKAGE URL

The control is a ticker alone in a process of its own, at the same time on the same machine.
"""

import asyncio
import subprocess
import sys
import time

package, url = sys.argv[1:]


async def tick(stalls: list[float]) -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.005)
        stalls.append((time.perf_counter() - start - 0.005) * 1000)


async def control() -> None:
    stalls: list[float] = []
    ticker = asyncio.create_task(tick(stalls))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    ticker.cancel()
    print(max(stalls))


async def main() -> None:
    if package == "nanobanana-sdk":
        import nanobanana as nb

        client = nb.AsyncClient(base_url=url, api_key="bench")

        async def call(prompt: str) -> int:
            return len((await client.generate(prompt)).image)
    else:
        from google import genai

        models = genai.Client(api_key="bench", http_options={"base_url": url}).aio.models

        async def call(prompt: str) -> int:
            answer = await models.generate_content(model="gemini-3-pro-image", contents=prompt)
            return len(answer.candidates[0].content.parts[0].inline_data.data)

    await call("warm up")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, __file__, "control", "-"], **pipes)
    assert other.stdin and other.stdout
    other.stdout.readline()
    stalls: list[float] = []
    ticker = asyncio.create_task(tick(stalls))
    start = time.perf_counter()
    await asyncio.gather(*(call("large") for _ in range(8)))
    took = time.perf_counter() - start
    ticker.cancel()
    idle = float(other.communicate("\n")[0])
    print(
        f"longest stall {max(stalls):6.1f} ms, of the idle control {idle:5.1f} ms; all eight in {took:.2f} s"
    )


asyncio.run(control() if package == "control" else main())

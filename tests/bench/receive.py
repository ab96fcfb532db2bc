"""Receives one large picture, by a call or a stream: peak memory above the baseline, time and CPU.

usage: receive.py PACKAGE URL call|stream
"""

import resource
import sys
import time

package, url, how = sys.argv[1:]


def status(name: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if package == "nanobanana-sdk":
    import nanobanana as nb

    client = nb.Client(base_url=url, api_key="bench")

    def call(prompt: str) -> int:
        if how == "call":
            return len(client.generate(prompt).image)
        with client.generate_stream(prompt) as stream:
            return sum(len(event.image) for event in stream if isinstance(event, nb.ImageEvent))
else:
    from google import genai

    client = genai.Client(api_key="bench", http_options={"base_url": url})

    def call(prompt: str) -> int:
        asked = {"model": "gemini-3-pro-image", "contents": prompt}
        if how == "call":
            answers = [client.models.generate_content(**asked)]
        else:
            answers = client.models.generate_content_stream(**asked)
        return sum(len(answer.candidates[0].content.parts[0].inline_data.data) for answer in answers)


call("warm up")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
start, used = time.perf_counter(), cpu()
size = call("large")
took, used = time.perf_counter() - start, cpu() - used
peak = (status("VmHWM") - before) / 1000
print(f"{how:6} {peak:6.1f} MB for {size / 1e6:.1f} MB, {took * 1000:5.0f} ms, CPU {used * 1000:5.0f} ms")

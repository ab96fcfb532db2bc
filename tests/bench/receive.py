"""Receives one large picture: peak memory above the baseline, and time. usage: receive.py PACKAGE URL"""

import sys
import time

package, url = sys.argv[1:]


def status(name: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


if package == "nanobanana-sdk":
    import nanobanana as nb

    client = nb.Client(base_url=url, api_key="bench")

    def call(prompt: str) -> int:
        return len(client.generate(prompt).image)
else:
    from google import genai

    client = genai.Client(api_key="bench", http_options={"base_url": url})

    def call(prompt: str) -> int:
        answer = client.models.generate_content(model="gemini-3-pro-image", contents=prompt)
        return len(answer.candidates[0].content.parts[0].inline_data.data)


call("warm up")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
start = time.perf_counter()
size = call("large")
took = time.perf_counter() - start
print(
    f"{(status('VmHWM') - before) / 1000:.1f} MB above baseline for {size / 1e6:.1f} MB, {took * 1000:.0f} ms"
)

"""A service that says wait is not asked while it waits; a quota of the day is asked once."""

import asyncio
import sys
import time

import nanobanana as nb

AT_ONCE = 32
# A reply takes so long that all have asked before one is told to wait.
REPLY = 2.0


def limited(**details) -> dict:
    error = {"message": "Resource has been exhausted.", "details": list(details.values())}
    return {"status": 429, "error": error}


def named_wait(seconds: float) -> dict:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}


DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "100"}],
}


async def storm(seconds: float) -> dict:
    with nb.Emulator() as emulator:
        emulator.script([limited(wait=named_wait(seconds)) | {"delay": REPLY}] * AT_ONCE)
        async with nb.AsyncClient("storm-key", base_url=emulator.url) as client:
            began = time.monotonic()
            results = await asyncio.gather(*(client.generate(f"banana {n}") for n in range(AT_ONCE)))
            took = time.monotonic() - began
        sent = sorted(request["at"] for request in emulator.requests)
    first, later = sent[:AT_ONCE], sent[AT_ONCE:]
    assert all(result.image for result in results)
    assert len(later) == AT_ONCE, f"{len(later)} requests after the pause"
    quiet = later[0] - first[0] - REPLY
    return {
        "succeeded": len(results),
        "requests": len(sent),
        "quiet_s": round(quiet, 3),
        "took_s": round(took, 2),
    }


def daily() -> dict:
    with nb.Emulator() as emulator, nb.Client("storm-key", base_url=emulator.url) as client:
        emulator.script([limited(quota=DAILY, wait=named_wait(3600))] * 4)
        began = time.monotonic()
        try:
            client.generate("a banana")
            raise AssertionError("a used up quota gave a picture")
        except nb.RateLimitError as error:
            assert error.permanent and not error.retryable
        return {"requests": len(emulator.requests), "took_s": round(time.monotonic() - began, 3)}


def main(seconds: float) -> tuple[dict, dict]:
    figures = asyncio.run(storm(seconds)), daily()
    print(*figures, sep="\n")
    assert figures[0]["quiet_s"] >= seconds
    assert figures[1]["requests"] == 1 and figures[1]["took_s"] < 60
    return figures


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4)

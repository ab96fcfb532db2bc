"""A live stream: what the model thinks, its drafts, and the picture, each when it arrives.

Runs offline as it is; with a key, make `nb.Client()` instead. The cells (`# %%`) run one by one in a notebook
or an editor.
"""

# %%
import sys
from pathlib import Path

import nanobanana as nb

out = Path(sys.argv[1] if len(sys.argv) > 1 else "live_stream")
out.mkdir(exist_ok=True)
client = nb.Client.offline(model="nano-banana-pro")

# %% Thoughts come first, in words and as drafts; what is an ImageEvent is final.
drafts = 0
with client.generate_stream("An infographic about tides", thoughts=True) as stream:
    for event in stream:
        match event:
            case nb.ThoughtEvent(text=str(text)):
                print("thinks:", text)
            case nb.ThoughtEvent(image=nb.Image() as draft):
                drafts += 1
                print("draft:", draft.save(out / f"draft-{drafts}"))
            case nb.TextEvent(text=text):
                print("says:", text)
            case nb.ImageEvent(image=image):
                print("picture:", image.save(out / "tides"))
            case nb.DoneEvent(result=result):
                print(f"done: {result.usage.total_tokens} tokens, {result.cost} USD")

# %% A stream that is left early ends its request at once.
with client.edit_stream("The same, by night", result.image) as stream:
    print("left after:", next(stream).type)

"""An edit in three turns: the model remembers what it drew.

Runs offline as it is; with a key, make `nb.Client()` instead. The cells (`# %%`) run one by one in a notebook
or an editor.
"""

# %%
import sys
from pathlib import Path

import nanobanana as nb

out = Path(sys.argv[1] if len(sys.argv) > 1 else "edit_in_turns")
out.mkdir(exist_ok=True)
client = nb.Client.offline()
chat = client.chat(model="nano-banana-pro", aspect_ratio="1:1")

# %% First turn: something new.
print("1:", chat.send("A mascot for a bakery").image.save(out / "mascot"))

# %% Second turn: "it" is the mascot, and one more picture comes along.
logo = client.generate("A logo: a loaf of bread", model="nano-banana-2-lite").image
print("2:", chat.send("Now it waves, and wears this logo", images=logo).image.save(out / "waving"))

# %% Third turn, tried twice: a branch is another conversation with the same past.
night = chat.branch()
print("3a:", chat.send("On a sunny beach").image.save(out / "beach"))
print("3b:", night.send("Under the stars").image.save(out / "stars"))

# %% What is taken back is as if it had never been said.
chat.undo()
print("after undo:", chat, "and", night)

# %% A saved conversation goes on later, or in another language.
path = night.save(out / "mascot.chat.json")
later = client.load_chat(path)
print("4:", later.send("Same, but asleep").image.save(out / "asleep"))
for turn in later.history:
    print(f"{turn.role}: {turn.text[:40]!r}, {len(turn.images)} pictures")

# %% [markdown]
# # A tour of nanobanana
#
# Google's Nano Banana (Gemini) image models in six steps: generate, edit, mask, chat, many at once, and a
# budget. `pip install nanobanana-sdk` is all that is needed.
#
# `Client.offline()` asks an emulator that is built in: no key, no network, no cost. It draws stand-ins, and
# it counts money as the service would. With a key in `GEMINI_API_KEY`, write `nb.Client(budget=1)` instead:
# the rest of this page stays as it is, and costs about 0.60 USD.

# %%
import tempfile

import nanobanana as nb

client = nb.Client.offline(budget=1)

# %% [markdown]
# ## Generate
#
# A prompt in, a picture out. The last value of a cell shows itself: its pictures, the model and the cost.

# %%
boat = client.generate("A banana-shaped sailboat at dusk", aspect_ratio="16:9")
print(boat.image.width, "x", boat.image.height, "pixels,", boat.cost, "USD")
boat

# %% [markdown]
# With `n`, several pictures of one prompt come in one result. They show as a grid.

# %%
client.generate("A lighthouse made of cheese", n=4, model="nano-banana-2-lite")

# %% [markdown]
# ## Edit
#
# A picture goes in with what shall change. It may be a result's picture, a path, bytes, a URL, a PIL image or
# an array.

# %%
night = client.edit("Make it night, keep the boat", boat.image)
night.image

# %% [markdown]
# ## Mask
#
# With a mask only that part changes. Every pixel outside of it stays as it was, whatever the model did there:
# `leak` says how much that was.

# %%
sky = nb.Box(0, 0, 1, 0.4, unit="fraction")
storm = client.edit("A stormy sky", boat.image, mask=sky)
print(f"the model changed {storm.leak:.1%} outside of the mask; none of it is in the picture")
storm

# %% [markdown]
# ## Chat
#
# A chat remembers its pictures, so that "it" is understood. A branch is another chat with the same past.

# %%
chat = client.chat(aspect_ratio="1:1")
mascot = chat.send("A mascot for a bakery")
by_night = chat.branch()
[mascot, chat.send("Now it waves"), by_night.send("Now it sleeps under the stars")]

# %% [markdown]
# ## Many at once
#
# `generate_many` takes any number of prompts, sends several at a time, and hands out outcomes as they come.
# A failure is an outcome too. `progress=True` shows one bar with the newest pictures, what was spent and what
# is left of the budget; at the end it shows all pictures. With `journal="run.jsonl"` a run that was cut off
# goes on where it stopped.

# %%
fruits = ["apple", "banana", "cherry", "fig", "lemon", "plum"]
items: list[nb.Item] = [{"id": fruit, "prompt": f"A {fruit} in watercolour"} for fruit in fruits]
one = client.estimate(items[0]["prompt"], model="nano-banana-2-lite")
print(f"estimate: {(one.typical or 0) * len(items):.2f} USD")
outcomes = list(client.generate_many(items, model="nano-banana-2-lite", progress=True))
print(sum(outcome.ok for outcome in outcomes), "of", len(outcomes), "are drawn")

# %% [markdown]
# ## Budget
#
# A budget is kept before the money is spent: a call that might exceed it is refused and costs nothing.

# %%
print(f"spent: {client.spent.usd:.2f} USD in {client.spent.calls} calls")
print(f"left:  {client.spent.remaining_usd:.2f} USD")
try:
    client.generate("A mural of the whole harbour", n=8, image_size="4K", model="nano-banana-pro")
except nb.BudgetExceededError as error:
    print("refused:", error)

# %% [markdown]
# ## Keep what you like
#
# A notebook saves thumbnails only. `save` writes the picture's bytes as they came.

# %%
print(boat.image.save(tempfile.mkdtemp() + "/boat"))
client.close()

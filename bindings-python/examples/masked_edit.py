"""An edit that stays inside a mask, and how much the model changed outside of it.

Runs offline as it is: the emulator plays a model that drifts. With a key, make `nb.Client()` instead.
"""

# %%
import sys
from pathlib import Path

import nanobanana as nb

out = Path(sys.argv[1] if len(sys.argv) > 1 else "masked_edit")
out.mkdir(exist_ok=True)
client = nb.Client.offline()
harbour = client.generate("A harbour with hills", aspect_ratio="3:2").image
print("source:", harbour.save(out / "harbour"))

# %% A box, in parts of the picture's sides; a mask picture or an array does as well.
sky = nb.Box(0, 0, 1, 0.4, unit="fraction")
result = client.edit("A stormy sky", harbour, mask=sky)
print("edit:", result.image.save(out / "stormy"))

# %% Outside every pixel is the source's.
height = harbour.height * 4 // 10 + 1
print("same below:", result.image.to_numpy()[height:].tobytes() == harbour.to_numpy()[height:].tobytes())

# %% What the model itself drew, and where it strayed.
assert result.model_image and result.change_map and result.leak is not None
print("model:", result.model_image.save(out / "model"))
print("changes:", result.change_map.save(out / "changes"))
right, down = result.masked[0].shift
print(f"leak: {result.leak:.1%}, after it was moved back by {right:.1f} and {down:.1f} pixels")

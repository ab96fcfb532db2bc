"""Google's Nano Banana (Gemini) image models.

    import nanobanana as nb

    client = nb.Client()  # the key: api_key=, else GOOGLE_API_KEY, else GEMINI_API_KEY
    result = client.generate("A banana-shaped sailboat at dusk", aspect_ratio="16:9")
    result.image.save("boat")

`Client.offline()` needs no key and no network.
"""

from __future__ import annotations

import sys

try:
    from . import _native  # noqa: F401
except ImportError as _problem:  # Ours, or from Python 3.12 on the interpreter's own.
    if "subinterpreter" not in str(_problem):
        raise
    _advice = (
        "nanobanana does not work in a subinterpreter: import it in the main interpreter, or in a process of "
        "its own (`multiprocessing`, `ProcessPoolExecutor`); mod_wsgi runs an application in the main one "
        "with `WSGIApplicationGroup %{GLOBAL}`"
    )
    raise ImportError(_advice, name=__name__) from _problem

from . import _generated
from ._base import ImageWarning
from ._client import set_default_client
from ._front import AsyncStream, Stream
from ._generated import *  # noqa: F403
from ._many import AsyncOutcomes, Outcomes
from ._native import Emulator, Image, __version__
from ._verbs import AsyncChat, AsyncClient, AsyncFiles, Chat, Client, Files, edit, generate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._notebook import display_options
    from ._options import *  # noqa: F403

__all__ = ["Emulator", "Image", "ImageWarning", "__version__", "edit", "generate", "set_default_client"]
__all__ += ["display_options"]
__all__ += ["AsyncChat", "AsyncClient", "AsyncFiles", "AsyncOutcomes", "AsyncStream"]
__all__ += ["Chat", "Client", "Files", "Outcomes", "Stream"]
__all__ += ["AspectRatio", "AttachmentInput", "ChatOptions", "ClientOptions", "EditOptions"]  # noqa: F405
__all__ += ["EmulatorOptions", "Event", "FileOptions", "GenerateOptions", "ImageInput"]  # noqa: F405
__all__ += ["ImageSize", "Item", "ManyOptions", "MaskInput", "Model", "Prompt", "Reading", "RecordOptions"]  # noqa: F405
__all__ += ["ScriptStep", "UploadOptions"]  # noqa: F405
__all__ += _generated.__all__

# Who shows pictures has it loaded; nobody else needs what shows them.
if "IPython" in sys.modules:
    from ._notebook import register

    register()
    del register


def __getattr__(name: str) -> object:
    if name == "display_options":
        from ._notebook import display_options

        return display_options
    # What is not here yet are types for annotations: only who uses them imports `typing`.
    if name in __all__:
        from . import _options

        return getattr(_options, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Writes the corpus with which the fuzzers begin: the shapes that replies and pictures have."""

import base64
from pathlib import Path

PICTURE = base64.b64encode(bytes(range(256)) * 2).decode()
REPLY = '{"candidates":[{"content":{"parts":[{"text":"\\u00e9 é"},{"inlineData":{"data":"%s"}}]}}]}'
ERROR = '{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE"\n  }\n}'

JSON = [
    REPLY % PICTURE,
    REPLY % PICTURE.replace("+", "-").replace("/", "_").rstrip("="),
    REPLY % "\\n".join([PICTURE[:76], PICTURE[76:]]),
    f"[{REPLY % 'QUJD'},\n{REPLY % 'QUI='}\n]",
    '{"inlineData":{"data":"QUJD","d\\u0061ta":"REVG"}}',
    '[null, true, false, 0, -0.5e+3, "\\ud83d\\ude00", [], {}] 12 "a"',
    "\ufeff{}",
    ERROR,
]
STREAMS = [
    *(
        end.join([f"data: {REPLY % 'QUJD'}", "", f"data:{REPLY % ''}", "", ""])
        for end in ("\n", "\r\n", "\r")
    ),
    f"\ufeff: hello\nevent: message\nid: 7\nretry: 10\n\ndata: {REPLY % PICTURE}\n\ndata: [DONE]\n\n",
    'data: {"a":\ndata:  [1,\ndata: 2]}\n\ndata: 12\ndata: 13',
    f'data: {{"a":"b"}}\n\n{ERROR}\n\ndata: [{{"error":{{}}}}]\n\n',
    'data: {"a":\n\ndata: 1}\n\n',
    "<html>\n<script>\n{ let a; }\n</html>",
]

for target, bodies in [("split", JSON), ("sse", JSON + STREAMS)]:
    folder = Path(__file__).parent / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(bodies):
        # The first byte says how it is read: see README.md.
        (folder / f"seed-{number}").write_bytes(bytes([number % 4 + 8 * (number % 3)]) + body.encode())

# Pictures as other programs write them, and as cases have them.
media = Path(__file__).parent.parent / "media"
folder = Path(__file__).parent / "corpus" / "codec"
folder.mkdir(parents=True, exist_ok=True)
for path in [*media.iterdir(), *(media / "real").iterdir()]:
    if path.suffix in (".png", ".jpg", ".webp", ".gif", ".bmp", ".tiff", ".heic", ".heif", ".avif"):
        (folder / path.name).write_bytes(path.read_bytes())

"""A stand-in for the service, in a process of its own: every call is answered with one picture, streams too.

Prints its URL. The picture is a PNG's header and random bytes, SIZE MB in all (default 15), so that no
side can gain by compressing it.
"""

import base64
import json
import os
import struct
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def picture(size: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", 4096, 4096, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + os.urandom(size - len(start))


def reply(size: int) -> bytes:
    data = base64.b64encode(picture(size)).decode()
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}]
    usage = {"promptTokenCount": 4, "candidatesTokenCount": 1120, "totalTokenCount": 1124}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    return json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode()


SIZE = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 15_000_000
LARGE, SMALL = reply(SIZE), reply(2_000)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        body = SMALL if b"warm up" in asked else LARGE
        events = "streamGenerateContent" in self.path
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if events else "application/json")
        self.send_header("content-length", str(len(body) + (10 if events else 0)))
        self.end_headers()
        for piece in (b"data: ", body, b"\r\n\r\n") if events else (body,):
            self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()

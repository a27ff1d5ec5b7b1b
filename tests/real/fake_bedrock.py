"""A small upstream that speaks enough of Amazon Bedrock's runtime API for one Claude answer.

A double: LiteLLM in front of it is real. The shapes are those of `invoke` and `invoke-with-response-stream` for
Anthropic models: the message as JSON, or the same as Anthropic events, each in one frame of the AWS event stream.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_PATH: Final = re.compile(r"/model/(?P<model>[^/]+)/(?P<action>invoke|invoke-with-response-stream)")


@dataclass(slots=True)
class FakeBedrock:
    """The running upstream: where it answers, what it says, and the model paths it was asked for."""

    answer: str
    asked: list[str] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        assert self.server
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> FakeBedrock:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True, name="fake-bedrock").start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.server
        self.server.shutdown()
        self.server.server_close()


def _handler(upstream: FakeBedrock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = _PATH.fullmatch(self.path)
            if found is None:
                return self._answer(404, "application/json", b'{"message":"no such operation"}')
            upstream.asked.append(self.path)
            if found["action"] == "invoke":
                return self._answer(200, "application/json", json.dumps(_message(upstream.answer)).encode())
            frames = b"".join(event_frame(event) for event in _events(upstream.answer))
            return self._answer(200, "application/vnd.amazon.eventstream", frames)

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: `asked` is the log."""

    return Handler


def _message(text: str) -> dict[str, object]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": "claude-fake",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 8, "output_tokens": 4},
    }


def _events(text: str) -> Iterator[Mapping[str, object]]:
    yield {"type": "message_start", "message": {**_message(""), "content": [], "stop_reason": None}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    yield {"type": "content_block_stop", "index": 0}
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 4}}
    yield {"type": "message_stop"}


def event_frame(event: Mapping[str, object]) -> bytes:
    """Return one Anthropic event as a frame of the AWS event stream (lengths, headers, payload, two CRC-32)."""
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    names = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in names.items()
    )
    lengths = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack("!I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))

"""An OpenAI-compatible API on the loopback that answers by rule: what the harness sends to a model, for real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SERVED: list[dict[str, Any]] = []  # the requests, in the order in which they came


def reply(request: dict[str, Any]) -> dict[str, Any]:
    """A model that has learned one thing: with lright's tools it checks the file, otherwise it hedges."""
    messages = request["messages"]
    names = [tool["function"]["name"] for tool in request.get("tools") or ()]
    checker = next((name for name in names if name.endswith("check")), "")
    if checker and messages[-1]["role"] != "tool":
        arguments = json.dumps({"path": "train.py"})
        call = {"id": "call-1", "type": "function", "function": {"name": checker, "arguments": arguments}}
        return {"role": "assistant", "content": "", "tool_calls": [call]}
    if messages[-1]["role"] == "tool":
        return {"role": "assistant", "content": f"lright says: {messages[-1]['content']}"}
    return {"role": "assistant", "content": "It depends on many things."}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        SERVED.append(request)
        message = reply(request)
        answer = {
            "id": "x", "object": "chat.completion", "created": 0, "model": "fake",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }  # fmt: skip
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """The address of the API, as long as it is there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()

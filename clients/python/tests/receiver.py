"""A server that takes what the client sends and answers as a test says; each request is kept, decoded."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from ports import free_ports
from waiting import PATIENCE, eventually

Answer = Callable[[BaseHTTPRequestHandler], None]


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    raw: bytes
    body: Any


def status(code: int, text: bytes = b"{}", **headers: str) -> Answer:
    """An answer with this status."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def garbage(handler: BaseHTTPRequestHandler) -> None:
    """No HTTP at all."""
    handler.wfile.write(b"\x00\xff this is no answer \r\n\r\n\r\n" * 50)
    handler.close_connection = True


def nothing(handler: BaseHTTPRequestHandler) -> None:
    """The connection ends without an answer."""
    handler.close_connection = True


class Receiver:
    """Listens on a free port. `answers` are used up one by one; then `usual` is."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self.usual: Answer = status(200)
        self.n_connections = 0
        self._server: ThreadingHTTPServer | None = None
        # Its own over all its lives: nobody else gets it while it is stopped.
        [self._port] = free_ports(1)

    def start(self) -> Receiver:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                owner.n_connections += 1
                super().setup()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                plain = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
                answer = owner.answers.pop(0) if owner.answers else owner.usual
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.received.append(Received(self.path, headers, raw, json.loads(plain)))
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def stop(self) -> None:
        """Nobody listens on the port any more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def wait_for(self, n: int) -> list[Received]:
        """The requests so far, once there are `n`."""
        eventually(lambda: len(self.received) >= n, f"{n} requests", PATIENCE)
        return self.received

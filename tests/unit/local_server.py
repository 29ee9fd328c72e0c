"""A web server on a free port of this machine, whose connections a test may break."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalHandler(BaseHTTPRequestHandler):
    """Handles requests of kept connections."""

    protocol_version = "HTTP/1.1"
    # keep-alive with small answers is slow otherwise
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """A client that was killed resets its connection."""
        with suppress(ConnectionError):
            super().handle()


@contextmanager
def local_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """Serve until the block ends, and wait for the thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A connection to a server that breaks off: some connections are cut after some bytes."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# bytes towards the client after which a connection is cut; a whole upload has more
MOST_BYTES = 6_000


@dataclass
class FailingProxy:
    """`port`: where it listens; `count_cut`: how many connections it cut."""

    target_port: int
    share: float
    draw: random.Random = field(default_factory=lambda: random.Random(7))
    port: int = 0
    count_cut: int = 0

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                is_cut = self.draw.random() < self.share
                self.count_cut += is_cut
                limit = self.draw.randrange(MOST_BYTES) if is_cut else None
                threading.Thread(target=self._join, args=(client, limit), daemon=True).start()

    def _join(self, client: socket.socket, limit: int | None) -> None:
        with client, socket.create_connection(("127.0.0.1", self.target_port)) as server:
            up = threading.Thread(target=_copy, args=(client, server, None), daemon=True)
            up.start()
            _copy(server, client, limit)
            if limit is not None:
                # a reset, not an orderly end
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            up.join()


def _copy(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    count = 0
    with suppress(OSError):
        while data := source.recv(65_536):
            if limit is not None and count + len(data) > limit:
                target.sendall(data[: max(limit - count, 0)])
                return
            target.sendall(data)
            count += len(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def failing_proxy(target_port: int, share: float) -> Iterator[FailingProxy]:
    """Passes connections on to `target_port`; `share` of them are cut."""
    proxy = FailingProxy(target_port, share)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.port = listener.getsockname()[1]
        thread = threading.Thread(target=proxy.serve, args=(listener,))
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()

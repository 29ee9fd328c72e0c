"""A mail server, an SFTP server and an S3-compatible store for the tests, each on a free port."""

from __future__ import annotations

import asyncio
import email
import logging
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import asyncssh
import boto3
from aiosmtpd.controller import Controller
from moto.server import ThreadedMotoServer

USER, PASSWORD = "night", "sesame-open-4711"


@dataclass
class MailServer:
    """Mails by their Message-ID; `dropped` counts the repeated ones, as a server that compares the
    ids would."""

    mails: dict[str, Message] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    planned: list[str] = field(default_factory=list)
    share: float = 0.0
    draw: random.Random = field(default_factory=lambda: random.Random(7))
    port: int = 0

    def _fault(self) -> str | None:
        if self.planned:
            return self.planned.pop(0)
        return (
            self.draw.choice(("later", "taken_then_closed"))
            if self.draw.random() < self.share
            else None
        )

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        fault = self._fault()
        self.faults[fault or "none"] += 1
        if fault == "later":
            return "451 try again later"
        if fault == "never":
            return "554 refused: token sesame-open-4711"
        mail = email.message_from_bytes(envelope.content)
        if mail["Message-ID"] in self.mails:
            self.dropped[mail["Message-ID"]] += 1
        else:
            self.mails[mail["Message-ID"]] = mail
        if fault == "taken_then_closed":
            server.transport.abort()
        return "250 taken"


@contextmanager
def mail_server(share: float = 0.0, **options: Any) -> Iterator[MailServer]:
    """Takes mails on a free port; `share` of them fail. `options`: TLS and logins, as aiosmtpd has
    them."""
    server = MailServer(share=share)
    controller = _FreePort(server, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        server.port = controller.server.sockets[0].getsockname()[1]
        yield server
    finally:
        controller.stop()


class _FreePort(Controller):
    """The port is known only once it listens."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@dataclass(frozen=True)
class SftpServer:
    """`folder`: what its users see as their home; `host_key`: its public key; `client_key`: a
    private key that may log in."""

    port: int
    folder: Path
    host_key: str
    client_key: str


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """An SFTP server of another library than the program's, on a free port."""
    key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    loop, connections = asyncio.new_event_loop(), set[Any]()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[key],
            server_factory=lambda: _LoginServer(connections, client_key),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder)),
        )

    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        public = key.export_public_key().decode().rsplit(" ", 0)[0].split()
        private = client_key.export_private_key().decode()
        yield SftpServer(acceptor.get_port(), folder, " ".join(public[:2]), private)
    finally:
        asyncio.run_coroutine_threadsafe(_stop(acceptor, connections), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(acceptor: asyncssh.SSHAcceptor, open_connections: set[Any]) -> None:
    acceptor.close()
    for connection in list(open_connections):
        connection.abort()
    await acceptor.wait_closed()
    await asyncio.gather(*(connection.wait_closed() for connection in list(open_connections)))
    # sockets close in the next rounds of the loop
    for _ in range(3):
        await asyncio.sleep(0)


class _LoginServer(asyncssh.SSHServer):
    """Takes one password and one key."""

    def __init__(self, open_connections: set[Any], key: asyncssh.SSHKey) -> None:
        self._open, self._key = open_connections, key

    def connection_made(self, connection: Any) -> None:
        self._open.add(connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.public_data == self._key.public_data

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@contextmanager
def s3_store(bucket: str) -> Iterator[tuple[str, Any]]:
    """Address and client of an S3-compatible store with one bucket."""
    # it prints every request
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=USER,
            aws_secret_access_key=PASSWORD,
        )
        client.create_bucket(Bucket=bucket)
        yield url, client
    finally:
        server.stop()

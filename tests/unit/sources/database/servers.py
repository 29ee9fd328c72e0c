"""Database servers for the tests, from Debian packages, each in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
MARIADB = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NO_POSTGRES = "no PostgreSQL server; on Debian: bash tests/servers/install.sh"
NO_MARIADB = "no MariaDB server; on Debian: bash tests/servers/install.sh"
PASSWORD = "sesame-open-4711"
PATIENCE = 60.0


@dataclass
class Server:
    """A server on `port` of this machine, with the database `shop` and the user `reader` with
    `PASSWORD`.

    `probe`: a command that succeeds once the server is ready. A server listens before it is ready.
    """

    command: list[str]
    user: str | None
    port: int
    log: Path
    probe: list[str]
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                user=self.user,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        end = time.monotonic() + PATIENCE
        while self.run(self.probe).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(self.log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        return subprocess.run(command, check=False, capture_output=True, env=environment, cwd="/")

    def kill(self) -> None:
        """Stop the server as a power cut would."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def postgres() -> Iterator[Server]:
    """The database owner is `reader`, who may write too. Only the program prevents a pull from
    writing."""
    folder, user = _folder("postgres")
    tools = POSTGRES[-1].parent
    try:
        (folder / "password").write_text(PASSWORD)
        data, port = folder / "data", _free_port()
        options = "-U reader -E UTF8 --locale C.UTF-8 --auth scram-sha-256 --pwfile".split()
        _run([tools / "initdb", "-D", data, *options, folder / "password"], user)
        command = [
            tools / "postgres",
            "-D",
            data,
            "-k",
            folder,
            "-p",
            port,
            "-h",
            "127.0.0.1",
            "-F",
        ]
        psql = [tools / "psql", "-h", folder, "-p", port, "-U", "reader", "-d", "postgres", "-c"]
        query = list(map(str, psql))
        server = Server(list(map(str, command)), user, port, folder / "log", [*query, "SELECT 1"])
        server.start()
        server.run([*query, "CREATE DATABASE shop"])
        yield server
        server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mariadb() -> Iterator[Server]:
    folder, user = _folder("mysql")
    try:
        data, port = folder / "data", _free_port()
        base = ["--no-defaults", f"--datadir={data}", *([f"--user={user}"] if user else [])]
        _run(
            [
                "mariadb-install-db",
                *base,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            None,
        )
        command = [
            str(MARIADB),
            *base,
            f"--socket={folder / 'socket'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--pid-file={folder / 'pid'}",
        ]
        query = ["mariadb", "--no-defaults", f"--socket={folder / 'socket'}", "-u", "root", "-e"]
        server = Server(command, None, port, folder / "log", [*query, "SELECT 1"])
        server.start()
        sql = (
            "CREATE DATABASE shop CHARACTER SET utf8mb4; "
            f"CREATE USER reader@'%' IDENTIFIED BY '{PASSWORD}'; "
            "GRANT ALL ON shop.* TO reader@'%'; "
            "DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES"
        )
        server.run([*query, sql])
        yield server
        server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(name: str) -> tuple[Path, str | None]:
    """A folder for the server, and the user that runs it. PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    if os.getuid() != 0:
        return folder, None
    shutil.chown(folder, name)
    return folder, name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[object], user: str | None) -> None:
    subprocess.run(list(map(str, command)), user=user, check=True, capture_output=True, cwd="/")

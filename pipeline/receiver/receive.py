"""Receive pushes until the process is stopped.

pull/receive/               the lock
pulled/tracking/received/   the pushes, which TRACKING=pulled/tracking reads
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from waitress.server import create_server

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.receiver.push_accounts import push_accounts
from pipeline.receiver.push_app import MOST_BYTES, PushApp
from pipeline.receiver.push_store import PushStore
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, WorkspaceBusy
from pipeline.workspace.run_log import note

# a thread waits while its push is written; the more wait, the more share one sync
THREADS = 64
MOST_CONNECTIONS = 1_000
SILENT_SECONDS = 30


def received_folder(workspace: Path) -> Path:
    """Where the pushes of a workspace are kept."""
    return workspace / "pulled" / "tracking" / "received"


def receive(
    workspace: Path,
    config: Config,
    *,
    address: str,
    port: int,
    say: Callable[[str], None],
    file_seconds: float | None = None,
) -> None:
    """Listen on `address` until the process is stopped. Port 0 is any free one.

    Raises `BadInput` if a secret is missing or the port is taken, and `WorkspaceBusy` if a receiver
    is running already.
    """
    secrets, clock = SecretValues(), PullClock()
    try:
        accounts = push_accounts(config.pull, secrets)
    except SecretFault as fault:
        raise BadInput(f"{fault}. docs/guide/operator/pull-tracking.md shows an example.") from None
    folder = received_folder(workspace)
    try:
        with locked_store(StoreFolders(workspace / "pull" / "receive", folder), "receive"):
            options = {} if file_seconds is None else {"file_seconds": file_seconds}
            store = PushStore(folder, clock.now, **options)
            try:
                app = PushApp(accounts, store, secrets, clock)
                server = _server(app, address, port)
                shown = f"[{address}]" if ":" in address else address
                base = f"http://{shown}:{server.effective_port}"
                for path in accounts:
                    say(f"receiving: {base}{path}")
                say(f"health: {base}/health (Ctrl-C stops the receiver)")
                _run(server)
            finally:
                store.close()
                note("received", kept=store.count_kept, repeated=store.count_repeated)
    except WorkspaceBusy:
        raise WorkspaceBusy("a receiver of this workspace is running already.") from None


def _server(app: PushApp, address: str, port: int) -> Any:
    # pushes wait for a thread for moments, as they should; it warns of each
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        return create_server(
            app,
            host=address,
            port=port,
            threads=THREADS,
            connection_limit=MOST_CONNECTIONS,
            channel_timeout=SILENT_SECONDS,
            max_request_body_size=MOST_BYTES,
            ident=None,
        )
    except OSError as error:
        raise BadInput(
            f"PORT: {address} port {port} cannot be used ({error.strerror}). Choose another one."
        ) from None


def _run(server: Any) -> None:
    """Serve until Ctrl-C or SIGTERM; either way the last file is completed."""

    def stop(number: int, frame: object) -> NoReturn:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        server.run()
    finally:
        signal.signal(signal.SIGTERM, before)
        server.close()

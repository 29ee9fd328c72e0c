"""The receiver of what tracking services push."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import typer

from pipeline.cli.options import WorkspaceFolder, open_workspace
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import say, warn

app = typer.Typer()


@app.command()
def receive(
    folder: WorkspaceFolder,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="port on which it listens; 0: any free one")
    ] = 8322,
    address: Annotated[str, typer.Option(help="address on which it listens")] = "127.0.0.1",
) -> None:
    """Receive what 17TRACK and AfterShip push, and keep it for the next night.

    Reads [pull] in config.toml, for the keys that sign the pushes.
    Writes the pushes into pulled/tracking/received.
    """
    from pipeline.receiver.receive import receive as serve

    workspace, config, _ = open_workspace(folder)
    try:
        ip = ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise BadInput(
            f"ADDRESS: {address!r} is not an IP address. Write it like 127.0.0.1."
        ) from None
    if not ip.is_loopback:
        warn(
            f"pushes reach {ip} unencrypted. Put a proxy with https before the receiver, and leave "
            "ADDRESS out."
        )
    serve(workspace.folder, config, address=str(ip), port=port, say=say)

"""The board and its users."""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Annotated

import typer

from pipeline.cli.options import WorkspaceFolder, open_workspace
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import say, warn

app = typer.Typer()
PASSWORD = "BOARD_PASSWORD"


@app.command()
def board(
    folder: WorkspaceFolder,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="port on which the board listens")
    ] = 8321,
    address: Annotated[str, typer.Option(help="address on which it listens")] = "127.0.0.1",
    reason: Annotated[
        str | None, typer.Option(help="why it is safe to open it to other machines without a login")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(help="host name by which others open the board; may be repeated"),
    ] = None,
) -> None:
    """Show nights, orders and products in a browser, and share the work on the list.

    Reads runs/ and tables/, and the users in board_users.json, if there are any.
    Writes what agents do into desk.sqlite, and contacts as the step contacts does.
    """
    from pipeline.board.board_app import serve
    from pipeline.board.requests_allowed import allowed_hosts, check_address
    from pipeline.desk.desk_members import read_members

    workspace, config, _ = open_workspace(folder)
    has_login = read_members(workspace.folder) is not None
    ip = check_address(address, reason, has_login=has_login)
    hosts = allowed_hosts(ip, port, host or [])
    workspace.read_ingest_facts()
    if not ip_address(ip).is_loopback and not has_login:
        warn(
            f"the board answers other machines on {ip}, without a login. The reason given: {reason}"
        )
    elif not ip_address(ip).is_loopback and not config.board.https:
        warn(
            f"the board answers other machines on {ip}, and passwords reach it unencrypted. Put a "
            "proxy with https before it, and set board.https in config.toml."
        )
    shown = f"[{ip}]" if ":" in ip else ip
    say(f"the board of {workspace.folder}: http://{shown}:{port}/ (Ctrl-C stops it)")
    serve(workspace, config, address=ip, port=port, hosts=hosts)


@app.command()
def board_user(
    folder: WorkspaceFolder,
    login: Annotated[str, typer.Option(help="name of the user")],
    role: Annotated[
        str | None, typer.Option(help="agent, lead or reader (reader: the API only)")
    ] = None,
    token: Annotated[
        bool, typer.Option("--token", help="make a token for the API, and show it once")
    ] = False,
    proxy: Annotated[
        bool, typer.Option("--proxy", help="no password: a proxy signs the user in")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="remove the user")] = False,
) -> None:
    """Add, change or remove a user of the board, or make a token for the API.

    Reads the password from a prompt, or from the environment variable
    BOARD_PASSWORD.
    Writes board_users.json, which only its owner can read, with hashes.
    """
    from pipeline.desk.desk_members import StoredUser, change_member, hashed_password, new_token
    from pipeline.desk.desk_state import Role

    workspace, _, _ = open_workspace(folder)
    secret, secret_hash = new_token()
    try:
        given = None if role is None else Role(role)
    except ValueError:
        raise BadInput(f"ROLE: {role!r} is not one of {', '.join(Role)}.") from None

    def changed(user: StoredUser | None) -> StoredUser | None:
        if remove:
            return None
        new_role = given or (user.role if user else Role.agent)
        kept = user or StoredUser(role=new_role)
        asks = not token and not proxy and new_role != Role.reader
        return StoredUser(
            role=new_role,
            password_hash=hashed_password(_password()) if asks else kept.password_hash,
            token_sha256=secret_hash if token else kept.token_sha256,
        )

    with workspace.shared():
        done = change_member(workspace.folder, login, changed)
    say(f"{login} is {done}")
    if token and not remove:
        # the only time that it is shown; it goes to the terminal, and not to the log
        typer.echo(secret)


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))

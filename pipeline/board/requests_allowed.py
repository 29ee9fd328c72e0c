"""Whose requests the board answers: those for its own host names, and from its own pages."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, abort, request

from pipeline.settings.errors import BadInput


def check_address(address: str, reason: str | None, *, has_login: bool = False) -> str:
    """The IP address to listen on.

    Raises BadInput for text that is not an IP address, and for an address that other machines can
    reach if there is neither a login nor a reason.
    """
    try:
        number = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise BadInput(
            f"ADDRESS: {address!r} is not an IP address. Write it like 127.0.0.1."
        ) from None
    if not number.is_loopback and not has_login and not (reason or "").strip():
        raise BadInput(
            f"ADDRESS: {address} can be reached from other machines, and the board has no login: "
            "anyone who reaches it can read your orders and write contacts. Leave ADDRESS out, add "
            "users (make board-user LOGIN=...), or say why this is safe: REASON=..."
        )
    return str(number)


def allowed_hosts(ip: str, port: int, names: list[str]) -> frozenset[str]:
    """The values of the Host header that the board answers to, in small letters.

    `names`: the host names that its users type, with or without a port. Raises BadInput for a name
    that is not a host, and if the board listens on every address without any name: it could then
    not know a page of another site that uses its address under a name of its own (DNS rebinding).
    """
    number = ipaddress.ip_address(ip)
    if number.is_unspecified and not names:
        raise BadInput(
            f"ADDRESS: {ip} is every address of this machine. Name the hosts by which the board "
            "is opened: HOST=board.example.org"
        )
    own = [] if number.is_unspecified else [f"[{ip}]" if number.version == 6 else ip]
    hosts = set()
    for name in [*own, *names, *(["localhost"] if number.is_loopback else [])]:
        text = name.strip().lower()
        try:
            parts = urlsplit(f"//{text}")
            has_port = parts.port is not None
        except ValueError:
            parts, has_port = urlsplit(""), False
        if not parts.hostname or parts.netloc != text or "@" in text or "*" in text:
            raise BadInput(f"HOST: {name!r} is not a host name. Write it like board.example.org.")
        hosts |= {text} if has_port else {text, f"{text}:{port}"}
    return frozenset(hosts)


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def guard(app: Flask, hosts: frozenset[str] | None) -> None:
    """Refuse requests for another host name, and requests that a page of another site sent.

    `hosts`: None means this machine, under its own names, on any port.
    """

    def is_ours(host: str) -> bool:
        if hosts is None:
            return urlsplit(f"//{host}").hostname in LOOPBACK
        return host.lower() in hosts

    @app.before_request
    def check_sender() -> None:
        origin = request.headers.get("Origin")
        try:
            is_own = is_ours(request.host) and (origin is None or is_ours(urlsplit(origin).netloc))
        except ValueError:
            is_own = False
        if not is_own:
            abort(403)

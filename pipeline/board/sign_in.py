"""Who asks: signed in with a password, by an authenticating proxy, or on this machine without a
login.

With a user file, every page needs a sign-in. Without one, the board answers on its own machine
alone (`requests_allowed`), and its user may do what a lead may. Each form needs a token of its
session.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, g, jsonify, redirect, request, session
from flask_limiter import Limiter

from pipeline.board.board_pages import board_page
from pipeline.desk.desk_members import UserFile, read_members, session_stamp, signs_in
from pipeline.desk.desk_state import EntryKind, Member, Role
from pipeline.desk.desk_work import Desk
from pipeline.output.safe_text import one_line
from pipeline.settings.list_settings import BoardAccess

# the user of a board without a user file
LOCAL = Member("local", Role.lead)
# failed sign-ins: of one name from one address, and of one address
FAILURES, FAILURES_OF_ADDRESS = "5 per 5 minutes", "60 per 5 minutes"
_OPEN = {"sign_in", "take_sign_in"}
_API = "/api/"


class Access:
    """Decides whose request it is."""

    def __init__(self, desk: Desk, settings: BoardAccess, *, has_channel: bool) -> None:
        self.desk, self.settings, self.has_channel = desk, settings, has_channel
        # a user file that is removed later must not open the board to everyone
        self.needs_login = self.users() is not None

    def users(self) -> UserFile | None:
        """The users of the workspace; None without a user file."""
        return read_members(self.desk.store.folder)

    def is_closed(self) -> bool:
        """Whether a request needs a sign-in or a token."""
        self.needs_login = self.needs_login or self.users() is not None
        return self.needs_login

    def names(self) -> list[str]:
        """Who an order can be assigned to."""
        content = self.users()
        if content is None:
            return [LOCAL.name]
        return [name for name, user in content.users.items() if user.role != Role.reader]

    def member(self) -> Member | None:
        """Who sent this request; None for someone who is not signed in."""
        content = self.users()
        if content is None:
            return None if self.is_closed() else LOCAL
        self.needs_login = True
        name = self._by_proxy() or self._by_session(content)
        user = content.users.get(name) if name else None
        if name is None or user is None or user.role == Role.reader:
            return None
        return Member(name, user.role)

    def can_release(self, member: Member) -> bool:
        """Whether they may release drafts to the shop's channel."""
        return self.has_channel and member.is_lead

    def _by_proxy(self) -> str | None:
        """The name that the proxy of the settings sent. The header counts from its address only."""
        header = self.settings.proxy_header
        if not header or request.remote_addr != self.settings.proxy_address:
            return None
        return request.headers.get(header)

    def _by_session(self, content: UserFile) -> str | None:
        name = session.get("user")
        user = content.users.get(name) if isinstance(name, str) else None
        if user is None or session.get("stamp") != session_stamp(user):
            return None
        return str(name)


def csrf_token() -> str:
    """The token that a form of this session must send."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    return str(session["csrf"])


def require_sign_in(app: Flask, access: Access, limiter: Limiter) -> None:
    """Check who asks before each request, and the token of each form; add the pages to sign in."""
    content, settings = access.users(), access.settings
    app.secret_key = content.session_key if content else secrets.token_hex(32)
    app.config.update(
        SESSION_COOKIE_NAME="board",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=settings.https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
    )

    @app.before_request
    def check_member() -> Any:
        if request.path.startswith(_API):
            # the API has its own tokens, and takes no forms
            return None
        g.member = access.member()
        if request.method not in ("GET", "HEAD") and not _has_token():
            abort(403)
        if g.member is not None or request.endpoint in _OPEN:
            return None
        if request.path.startswith("/desk/"):
            return jsonify(problem={"key": "desk.signed_out", "values": {}}), 401
        return redirect(f"/sign-in?next={request.path}", 303)

    _add_pages(app, access, limiter)


def _has_token() -> bool:
    given = request.headers.get("X-CSRF-Token") or request.form.get("token", "")
    expected = str(session.get("csrf", ""))
    return bool(expected) and secrets.compare_digest(given.encode(), expected.encode())


def _add_pages(app: Flask, access: Access, limiter: Limiter) -> None:
    @app.get("/sign-in")
    def sign_in() -> Any:
        return _sign_in_page() if g.member is None else redirect("/", 303)

    @app.post("/sign-in")
    @limiter.limit(FAILURES, key_func=_name_and_address, deduct_when=_has_failed)
    @limiter.limit(FAILURES_OF_ADDRESS, deduct_when=_has_failed)
    def take_sign_in() -> Any:
        return _take_sign_in(access)

    @app.post("/sign-out")
    def sign_out() -> Any:
        session.clear()
        return redirect("/sign-in", 303)

    @app.errorhandler(429)
    def too_many(_: Exception) -> Any:
        if request.path.startswith(_API):
            return jsonify(error="too many requests with a wrong token; try again in a minute"), 429
        return _sign_in_page("desk.too_many"), 429


def _has_failed(response: Any) -> bool:
    return bool(response.status_code != 303)


def _name_and_address() -> str:
    return f"{request.remote_addr} {request.form.get('user', '')[:64]}"


def _take_sign_in(access: Access) -> Any:
    content, name = access.users(), request.form.get("user", "")
    password = request.form.get("password", "")[:1_000]
    if content is None or not signs_in(content.users, name, password):
        if content is not None and name in content.users:
            # not with an unknown name: it may be a password in the wrong field
            access.desk.record(Member(name, Role.agent), EntryKind.sign_in_refused)
        return _sign_in_page("desk.wrong_password"), 403
    user = content.users[name]
    # a new session, so that one that was set before the sign-in is worth nothing
    session.clear()
    session.update(user=name, stamp=session_stamp(user), csrf=secrets.token_urlsafe(32))
    session.permanent = True
    access.desk.record(Member(name, user.role), EntryKind.signed_in)
    return redirect(own_path(request.form.get("next", "/")), 303)


def _sign_in_page(problem: str = "") -> str:
    asked = request.values.get("next", "/")
    return board_page("sign_in.html", token=csrf_token(), problem=problem, next=own_path(asked))


def own_path(text: str) -> str:
    """The path to go to after signing in; the start page for anything but a path of the board."""
    parts = urlsplit(text)
    is_own = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.netloc
    return text if is_own and one_line(text, 500) == text else "/"

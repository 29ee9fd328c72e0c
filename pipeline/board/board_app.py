"""board: a small web app on this machine to look at a workspace's nights, orders and products and
to mark contacts.

It serves the pages that the runs have published, to which it adds one thing: marks go back to the
store through the same path as `make contacts`, without a file by hand. It asks for no login, so it
answers on this machine's own address alone, unless told otherwise with a reason. A page of another
site can neither read it (the host name is checked, which stops DNS rebinding) nor write through it
(the token in the form).
"""

from __future__ import annotations

import ipaddress
import secrets
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, redirect, request
from markupsafe import Markup, escape

from pipeline.board.board_data import find_orders, nights_of, page_of, review_of
from pipeline.load.contacts import take_contacts
from pipeline.pages.html import render
from pipeline.pages.page_words import said
from pipeline.settings.errors import BadInput, UserError
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

MOST_BYTES = 5_000_000
PARTS = ("page", "board", "stage", "outcome")
NO_FORMS, OWN_FORMS = "form-action 'none'", "form-action 'self'"
PLACE = '<span id="board"></span>'
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_address(address: str, reason: str | None) -> str:
    """The address as it is to be listened on; raises BadInput for one that others can reach,
    without a reason."""
    try:
        number = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise BadInput(f"ADDRESS: {address!r} is no address; write it like 127.0.0.1") from None
    if not number.is_loopback and not (reason or "").strip():
        raise BadInput(
            f"ADDRESS: {address} can be reached from other machines, and the board asks for no login: whoever reaches "
            "it reads your orders and writes contacts. Leave ADDRESS out, or say why it is safe there: REASON=..."
        )
    return str(number)


def create_app(workspace: Workspace, hosts: frozenset[str] | None) -> Flask:
    """The board of one workspace. `hosts`: the names it answers to (None: any, where it was opened
    to others)."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    _guard(app, hosts)
    token = secrets.token_urlsafe(32)

    @app.get("/")
    def nights() -> str:
        return _page(workspace, nights=nights_of(workspace))

    @app.get("/orders")
    def orders() -> str:
        asked = request.args.get("q", "").strip()[:100]
        return _page(workspace, asked=asked, orders=find_orders(workspace, asked) if asked else [])

    @app.get("/night/<day>")
    def night(day: str) -> str:
        path = page_of(workspace, _day(day)) or abort(404)
        return with_form(
            path.read_text(encoding="utf-8"), token, day, request.args.get("taken", "")
        )

    @app.get("/products/<day>")
    def products(day: str) -> str:
        return (review_of(workspace, _day(day)) or abort(404)).read_text(encoding="utf-8")

    @app.post("/contacts")
    def contacts() -> Any:
        if not secrets.compare_digest(request.form.get("token", "").encode(), token.encode()):
            abort(403)
        day = _day(request.form.get("night", "")).isoformat()
        try:
            taken = give_back(workspace, day, request.form.get("sheet", ""))
        except UserError as error:
            return _page(workspace, nights=nights_of(workspace), problem=str(error)), 409
        return redirect(f"/night/{day}?taken={taken}", 303)

    return app


def _guard(app: Flask, hosts: frozenset[str] | None) -> None:
    @app.before_request
    def is_ours() -> None:
        if hosts is not None and request.host not in hosts:
            abort(403)

    @app.after_request
    def with_headers(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        return answer


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)


def _page(workspace: Workspace, **shown: Any) -> str:
    told = {"nights": None, "orders": None, "asked": "", "problem": "", **shown}
    program = ("page.js", "board.js")
    return render(
        "board.html",
        program=program,
        parts=PARTS,
        data={},
        charts=False,
        forms="'self'",
        store=workspace.folder.name,
        **told,
    )


def with_form(page: str, token: str, day: str, taken: str) -> str:
    """A published page with the form that gives its marks back, and leave to send it here. Both are
    put where the page itself has a place for them, before any text of an order."""
    parts = taken.split("-")
    is_told = len(parts) == 3 and all(part.isdigit() for part in parts)
    told = (
        said("list.taken", **dict(zip(("new", "count", "faults"), parts, strict=True)))
        if is_told
        else ""
    )
    form = Markup(
        '<form method="post" action="/contacts" id="give-back"><input type="hidden" name="token" value="{}">'
        '<input type="hidden" name="night" value="{}"><input type="hidden" name="sheet"><button disabled>{}</button>'
        '</form><a href="/">{}</a><span role="status" class="good">{}</span>'
    ).format(token, escape(day), said("list.give"), said("list.nights"), told)
    return page.replace(NO_FORMS.replace("'", "&#39;"), OWN_FORMS.replace("'", "&#39;"), 1).replace(
        PLACE, form, 1
    )


def give_back(workspace: Workspace, day: str, sheet: str) -> str:
    """Take the sheet as `make contacts` does; 'new-contacts-faults'. Another run at work:
    `WorkspaceBusy`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"board-{day}.csv"
        file.write_text(sheet, encoding="utf-8", newline="\n")
        with workspace.locked(must_exist=True):
            taken = take_contacts(workspace, Progress(), file=file)
    return "-".join(str(number) for number in taken)


def serve(workspace: Workspace, *, address: str, port: int, is_open: bool) -> None:
    """Answer until stopped."""
    from werkzeug.serving import make_server

    name = f"[{address}]" if ":" in address else address
    hosts = None if is_open else frozenset({f"{name}:{port}", f"localhost:{port}"})
    make_server(address, port, create_app(workspace, hosts), threaded=True).serve_forever()

"""board: a small web app on this machine that shows a workspace's nights, orders and products, and
takes marks of contacted buyers.

It serves the pages that the runs have published and adds one form: marks go back to the store in
the same way as with `make contacts`, without a file in between. It has no login. So it listens only
on an address of this machine, unless the user gives a reason for another one. A page of another
site cannot read it, because it checks the host name, which stops DNS rebinding. Nor can such a page
write to it, because the form needs a token.
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
from pipeline.pages.page_words import text_span
from pipeline.settings.errors import BadInput, UserError
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

MOST_BYTES = 5_000_000
# the words that the page's script needs
GROUPS = ("page", "board", "stage", "outcome")
# what a published page contains, and what the board puts there instead
NO_FORMS, OWN_FORMS = "form-action &#39;none&#39;", "form-action &#39;self&#39;"
FORM_MARKER = '<span id="board"></span>'
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_address(address: str, reason: str | None) -> str:
    """The IP address to listen on.

    Raises BadInput for text that is not an IP address, and for an address that other machines can
    reach if there is no reason.
    """
    try:
        number = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise BadInput(
            f"ADDRESS: {address!r} is not an IP address. Write it like 127.0.0.1."
        ) from None
    if not number.is_loopback and not (reason or "").strip():
        raise BadInput(
            f"ADDRESS: {address} can be reached from other machines, and the board has no login: "
            "anyone who reaches it can read your orders and write contacts. Leave ADDRESS out, or "
            "say why this is safe: REASON=..."
        )
    return str(number)


def create_app(workspace: Workspace, hosts: frozenset[str] | None) -> Flask:
    """The board of one workspace. `hosts`: the host names that it answers to; None means any, for a
    board that is open to other machines."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    _guard(app, hosts)
    token = secrets.token_urlsafe(32)

    @app.get("/")
    def nights() -> str:
        return _page(workspace, nights=nights_of(workspace))

    @app.get("/orders")
    def orders() -> str:
        query = request.args.get("q", "").strip()[:100]
        return _page(workspace, query=query, orders=find_orders(workspace, query) if query else [])

    @app.get("/night/<day>")
    def night(day: str) -> str:
        path = page_of(workspace, _day(day)) or abort(404)
        page = path.read_text(encoding="utf-8")
        return with_form(page, token, day, request.args.get("taken", ""))

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
    """Refuse requests for another host name; add the security headers to every response."""

    @app.before_request
    def check_host() -> None:
        if hosts is not None and request.host not in hosts:
            abort(403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)


def _page(workspace: Workspace, **context: Any) -> str:
    defaults = {"nights": None, "orders": None, "query": "", "problem": ""}
    return render(
        "board.html",
        scripts=("page.js", "board.js"),
        groups=GROUPS,
        data={},
        has_charts=False,
        form_action="'self'",
        store=workspace.folder.name,
        **(defaults | context),
    )


def with_form(page: str, token: str, day: str, taken: str) -> str:
    """A published page with the form that saves its marks, and with permission to send this form.

    `taken`: what `give_back` returned for the marks that were just saved, otherwise empty. Both are
    inserted at their first occurrence, which is the page's own and precedes any text of an order.
    """
    numbers = taken.split("-")
    status = Markup()
    if len(numbers) == 3 and all(number.isdigit() for number in numbers):
        new, count, faults = numbers
        status = text_span("list.taken", new=new, count=count, faults=faults)
    form = Markup(
        '<form method="post" action="/contacts" id="give-back">'
        '<input type="hidden" name="token" value="{}"><input type="hidden" name="night" value="{}">'
        '<input type="hidden" name="sheet"><button disabled>{}</button></form>'
        '<a href="/">{}</a><span role="status" class="good">{}</span>'
    ).format(token, escape(day), text_span("list.give"), text_span("list.nights"), status)
    return page.replace(NO_FORMS, OWN_FORMS, 1).replace(FORM_MARKER, form, 1)


def give_back(workspace: Workspace, day: str, sheet: str) -> str:
    """Take the sheet as `make contacts` does.

    Returns 'new-contacts-faults': the number of new contacts, of contacts in the sheet and of cells
    in quarantine. Raises `WorkspaceBusy` while another run holds the workspace.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"board-{day}.csv"
        file.write_text(sheet, encoding="utf-8", newline="\n")
        with workspace.locked(must_exist=True):
            taken = take_contacts(workspace, Progress(), file=file)
    return "-".join(str(number) for number in taken)


def serve(workspace: Workspace, *, address: str, port: int, is_open: bool) -> None:
    """Answer requests until the process is stopped. `is_open`: whether other machines may use the
    board."""
    from werkzeug.serving import make_server

    name = f"[{address}]" if ":" in address else address
    hosts = None if is_open else frozenset({f"{name}:{port}", f"localhost:{port}"})
    make_server(address, port, create_app(workspace, hosts), threaded=True).serve_forever()

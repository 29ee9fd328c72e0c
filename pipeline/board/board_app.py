"""board: a small web app on this machine that shows a workspace's nights, orders and products, and
takes marks of contacted buyers.

It serves the pages that the runs have published and adds one form: marks go back to the store in
the same way as with `make contacts`, without a file in between. It has no login. So it listens only
on an address of this machine, unless the user gives a reason for another one. A page of another
site cannot read it, because it checks the host name, which stops DNS rebinding. Nor can such a page
write to it, because the form needs a token.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, redirect, request
from markupsafe import Markup, escape

from pipeline.board.board_data import find_orders, nights_of, page_of, review_of
from pipeline.board.requests_allowed import guard
from pipeline.load.contacts import take_contacts
from pipeline.output.safe_text import one_line
from pipeline.pages.html import render
from pipeline.pages.page_words import text_span
from pipeline.settings.errors import UserError
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

MOST_BYTES = 5_000_000
# characters of a message on the page
MOST_MESSAGE = 1_000
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


def create_app(store: Workspace, hosts: frozenset[str] | None) -> Flask:
    """The board of one workspace. `hosts`: the host names that it answers to; None means this
    machine, under its own names."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    guard(app, hosts)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    token = secrets.token_urlsafe(32)
    _add_pages(app, store, token)
    _add_contacts(app, store, token)
    return app


def _add_pages(app: Flask, store: Workspace, token: str) -> None:
    """What the board shows."""

    @app.get("/")
    def nights() -> str:
        with _opened(store) as workspace:
            return _page(workspace, nights=nights_of(workspace))

    @app.get("/orders")
    def orders() -> str:
        query = request.args.get("q", "").strip()[:100]
        with _opened(store) as workspace:
            matching = find_orders(workspace, query) if query else []
            return _page(workspace, query=query, orders=matching)

    @app.get("/night/<day>")
    def night(day: str) -> str:
        path = page_of(store, _day(day)) or abort(404)
        page = path.read_text(encoding="utf-8")
        return with_form(page, token, day, request.args.get("taken", ""))

    @app.get("/products/<day>")
    def products(day: str) -> str:
        return (review_of(store, _day(day)) or abort(404)).read_text(encoding="utf-8")


def _add_contacts(app: Flask, store: Workspace, token: str) -> None:
    """What the board takes: the marks of a night."""

    @app.post("/contacts")
    def contacts() -> Any:
        if not secrets.compare_digest(request.form.get("token", "").encode(), token.encode()):
            abort(403)
        day = _day(request.form.get("night", "")).isoformat()
        try:
            taken = give_back(store, day, request.form.get("sheet", ""))
        except UserError as error:
            # readers of a board have no use for a path of its machine
            message = str(error).replace(str(store.folder), store.folder.name)
            problem = one_line(message, MOST_MESSAGE)
            with _opened(store) as workspace:
                return _page(workspace, nights=nights_of(workspace), problem=problem), 409
        return redirect(f"/night/{day}?taken={taken}", 303)


@contextmanager
def _opened(store: Workspace) -> Iterator[Workspace]:
    """The workspace for one request; requests run side by side, each with its own view of it."""
    workspace = Workspace(store.folder, "board")
    with workspace.shared():
        yield workspace


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
    in quarantine. Raises `WorkspaceBusy` if other contacts take too long; a night does not matter.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"board-{day}.csv"
        file.write_text(sheet, encoding="utf-8", newline="\n")
        with _opened(workspace) as opened:
            taken = take_contacts(opened, Progress(), file=file)
    return "-".join(str(number) for number in taken)


def serve(workspace: Workspace, *, address: str, port: int, hosts: frozenset[str]) -> None:
    """Answer requests for `hosts` until the process is stopped."""
    from werkzeug.serving import make_server

    make_server(address, port, create_app(workspace, hosts), threaded=True).serve_forever()

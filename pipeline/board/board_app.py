"""board: a small web app that shows a workspace's nights, orders and products, and on which agents
share the work on the list.

It serves the pages that the runs have published, with the desk inside the list. Without a user file
it has no login, and listens only on an address of this machine, unless the user gives a reason for
another one. A page of another site cannot read it, because it checks the host name, which stops DNS
rebinding. Nor can such a page write to it, because each form needs a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from flask import Flask, Response, abort, g, redirect, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from pipeline.api.api_reader import ApiReader
from pipeline.api.api_routes import add_api
from pipeline.board.board_data import log_rows, nights_of, page_of, review_of
from pipeline.board.board_pages import board_page
from pipeline.board.desk_routes import add_desk_routes, desk_data
from pipeline.board.night_page import with_desk
from pipeline.board.order_page import order_page
from pipeline.board.release_page import add_release_routes
from pipeline.board.requests_allowed import guard
from pipeline.board.sign_in import Access, csrf_token, require_sign_in
from pipeline.desk.desk_work import Desk
from pipeline.desk.order_report import order_report
from pipeline.desk.order_search import find_orders, order_by_id
from pipeline.desk.published_nights import published
from pipeline.settings.config import Config, load_config
from pipeline.workspace.workspace import Workspace

MOST_BYTES = 5_000_000
MOST_ENTRIES = 300
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(
    store: Workspace, hosts: frozenset[str] | None, config: Config | None = None
) -> Flask:
    """The board of one workspace. `hosts`: the host names that it answers to; None means this
    machine, under its own names."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    guard(app, hosts)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    config, desk = config or load_config(store.folder), Desk(store)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    access = Access(desk, config.board, has_channel=config.deliver.channel.url is not None)
    require_sign_in(app, access, limiter)
    _add_pages(app, desk, access)
    _add_orders(app, desk, access, config)
    add_desk_routes(app, desk, access)
    add_release_routes(app, desk, access, config)
    reader = ApiReader(desk, config)
    add_api(app, reader, limiter, access.users, access.is_closed)
    return app


def _add_pages(app: Flask, desk: Desk, access: Access) -> None:
    """The nights with their pages."""
    store = desk.store

    @app.get("/")
    def home() -> Any:
        """The list of the newest night, because that is what agents open the board for."""
        for run in published(store)[:1]:
            if page_of(store, run.night):
                return redirect(f"/night/{run.night}", 303)
        return redirect("/nights", 303)

    @app.get("/nights")
    def nights() -> str:
        with opened(store) as workspace:
            return _page(store, access, nights=nights_of(workspace))

    @app.get("/night/<day>")
    def night(day: str) -> str:
        path = page_of(store, _day(day)) or abort(404)
        page = path.read_text(encoding="utf-8")
        runs = [run for run in published(store) if run.night == _day(day)]
        rows = runs[0].listed.select("order_id", "buyer_id").iter_rows() if runs else ()
        data = desk_data(desk, access, g.member, _day(day).isoformat(), rows)
        return with_desk(page, data, can_release=access.can_release(g.member))

    @app.get("/products/<day>")
    def products(day: str) -> str:
        return (review_of(store, _day(day)) or abort(404)).read_text(encoding="utf-8")

    @app.get("/log")
    def log() -> str:
        if not g.member.is_lead:
            abort(403)
        zone = str(store.read_ingest_facts()["zone"])
        return _page(store, access, entries=log_rows(desk.log, MOST_ENTRIES, zone))


def _add_orders(app: Flask, desk: Desk, access: Access, config: Config) -> None:
    """Search, and the page of an order."""
    store = desk.store

    @app.get("/orders")
    def orders() -> str:
        query = request.args.get("q", "").strip()[:100]
        with opened(store) as workspace:
            matching = find_orders(workspace, query) if query else []
            return _page(store, access, query=query, orders=matching)

    @app.get("/order")
    def order() -> str:
        # the id is no part of the path: it can be any text
        order_id = request.args.get("id", "")[:200]
        with opened(store) as workspace:
            ids = order_by_id(workspace.table_files(), order_id) or abort(404)
            report = order_report(workspace, config, ids[0]) or abort(404)
        night = report["night"] if report["listed"] else ""
        rows = [(report["order_id"], report["buyer_id"])]
        data = desk_data(desk, access, g.member, night or "", rows)
        return order_page(store, report, data, can_release=access.can_release(g.member))


@contextmanager
def opened(store: Workspace) -> Iterator[Workspace]:
    """The workspace for one request; requests run side by side, each with its own view of it."""
    workspace = Workspace(store.folder, "board")
    with workspace.shared():
        yield workspace


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)


def _page(store: Workspace, access: Access, **context: Any) -> str:
    defaults = {"nights": None, "orders": None, "entries": None, "query": ""}
    member = g.member if access.needs_login else None
    return board_page(
        "board.html",
        store=store.folder.name,
        member=member,
        token=csrf_token(),
        is_lead=g.member.is_lead,
        can_release=access.can_release(g.member),
        **(defaults | context),
    )


def serve(
    workspace: Workspace, config: Config, *, address: str, port: int, hosts: frozenset[str]
) -> None:
    """Answer requests for `hosts` until the process is stopped."""
    import waitress

    waitress.serve(
        create_app(workspace, hosts, config),
        host=address,
        port=port,
        threads=8,
        # browsers keep some connections each; a connection that waits costs no thread
        connection_limit=1_000,
        max_request_body_size=MOST_BYTES,
        ident=None,
        _quiet=True,
    )

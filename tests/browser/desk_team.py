"""A board with three users, each in a browser of their own, for the tests of the desk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import polars as pl
from playwright.sync_api import Browser, Locator, Page
from werkzeug.serving import make_server

from pipeline.board.board_app import create_app
from pipeline.desk.desk_members import StoredUser, change_member, hashed_password
from pipeline.desk.desk_state import Role
from pipeline.workspace.checksums import reseal
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, latest

PASSWORD = "correct horse battery"
TEAM = {"mei": Role.agent, "tom": Role.agent, "lin": Role.lead}
# a page asks for the changes of others every two seconds; only a board that hangs takes so long,
# however busy the machine is
SEEN_MS = 60_000
COUNT = 50


def lengthen_list(folder: Path) -> None:
    """Make the list of the night one of 50 rows, each with its own buyer, and its page again."""
    from pipeline.pages.report import report
    from pipeline.settings.config import load_config
    from pipeline.workspace.progress import Progress
    from tests.unit.nights import NIGHT

    run, workspace = latest(folder), Workspace(folder)
    listed = pl.read_parquet(run / "contact_list.parquet")
    orders = pl.read_parquet(run / "scores.parquet").select("order_id")
    buyers = workspace.table_files().read_all_of("orders").select("order_id", "buyer_id")
    own = listed.select("order_id", "buyer_id")
    ids = pl.concat([own, orders.join(buyers, on="order_id")]).unique(
        "buyer_id", keep="first", maintain_order=True
    )
    rows = pl.concat([listed] * (COUNT // listed.height + 1)).head(COUNT)
    rank = pl.int_range(1, COUNT + 1, dtype=pl.UInt32)
    rows = rows.with_columns(*ids.head(COUNT).get_columns(), rank=rank)
    rows.write_parquet(run / "contact_list.parquet")
    reseal(run)
    report(workspace, load_config(folder), Progress(), as_of=NIGHT)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a board of this workspace."""
    app = create_app(Workspace(folder), None)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def add_team(folder: Path) -> None:
    """Users of the board, all with the same password."""
    password = hashed_password(PASSWORD)
    for name, role in TEAM.items():
        user = StoredUser(role=role, password_hash=password)
        change_member(folder, name, lambda _, user=user: user)  # type: ignore[misc]


@dataclass
class Agent:
    """A user of the board in a browser."""

    name: str
    page: Page
    errors: list[str]

    def row(self, order: str) -> Locator:
        """The row of an order on the list."""
        return self.page.locator("#rows > tr:not(.detail)").filter(
            has=self.page.get_by_role("button", name=order, exact=True)
        )

    def sees(self, order: str, text: str) -> None:
        """Wait until the row of the order has the text."""
        self.row(order).get_by_text(text).wait_for(timeout=SEEN_MS)

    def no_longer_sees(self, order: str, text: str) -> None:
        """Wait until the row of the order has the text no more."""
        self.row(order).get_by_text(text).wait_for(state="detached", timeout=SEEN_MS)

    def press(self, order: str, button: str) -> None:
        """Press a button of the row."""
        self.row(order).get_by_role("button", name=button).click()

    def mark(self, order: str) -> None:
        """Mark the order as contacted."""
        self.row(order).get_by_role("checkbox").check()


@contextmanager
def signed_in(browser: Browser, address: str, name: str) -> Iterator[Agent]:
    """A browser of its own, without anything of the others, in which the user has signed in; at the
    end, check that nothing failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(address)
    page.fill("[name=user]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"**/night/{AS_OF}")
    page.wait_for_selector("#matches:not(:empty)")
    yield Agent(name, page, errors)
    # a refused entry is an answer 409, which the browser writes to its console
    assert [text for text in errors if "favicon" not in text and "409" not in text] == []
    context.close()

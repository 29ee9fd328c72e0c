"""The board: what it shows, which marks it takes, and whose requests it answers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from flask.testing import FlaskClient

from pipeline.board.board_app import create_app
from pipeline.board.requests_allowed import allowed_hosts, check_address
from pipeline.load.contacts import read_own
from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, latest


@pytest.fixture
def client(workspace: Path) -> FlaskClient:
    return create_app(Workspace(workspace), frozenset({"localhost"})).test_client()


def token_of(client: FlaskClient) -> str:
    return re.search(r'name="token" value="([^"]+)"', client.get(f"/night/{AS_OF}").text)[1]


def test_nights_orders_and_the_page_of_a_night(client: FlaskClient, workspace: Path) -> None:
    listed = pl.read_parquet(latest(workspace) / "contact_list.parquet")
    assert (
        f'<a href="/night/{AS_OF}">{AS_OF}</a></th>\n<td class="number">{listed.height}</td>'
        in client.get("/").text
    )
    order = listed["order_id"][0]
    orders = client.get(f"/orders?q={order[-4:]}").text
    assert f'<th scope="row">{order}</th>' in orders
    assert re.search(rf">{order}</th>.*?{AS_OF}.*?<td>1</td><td>-", orders, re.DOTALL)
    answer = client.get(f"/night/{AS_OF}")
    page = (latest(workspace) / "report.html").read_text(encoding="utf-8")
    # the published page, except for the form and the permission to send it
    form = r'<form method="post".*?<span role="status" class="good"></span>'
    bare = re.sub(form, '<span id="board"></span>', answer.text, count=1, flags=re.DOTALL)
    assert bare.replace("form-action &#39;self", "form-action &#39;none") == page
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    for missing in (
        "/night/2025-01-02",
        "/night/..%2f..%2fetc",
        "/products/2025-07-10",
        "/night/someday",
    ):
        assert client.get(missing).status_code == 404


def test_marks_are_taken_as_contacts_are(client: FlaskClient, workspace: Path) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    rows = f"{order},{AS_OF},{AS_OF} 14:30,settled\nx,{AS_OF},{AS_OF},\n"
    sheet = f"order_id,as_of,contacted_at,outcome\n{rows}"
    form = {"token": token_of(client), "night": AS_OF, "sheet": sheet}
    answer = client.post("/contacts", data=form)
    assert (answer.status_code, answer.location) == (303, f"/night/{AS_OF}?taken=1-1-1")
    assert (
        "Contacts in the sheet: 1, of which 1 are new. Cells in quarantine: 1."
        in client.get(answer.location).text
    )
    own = read_own(Workspace(workspace))
    assert own.select("order_id", "outcome").rows() == [(order, "settled")]
    assert len(list((workspace / "quarantine" / "sheets").glob(f"board-{AS_OF}-*.csv"))) == 1
    assert f"{AS_OF} (<span" in client.get(f"/orders?q={order}").text
    # the same sheet again changes nothing
    assert client.post("/contacts", data=form).location.endswith("taken=0-1-1")


def test_requests_without_the_token_or_the_host_are_refused(
    client: FlaskClient, workspace: Path
) -> None:
    sheet = f"order_id,contacted_at\no-1,{AS_OF}\n"
    assert client.post("/contacts", data={"night": AS_OF, "sheet": sheet}).status_code == 403
    assert (
        client.post("/contacts", data={"token": "ü", "night": AS_OF, "sheet": sheet}).status_code
        == 403
    )
    assert client.get("/", headers={"Host": "evil.example:8321"}).status_code == 403
    assert (
        client.post(
            "/contacts", data={"token": token_of(client), "sheet": "x" * 6_000_000}
        ).status_code
        == 413
    )
    assert read_own(Workspace(workspace)).is_empty()


def test_a_bad_sheet_is_reported(client: FlaskClient, workspace: Path) -> None:
    form = {"token": token_of(client), "night": AS_OF, "sheet": "<script>\n"}
    answer = client.post("/contacts", data=form)
    assert answer.status_code == 409
    assert "column order_id, contacted_at is missing. Found: &lt;script&gt;" in answer.text
    assert str(workspace) not in answer.text


def test_hostile_text_in_a_search_stays_text(client: FlaskClient) -> None:
    page = client.get("/orders?q=<script>alert(1)</script>").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_an_address_for_other_machines_needs_a_reason() -> None:
    assert check_address("localhost", None) == "127.0.0.1"
    assert check_address("::1", None) == "::1"
    for address in ("0.0.0.0", "192.168.0.9", "::"):
        with pytest.raises(BadInput, match="can be reached from other machines"):
            check_address(address, " ")
    assert check_address("0.0.0.0", "behind our own login") == "0.0.0.0"
    with pytest.raises(BadInput, match="is not an IP address"):
        check_address("example.org", "why not")


def test_a_foreign_origin_is_refused_and_the_own_one_is_not(client: FlaskClient) -> None:
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        assert client.get("/", headers={"Origin": origin}).status_code == 403
        assert client.post("/contacts", headers={"Origin": origin}).status_code == 403
    assert client.get("/", headers={"Origin": "http://localhost"}).status_code == 200


def test_an_open_board_answers_only_to_the_hosts_that_are_named(workspace: Path) -> None:
    with pytest.raises(BadInput, match="HOST=board.example.org"):
        allowed_hosts("0.0.0.0", 8321, [])
    for wrong in ("*", "http://x.example", "a@b", "x.example/y", "", "x:y"):
        with pytest.raises(BadInput, match="is not a host name"):
            allowed_hosts("0.0.0.0", 8321, [wrong])
    hosts = allowed_hosts("192.168.0.9", 8321, ["Board.example.org"])
    board = create_app(Workspace(workspace), hosts).test_client()
    for host, code in (
        ("192.168.0.9:8321", 200),
        ("board.example.org", 200),
        ("BOARD.example.org:8321", 200),
        ("rebound.example:8321", 403),
        ("localhost:8321", 403),
    ):
        assert board.get("/", headers={"Host": host}).status_code == code
    own = create_app(Workspace(workspace), None).test_client()
    for host, code in (("127.0.0.1:1", 200), ("[::1]:1", 200), ("rebound.example", 403)):
        assert own.get("/", headers={"Host": host}).status_code == code
    assert "localhost:8321" in allowed_hosts("127.0.0.1", 8321, [])
    assert "[::1]:8321" in allowed_hosts("::1", 8321, [])


def test_sixty_posts_at_once_while_a_step_holds_the_workspace_are_all_taken(
    workspace: Path,
) -> None:
    store = Workspace(workspace)
    board = create_app(store, frozenset({"localhost"}))
    token = token_of(board.test_client())
    placed = store.table_files().read_placed().sort("occurred_at")
    orders = placed["order_id"].head(60).to_list()

    def post(order: str) -> int:
        sheet = f"order_id,as_of,contacted_at\n{order},{AS_OF},{AS_OF} 14:30\n"
        form = {"token": token, "night": AS_OF, "sheet": sheet}
        return board.test_client().post("/contacts", data=form).status_code

    with Workspace(workspace, "train").locked(), ThreadPoolExecutor(60) as threads:
        codes = set(threads.map(post, orders))
    assert codes == {303}
    assert set(read_own(store)["order_id"]) == set(orders)
    assert set(orders) <= set(store.read_tables()["contacts"]["order_id"])
    assert store.read_ingest_facts()["table_rows"]["contacts"] >= 60

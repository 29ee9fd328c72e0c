"""The board: what it shows, which marks it takes, and whose requests it answers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from pipeline.board.board_app import create_app
from pipeline.board.night_page import desk_script
from pipeline.board.requests_allowed import allowed_hosts, check_address
from pipeline.load.contacts import read_own
from pipeline.pages.html import script_hash
from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace
from tests.unit.board.board_client import desk_of, send
from tests.unit.nights import AS_OF, latest

NO_FORMS = "form-action &#39;none&#39;"


@pytest.fixture
def client(workspace: Path) -> FlaskClient:
    return create_app(Workspace(workspace), frozenset({"localhost"})).test_client()


def test_nights_orders_and_the_page_of_a_night(client: FlaskClient, workspace: Path) -> None:
    listed = pl.read_parquet(latest(workspace) / "contact_list.parquet")
    assert client.get("/").location == f"/night/{AS_OF}"
    assert (
        f'<a href="/night/{AS_OF}">{AS_OF}</a></th>\n<td class="number">{listed.height}</td>'
        in client.get("/nights").text
    )
    order = listed["order_id"][0]
    orders = client.get(f"/orders?q={order[-4:]}").text
    assert f'<th scope="row"><a href="/order?id={order}">{order}</a></th>' in orders
    assert re.search(rf">{order}</a></th>.*?{AS_OF}.*?<td>1</td><td>-", orders, re.DOTALL)
    for missing in (
        "/night/2025-01-02",
        "/night/..%2f..%2fetc",
        "/products/2025-07-10",
        "/night/someday",
        "/order?id=no-such-order",
    ):
        assert client.get(missing).status_code == 404


def test_the_page_of_a_night_is_the_published_one_with_the_desk(
    client: FlaskClient, workspace: Path
) -> None:
    answer = client.get(f"/night/{AS_OF}")
    page = (latest(workspace) / "report.html").read_text(encoding="utf-8")
    script = desk_script()
    assert f"<script>{script}</script></body>" in answer.text
    # without what the board adds, it is the published page
    bare = re.sub(r'<script type="application/json" id="desk-data">.*?</script>', "", answer.text)
    bare = bare.replace(f"<script>{script}</script></body>", "</body>")
    bare = re.sub(r'<a href="/nights">.*?id="desk-status"></span>', "", bare, count=1)
    bare = bare.replace(f"{escape(script_hash(script))} ", "", 1)
    bare = bare.replace("form-action &#39;self&#39;; connect-src &#39;self&#39;", NO_FORMS, 1)
    assert bare == page
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_mark_is_taken_as_contacts_are(client: FlaskClient, workspace: Path) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    at = f"{AS_OF} 14:30"
    answer = send(client, order, "contacted", night=AS_OF, contacted_at=at, outcome="settled")
    assert answer.status_code == 200
    (state,) = answer.json["buyers"].values()  # type: ignore[index]
    (contact,) = state["contacts"]
    assert (contact["by"], contact["outcome"], contact["contacted_at"]) == ("local", "settled", at)
    own = read_own(Workspace(workspace))
    assert own.select("order_id", "outcome").rows() == [(order, "settled")]
    assert f"{AS_OF} (<span" in client.get(f"/orders?q={order}").text
    undone = send(client, order, "undo", number=contact["number"])
    assert [state["contacts"] for state in undone.json["buyers"].values()] == [[]]  # type: ignore[index]
    assert read_own(Workspace(workspace)).is_empty()


def test_requests_without_the_token_or_the_host_are_refused(
    client: FlaskClient, workspace: Path
) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    form = {"order": order, "kind": "claim"}
    assert client.post("/desk/entries", data=form).status_code == 403
    for token in ("ü", "", "x" * 43):
        assert client.post("/desk/entries", data={**form, "token": token}).status_code == 403
    other = client.application.test_client()  # type: ignore[union-attr]
    assert send(client, order, "claim", csrf=desk_of(other)["token"]).status_code == 403
    assert client.get("/", headers={"Host": "evil.example:8321"}).status_code == 403
    assert send(client, order, "note", text="x" * 6_000_000).status_code == 413
    assert desk_of(client)["buyers"] == {}


def test_what_cannot_be_done_is_said_and_changes_nothing(
    client: FlaskClient, workspace: Path
) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    for kind, values, code, key in (
        ("claim", {"order": "no-such"}, 404, "desk.no_order"),
        ("signed_in", {}, 400, "desk.bad_entry"),
        ("drop table", {}, 400, "desk.bad_entry"),
        ("assign", {"to": "<script>"}, 409, "desk.no_such_member"),
        ("undo", {"number": "-1"}, 409, "desk.already_undone"),
    ):
        row = {"order": order, **values}
        answer = send(client, row.pop("order"), kind, **row)
        assert (answer.status_code, answer.json["problem"]["key"]) == (code, key)  # type: ignore[index]
    answer = send(client, order, "contacted", contacted_at="2031-01-01 10:00")
    assert answer.status_code == 409
    assert "in the future" in answer.json["problem"]["text"]  # type: ignore[index]
    assert str(workspace) not in answer.text
    assert desk_of(client)["number"] == 0


def test_what_one_agent_does_the_other_is_sent(client: FlaskClient, workspace: Path) -> None:
    listed = pl.read_parquet(latest(workspace) / "contact_list.parquet")
    order, buyer = listed.select("order_id", "buyer_id").row(0)
    seen = desk_of(client)["number"]
    assert client.get(f"/desk/changes?since={seen}").json == {"number": seen, "buyers": {}}
    send(client, order, "note", text="call <b>back</b>")
    changes = client.get(f"/desk/changes?since={seen}").json
    assert [n["text"] for n in changes["buyers"][buyer]["notes"]] == ["call <b>back</b>"]  # type: ignore[index]
    for odd in ("", "x", "-1", "9" * 30):
        assert client.get(f"/desk/changes?since={odd}").status_code == 200


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
    assert check_address("0.0.0.0", None, has_login=True) == "0.0.0.0"
    with pytest.raises(BadInput, match="is not an IP address"):
        check_address("example.org", "why not")


def test_a_foreign_origin_is_refused_and_the_own_one_is_not(client: FlaskClient) -> None:
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        assert client.get("/", headers={"Origin": origin}).status_code == 403
        assert client.post("/desk/entries", headers={"Origin": origin}).status_code == 403
    assert client.get("/nights", headers={"Origin": "http://localhost"}).status_code == 200


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
        assert board.get("/nights", headers={"Host": host}).status_code == code
    own = create_app(Workspace(workspace), None).test_client()
    for host, code in (("127.0.0.1:1", 200), ("[::1]:1", 200), ("rebound.example", 403)):
        assert own.get("/nights", headers={"Host": host}).status_code == code
    assert "localhost:8321" in allowed_hosts("127.0.0.1", 8321, [])
    assert "[::1]:8321" in allowed_hosts("::1", 8321, [])


def test_sixty_contacts_at_once_while_a_step_holds_the_workspace_are_all_taken(
    workspace: Path,
) -> None:
    store = Workspace(workspace)
    board = create_app(store, frozenset({"localhost"}))
    placed = store.table_files().read_placed().sort("occurred_at")
    orders = placed["order_id"].head(60).to_list()

    def post(order: str) -> int:
        at = f"{AS_OF} 14:30"
        return send(
            board.test_client(), order, "contacted", night=AS_OF, contacted_at=at
        ).status_code

    with Workspace(workspace, "train").locked(), ThreadPoolExecutor(60) as threads:
        codes = set(threads.map(post, orders))
    assert codes == {200}
    assert set(read_own(store)["order_id"]) == set(orders)
    assert set(orders) <= set(store.read_tables()["contacts"]["order_id"])
    assert store.read_ingest_facts()["table_rows"]["contacts"] >= 60

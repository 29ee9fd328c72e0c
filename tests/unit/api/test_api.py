"""The API: its document, tokens, answers that fit the document, and errors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from pipeline.api.openapi_document import PATHS
from pipeline.board.board_app import create_app
from pipeline.desk.desk_members import StoredUser, change_member, new_token
from pipeline.desk.desk_state import Role
from pipeline.workspace.workspace import Workspace
from tests.unit.board.board_client import send
from tests.unit.nights import AS_OF, latest


@pytest.fixture(scope="module")
def api(store: Path) -> Iterator[Flask]:
    return create_app(Workspace(store), frozenset({"localhost"}))


@pytest.fixture
def client(api: Flask) -> FlaskClient:
    return api.test_client()


def get(client: FlaskClient, path: str, code: int = 200) -> Any:
    """The JSON of an answer, after checking it against the document."""
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == code, answer.text
    document = client.get("/api/v1/openapi.json").json
    assert document
    name = "ApiError" if code != 200 else answer_of(path)
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    format_checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(schema, format_checker=format_checker).validate(answer.json)
    return answer.json


def answer_of(path: str) -> str:
    parts = path.split("?")[0].strip("/").split("/")
    fitting = [p for p in PATHS if p.path.strip("/").split("/")[0] == parts[0]]
    return fitting[min(len(parts), len(fitting)) - 1].answer.__name__


def test_the_document_is_openapi_31(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert document
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {path.path for path in PATHS}


def test_lists_and_orders(client: FlaskClient, store: Path) -> None:
    listed = pl.read_parquet(latest(store) / "contact_list.parquet")
    scores = pl.read_parquet(latest(store) / "scores.parquet")
    (night,) = get(client, "/lists")["nights"]
    assert (night["night"], night["count_listed"]) == (AS_OF, listed.height)
    page = get(client, f"/lists/{AS_OF}?limit=3&offset=2")
    assert page["count"] == listed.height
    assert [row["order_id"] for row in page["rows"]] == listed["order_id"][2:5].to_list()
    order, buyer = listed.select("order_id", "buyer_id").row(2)
    send(client, order, "note", text="hello")
    first = get(client, f"/lists/{AS_OF}?limit=1&offset=2")["rows"][0]
    assert first["desk"]["notes"] == ["hello"]
    opened = get(client, "/orders?limit=1000")
    assert opened["count"] == scores.height
    assert sum(row["is_listed"] for row in opened["rows"]) == listed.height
    matching = get(client, f"/orders?q={buyer}")["rows"]
    assert order in [row["order_id"] for row in matching]
    assert get(client, "/orders?q=nothing-like-it")["rows"] == []


def test_rows_say_where_the_parcel_is_and_queues_who_waits(
    client: FlaskClient, store: Path
) -> None:
    listed = pl.read_parquet(latest(store) / "contact_list.parquet")
    rows = get(client, f"/lists/{AS_OF}?limit=1000")["rows"]
    for name in ("tracking_number", "carrier", "order_value_usd", "parcel_url"):
        assert [row[name] for row in rows] == listed[name].to_list()
    scans = listed["last_scan_at"].dt.to_string("%Y-%m-%d %H:%M").to_list()
    assert [row["last_scan_at"] for row in rows] == scans
    assert any(scans)
    queued = pl.read_parquet(latest(store) / "queues.parquet")
    queues = get(client, "/queues?limit=1000")
    assert queues["count"] == queued.height > 0
    assert [row["order_id"] for row in queues["rows"]] == queued["order_id"].to_list()


def test_any_order_is_answered(client: FlaskClient, store: Path) -> None:
    """Open or not, listed or not: some orders of the store."""
    ids = Workspace(store).table_files().read_placed()["order_id"].sort()
    listed = set(pl.read_parquet(latest(store) / "contact_list.parquet")["order_id"])
    reasons = set()
    for order in [*ids.gather_every(25), sorted(listed)[0]]:
        answer = get(client, f"/orders/{quote(order)}")
        assert answer["is_listed"] == (order in listed)
        reasons.add(answer["why"].split(":")[0])
    assert reasons >= {"On tonight's list", "Not on the list"}
    assert get(client, "/orders/no-such", 404)["error"] == "there is no order with this id"


def test_clock_rates_products_and_health(client: FlaskClient, store: Path) -> None:
    clock = get(client, "/clock")
    assert [row["rank"] for row in clock["rows"]] == list(range(1, len(clock["rows"]) + 1))
    rates = get(client, "/kpi")["rows"]
    assert {row["dimension"] for row in rates} == {"all", "category"}
    review = get(client, "/products?limit=2")
    assert len(review["rows"]) == min(2, review["count"])
    health = get(client, "/health")
    assert health["night"] == AS_OF
    assert health["data_checks"]


def test_what_is_missing_or_wrong_is_said(
    client: FlaskClient, finished: Path, tmp_path: Path
) -> None:
    for path, code in (
        ("/orders?limit=0", 400),
        ("/orders?limit=1001", 400),
        ("/orders?limit=x", 400),
        ("/orders?limit=", 400),
        ("/orders?offset=-1", 400),
        ("/orders?limit=%D9%A3", 400),
        (f"/orders?q={'x' * 101}", 400),
        ("/orders?Limit=5", 400),
        ("/orders?limit=5&limit=6", 400),
        ("/lists/yesterday", 400),
        ("/lists/20250710", 400),
        ("/lists/2020-01-01", 404),
        ("/nothing", 404),
    ):
        assert get(client, path, code)["error"]
    assert client.post("/api/v1/orders").status_code == 405
    assert client.get("/api/v1/lists", headers={"Host": "evil.example"}).status_code == 403
    folder = shutil.copytree(finished, tmp_path / "store", symlinks=True)
    shutil.rmtree(folder / "runs")
    empty = create_app(Workspace(folder), frozenset({"localhost"})).test_client()
    assert get(empty, "/lists") == {"nights": []}
    assert get(empty, "/health")["night"] is None
    for path in ("/clock", "/kpi", "/products", "/orders"):
        assert "make" in get(empty, path, 404)["error"]


def test_with_users_a_token_is_needed(workspace: Path) -> None:
    secret, hashed = new_token()
    change_member(workspace, "shop", lambda _: StoredUser(role=Role.reader, token_sha256=hashed))
    change_member(workspace, "mei", lambda _: StoredUser(role=Role.agent))
    board = create_app(Workspace(workspace), frozenset({"localhost"})).test_client()

    def code(*headers: str) -> int:
        given = {"Authorization": headers[0]} if headers else {}
        return board.get("/api/v1/lists", headers=given).status_code

    assert code(f"Bearer {secret}") == 200
    assert board.get("/api/v1/openapi.json").status_code == 200
    wrong = [(), ("Bearer ",), (f"Bearer {secret}x",), (f"Basic {secret}",), (f"Bearer {hashed}",)]
    assert {code(*headers) for headers in wrong} == {401}
    # a token reads the API alone: it opens no page
    assert board.get("/nights", headers={"Authorization": f"Bearer {secret}"}).status_code == 303
    assert 429 in {code("Bearer wrong") for _ in range(60)}
    change_member(workspace, "shop", lambda _: None)
    fresh = create_app(Workspace(workspace), frozenset({"localhost"})).test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    assert fresh.get("/api/v1/lists", headers=headers).status_code == 401

"""A lead reads the drafts of a night on the board, releases some, and the board sends them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pipeline.board.board_app import create_app
from pipeline.board.board_sender import BoardSender
from pipeline.deliver.bulk import send_plan
from pipeline.deliver.delivery_record import open_record
from pipeline.desk.desk_members import StoredUser, change_member, hashed_password
from pipeline.desk.desk_state import Role
from pipeline.workspace.workspace import Workspace
from tests.unit.board.board_client import sign_in
from tests.unit.deliver.conftest import FAST
from tests.unit.deliver.made_night import NIGHT, listed_orders, make_night, publish_night
from tests.unit.deliver.test_send import OPEN, orders_at
from tests.unit.deliver.web_receiver import WebReceiver

PAGE = f"/release/{NIGHT}"
PASSWORD = "correct horse battery"


@pytest.fixture
def shop(tmp_path: Path, web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A night of four automatic drafts, young enough to be sent, and a channel."""
    workspace = make_night(tmp_path / "shop", 4)
    monkeypatch.setattr(send_plan, "last_day_of", lambda *_: date(9999, 1, 1))
    channel = f'url = "{web.url}/send"\nsecret = {{env = "DELIVER_PASSWORD"}}\n{OPEN}'
    (workspace.folder / "config.toml").write_text(f"{FAST}[deliver.channel]\n{channel}")
    return workspace


@pytest.fixture
def app(shop: Workspace) -> Flask:
    return create_app(shop, frozenset({"localhost"}))


Release = Callable[..., TestResponse]


@pytest.fixture
def release(app: Flask) -> Release:
    """Send the form of the page, then wait until the board has sent."""

    def post(
        client: FlaskClient, *orders: str, page: str = "", every: bool = False
    ) -> TestResponse:
        page = page or client.get(PAGE).text
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token
        values = {name: values_of(page, name) for name in ("chosen", "seen")}
        chosen = [v for v in values["chosen"] if v.split(" ", 1)[1] in orders]
        form = {"token": token[1], "chosen": chosen, "seen": values["seen"]}
        answer = client.post(PAGE, data=form | ({"every": "1"} if every else {}))
        app.extensions["board_sender"].wait(30)
        return answer

    return post


def values_of(page: str, name: str) -> list[str]:
    return [unescape(v) for v in re.findall(rf'name="{name}" value="([^"]+)"', page)]


def states_of(page: str) -> list[str]:
    return re.findall(r'data-t="release_state\.(\w+)"', page)


def test_a_lead_releases_chosen_messages_then_all(
    app: Flask, release: Release, web: WebReceiver, shop: Workspace
) -> None:
    client = app.test_client()
    page = client.get(PAGE).text
    assert states_of(page) == ["not_released"] * 4
    assert "Hello, your order o-0002 is on its way." in page
    assert release(client, "o-0002").location == PAGE
    assert orders_at(web) == ["o-0002"]
    assert states_of(client.get(PAGE).text) == ["not_released", "sent", *["not_released"] * 2]
    release(client, every=True)
    assert sorted(orders_at(web)) == ["o-0001", "o-0002", "o-0003", "o-0004"]
    assert states_of(client.get(PAGE).text) == ["sent"] * 4
    with open_record(shop.folder) as record:
        by = record.connection.execute("SELECT DISTINCT released_by FROM releases").fetchall()
    assert by == [("local",)]
    assert "2025-03-20: 3" in client.get("/log").text


def test_a_draft_that_changed_since_the_page_was_read_is_not_released(
    app: Flask, release: Release, web: WebReceiver, shop: Workspace
) -> None:
    client = app.test_client()
    seen = client.get(PAGE).text
    new = pl.when(pl.col("rank") == 3).then(pl.lit("Other words.")).otherwise("draft_message")
    publish_night(shop, listed_orders(4).with_columns(draft_message=new), "20250320T02-b")
    release(client, page=seen, every=True)
    assert sorted(orders_at(web)) == ["o-0001", "o-0002", "o-0004"]
    assert states_of(client.get(PAGE).text) == ["sent", "sent", "not_released", "sent"]


def test_only_leads_release(shop: Workspace, web: WebReceiver) -> None:
    for name, role in (("mei", Role.agent), ("lin", Role.lead)):
        user = StoredUser(role=role, password_hash=hashed_password(PASSWORD))
        change_member(shop.folder, name, lambda _, user=user: user)  # type: ignore[misc]
    app = create_app(shop, frozenset({"localhost"}))
    agent, lead = app.test_client(), app.test_client()
    assert agent.get(PAGE).status_code == 303
    sign_in(agent, "mei", PASSWORD)
    sign_in(lead, "lin", PASSWORD)
    assert agent.get(PAGE).status_code == 403
    assert "/release" not in agent.get("/nights").text
    assert '<a href="/release">' in lead.get("/nights").text
    assert lead.get("/release").location == PAGE
    token = re.search(r'name="token" value="([^"]+)"', agent.get("/nights").text)
    assert token
    assert agent.post(PAGE, data={"token": token[1], "every": "1"}).status_code == 403
    # without the token of the session, not even a lead
    assert lead.post(PAGE, data={"every": "1"}).status_code == 403
    assert not web.received.taken


def test_a_channel_that_fails_is_said_on_the_page(
    app: Flask, release: Release, web: WebReceiver
) -> None:
    web.status = 410
    client = app.test_client()
    release(client, "o-0001")
    page = client.get(PAGE).text
    assert "messages were not sent; the last reason" in page
    assert states_of(page)[0] == "released"


def test_a_defect_while_sending_is_said_and_the_next_send_runs(shop: Workspace) -> None:
    faults = [RuntimeError("broken"), None]

    def send(*_: object) -> None:
        if fault := faults.pop(0):
            raise fault

    sender = BoardSender(shop, send)
    sender.start(NIGHT)
    sender.wait(30)
    assert sender.problem.startswith("Sending stopped by a defect")
    sender.start(NIGHT)
    sender.wait(30)
    assert sender.problem == ""
    assert not sender.is_sending


def test_an_old_night_and_a_board_without_a_channel(
    app: Flask, shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_plan, "last_day_of", lambda *_: date(2025, 3, 21))
    answer = app.test_client().get(PAGE)
    assert answer.status_code == 409
    assert "may no longer be true" in answer.text
    assert str(shop.folder) not in answer.text
    (shop.folder / "config.toml").write_text("")
    client = create_app(shop, frozenset({"localhost"})).test_client()
    assert client.get(PAGE).status_code == 404
    assert "/release" not in client.get("/nights").text


def test_hostile_drafts_stay_text(shop: Workspace) -> None:
    text = "<img src=x onerror=alert(1)>\n=HYPERLINK()"
    hostile = listed_orders(4).with_columns(draft_message=pl.lit(text), country=pl.lit("<b>"))
    publish_night(shop, hostile, "20250320T02-b")
    page = create_app(shop, frozenset({"localhost"})).test_client().get(PAGE).text
    assert "<img" not in page
    assert "&lt;img" in page
    assert "<b>" not in page

"""Bulk send: only what a person released, once per buyer, within cap and quiet hours, and back as a
contact."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models.actions.hold_out import held_out_buyers
from pipeline.deliver.bulk.send_messages import send_messages
from pipeline.history.assignments import resting_buyers
from pipeline.load.contacts import read_own, take_contacts
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, DeliveryFailed, Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.conftest import FAST
from tests.unit.deliver.made_night import NIGHT, listed_orders, make_night, publish_night
from tests.unit.deliver.web_receiver import WebReceiver

# a Thursday: 16:00 in Shanghai, 09:00 in Berlin, 05:00 in Sao Paulo
MORNING = datetime(2025, 3, 20, 8, tzinfo=UTC)
OPEN = 'quiet_from = "00:00"\nquiet_until = "00:00"\n'
Send = Callable[..., None]


@pytest.fixture
def ten(tmp_path: Path) -> Workspace:
    """A night of ten automatic drafts for five countries."""
    return make_night(tmp_path / "shop", 10)


@pytest.fixture
def send(ten: Workspace, web: WebReceiver) -> Send:
    """Send with these settings of the channel."""

    def run(release: str | None = None, more: str = OPEN, **options: Any) -> None:
        channel = (
            f'[deliver.channel]\nurl = "{web.url}/send"\nsecret = {{env = "DELIVER_PASSWORD"}}\n'
        )
        share = options.pop("holdout_share", 0.0)
        (ten.folder / "config.toml").write_text(
            f"{FAST}{channel}{more}\n[decide]\nholdout_share = {share}\n"
        )
        with ten.shared():
            send_messages(
                ten,
                load_config(ten.folder),
                Progress(),
                as_of=options.pop("as_of", NIGHT),
                release_text=release,
                now=options.pop("now", lambda: MORNING),
                **options,
            )

    return run


def orders_at(web: WebReceiver) -> list[str]:
    return [json.loads(body)["data"]["order_id"] for body in web.received.taken.values()]


def test_nothing_leaves_without_a_release(send: Send, web: WebReceiver) -> None:
    send()
    assert not web.received.taken
    send("o-0002, o-0005")
    assert orders_at(web) == ["o-0002", "o-0005"]
    send()
    assert len(web.received.taken) == 2
    document = json.loads(next(iter(web.received.taken.values())))
    assert document["type"] == "message.released"
    assert document["data"]["text"] == "Hello, your order o-0002 is on its way."
    assert document["data"]["buyer_id"] == "b-0002"


def test_what_was_sent_is_a_contact_that_lets_the_buyer_rest(
    send: Send, web: WebReceiver, ten: Workspace
) -> None:
    send("all")
    own = read_own(ten)
    assert own["contact_id"].to_list() == [f"sheet:2025-03-20:o-{n:04}" for n in range(1, 11)]
    today = own["occurred_at"].dt.date().max()
    files = ten.table_files()
    tomorrow = pl.Series([today]).dt.offset_by("2d").item()
    resting = resting_buyers(files, pl.Series([f"o-{n:04}" for n in range(1, 11)]), tomorrow, 7)
    assert len(resting) == 10


def test_a_held_out_buyer_is_sent_nothing(send: Send, web: WebReceiver, ten: Workspace) -> None:
    listed = listed_orders(10).with_columns(
        buyer_id=pl.when(pl.col("rank") == 3).then(pl.lit("b-held")).otherwise("buyer_id")
    )
    publish_night(ten, listed, "20250320T02-b")
    with pytest.raises(BadInput, match="never to buyers who are held out"):
        send("o-0003")
    send("all")
    assert len(web.received.taken) == 9
    assert "o-0003" not in orders_at(web)


def test_a_hold_out_that_grew_since_the_night_counts(send: Send, web: WebReceiver) -> None:
    send("all", holdout_share=0.5)
    taken = orders_at(web)
    assert 0 < len(taken) < 10
    buyers = pl.Series([f"b-{n:04}" for n in range(1, 11)])
    held = held_out_buyers(buyers, 0.5, "hold-out")
    assert {order.replace("o-", "b-") for order in taken} == set(buyers) - set(held)


def test_only_automatic_actions_are_sent(send: Send, web: WebReceiver, ten: Workspace) -> None:
    publish_night(ten, listed_orders(10, "full_refund"), "20250320T02-b")
    with pytest.raises(BadInput, match="has no draft of 2025-03-20 that the channel may send"):
        send("o-0001")
    send("all")
    assert not web.received.taken


def test_a_draft_that_changed_needs_another_release(
    send: Send, web: WebReceiver, ten: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = 'quiet_from = "00:00"\nquiet_until = "23:59"\n'
    send("all", quiet)
    assert not web.received.taken
    changed = listed_orders(10).with_columns(
        draft_message=pl.when(pl.col("rank") == 1)
        .then(pl.lit("Hello, it is at customs."))
        .otherwise("draft_message")
    )
    publish_night(ten, changed, "20250320T02-b")
    send()
    assert len(web.received.taken) == 9
    assert "o-0001" not in orders_at(web)
    assert "1 changed since its release" in " ".join(capsys.readouterr().out.split())
    send("o-0001")
    assert len(web.received.taken) == 10


def test_a_night_that_names_another_order_of_a_buyer_sends_no_second_message(
    send: Send, web: WebReceiver, ten: Workspace
) -> None:
    """The first message may have arrived: its answer was lost each time."""
    web.planned = ["taken_then_reset"] * 8
    with pytest.raises(DeliveryFailed):
        send("o-0001")
    other = listed_orders(10).with_columns(
        order_id=pl.when(pl.col("rank") == 1).then(pl.lit("o-0001b")).otherwise("order_id"),
        also_orders=pl.when(pl.col("rank") == 1).then(pl.lit("o-0001")).otherwise("also_orders"),
    )
    publish_night(ten, other, "20250320T02-b")
    send("all")
    assert len(web.received.taken) == 10
    assert "o-0001b" not in orders_at(web)


def test_the_daily_cap_holds_over_several_runs(
    send: Send, web: WebReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    settings = f"{OPEN}daily_cap = 4\ndraft_days = 36500\n"
    send("all", settings, now=lambda: now)
    send(None, settings, now=lambda: now)
    assert len(web.received.taken) == 4
    assert "6 waits: the daily cap is reached" in " ".join(capsys.readouterr().out.split())


def test_quiet_hours_are_those_of_the_buyer(send: Send, web: WebReceiver) -> None:
    send("all", "")
    # Berlin has 09:00 and the store 16:00; Kamchatka has 20:00, America is asleep
    countries = [json.loads(body)["data"]["country"] for body in web.received.taken.values()]
    assert sorted(countries) == ["DE", "DE", "XX", "XX"]


def test_a_buyer_who_was_contacted_since_the_night_is_left_alone(
    send: Send, web: WebReceiver, ten: Workspace, tmp_path: Path
) -> None:
    sheet = tmp_path / "agents.csv"
    sheet.write_text("order_id,contacted_at,outcome\no-0004,2025-03-20 14:00,answered\n")
    with ten.shared():
        take_contacts(ten, Progress(), file=sheet)
    send("all")
    assert len(web.received.taken) == 9
    assert "o-0004" not in orders_at(web)


@pytest.mark.parametrize("fault", ["refused", "silent", "reset", "taken_then_reset"])
def test_a_failing_channel_gets_each_message_once(send: Send, web: WebReceiver, fault: str) -> None:
    web.planned = [fault]
    send("all")
    assert len(web.received.taken) == 10
    assert web.received.dropped.total() == (fault == "taken_then_reset")
    assert not web.received.differing


def test_a_channel_that_refuses_is_left_alone_after_five(
    send: Send, web: WebReceiver, ten: Workspace
) -> None:
    web.status = 422
    with pytest.raises(DeliveryFailed, match="10 messages were not sent.*answered 422") as error:
        send("all")
    assert error.value.exit_code == 22
    assert read_own(ten).is_empty()
    web.status = None
    send()
    assert len(web.received.taken) == 10


def test_a_dry_run_releases_and_sends_nothing(
    send: Send, web: WebReceiver, ten: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    send("o-0001 o-0002", is_dry=True)
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 would be sent; 8 not released" in printed
    assert not (ten.folder / "deliveries.db").exists()
    send()
    assert not web.received.taken


def test_a_refused_night_and_an_old_one_send_nothing(
    send: Send, web: WebReceiver, ten: Workspace
) -> None:
    with pytest.raises(BadInput, match="could be sent until 2025-03-21"):
        send("all", now=lambda: datetime(2025, 3, 22, 8, tzinfo=UTC))
    ten.write_refusal(NIGHT, {})
    with pytest.raises(Refused):
        send("all")
    assert not web.received.taken


def test_a_channel_without_its_secret_is_reported(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DELIVER_PASSWORD")
    with pytest.raises(BadInput, match="DELIVER_PASSWORD is not set. Nothing was sent"):
        send("all")

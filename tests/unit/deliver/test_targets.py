"""Each kind of target gets the night once, from its own server, also when that server fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.deliver.delivery_record import open_record
from pipeline.installation import extras
from pipeline.settings.errors import BadInput, DeliveryFailed, MissingExtra, Refused
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.conftest import (
    BUCKET,
    chat_target,
    helpdesk_target,
    mail_target,
    s3_target,
    sftp_target,
    webhook_target,
)
from tests.unit.deliver.made_night import NIGHT, listed_orders, publish_night
from tests.unit.deliver.receivers import PASSWORD, MailServer, SftpServer
from tests.unit.deliver.web_receiver import FAULTS, WebReceiver

Deliver = Callable[..., None]


def test_a_mail_has_the_page_and_the_top_rows_and_comes_once(
    mail: MailServer, deliver: Deliver
) -> None:
    for _ in range(2):
        deliver(mail_target(mail.port, "rows = 2"))
    (message,) = mail.mails.values()
    assert not mail.dropped
    assert message["Subject"] == "shop: 3 orders to act on, night of 2025-03-20"
    parts = [part for part in message.walk() if not part.is_multipart()]
    plain, html, page = (part.get_payload(decode=True).decode() for part in parts)
    assert "WARNING: the newest fact is 3 days old" in plain
    assert "1. order o-0001 (in_transit), by 2025-03-20: Write where" in plain
    assert "... and 1 more in the list" in plain
    assert "o-0003" not in plain
    assert "is &lt;b&gt;&amp; @all" in html
    assert "<b>&" not in html
    assert (page, parts[2].get_filename()) == ("<p>report.html</p>", "2025-03-20-report.html")


@pytest.mark.parametrize("fault", ["later", "taken_then_closed"])
def test_a_mail_is_sent_again_under_the_same_id(
    mail: MailServer, deliver: Deliver, fault: str
) -> None:
    mail.planned = [fault]
    deliver(mail_target(mail.port))
    assert len(mail.mails) == 1
    assert mail.dropped.total() == (fault == "taken_then_closed")


def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    mail: MailServer, deliver: Deliver
) -> None:
    mail.planned = ["never"]
    with pytest.raises(DeliveryFailed, match=r"lead: 127.0.0.1: refused the mail \(554\)") as error:
        deliver(mail_target(mail.port))
    assert error.value.exit_code == 22
    assert PASSWORD not in str(error.value)
    assert mail.faults.total() == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_webhook_is_signed_and_taken_once(web: WebReceiver, deliver: Deliver, fault: str) -> None:
    web.planned = [fault]
    deliver(webhook_target(web.url))
    deliver(webhook_target(web.url))
    ((key, body),) = web.received.taken.items()
    assert web.received.dropped.total() == (fault == "taken_then_reset")
    assert not web.received.differing
    headers = web.received.headers[key]
    signed = f"{key}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(PASSWORD.encode(), signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    document = json.loads(body)
    assert document["data"]["rows"][0]["order_id"] == "o-0001"
    assert "draft_message" not in document["data"]["rows"][0]


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_chat_gets_the_summary_without_mentions(
    web: WebReceiver, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("CHAT_URL", f"{web.url}/services/T0/{PASSWORD}")
    deliver(chat_target(kind))
    (body,) = web.received.taken.values()
    content = json.loads(body)
    if kind == "slack":
        assert "order o-0001 (in_transit)" in content["text"]
        assert "is &lt;b&gt;&amp;" in content["text"]
    else:
        blocks = content["attachments"][0]["content"]["body"]
        assert any(r"order o-0001 \(in\_transit\)" in block["text"] for block in blocks)


@pytest.mark.parametrize("product", ["zendesk", "gorgias"])
def test_each_row_becomes_one_ticket(web: WebReceiver, deliver: Deliver, product: str) -> None:
    web.planned = ["taken_then_reset", "refused"]
    more = 'requester = "tasks@shop.example"' if product == "gorgias" else ""
    deliver(helpdesk_target(web.url, product, more))
    bodies = [json.loads(body) for body in web.received.taken.values()]
    assert len(bodies) == 3
    # the helpdesk was asked before the ticket whose answer was lost was sent again
    assert len(web.received.asked) >= 1
    assert not web.received.dropped
    tickets = [body.get("ticket", body) for body in bodies]
    assert [ticket["subject"] for ticket in tickets] == [
        f"Order o-000{n}: inform" for n in (1, 2, 3)
    ]
    if product == "zendesk":
        assert all(ticket["comment"]["public"] is False for ticket in tickets)


def test_a_helpdesk_file_has_a_row_per_ticket(deliver: Deliver, store: Workspace) -> None:
    deliver('[deliver.helpdesk.desk]\nproduct = "zendesk"\nway = "csv"\n')
    file = pl.read_csv(store.folder / "deliveries" / str(NIGHT) / "desk.csv")
    assert file.columns == ["external_id", "subject", "description", "tags", "due_at"]
    assert file["external_id"].n_unique() == 3


def test_the_files_of_a_night_come_to_an_sftp_server(sftp: SftpServer, deliver: Deliver) -> None:
    deliver(sftp_target(sftp, 'folder = "/in/nights"'))
    folder = sftp.folder / "in" / "nights" / "2025-03-20"
    assert {file.name for file in folder.iterdir()} == {
        *("report.html", "contact_list.xlsx", "contact_list.csv", "README.txt", "manifest.json")
    }
    assert (folder / "report.html").read_text() == "<p>report.html</p>"


def test_an_sftp_server_with_another_key_gets_nothing(sftp: SftpServer, deliver: Deliver) -> None:
    other = sftp.host_key[:-6] + ("AAAAAA" if not sftp.host_key.endswith("AAAAAA") else "BBBBBB")
    with pytest.raises(DeliveryFailed, match="shows another host key"):
        deliver(sftp_target(sftp).replace(sftp.host_key, other))
    with pytest.raises(DeliveryFailed, match="its host key is not known"):
        deliver(sftp_target(sftp).replace(f'host_key = "{sftp.host_key}"', ""))
    assert not any(sftp.folder.iterdir())


def test_the_files_of_a_night_come_to_a_bucket(s3: tuple[str, Any], deliver: Deliver) -> None:
    url, client = s3
    deliver(s3_target(url))
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert "dispute-risk/2025-03-20/report.html" in keys
    body = client.get_object(Bucket=BUCKET, Key=keys[0])["Body"].read()
    assert body


def test_a_missing_package_keeps_only_its_own_target_waiting(
    mail: MailServer, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="the package boto3, .* make connections"):
        deliver(s3_target("http://127.0.0.1:9") + mail_target(mail.port))
    assert len(mail.mails) == 1


def test_a_missing_bucket_is_reported_once(s3: tuple[str, Any], deliver: Deliver) -> None:
    with pytest.raises(DeliveryFailed, match="bucket missing: answered 404"):
        deliver(s3_target(s3[0]).replace(BUCKET, "missing"))


def test_one_failing_target_does_not_stop_the_others(
    web: WebReceiver, mail: MailServer, deliver: Deliver, store: Workspace
) -> None:
    web.status = 403
    targets = webhook_target(web.url) + mail_target(mail.port)
    with pytest.raises(DeliveryFailed, match=r"erp: 127\.0\.0\.1: answered 403"):
        deliver(targets)
    assert len(mail.mails) == 1
    web.status = None
    deliver(targets)
    assert len(web.received.taken) == len(mail.mails) == 1
    assert not mail.dropped


def test_a_receiver_that_stays_away_is_given_up(deliver: Deliver, web: WebReceiver) -> None:
    web.status = 503
    with pytest.raises(DeliveryFailed, match="desk .3 of 3 tickets.: 127.0.0.1: answered 503"):
        deliver(helpdesk_target(web.url))


def test_a_redirect_is_not_followed(deliver: Deliver, web: WebReceiver) -> None:
    web.status, web.answer_headers = 307, {"Location": f"{web.url}/other"}
    with pytest.raises(DeliveryFailed, match="a redirect, which is not followed"):
        deliver(webhook_target(web.url))
    assert not web.received.taken


def test_nothing_is_sent_from_a_refused_night(
    deliver: Deliver, web: WebReceiver, store: Workspace
) -> None:
    store.write_refusal(NIGHT, {"as_of": NIGHT})
    with pytest.raises(Refused, match="nothing of it is sent"):
        deliver(webhook_target(web.url))
    with pytest.raises(BadInput, match="no published list"):
        deliver(webhook_target(web.url), as_of=NIGHT.replace(day=21))
    assert not web.received.taken


def test_a_night_that_is_made_again_is_not_sent_again(
    deliver: Deliver, web: WebReceiver, store: Workspace
) -> None:
    deliver(webhook_target(web.url))
    publish_night(store, listed_orders(5), "20250320T02-b")
    deliver(webhook_target(web.url))
    assert len(web.received.taken) == 1
    assert not web.received.dropped


def test_a_dry_run_sends_and_writes_nothing(
    deliver: Deliver, web: WebReceiver, store: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = webhook_target(web.url) + chat_target("slack")
    deliver(targets, is_dry=True)
    assert not web.received.taken
    assert not (store.folder / "deliveries.db").exists()
    printed = " ".join(capsys.readouterr().out.split())
    assert "erp (webhook): 1 to send for 2025-03-20, 0 already sent" in printed
    assert "the environment variable CHAT_URL is not set" in printed


def test_only_the_named_target_is_sent(
    deliver: Deliver, web: WebReceiver, mail: MailServer
) -> None:
    targets = webhook_target(web.url) + mail_target(mail.port)
    deliver(targets, only="lead")
    assert (len(mail.mails), len(web.received.taken)) == (1, 0)
    with pytest.raises(BadInput, match="has no target 'other'. It has: lead, erp"):
        deliver(targets, only="other")
    with pytest.raises(BadInput, match="has no targets"):
        deliver("")


def test_a_file_that_is_no_record_stops_all_sending(
    deliver: Deliver, web: WebReceiver, store: Workspace
) -> None:
    from pipeline.settings.errors import Damaged

    (store.folder / "deliveries.db").write_bytes(b"no database" * 100)
    with pytest.raises(Damaged, match="says what was already sent"):
        deliver(webhook_target(web.url))
    assert not web.received.taken


def test_what_was_sent_stays_sent(deliver: Deliver, web: WebReceiver, store: Workspace) -> None:
    deliver(webhook_target(web.url))
    with open_record(store.folder) as record:
        row = record.connection.execute("SELECT state, target, night FROM deliveries").fetchall()
    assert row == [("sent", "erp", "2025-03-20")]
    assert Path(store.folder / "deliveries.db").stat().st_mode & 0o007 == 0

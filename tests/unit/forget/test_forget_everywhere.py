"""A buyer of a whole store, with a night, drafts, a message sent and work on the board, is erased:
no byte of the workspace shows them, and everything can still be read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.deliver.bulk.send_messages import send_messages
from pipeline.desk.desk_log import DeskLog
from pipeline.desk.desk_state import EntryKind, Member, Role, fold_entries
from pipeline.desk.desk_work import Asked, Desk
from pipeline.forget.forget_buyer import forget_buyer
from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, StillHeld
from pipeline.workspace.checksums import read_manifest, read_run_json, read_run_table
from pipeline.workspace.progress import Progress
from pipeline.workspace.run_log import RunLog
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.test_send import OPEN
from tests.unit.deliver.web_receiver import WebReceiver, web_receiver
from tests.unit.forget.every_byte import hits
from tests.unit.nights import NIGHT, latest

TEXT = 'Olá, "Maria Encantada Souza" mora na rua das Flores 12, chegou quebrado'
NOTE = "phoned Maria Encantada Souza"
TOWN = "Vila Esperanza"
MEI = Member("mei", Role.agent)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    monkeypatch.setenv("DELIVER_PASSWORD", "sesame-open-4711")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def listed(workspace: Path) -> dict[str, str]:
    """The buyer at the top of the list, with the order and the parcel."""
    rows = pl.read_parquet(latest(workspace) / "contact_list.parquet")
    row = rows.filter(pl.col("tracking_number").is_not_null(), pl.col("action") == "inform").head(1)
    return row.select("order_id", "buyer_id", "tracking_number").row(0, named=True)


@pytest.fixture
def raw(simulated_raw: Path, listed: dict[str, str], tmp_path: Path) -> Path:
    """The store's files, in which the buyer has written and the parcel was in a town; with a row
    that is refused."""
    folder = shutil.copytree(simulated_raw, tmp_path / "raw")
    order = listed["order_id"]
    written = pl.read_csv(folder / "messages.csv", infer_schema=False)
    message = {"message_id": "m-own", "order_id": order, "sender": "buyer", "text": TEXT}
    message |= dict.fromkeys(("occurred_at", "known_at"), "2025-07-08T08:00:00Z")
    refused = message | {"message_id": "m-bad", "sender": "Maria Encantada Souza"}
    rows = pl.DataFrame([message, refused])
    pl.concat([written, rows], how="diagonal").write_csv(folder / "messages.csv")
    scans = pl.read_csv(folder / "tracking.csv", infer_schema=False)
    place = pl.when(pl.col("order_id") == order).then(pl.lit(TOWN))
    scans.with_columns(location=place).write_csv(folder / "tracking.csv")
    return folder


@pytest.fixture
def used(
    workspace: Path, listed: dict[str, str], raw: Path, web: WebReceiver, do_night: Callable
) -> Workspace:
    """The workspace after a message was sent, a night was made again and an agent has worked."""
    store, order = Workspace(workspace), listed["order_id"]
    channel = f'[deliver.channel]\nurl = "{web.url}/send"\nsecret = {{env = "DELIVER_PASSWORD"}}\n'
    text = (workspace / "config.toml").read_text()
    (workspace / "config.toml").write_text(f"{text}{channel}{OPEN}draft_days = 36500\n")
    with store.shared():
        send_messages(
            store,
            load_config(workspace),
            Progress(),
            as_of=NIGHT,
            release_text=order,
            now=lambda: datetime.now(UTC),
        )
    assert len(web.received.taken) == 1
    do_night(workspace, is_forced=True, raw=raw)
    desk = Desk(store)
    for kind, value in (("claim", {}), ("note", {"text": NOTE}), ("contacted", {"outcome": ""})):
        asked = Asked(EntryKind(kind), order, value, night=str(NIGHT))
        desk.make(asked, listed["buyer_id"], MEI, ("mei",))
    desk.log.close()
    log = RunLog(workspace, "ingest")
    log.write("begin", arguments=["ingest", "--raw", str(raw)])
    log.write("warning", text=f"the buyer {listed['buyer_id']} has {listed['tracking_number']}")
    tickets = workspace / "deliveries" / str(NIGHT) / "desk.csv"
    tickets.parent.mkdir(parents=True)
    tickets.write_text(f"order,text\n{order},{NOTE}\no-other,hello\n")
    record = json.dumps({"order_id": order, "text": TEXT})
    corrections = {"messages.csv": {"0" * 16: json.loads(record), "1" * 16: {"order_id": "o"}}}
    (workspace / "corrections.json").write_text(json.dumps(corrections))
    with store.locked():
        # only the newest tables are left
        return store


def needles_of(listed: dict[str, str]) -> list[str]:
    in_json = json.dumps(TEXT)[1:-1]
    return [
        listed["buyer_id"],
        listed["tracking_number"],
        TEXT,
        TEXT[:25],
        in_json,
        NOTE,
        TOWN,
        "Maria",
    ]


def forget(store: Workspace, buyer: str, *raw: Path, is_dry: bool = False) -> None:
    forget_buyer(store, load_config(store.folder), Progress(), buyer, raw, is_dry=is_dry)


def test_no_byte_of_the_workspace_shows_a_forgotten_buyer(
    used: Workspace, listed: dict[str, str], raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needles, folder = needles_of(listed), used.folder
    before = hits(folder, needles)
    kinds = {Path(name).name for name in before} | {Path(name).parts[0] for name in before}
    expected = {"orders.parquet", "contact_list.xlsx", "report.html", "queues.csv", "desk.sqlite"}
    expected |= {"log.jsonl", "quarantine", "deliveries", "corrections.json", "messages.parquet"}
    assert expected <= kinds
    sources = {path.name: path.read_bytes() for path in raw.iterdir()}
    forget(used, listed["buyer_id"], is_dry=True)
    assert hits(folder, needles) == before
    planned = {line.split()[-1] for line in lines(capsys) if line.startswith("would change")}
    with pytest.raises(StillHeld, match="erased from the workspace, but .* other files"):
        forget(used, listed["buyer_id"])
    assert not hits(folder, needles)
    said = lines(capsys)
    assert {line.split()[-1] for line in said if line.startswith("changed")} == planned
    assert any("raw/orders.csv: lines" in line for line in said)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == sources
    assert_whole(used, listed["order_id"])
    # a second run finds nothing to change
    with pytest.raises(StillHeld):
        forget(used, listed["buyer_id"])
    assert not [line for line in lines(capsys) if line.startswith("changed")]
    assert_does_not_come_back(used, raw, needles)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def assert_whole(store: Workspace, order: str) -> None:
    """Everything can be read, other buyers are as they were, and the order stays."""
    run = latest(store.folder)
    manifest = read_manifest(run)
    assert len(manifest["erasures"]) == 1
    assert len(store.read_ingest_facts()["erasures"]) == 1
    for path in run.glob("*.parquet"):
        read_run_table(run, path.name)
    read_run_json(run, "health.json")
    tables = store.read_tables()
    row = tables["orders"].filter(order_id=order)
    assert row["buyer_id"].item().startswith("erased-")
    assert row["total_usd"].item() > 0
    messages = tables["messages"].filter(order_id=order)
    assert messages.height > 0
    assert messages["text"].null_count() == messages.height
    rows = read_run_table(run, "contact_list.parquet")
    assert rows["order_id"].to_list() == pl.read_csv(run / "contact_list.csv")["order_id"].to_list()
    assert rows.filter(pl.col("order_id") != order)["draft_message"].null_count() == 0
    assert order in (run / "report.html").read_text()
    (entries,) = DeskLog(store.folder).by_buyer(row["buyer_id"].to_list()).values()
    state = fold_entries(entries)
    assert (state.assignee, len(state.contacts)) == ("mei", 1)
    with closing(sqlite3.connect(store.folder / "desk.sqlite")) as desk:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            desk.execute("DELETE FROM entries")
    assert "o-other" in (store.folder / "deliveries" / str(NIGHT) / "desk.csv").read_text()
    assert list(json.loads((store.folder / "corrections.json").read_text())["messages.csv"]) == [
        "1" * 16
    ]


def assert_does_not_come_back(store: Workspace, raw: Path, needles: list[str]) -> None:
    """The same files are loaded again."""
    before = store.read_tables()
    with store.locked():
        ingest(store, load_config(store.folder), Progress(), source="canonical", raw=raw)
    assert not hits(store.folder, needles)
    after = store.read_tables()
    assert all(before[name].equals(after[name]) for name in before.frames)


def test_an_unknown_buyer_changes_nothing(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadInput, match="no order of this workspace has this buyer") as error:
        forget(Workspace(workspace), "b-nobody")
    assert "b-nobody" not in str(error.value)
    assert not (workspace / "erased.json").exists()

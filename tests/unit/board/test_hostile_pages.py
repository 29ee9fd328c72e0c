"""Hostile ids, titles and messages on the board and on the report: they stay text, they do not turn
the direction of the line, and no cell that a page gives out starts a formula."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from flask.testing import FlaskClient

from features.tables import create_tables
from pipeline.board.board_app import create_app
from pipeline.pages.report import PAGE, report
from pipeline.settings.config import load_config
from pipeline.workspace.checksums import reseal
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.board.board_client import send
from tests.unit.nights import AS_OF, NIGHT, latest

SCRIPT = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>"
BIDI = "abc\u202egpj.exe\u2066\u200f"
FORMULA = '=HYPERLINK("http://evil.example","click")'
LONG = "x" * 30_000
HOSTILE = [SCRIPT, BIDI, FORMULA, "@SUM(1)", "'\"><svg/onload=window.hit=3>", "{{7*7}}", LONG]
MARKS = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")


class Tags(HTMLParser):
    """The tags of a page and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_harmless(page: str, scripts: int) -> None:
    parsed = Tags(page)
    assert parsed.tags.count("script") == scripts
    assert not {"img", "iframe", "object", "embed"} & set(parsed.tags)
    assert not {name for name in parsed.attributes if name.startswith("on")}
    assert not MARKS.search(page)


@pytest.fixture
def hostile(workspace: Path) -> Path:
    """The finished store with hostile text in the first rows of its list and in its order ids."""
    run, store = latest(workspace), Workspace(workspace)
    listed = pl.read_parquet(run / "contact_list.parquet")
    texts = (HOSTILE * (listed.height // len(HOSTILE) + 1))[: listed.height]
    names = ("product_title", "draft_message", "reason_1", "reason_2", "country", "product_id")
    listed = listed.with_columns(pl.Series(name, texts) for name in names)
    listed.write_parquet(run / "contact_list.parquet")
    # the attack is the text, not a changed file
    reseal(run)
    orders = store.read_tables()["orders"].drop("occurred_day", "known_day").sort("order_id")
    ids = [f"hostile {text}" for text in HOSTILE] + orders["order_id"][len(HOSTILE) :].to_list()
    renamed = orders.with_columns(pl.Series("order_id", ids))
    with store.locked():
        report(store, load_config(workspace), Progress(), as_of=NIGHT)
        store.write_tables(
            create_tables({"orders": renamed}, zone="Asia/Shanghai"),
            {"input_sha256": {}, "table_rows": {}},
        )
    return workspace


@pytest.fixture
def client(hostile: Path) -> FlaskClient:
    return create_app(Workspace(hostile), frozenset({"localhost"})).test_client()


def scripts_of(page: str) -> int:
    return Tags(page).tags.count("script")


def test_the_report_and_the_board_show_hostile_text_as_text(
    client: FlaskClient, hostile: Path
) -> None:
    page = (hostile / "runs" / AS_OF / "latest-report" / PAGE).read_text(encoding="utf-8")
    plain = (latest(hostile) / PAGE).read_text(encoding="utf-8")
    assert_harmless(page, scripts_of(plain))
    # with the script of the desk, and its data
    assert_harmless(client.get(f"/night/{AS_OF}").text, scripts_of(plain) + 2)
    home = client.get("/nights").text
    assert_harmless(home, scripts_of(home))
    orders = client.get("/orders?q=hostile").text
    assert_harmless(orders, scripts_of(home))
    assert "&lt;svg/onload" in orders
    assert "{{7*7}}" in orders


def test_a_hostile_search_order_and_note_stay_text(client: FlaskClient, hostile: Path) -> None:
    home = client.get("/nights").text
    order = Workspace(hostile).table_files().read_placed()["order_id"].sort()[-1]
    for text in HOSTILE:
        results = client.get("/orders", query_string={"q": text.replace(BIDI, "abc")}).text
        assert_harmless(results, scripts_of(home))
        page = client.get("/order", query_string={"id": f"hostile {text}"})
        if text == LONG:
            # an id is cut before it is looked up
            assert page.status_code == 404
        else:
            assert_harmless(page.text, scripts_of(home) + 1)
        answer = send(client, order, "note", text=text)
        assert answer.status_code == 200
        assert not MARKS.search(answer.text)
        assert_harmless(client.get(f"/night/{AS_OF}").text, scripts_of(home) + 2)
        log = client.get("/log").text
        assert_harmless(log, scripts_of(home))
    assert "&lt;svg/onload" in log
    # a name that is not a user, as an outcome, a role or a path
    for field in ("to", "until", "outcome", "contacted_at", "number", "night"):
        assert send(client, order, "assign", **{field: SCRIPT}).status_code == 409


def test_no_cell_of_the_page_starts_a_formula(client: FlaskClient) -> None:
    page = client.get(f"/night/{AS_OF}").text
    assert json.dumps(FORMULA)[:12] not in page

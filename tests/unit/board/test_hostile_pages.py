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
    assert_harmless(client.get(f"/night/{AS_OF}").text, scripts_of(plain))
    home = client.get("/").text
    assert_harmless(home, scripts_of(home))
    orders = client.get("/orders?q=hostile").text
    assert_harmless(orders, scripts_of(home))
    assert "&lt;svg/onload" in orders
    assert "{{7*7}}" in orders


def test_a_hostile_search_and_a_hostile_sheet_stay_text(client: FlaskClient) -> None:
    home = client.get("/").text
    token = re.search(r'name="token" value="([^"]+)"', client.get(f"/night/{AS_OF}").text)[1]  # type: ignore[index]
    for text in HOSTILE:
        found = client.get("/orders", query_string={"q": text.replace(BIDI, "abc")}).text
        assert_harmless(found, scripts_of(home))
        cell = '"' + text.replace('"', '""') + '"'
        for sheet in (f"{cell},contacted_at\n1,2\n", f"order_id,contacted_at\n{cell},{AS_OF}\n"):
            form = {"token": token, "night": AS_OF, "sheet": sheet}
            answer = client.post("/contacts", data=form)
            assert answer.status_code == 409
            assert_harmless(answer.text, scripts_of(home))
            assert len(answer.text) < len(home) + 20_000


def test_no_cell_of_the_page_and_of_quarantine_starts_a_formula(
    client: FlaskClient, hostile: Path
) -> None:
    token = re.search(r'name="token" value="([^"]+)"', client.get(f"/night/{AS_OF}").text)[1]  # type: ignore[index]
    for text in (FORMULA, "@SUM(1)"):
        cell = '"' + text.replace('"', '""') + '"'
        sheet = f"order_id,contacted_at\n{cell},{AS_OF}\n"
        client.post("/contacts", data={"token": token, "night": AS_OF, "sheet": sheet})
    for path in (hostile / "quarantine" / "sheets").glob("*.csv"):
        for row in pl.read_csv(path, infer_schema=False).rows():
            assert not [cell for cell in row if cell and cell[0] in "=+-@"]
    page = client.get(f"/night/{AS_OF}").text
    assert json.dumps(FORMULA)[:12] not in page

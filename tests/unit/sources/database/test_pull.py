"""What a pull reads, and what is in its files afterwards."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from features.tables import TABLES
from pipeline.load.doctor import examine
from pipeline.load.ingest import ingest
from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.sources.database import run_queries as pulling
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.conftest import FAST, NIGHT
from tests.unit.sources.database import shop_database
from tests.unit.sources.database.conftest import START, Shop, pulled
from tests.unit.sources.database.servers import PASSWORD


def test_the_next_pull_reads_new_rows_and_keeps_the_newest_of_a_changed_row(
    shop: Shop, tmp_path: Path
) -> None:
    shop.put(1, 501, note="old")
    assert "sales: 500 rows read" in pulled(tmp_path)[1]
    later = START + timedelta(days=20)
    shop.put(7, 8, at=later, note="changed")
    shop.put(501, 503, at=later)
    rows, messages = pulled(tmp_path)
    # and again the rows within a day before the last watermark: all of the first 500, which span
    # 500 minutes
    assert "sales: 502 rows read" in messages
    assert rows["id"].n_unique() == rows.height == 502
    assert rows.filter(id="7")["note"].to_list() == ["changed"]
    assert "sales: 3 rows read" in pulled(tmp_path)[1]
    assert "sales: 502 rows read" in pulled(tmp_path, anew=True)[1]


def test_a_change_with_an_earlier_watermark_is_read_within_the_overlap(
    shop: Shop, tmp_path: Path
) -> None:
    """A long transaction ends after a short one that started later."""
    shop.put(1, 10)
    pulled(tmp_path)
    shop.put(10, 11, at=START - timedelta(hours=20))
    assert pulled(tmp_path)[0].height == 10


def test_rows_without_a_watermark_or_a_key_are_kept(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 4)
    with shop.engine.begin() as connection:
        incomplete = [
            {"id": 9, "note": "no time"},
            {"id": None, "note": "no id"},
            {"id": None, "note": "nor this"},
        ]
        connection.execute(sa.insert(shop.sales), incomplete)
    for _ in range(2):
        rows, _ = pulled(tmp_path)
        assert sorted(rows["id"].fill_null("-")) == ["-", "-", "1", "2", "3", "9"]


def test_the_newest_of_many_changes_is_kept_for_small_pieces(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PIECE", 7)
    expected: dict[int, str] = {}
    for turn in range(5):
        first = 1 + turn * 11
        shop.put(first, first + 25, at=START + timedelta(days=2 * turn), note=f"turn {turn}")
        expected |= dict.fromkeys(range(first, first + 25), f"turn {turn}")
        rows, _ = pulled(tmp_path)
        assert dict(rows.select(pl.col("id").cast(pl.Int64), "note").rows()) == expected


def test_a_changed_query_starts_from_the_beginning(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 10)
    pulled(tmp_path)
    settings = tmp_path / "database.toml"
    settings.write_text(
        settings.read_text().replace("select * from sales", "select * from sales where id < 4")
    )
    assert pulled(tmp_path)[0].height == 3


def test_without_a_watermark_the_whole_answer_replaces_the_previous_one(
    shop: Shop, tmp_path: Path
) -> None:
    settings = tmp_path / "database.toml"
    settings.write_text(settings.read_text().replace('watermark = "changed"\nkey = "id"\n', ""))
    shop.put(1, 10)
    assert pulled(tmp_path)[0].height == 9
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(shop.sales).where(shop.sales.c.id > 2))
    assert pulled(tmp_path)[0].height == 2
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(shop.sales))
    rows, _ = pulled(tmp_path)
    assert (rows.height, rows.columns) == (0, ["id", "total", "changed", "note"])


@pytest.mark.parametrize(
    "mark", [date(2024, 5, 3), 70_000, "2024-05-03 10:00:00", "2024-05-03T10:00:00Z", "batch-17"]
)
def test_where_the_next_pull_starts(mark: object) -> None:
    start = {
        date(2024, 5, 3): date(2024, 5, 2),
        70_000: 60_000,
        "2024-05-03 10:00:00": "2024-05-02 10:00:00",
        "2024-05-03T10:00:00Z": "2024-05-02T10:00:00+",
        "batch-17": "batch-17",
    }[mark]
    query = load_query()
    assert pulling._start(query, pulling.PullState("x", has_file=True, mark=mark)) == start
    # after a killed pull, nothing is read twice
    assert pulling._start(query, pulling.PullState("x", pieces=3, mark=mark)) == mark


def load_query() -> pulling.Query:
    return pulling.Query(name="sales", sql="select 1", watermark="changed", key="id")


def test_a_store_from_a_database_equals_the_store_from_its_files(
    engine: tuple[str, sa.Engine],
    simulated_raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the database to a contact list, with the same tables as from the canonical files."""
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    url, writer = engine
    frames = shop_database.read_store(simulated_raw)
    shop_database.fill(writer, shop_database.create(writer, frames), frames)
    shop_database.write_settings(tmp_path, url, frames)
    workspaces = [Workspace(tmp_path / name) for name in ("database", "canonical")]
    tables = []
    with pytest.raises(BadInput, match="not pulled yet"):
        examine(load_config(tmp_path), source="database", raw=tmp_path)
    for workspace, raw in zip(workspaces, (tmp_path, simulated_raw), strict=True):
        folder = workspace.folder
        with workspace.locked():
            ingest(workspace, load_config(folder), Progress(), source=folder.name, raw=raw)
            tables.append(workspace.read_tables())
    # a mapping fills what the title alone says; canonical files say it themselves, or not
    letters = pl.col("title").str.len_chars().cast(pl.Float64)
    expected = dict(tables[1].frames)
    expected["products"] = expected["products"].with_columns(count_title_letters=letters)
    for name in TABLES:
        assert tables[0][name].equals(expected[name]), name
    examine(load_config(tmp_path), source="database", raw=tmp_path)
    assert "every row would be loaded" in capsys.readouterr().out
    if url.startswith("sqlite"):
        (workspaces[0].folder / "config.toml").write_text(FAST)
        config = load_config(workspaces[0].folder)
        with workspaces[0].locked():
            run = nightly(
                workspaces[0],
                config,
                Progress(),
                as_of=NIGHT,
                source="database",
                raw=tmp_path,
                is_forced=False,
            )
        assert pl.read_csv(run / "contact_list.csv").height > 0

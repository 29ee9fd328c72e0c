"""What a pull reads, and what its files hold then."""

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


def test_the_next_pull_reads_what_is_new_and_of_a_changed_row_the_newest_counts(
    shop: Shop, tmp_path: Path
) -> None:
    shop.put(1, 501, note="old")
    assert "sales: 500 rows read" in pulled(tmp_path)[1]
    later = START + timedelta(days=20)
    shop.put(7, 8, at=later, note="changed")
    shop.put(501, 503, at=later)
    rows, said = pulled(tmp_path)
    # and again those of a day before the last watermark: all of the first 500, which are 500
    # minutes
    assert "sales: 502 rows read" in said
    assert rows["id"].n_unique() == rows.height == 502
    assert rows.filter(id="7")["note"].to_list() == ["changed"]
    assert "sales: 3 rows read" in pulled(tmp_path)[1]
    assert "sales: 502 rows read" in pulled(tmp_path, anew=True)[1]


def test_a_change_that_comes_under_an_earlier_watermark_is_found_within_the_overlap(
    shop: Shop, tmp_path: Path
) -> None:
    """A long transaction ends after a short one that began later."""
    shop.put(1, 10)
    pulled(tmp_path)
    shop.put(10, 11, at=START - timedelta(hours=20))
    assert pulled(tmp_path)[0].height == 10


def test_rows_without_a_watermark_or_a_key_are_kept(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 4)
    with shop.engine.begin() as connection:
        odd = [
            {"id": 9, "note": "no time"},
            {"id": None, "note": "no id"},
            {"id": None, "note": "nor this"},
        ]
        connection.execute(sa.insert(shop.sales), odd)
    for _ in range(2):
        rows, _ = pulled(tmp_path)
        assert sorted(rows["id"].fill_null("-")) == ["-", "-", "1", "2", "3", "9"]


def test_the_newest_of_many_changes_counts_whatever_the_size_of_a_piece(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PIECE", 7)
    truth: dict[int, str] = {}
    for turn in range(5):
        first = 1 + turn * 11
        shop.put(first, first + 25, at=START + timedelta(days=2 * turn), note=f"turn {turn}")
        truth |= dict.fromkeys(range(first, first + 25), f"turn {turn}")
        rows, _ = pulled(tmp_path)
        assert dict(rows.select(pl.col("id").cast(pl.Int64), "note").rows()) == truth


def test_another_query_begins_anew(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 10)
    pulled(tmp_path)
    settings = tmp_path / "database.toml"
    settings.write_text(
        settings.read_text().replace("select * from sales", "select * from sales where id < 4")
    )
    assert pulled(tmp_path)[0].height == 3


def test_without_a_watermark_the_whole_answer_replaces_the_former(
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
    assert pulling._start(query, pulling.State("x", has_file=True, mark=mark)) == start
    # where a pull was killed, nothing is read twice
    assert pulling._start(query, pulling.State("x", pieces=3, mark=mark)) == mark


def load_query() -> pulling.Query:
    return pulling.Query(name="sales", sql="select 1", watermark="changed", key="id")


def test_a_store_from_a_database_is_the_store_of_its_files(
    engine: tuple[str, sa.Engine],
    simulated_raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the database to tonight's list, and the same tables as from the canonical files."""
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    url, own = engine
    frames = shop_database.read_store(simulated_raw)
    shop_database.fill(own, shop_database.create(own, frames), frames)
    shop_database.write_settings(tmp_path, url, frames)
    places = [Workspace(tmp_path / name) for name in ("database", "canonical")]
    found = []
    with pytest.raises(BadInput, match="not pulled yet"):
        examine(load_config(tmp_path), source="database", raw=tmp_path)
    for place, raw in zip(places, (tmp_path, simulated_raw), strict=True):
        with place.locked():
            ingest(place, load_config(place.folder), Progress(), source=place.folder.name, raw=raw)
            found.append(place.read_tables())
    for name in TABLES:
        assert found[0][name].equals(found[1][name]), name
    examine(load_config(tmp_path), source="database", raw=tmp_path)
    assert "every row would be loaded" in capsys.readouterr().out
    if url.startswith("sqlite"):
        (places[0].folder / "config.toml").write_text(FAST)
        config = load_config(places[0].folder)
        with places[0].locked():
            run = nightly(
                places[0],
                config,
                Progress(),
                as_of=NIGHT,
                source="database",
                raw=tmp_path,
                is_forced=False,
            )
        assert pl.read_csv(run / "contact_list.csv").height > 0

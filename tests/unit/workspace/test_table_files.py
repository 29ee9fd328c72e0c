"""Tables on disk can be read whole or for some orders, and the features of a night can be built
from them in parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build.registry import build_features
from features.spine import DEFAULT_WINDOW, build_spine
from features.tables import FIRST_WORDS, TABLES, UNSEEN, Tables, create_tables
from pipeline.engines.polars_parts import night_features
from pipeline.settings.errors import BadInput
from pipeline.simulation.world.simulated_store import simulate_store
from pipeline.workspace.checksums import reseal
from pipeline.workspace.stored_tables import NUMBER, write_table_files
from pipeline.workspace.table_checks import stored_facts
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace
from tests.conftest import day

NIGHT = day("2024-06-15")


@pytest.fixture(scope="module")
def tables() -> Tables:
    frames = simulate_store(count_orders=1500, seed=3, first_day=date(2024, 1, 1), days=200)
    return create_tables(frames, zone="Asia/Shanghai")


@pytest.fixture(scope="module")
def files(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> TableFiles:
    workspace = Workspace(tmp_path_factory.mktemp("files"))
    # the rows of a source may be in any order
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=1)
        for name, frame in tables.frames.items()
    }
    workspace.write_tables(Tables(shuffled, tables.zone), {})
    return workspace.table_files()


def test_tables_are_read_as_they_were_written(tables: Tables, files: TableFiles) -> None:
    stored = files.read_all()
    assert (stored.zone, stored.has_partial_outcomes) == ("Asia/Shanghai", False)
    for name in TABLES:
        assert stored[name].columns == tables[name].columns
        written = tables[name]
        if name == "messages":
            # only the first words are kept
            written = written.with_columns(pl.col("text").str.slice(0, FIRST_WORDS))
        assert_frame_equal(stored[name], written, check_row_order=False)
    assert files.count_orders() == 1500
    assert files.count_facts() == sum(tables[name].height for name in TABLES)


def test_a_part_has_the_facts_of_its_orders_and_of_no_others(
    tables: Tables, files: TableFiles
) -> None:
    part = files.read_part(400, 100)
    ids = tables["orders"]["order_id"].sort().gather(range(400, 500))
    assert part["orders"]["order_id"].to_list() == list(range(400, 500))
    for name, table in TABLES.items():
        if "order_id" in table.schema:
            wanted = tables[name].filter(pl.col("order_id").is_in(ids.implode()))
            assert part[name].height == wanted.height
            named = (
                part[name]
                .rename({"order_id": NUMBER})
                .join(files.read_names(part["orders"]["order_id"]), on=NUMBER)
            )
            assert sorted(named["order_id"]) == sorted(wanted["order_id"])
        assert set(part[name].columns) == {*table.schema, "known_day"} - set(UNSEEN.get(name, ()))


@pytest.mark.parametrize("orders_per_part", [10_000, 1500, 299])
def test_a_night_from_the_files_has_the_features_of_the_whole_store(
    tables: Tables, files: TableFiles, orders_per_part: int
) -> None:
    features = night_features(files, NIGHT, DEFAULT_WINDOW, orders_per_part)
    assert features.height > 100
    assert_frame_equal(
        features, build_features(tables, build_spine(tables, [NIGHT])), check_exact=True
    )


@pytest.mark.parametrize("night", ["2023-12-01", "2026-12-01"])
def test_a_night_without_open_orders_has_no_rows(
    tables: Tables, files: TableFiles, night: str
) -> None:
    features = night_features(files, day(night), DEFAULT_WINDOW, 400)
    assert_frame_equal(features, build_features(tables, build_spine(tables, [day(night)])))
    assert features.is_empty()


def test_a_store_without_orders_has_no_rows(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_tables(create_tables({}, zone="UTC"), {})
    assert night_features(workspace.table_files(), NIGHT, DEFAULT_WINDOW, 400).is_empty()


def test_facts_of_some_orders(tables: Tables, files: TableFiles) -> None:
    ids = tables["orders"]["order_id"].sample(20, seed=2)
    for name in ("orders", "order_lines"):
        wanted = tables[name].filter(pl.col("order_id").is_in(ids.implode()))
        assert_frame_equal(files.read_facts(name, ids), wanted, check_row_order=False)
    assert files.read_facts("orders", []).is_empty()


def test_the_newest_fact_before_a_night(tables: Tables, files: TableFiles) -> None:
    known = pl.concat([tables[name]["known_day"] for name in TABLES])
    assert files.newest_fact_day(NIGHT) == known.filter(known < NIGHT).max()
    assert files.newest_fact_day(int(known.min())) is None


def test_files_of_an_older_version_are_reported(files: TableFiles, tmp_path: Path) -> None:
    old = Workspace(tmp_path)
    old.write_tables(files.read_all(), {})
    orders = tmp_path / "tables/orders.parquet"
    pl.read_parquet(orders).drop(NUMBER).write_parquet(orders)
    reseal(orders.parent)
    with pytest.raises(
        BadInput, match=r"older version of this program\. Load the data again: make ingest"
    ):
        old.table_files()


def test_an_optional_column_that_an_older_version_did_not_write_is_unknown(
    files: TableFiles, tables: Tables, tmp_path: Path
) -> None:
    old = Workspace(tmp_path)
    old.write_tables(files.read_all(), {})
    disputes = tmp_path / "tables/disputes.parquet"
    pl.read_parquet(disputes).drop("line_id").write_parquet(disputes)
    reseal(disputes.parent)
    for frame in (old.read_tables()["disputes"], old.table_files().read_disputed()["disputes"]):
        assert frame.height == tables["disputes"].height > 0
        assert frame["line_id"].null_count() == frame.height


def test_only_the_first_words_of_a_message_are_stored(make_tables, tmp_path: Path) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01",
        messages="order_id | sender | occurred_at | text\na | buyer | 05-02 | long",
    )
    long = tables["messages"].with_columns(text=pl.lit("secret " * 100))
    write_table_files(tables.with_frames({**tables.frames, "messages": long}), tmp_path)
    stored = TableFiles(tmp_path, "UTC", False).read_all_of("messages")
    assert stored["text"].to_list() == [("secret " * 100)[:FIRST_WORDS]]


def test_tables_that_change_while_they_are_opened_are_not_damaged(
    files: TableFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another agent's contact switches to new tables between the facts and the files."""
    board, other = Workspace(tmp_path), Workspace(tmp_path)
    tables = files.read_all()
    board.write_tables(tables, {})
    contact = (
        tables["messages"]
        .head(1)
        .select(pl.lit("c-1").alias("contact_id"), "order_id", "occurred_at", "known_at")
    )
    contacts = pl.concat([tables["contacts"], contact], how="diagonal")

    def switching(folder: Path) -> dict[str, Any] | None:
        facts = stored_facts(folder)
        monkeypatch.setattr("pipeline.workspace.workspace.stored_facts", stored_facts)
        other.replace_table("contacts", contacts, {})
        return facts

    monkeypatch.setattr("pipeline.workspace.workspace.stored_facts", switching)
    assert board.table_files().read_all()["contacts"].is_empty()
    assert board.read_tables()["contacts"].height == 1

"""Values of any type become the text that the database has for them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.unit.sources.database.conftest import START, Shop, pulled


def test_values_equal_those_of_the_database(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 3, note="é 客户 50% :x")
    shop.put(3, 4, note="")
    rows, _ = pulled(tmp_path)
    assert rows["id"].to_list() == ["1", "2", "3"]
    assert rows["total"].cast(pl.Float64).to_list() == [0.25, 0.5, 0.75]
    assert rows["note"].to_list() == ["é 客户 50% :x", "é 客户 50% :x", None]
    # with a zone it is an instant; without one, the mapping says what it is
    moments = rows["changed"].str.to_datetime(
        "%+" if shop.url.startswith("postgres") else None, time_zone="UTC"
    )
    assert moments.to_list() == [START + timedelta(minutes=i) for i in (1, 2, 3)]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_unusual_values_of_sqlite_become_text(shop: Shop, tmp_path: Path) -> None:
    """In SQLite, a column may hold values of any type."""
    with shop.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into sales values (1, 'many', '2024-05-01', 7), "
            "(2, 1e300, '2024-05-02', x'00ff'), "
            "(9223372036854775807, 2.5, '2024-05-03', cast(x'ff41' as text)), "
            "(4, null, '2024-05-04', 3.0)"
        )
    rows, _ = pulled(tmp_path)
    assert rows["id"].to_list() == ["1", "2", "9223372036854775807", "4"]
    assert rows["note"].to_list() == ["7", "00ff", "\ufffdA", "3.0"]
    assert pulled(tmp_path)[0].sort("changed").equals(rows)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_unusual_values_of_postgresql_become_text(shop: Shop, tmp_path: Path) -> None:
    settings = tmp_path / "database.toml"
    more = (
        "'NaN'::numeric as a, array[1,2] as b, '{\\\"x\\\": \\\"ü\\\"}'::jsonb as c, "
        "date '2024-05-01' as d, true as e, 1e3::float8 as f"
    )
    settings.write_text(settings.read_text().replace("select *", f"select *, {more}"))
    shop.put(1, 3)
    rows, _ = pulled(tmp_path)
    assert rows.select("a", "b", "c", "d", "e", "f").row(0) == (
        "NaN",
        "[1, 2]",
        '{"x": "ü"}',
        "2024-05-01",
        "true",
        "1000",
    )

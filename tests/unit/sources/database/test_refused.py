"""Queries and settings that are wrong, and what must not happen."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from pipeline.settings.errors import BadInput, NoDatabase
from pipeline.sources.database.connection import opened
from pipeline.sources.database.queries import load_database
from pipeline.sources.database.run_queries import pull
from tests.unit.sources.database.conftest import QUERY, Shop, pulled
from tests.unit.sources.database.servers import PASSWORD


def test_nothing_can_be_written_there(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 10)
    with pytest.raises(NoDatabase), opened(load_database(tmp_path), tmp_path) as connection:
        connection.execute(sa.delete(shop.sales))
    assert pulled(tmp_path)[0].height == 9


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select * from sails", "sails"),
        ("select id from sales", "no column changed"),
        ("delete from sales", "syntax"),
        ("select id, total as changed from sales", "is a "),
    ],
)
def test_a_wrong_query_is_told_and_the_former_file_stays(
    shop: Shop, tmp_path: Path, sql: str, told: str
) -> None:
    shop.put(1, 10)
    before, _ = pulled(tmp_path)
    settings = tmp_path / "database.toml"
    settings.write_text(settings.read_text().replace("select * from sales", sql))
    with pytest.raises(BadInput, match=f"query sales.*{told}"):
        pull(tmp_path, print)
    assert pl.read_parquet(tmp_path / "sales.parquet").equals(before)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_columns_of_one_name_are_told(shop: Shop, tmp_path: Path) -> None:
    """SQLite names them apart by itself, MariaDB refuses them."""
    settings = tmp_path / "database.toml"
    settings.write_text(settings.read_text().replace("select *", "select id, changed, id"))
    with pytest.raises(BadInput, match="two columns are named id; tell them apart by AS"):
        pull(tmp_path, print)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('url = "postgresql://me:{password}@host/shop"\n' + QUERY, "url: .*holds a password"),
        (
            'url = "postgresql://me@host/shop?password={password}"\n' + QUERY,
            "url: .*holds a password",
        ),
        ('url = "oracle://me@host/shop"\n' + QUERY, "oracle is not among the databases"),
        ('url = "postgresql+psycopg2://me@host/shop"\n' + QUERY, "is not among the databases"),
        ('url = "host {password}"\n' + QUERY, "is no address of a database"),
        ('url = "sqlite:///none.db"\n' + QUERY, "no such file"),
        (QUERY, "DATABASE_URL"),
        (QUERY + QUERY, "two queries are named sales"),
        (
            QUERY.replace('key = "id"\n', ""),
            r"\[\[query\]\] 1 \(sales\).*watermark and key go together",
        ),
        (QUERY.replace("sales", "../sales", 1), r"\[\[query\]\] 1.*name"),
        (QUERY.replace("sql", "sgl"), "sgl"),
        ("[[query", "is not TOML"),
    ],
)
def test_what_is_wrong_in_the_settings_is_told(
    tmp_path: Path, text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "database.toml").write_text(text.replace("{password}", PASSWORD))
    with pytest.raises(BadInput, match=told) as found:
        pull(tmp_path, print)
    assert PASSWORD not in str(found.value)

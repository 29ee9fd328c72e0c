"""Wrong queries and settings are refused, and nothing is written to the database."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from pipeline.settings.errors import BadInput, NoDatabase
from pipeline.sources.database.connection import open_read_only
from pipeline.sources.database.queries import load_database
from pipeline.sources.database.run_queries import pull
from tests.unit.sources.database.conftest import QUERY, Shop, pulled
from tests.unit.sources.database.servers import PASSWORD


def test_nothing_can_be_written_to_the_database(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 10)
    with pytest.raises(NoDatabase), open_read_only(load_database(tmp_path), tmp_path) as connection:
        connection.execute(sa.delete(shop.sales))
    assert pulled(tmp_path)[0].height == 9


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select * from sails", "sails"),
        ("select id from sales", "no column changed"),
        ("delete from sales", "syntax"),
        ("select id, total as changed from sales", "is a "),
    ],
)
def test_a_wrong_query_is_reported_and_the_previous_file_stays(
    shop: Shop, tmp_path: Path, sql: str, message: str
) -> None:
    shop.put(1, 10)
    before, _ = pulled(tmp_path)
    settings = tmp_path / "database.toml"
    settings.write_text(settings.read_text().replace("select * from sales", sql))
    with pytest.raises(BadInput, match=f"query sales.*{message}"):
        pull(tmp_path, print)
    assert pl.read_parquet(tmp_path / "sales.parquet").equals(before)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_columns_with_the_same_name_are_reported(shop: Shop, tmp_path: Path) -> None:
    """SQLite renames such columns, and MariaDB refuses them."""
    settings = tmp_path / "database.toml"
    settings.write_text(settings.read_text().replace("select *", "select id, changed, id"))
    with pytest.raises(BadInput, match="two columns are named id; rename one with AS"):
        pull(tmp_path, print)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('url = "postgresql://me:{password}@host/shop"\n' + QUERY, "url: .*contains a password"),
        (
            'url = "postgresql://me@host/shop?password={password}"\n' + QUERY,
            "url: .*contains a password",
        ),
        ('url = "oracle://me@host/shop"\n' + QUERY, "oracle is not a supported database"),
        ('url = "postgresql+psycopg2://me@host/shop"\n' + QUERY, "is not a supported database"),
        ('url = "host {password}"\n' + QUERY, "is not the address of a database"),
        ('url = "sqlite:///none.db"\n' + QUERY, "no such SQLite file"),
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
def test_errors_in_the_settings_are_reported(
    tmp_path: Path, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "database.toml").write_text(text.replace("{password}", PASSWORD))
    with pytest.raises(BadInput, match=message) as failure:
        pull(tmp_path, print)
    assert PASSWORD not in str(failure.value)

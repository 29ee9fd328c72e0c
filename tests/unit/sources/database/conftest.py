"""The database of a shop from which the tests pull, in SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from pipeline.sources.database.run_queries import pull
from tests.unit.sources.database.servers import (
    MARIADB,
    NO_MARIADB,
    NO_POSTGRES,
    PASSWORD,
    POSTGRES,
    Server,
    mariadb,
    postgres,
)
from tests.unit.sources.database.shop_database import MOMENT

START = datetime(2024, 5, 1, tzinfo=UTC)
QUERY = """[[query]]
name = "sales"
sql = "select * from sales -- all;"
watermark = "changed"
key = "id"
"""


@dataclass
class Shop:
    """A database with a table `sales`. `url` is what a seller writes, without the password."""

    url: str
    engine: sa.Engine
    sales: sa.Table

    def put(self, first: int, last: int, at: datetime = START, **values: object) -> None:
        """Insert or replace the sales with the ids from `first` to `last - 1`."""
        rows = [
            {"id": i, "total": Decimal(i) / 4, "changed": at + timedelta(minutes=i), **values}
            for i in range(first, last)
        ]
        with self.engine.begin() as connection:
            connection.execute(
                sa.delete(self.sales).where(self.sales.c.id.between(first, last - 1))
            )
            connection.execute(sa.insert(self.sales), rows)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    if not POSTGRES:
        pytest.skip(NO_POSTGRES)
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Server]:
    if not MARIADB:
        pytest.skip(NO_MARIADB)
    with mariadb() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def engine(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[str, sa.Engine]]:
    """The address without a password, and an engine that may write there. All tables are dropped
    afterwards."""
    if kind == "sqlite":
        url, writer_url = "sqlite:///shop.db", f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        port = request.getfixturevalue(
            "postgres_server" if kind == "postgresql" else "mariadb_server"
        ).port
        driver = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}[kind]
        url = f"{kind}://reader@127.0.0.1:{port}/shop"
        writer_url = f"{driver}://reader:{PASSWORD}@127.0.0.1:{port}/shop"
    writer = sa.create_engine(writer_url, poolclass=sa.NullPool)
    yield url, writer
    if kind != "sqlite":
        metadata = sa.MetaData()
        metadata.reflect(writer)
        metadata.drop_all(writer)


@pytest.fixture
def shop(engine: tuple[str, sa.Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    url, writer = engine
    columns = [
        sa.Column("id", sa.BigInteger),
        sa.Column("total", sa.Numeric(10, 2)),
        sa.Column("changed", MOMENT),
        sa.Column("note", sa.Text),
    ]
    sales = sa.Table("sales", sa.MetaData(), *columns)
    sales.create(writer)
    (tmp_path / "database.toml").write_text(f'url = "{url}"\n{QUERY}')
    return Shop(url, writer, sales)


def pulled(raw: Path, **options: bool) -> tuple[pl.DataFrame, list[str]]:
    """The rows of the file after a pull, and the progress lines."""
    messages: list[str] = []
    pull(raw, messages.append, **options)
    return pl.read_parquet(raw / "sales.parquet"), messages

"""A shop's database to pull from, in SQLite, PostgreSQL and MariaDB."""

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
QUERY = '[[query]]\nname = "sales"\nsql = "select * from sales -- all;"\nwatermark = "changed"\nkey = "id"\n'


@dataclass
class Shop:
    """A database with a table `sales`; `url` is what a seller writes, without the password."""

    url: str
    engine: sa.Engine
    sales: sa.Table

    def put(self, first: int, last: int, at: datetime = START, **values: object) -> None:
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
    """The address without a password, and a way to write there; all tables are dropped
    afterwards."""
    if kind == "sqlite":
        url, own = "sqlite:///shop.db", f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        port = request.getfixturevalue(
            "postgres_server" if kind == "postgresql" else "mariadb_server"
        ).port
        driver = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}[kind]
        url = f"{kind}://reader@127.0.0.1:{port}/shop"
        own = f"{driver}://reader:{PASSWORD}@127.0.0.1:{port}/shop"
    made = sa.create_engine(own, poolclass=sa.NullPool)
    yield url, made
    if kind != "sqlite":
        found = sa.MetaData()
        found.reflect(made)
        found.drop_all(made)


@pytest.fixture
def shop(engine: tuple[str, sa.Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    url, own = engine
    columns = [
        sa.Column("id", sa.BigInteger),
        sa.Column("total", sa.Numeric(10, 2)),
        sa.Column("changed", MOMENT),
        sa.Column("note", sa.Text),
    ]
    sales = sa.Table("sales", sa.MetaData(), *columns)
    sales.create(own)
    (tmp_path / "database.toml").write_text(f'url = "{url}"\n{QUERY}')
    return Shop(url, own, sales)


def pulled(raw: Path, **options: bool) -> tuple[pl.DataFrame, list[str]]:
    """What the file holds after a pull, and what was said."""
    said: list[str] = []
    pull(raw, said.append, **options)
    return pl.read_parquet(raw / "sales.parquet"), said

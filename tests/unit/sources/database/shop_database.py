"""The canonical files of a store as database tables, each with `changed_at`, and the mapping that
reads them back."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from features.tables import TABLES
from pipeline.sources.mapped.mapping import MONEY, allowed

MOMENT = sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
KINDS: dict[object, sa.types.TypeEngine] = {
    pl.String: sa.String(255),
    pl.Float64: sa.Numeric(18, 4),
}
CHANGED = "changed_at"
ROWS_PER_INSERT = 2_000


def read_store(raw: Path) -> dict[str, pl.DataFrame]:
    """The typed tables that `simulate` wrote. `changed_at` is when the row became known."""
    frames = {}
    for name, table in TABLES.items():
        path = raw / f"{name}.csv"
        if not path.exists():
            continue
        rows = pl.read_csv(path, infer_schema=False)
        casts = [
            _typed(column, table.schema[column])
            for column in rows.columns
            if column in table.schema
        ]
        rows = rows.select(casts)
        times = [pl.col(column) for column in ("known_at", "occurred_at") if column in rows.columns]
        frames[name] = rows.with_columns(pl.coalesce(times).alias(CHANGED))
    return frames


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        return pl.col(name).str.to_datetime("%+", time_unit="us", time_zone="UTC")
    return pl.col(name).cast(kind)


def create(engine: sa.Engine, frames: dict[str, pl.DataFrame]) -> dict[str, sa.Table]:
    """Create the tables, empty."""
    metadata = sa.MetaData()
    tables = {
        name: sa.Table(
            name,
            metadata,
            *[sa.Column(column, _kind(dtype)) for column, dtype in frame.schema.items()],
        )
        for name, frame in frames.items()
    }
    metadata.create_all(engine)
    return tables


def _kind(dtype: pl.DataType) -> sa.types.TypeEngine:
    return MOMENT if isinstance(dtype, pl.Datetime) else KINDS[dtype]


def fill(engine: sa.Engine, tables: dict[str, sa.Table], frames: dict[str, pl.DataFrame]) -> None:
    with engine.begin() as connection:
        for name, frame in frames.items():
            for part in frame.iter_slices(ROWS_PER_INSERT):
                if part.height:
                    connection.execute(sa.insert(tables[name]), part.to_dicts())


def write_settings(raw: Path, url: str | None, frames: dict[str, pl.DataFrame]) -> None:
    """Write `database.toml` and `mapping.toml`."""
    raw.mkdir(exist_ok=True)
    lines = [f'url = "{url}"'] if url else []
    facts = ['[store]\nzone = "Asia/Shanghai"\ntimes_in = "UTC"\nname = "s"\ncurrency = "USD"']
    for name, frame in frames.items():
        key = list(TABLES[name].key)
        lines.append(
            f'[[query]]\nname = "{name}"\nsql = "select * from {name};"\n'
            f'watermark = "{CHANGED}"\nkey = {key}'
        )
        ours = {theirs: own for own, theirs in MONEY.get(name, {}).items() if own != "line_total"}
        mapped = {ours.get(column, column): column for column in frame.columns}
        # amounts are in US dollars there, whatever the currency of the order
        mapped.pop("currency", None)
        columns = "\n".join(
            f'{own} = "{theirs}"' for own, theirs in mapped.items() if own in allowed(name)
        )
        facts.append(
            f'[[fact]]\ntable = "{name}"\nfile = "{name}.parquet"\n[fact.columns]\n{columns}'
        )
    (raw / "database.toml").write_text("\n\n".join(lines))
    (raw / "mapping.toml").write_text("\n\n".join(facts))

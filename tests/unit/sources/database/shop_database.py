"""A store's canonical files as tables of a database, each with `changed_at`, and the mapping that
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
AT_ONCE = 2_000


def read_store(raw: Path) -> dict[str, pl.DataFrame]:
    """What `simulate` wrote, typed; `changed_at` is when the row became known."""
    found = {}
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
        seen = [pl.col(column) for column in ("known_at", "occurred_at") if column in rows.columns]
        found[name] = rows.with_columns(pl.coalesce(seen).alias(CHANGED))
    return found


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        return pl.col(name).str.to_datetime("%+", time_unit="us", time_zone="UTC")
    return pl.col(name).cast(kind)


def create(engine: sa.Engine, frames: dict[str, pl.DataFrame]) -> dict[str, sa.Table]:
    """Empty tables."""
    meta = sa.MetaData()
    made = {
        name: sa.Table(
            name, meta, *[sa.Column(column, _kind(dtype)) for column, dtype in frame.schema.items()]
        )
        for name, frame in frames.items()
    }
    meta.create_all(engine)
    return made


def _kind(dtype: pl.DataType) -> sa.types.TypeEngine:
    return MOMENT if isinstance(dtype, pl.Datetime) else KINDS[dtype]


def fill(engine: sa.Engine, tables: dict[str, sa.Table], frames: dict[str, pl.DataFrame]) -> None:
    with engine.begin() as connection:
        for name, frame in frames.items():
            for part in frame.iter_slices(AT_ONCE):
                if part.height:
                    connection.execute(sa.insert(tables[name]), part.to_dicts())


def write_settings(raw: Path, url: str | None, frames: dict[str, pl.DataFrame]) -> None:
    """`database.toml` and `mapping.toml`."""
    raw.mkdir(exist_ok=True)
    lines = [f'url = "{url}"'] if url else []
    facts = ['[store]\nzone = "Asia/Shanghai"\ntimes_in = "UTC"\nname = "s"\ncurrency = "USD"']
    for name, frame in frames.items():
        key = [column for column in TABLES[name].key]
        lines.append(
            f'[[query]]\nname = "{name}"\nsql = "select * from {name};"\nwatermark = "{CHANGED}"\nkey = {key}'
        )
        ours = {theirs: own for own, theirs in MONEY.get(name, {}).items() if own != "line_total"}
        told = {ours.get(column, column): column for column in frame.columns}
        # money is in US dollars there, whatever the buyer paid in
        told.pop("currency", None)
        columns = "\n".join(
            f'{own} = "{theirs}"' for own, theirs in told.items() if own in allowed(name)
        )
        facts.append(
            f'[[fact]]\ntable = "{name}"\nfile = "{name}.parquet"\n[fact.columns]\n{columns}'
        )
    (raw / "database.toml").write_text("\n\n".join(lines))
    (raw / "mapping.toml").write_text("\n\n".join(facts))

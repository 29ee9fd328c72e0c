"""A peer: DuckDB. Running sums per key and day, and an ASOF join for each end of a window."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
from contest import KEYS, LOOKBACKS, MEASURES, report_run, total


def make(folder: Path) -> dict[str, np.ndarray]:
    # DuckDB spills to the folder of the files, not to the current folder
    base = duckdb.connect(config={"temp_directory": str(folder / "duckdb")})
    base.execute(f"CREATE TABLE facts AS SELECT * FROM '{folder}/facts.parquet'")
    base.execute(
        "CREATE TABLE rows AS SELECT *, row_number() OVER () - 1 AS position "
        f"FROM '{folder}/rows.parquet'"
    )
    totals: dict[str, np.ndarray] = {}
    for key in KEYS:
        columns = base.execute(totals_of(key)).fetchnumpy()
        position = columns.pop("position")
        for name, values in columns.items():
            totals[name] = np.empty(len(position), dtype=np.int64)
            totals[name][position] = values
    return totals


def totals_of(key: str) -> str:
    """The query for all totals of one key: sums before the night minus sums before the window."""
    sums = ", ".join(f"sum({m})::BIGINT AS {m}" for m in MEASURES)
    running = ", ".join(f"(sum({m}) OVER w)::BIGINT AS {m}" for m in MEASURES)
    joins = "".join(
        f" ASOF LEFT JOIN running r{n} ON keyed.{key} = r{n}.{key}"
        f" AND keyed.as_of_day - {n} > r{n}.known_day"
        for n in (0, *LOOKBACKS)
    )
    totals = ", ".join(
        f"coalesce(r0.{m}, 0) - coalesce(r{n}.{m}, 0) AS {total(key, m, n)}"
        for m in MEASURES
        for n in LOOKBACKS
    )
    names = ", ".join(f"joined.{total(key, m, n)}" for m in MEASURES for n in LOOKBACKS)
    return f"""
        WITH daily AS (SELECT {key}, known_day, {sums} FROM facts GROUP BY ALL),
        running AS MATERIALIZED (
            SELECT {key}, known_day, {running} FROM daily
            WINDOW w AS (PARTITION BY {key} ORDER BY known_day)
        ),
        keyed AS (SELECT position, {key}, as_of_day FROM rows),
        joined AS (SELECT keyed.position, {totals} FROM keyed {joins})
        SELECT joined.position, {names} FROM joined
    """


if __name__ == "__main__":
    report_run(make)

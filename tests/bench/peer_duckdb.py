"""A peer: DuckDB. Running sums per key and day, and an ASOF join for each end of a window."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
from contest import KEYS, LOOKBACKS, MEASURES, told, total


def make(folder: Path) -> dict[str, np.ndarray]:
    # what does not fit into memory goes to the folder of the files, not into this one
    base = duckdb.connect(config={"temp_directory": str(folder / "duckdb")})
    base.execute(f"CREATE TABLE facts AS SELECT * FROM '{folder}/facts.parquet'")
    base.execute(
        f"CREATE TABLE rows AS SELECT *, row_number() OVER () - 1 AS place FROM '{folder}/rows.parquet'"
    )
    found: dict[str, np.ndarray] = {}
    for key in KEYS:
        columns = base.execute(totals_of(key)).fetchnumpy()
        place = columns.pop("place")
        for name, values in columns.items():
            found[name] = np.empty(len(place), dtype=np.int64)
            found[name][place] = values
    return found


def totals_of(key: str) -> str:
    """The query for all totals of one key: what was known before the night, less what was known
    before the window."""
    sums = ", ".join(f"sum({m})::BIGINT AS {m}" for m in MEASURES)
    running = ", ".join(f"(sum({m}) OVER w)::BIGINT AS {m}" for m in MEASURES)
    joins = "".join(
        f" ASOF LEFT JOIN running r{n} ON asked.{key} = r{n}.{key} AND asked.as_of_day - {n} > r{n}.known_day"
        for n in (0, *LOOKBACKS)
    )
    totals = ", ".join(
        f"coalesce(r0.{m}, 0) - coalesce(r{n}.{m}, 0) AS {total(key, m, n)}"
        for m in MEASURES
        for n in LOOKBACKS
    )
    names = ", ".join(f"found.{total(key, m, n)}" for m in MEASURES for n in LOOKBACKS)
    return f"""
        WITH daily AS (SELECT {key}, known_day, {sums} FROM facts GROUP BY ALL),
        running AS MATERIALIZED (
            SELECT {key}, known_day, {running} FROM daily WINDOW w AS (PARTITION BY {key} ORDER BY known_day)
        ),
        asked AS (SELECT place, {key}, as_of_day FROM rows),
        found AS (SELECT asked.place, {totals} FROM asked {joins})
        SELECT found.place, {names} FROM found
    """


if __name__ == "__main__":
    told(make)

"""The work of a Spark worker: apply `features.build.distributed` to the Arrow tables of one bucket.

The facts of all order-keyed tables are sent as one wide table; its column `name` has the table of
each row.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from features.build.distributed import answer, ask, entity_facts_by_day, family_inputs_of
from features.build.registry import FEATURE_NAMES, features_of
from features.clock import local_day
from features.tables import TABLES, LifeDays, Tables, create_tables
from features.totals.order_facts import returning_facts

# names in addition to the canonical tables: the numbered spine rows, and the orders of buyers who
# ordered before
SPINE, RETURNING = "spine", "returning"
ROW = pa.schema(
    [("row", pa.int64()), ("stage", pa.string()), *((name, pa.float64()) for name in FEATURE_NAMES)]
)
AGAIN = pa.schema([("order_id", pa.string()), ("known_day", pa.int32())])
# each row is a sum by day (`measure`, `amount`) or a request for totals (`asked_by`: the bucket of
# orders that needs the totals of `day`)
SUMS = pa.schema(
    [
        ("entity", pa.string()),
        ("value", pa.string()),
        ("day", pa.int32()),
        ("measure", pa.string()),
        ("asked_by", pa.int32()),
        ("amount", pa.int64()),
    ]
)
TOTALS = pa.schema(
    [
        ("asked_by", pa.int32()),
        ("entity", pa.string()),
        ("value", pa.string()),
        ("as_of_day", pa.int32()),
        ("totals", pa.list_(pa.int64())),
    ]
)


class Buckets:
    """The functions that are sent to the workers, with the store's zone and what it records."""

    def __init__(
        self,
        zone: str,
        *,
        has_partial_outcomes: bool,
        has_shipments: bool,
        usual_life_days: LifeDays,
    ) -> None:
        self.zone, self.has_partial_outcomes = zone, has_partial_outcomes
        self.has_shipments, self.usual_life_days = has_shipments, usual_life_days

    def returning(self, orders: pa.Table) -> pa.Table:
        """Orders of some buyers -> `AGAIN`: those whose buyer had an order on an earlier day."""
        known = _polars(orders).with_columns(known_day=local_day(pl.col("known_at"), self.zone))
        return _arrow(returning_facts(known), AGAIN)

    def day_sums_and_requests(self, facts: pa.Table) -> pa.Table:
        """All facts of some orders -> `SUMS`: their sums by day, and the requests of their spine
        rows."""
        tables, spine, again = self._open(facts)
        day_sums = entity_facts_by_day(tables, again).rename({"known_day": "day"})
        requests = ask(tables, spine).rename({"as_of_day": "day"})
        requests = requests.with_columns(asked_by=pl.lit(facts["bucket"][0].as_py(), pl.Int32))
        return _arrow(pl.concat([day_sums, requests], how="diagonal"), SUMS)

    def totals(self, sums_and_requests: pa.Table) -> pa.Table:
        """All `SUMS` rows of some entities -> `TOTALS`: one row per request."""
        frame = _polars(sums_and_requests)
        requests = frame.filter(pl.col("measure").is_null())
        requests = requests.select("asked_by", "entity", "value", as_of_day="day")
        if requests.is_empty():
            return TOTALS.empty_table()
        sums = frame.drop_nulls("measure").select(
            "entity", "value", "measure", "amount", known_day="day"
        )
        return _arrow(answer(requests, sums), TOTALS)

    def features(self, facts: pa.Table, totals: pa.Table) -> pa.Table:
        """All facts of some orders and the totals they requested -> `ROW`: one per spine row."""
        tables, spine, again = self._open(facts)
        if spine.is_empty():
            return ROW.empty_table()
        built = features_of(family_inputs_of(tables, spine, again, _polars(totals)))
        return _arrow(built.with_columns(spine["row"]), ROW)

    def _open(self, facts: pa.Table) -> tuple[Tables, pl.DataFrame, pl.DataFrame]:
        """The canonical tables, the spine rows and the returning orders of a bucket."""
        frame = _polars(facts)
        part = {name: frame.filter(pl.col("name") == name) for name in (*TABLES, SPINE, RETURNING)}
        tables = create_tables(
            {name: part[name].select(list(table.schema)) for name, table in TABLES.items()},
            zone=self.zone,
            has_partial_outcomes=self.has_partial_outcomes,
            has_shipments=self.has_shipments,
            usual_life_days=self.usual_life_days,
        )
        again = part[RETURNING].select("order_id", "known_day", count_returning=1)
        return tables, part[SPINE].select("order_id", "as_of_day", "as_of", "row"), again


def _polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The columns of `schema` in its types: Spark has no unsigned integers and no long strings."""
    return frame.select(schema.names).to_arrow().cast(schema)

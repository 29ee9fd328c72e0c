"""The work of a Spark worker: apply `features.build.distributed` to the Arrow tables of one bucket.

The facts of all order-keyed tables are sent as one wide table; its column `name` has the table of
each row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from features.build.distributed import answer, ask, entity_facts_by_day, family_inputs_of
from features.build.registry import FEATURE_NAMES, features_of
from features.clock import local_day
from features.tables import TABLES, LifeDays, Tables, create_tables
from features.totals.order_facts import returning_facts
from models.monitoring.feature_sums import add_sums, sums_of_numbers
from models.scoring.scored_part import DecidedRows, ScoredPart, Scoring

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
Spine = Callable[[Tables], pl.DataFrame]


@dataclass(frozen=True)
class Buckets:
    """The functions that are sent to the workers, with the store's zone and what it records.

    `find_spine` finds the spine rows of a bucket in its tables; without it, they are sent along.
    """

    zone: str
    has_partial_outcomes: bool
    has_shipments: bool
    usual_life_days: LifeDays
    find_spine: Spine | None = None

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

    def score(self, facts: pa.Table, totals: pa.Table, score: Scoring) -> pa.Table:
        """All facts of some orders and the totals they requested -> `scored_schema`."""
        tables, spine, again = self._open(facts)
        if spine.is_empty():
            return scored_schema(score).empty_table()
        open_tables = tables.with_frames(
            {
                name: f.join(spine, on="order_id", how="semi") if "order_id" in f.columns else f
                for name, f in tables.frames.items()
            }
        )
        own_again = again.join(spine, on="order_id", how="semi")
        inputs = family_inputs_of(open_tables, spine, own_again, _polars(totals))
        return pack(score.decide(features_of(inputs), open_tables["orders"]), score)

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
        if self.find_spine is not None:
            return tables, self.find_spine(tables), again
        return tables, part[SPINE].select("order_id", "as_of_day", "as_of", "row"), again


def scored_schema(score: Scoring) -> pa.Schema:
    """One row per open order: its scores, what `DecidedRows` says, `queue` (the numbers
    `queue_columns`; null if it is in no queue) and `more` (the numbers `more_columns`). One row per
    bucket without an `order_id` has the bucket's `sums`."""
    return pa.schema(
        [
            *((name, pa.string()) for name in ("order_id", "buyer_id", "stage", "action")),
            ("as_of_day", pa.int32()),
            *((name, pa.float64()) for name in (*score.score_columns, "expected_value_usd")),
            *((name, pa.bool_()) for name in ("is_worth_it", "may_be_queued")),
            ("queue", pa.list_(pa.float64())),
            ("more", pa.list_(pa.float64())),
            ("sums", pa.list_(pa.int64())),
        ]
    )


def no_features() -> pl.DataFrame:
    """The features of no rows, with their columns."""
    schema = {"order_id": pl.String(), "as_of_day": pl.Int32(), "stage": pl.String()}
    return pl.DataFrame(schema=schema | dict.fromkeys(FEATURE_NAMES, pl.Float64()))


def pack(part: DecidedRows, score: Scoring) -> pa.Table:
    """The rows and sums of a bucket, as `scored_schema` has them."""
    queue = pl.when("may_be_queued").then(pl.concat_list(score.queue_columns))
    rows = part.rows.with_columns(queue=queue, more=pl.concat_list(score.more_columns))
    sums = pl.DataFrame({"sums": [part.sums.to_numbers()]}, schema={"sums": pl.List(pl.Int64)})
    schema = scored_schema(score)
    kept = [name for name in schema.names if name != "sums"]
    return _arrow(pl.concat([rows.select(kept), sums], how="diagonal"), schema)


def needed_orders(scored: pl.DataFrame) -> pl.DataFrame:
    """`order_id` of the orders that may get an action, and of the other open orders of their
    buyers. `scored` has the rows of `scored_schema`."""
    buyers = scored.filter("is_worth_it")["buyer_id"].implode()
    return scored.filter(pl.col("buyer_id").is_in(buyers)).select("order_id")


def unpack(scored: pl.DataFrame, more: pl.DataFrame, score: Scoring) -> ScoredPart:
    """The rows of all buckets, in any order, as one part.

    `scored` has the rows of `scored_schema`, `more` has `order_id, more` of the `needed_orders`.
    """
    rows = scored.drop_nulls("order_id").sort("order_id")
    scores = rows.select("order_id", "as_of_day", "stage", *score.score_columns)
    others = rows.join(more, on="order_id", how="anti", maintain_order="left")
    numbers = _columns(more.sort("order_id"), "more", score.more_columns)
    considered = scores.join(numbers, on="order_id", maintain_order="left")
    queued = _columns(others.drop_nulls("queue"), "queue", score.queue_columns)
    best = others.drop_nulls("action").select("order_id", "action", "expected_value_usd")
    sums = add_sums(
        sums_of_numbers(score.summed, each) for each in scored["sums"].drop_nulls().to_list()
    )
    return ScoredPart(scores, considered, queued, best, sums)


def _columns(rows: pl.DataFrame, packed: str, names: Sequence[str]) -> pl.DataFrame:
    """`order_id` and the numbers of the list `packed` as columns."""
    number = pl.col(packed).list
    return rows.select("order_id", *(number.get(n).alias(name) for n, name in enumerate(names)))


def _polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The columns of `schema` in its types: Spark has no unsigned integers and no long strings."""
    return frame.select(schema.names).to_arrow().cast(schema)

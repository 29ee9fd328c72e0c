"""The plans of PySpark: build features, or score a night, grouped by key.

    orders          by buyer   -> the orders of buyers who ordered before
    facts, spine    by order   -> sums by day and entity; requests for totals of the spine rows
    sums            by entity  -> the totals
    facts, totals   by order   -> features, and for a night the scores

Workers read the tables from files; facts are never collected on the driver. A key with very many
facts, such as the single store, is summed to days before any data moves.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.build.registry import FEATURE_NAMES
from features.spine import DisputeWindow, build_spine
from features.tables import INSTANT, TABLES, Tables
from models.scoring.scored_part import ScoredPart, Scoring
from pipeline.engines.spark_buckets import (
    AGAIN,
    RETURNING,
    ROW,
    SPINE,
    SUMS,
    TOTALS,
    Buckets,
    Spine,
    needed_orders,
    no_features,
    scored_schema,
    unpack,
)
from pipeline.engines.spark_session import spark_session
from pipeline.settings.config import Config, Engine
from pipeline.settings.errors import NoEngine
from pipeline.workspace.stored_tables import StoredTables
from pipeline.workspace.table_files import TableFiles

SPARK_TYPES = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.list_(pa.int64()): "array<bigint>",
    pa.list_(pa.float64()): "array<double>",
}
COLUMN_TYPES = {pl.String(): "string", pl.Float64(): "double", INSTANT: "timestamp"}


def build_features(tables: StoredTables, spine: pl.DataFrame, settings: Engine) -> pl.DataFrame:
    """The features of `spine`, as `features.build.registry.build_features` gives them.

    Raises `NoEngine` if Spark fails.
    """
    with spark_session(settings) as spark:
        buckets = _set_buckets(spark, tables["orders"].height, settings)
        do, root = _buckets(tables), _root(spark, tables.folder, settings)
        spine_rows = spark.createDataFrame(
            spine.with_row_index("row")
            .select("order_id", "as_of_day", "as_of", pl.col("row").cast(pl.Int64))
            .to_arrow()
        )
        again = _returning(spark, root, do, buckets)
        facts = _facts(spark, root, buckets, [(RETURNING, again), (SPINE, spine_rows)])
        totals = _totals(_with_products(spark, root, facts), do, buckets)
        # a spine row needs only the facts of its own order
        own = facts.join(spine_rows.select("order_id").distinct(), "order_id", "left_semi")
        both = _with_products(spark, root, own).groupBy("bucket").cogroup(totals)
        rows = _pl(both.applyInArrow(lambda facts, totals: do.features(facts, totals), _ddl(ROW)))
    rows = rows.sort("row").select("stage", *FEATURE_NAMES)
    return pl.concat([spine.select("order_id", "as_of_day"), rows], how="horizontal")


def score_night(files: TableFiles, as_of_day: int, config: Config, score: Scoring) -> ScoredPart:
    """Find, build and score the open orders of a night on the workers.

    The driver reads no table. `score` is broadcast once to each worker. Raises `NoEngine` if Spark
    fails.
    """
    with spark_session(config.engine) as spark:
        buckets = _set_buckets(spark, files.count_orders(), config.engine)
        do = _buckets(files, _spine_of_night(as_of_day, config.dispute_window))
        root = _root(spark, files.folder, config.engine)
        sent = spark.sparkContext.broadcast(score)
        again = _returning(spark, root, do, buckets)
        # one shuffle of the facts serves both steps: Spark reuses an exchange with the same plan
        facts = _facts(spark, root, buckets, [(RETURNING, again)])
        facts = _with_products(spark, root, facts)
        both = facts.groupBy("bucket").cogroup(_totals(facts, do, buckets))
        scored = both.applyInArrow(
            lambda facts, totals: do.score(facts, totals, sent.value), _ddl(scored_schema(score))
        )
        # computed once: first the scores come back, then the features of the orders they call for
        scored = scored.persist()
        scores = _pl(scored.drop("more"))
        if scores.is_empty():
            return score(no_features())
        ids = spark.createDataFrame(needed_orders(scores).to_arrow())
        more = scored.select("order_id", "more").join(F.broadcast(ids), "order_id")
        return unpack(scores, _pl(more), score)


def _spine_of_night(as_of_day: int, window: DisputeWindow) -> Spine:
    def find(tables: Tables) -> pl.DataFrame:
        return build_spine(tables, [as_of_day], window)

    return find


def _buckets(store: TableFiles | StoredTables, find_spine: Spine | None = None) -> Buckets:
    return Buckets(
        store.zone,
        store.has_partial_outcomes,
        store.has_shipments,
        store.usual_life_days,
        find_spine,
    )


def _set_buckets(spark: SparkSession, count_orders: int, settings: Engine) -> int:
    """One task per bucket; more buckets than cores, because their sizes differ."""
    count = -(-count_orders // settings.orders_per_bucket)
    buckets = max(count, 2 * int(spark.sparkContext.defaultParallelism))
    spark.conf.set("spark.sql.shuffle.partitions", buckets)
    return buckets


def _root(spark: SparkSession, folder: Path, settings: Engine) -> str:
    """The folder from which the workers read the tables.

    Raises `NoEngine` if it is a copy of other tables than those of the workspace: each must have as
    many rows and the same newest fact.
    """
    if not settings.tables:
        return folder.resolve().as_uri()
    root = settings.tables.rstrip("/")
    for name in TABLES:
        newest = F.unix_micros(F.max("known_at")).alias("newest")
        there = _read(spark, root, name).agg(F.count("*").alias("rows"), newest).first()
        own = pl.scan_parquet(folder / f"{name}.parquet")
        here = own.select(pl.len(), pl.col("known_at").max().dt.epoch("us")).collect().row(0)
        if there is None or tuple(there) != here:
            raise NoEngine(
                f"{root}/{name}.parquet is not a copy of the workspace's table, which has "
                f"{here[0]:,} rows. Copy the tables there after each load, or leave out tables "
                "under [engine] in config.toml."
            )
    return root


def _returning(spark: SparkSession, root: str, do: Buckets, buckets: int) -> DataFrame:
    """The orders of buyers who had ordered before."""
    orders = _read(spark, root, "orders").select("order_id", "buyer_id", "known_at")
    return orders.groupBy(_bucket(buckets, "buyer_id")).applyInArrow(
        lambda piece: do.returning(piece), _ddl(AGAIN)
    )


def _facts(
    spark: SparkSession, root: str, buckets: int, more: list[tuple[str, DataFrame]]
) -> DataFrame:
    """All facts of orders as one wide table with `name` and the `bucket` of their order."""
    tables = [(name, _read(spark, root, name)) for name in TABLES if name != "products"]
    named = [frame.withColumn("name", F.lit(name)) for name, frame in (*tables, *more)]
    wide = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), named)
    return wide.withColumn("bucket", _bucket(buckets, "order_id"))


def _totals(facts: DataFrame, do: Buckets, buckets: int) -> Any:
    """The totals that the buckets' spine rows need, grouped by the bucket that asked."""
    sums = facts.groupBy("bucket").applyInArrow(
        lambda piece: do.day_sums_and_requests(piece), _ddl(SUMS)
    )
    sums = sums.groupBy("entity", "value", "day", "measure", "asked_by").agg(
        F.sum("amount").alias("amount")
    )
    totals = sums.groupBy(_bucket(buckets, "entity", "value")).applyInArrow(
        lambda piece: do.totals(piece), _ddl(TOTALS)
    )
    return totals.groupBy("asked_by")


def _with_products(spark: SparkSession, root: str, facts: DataFrame) -> DataFrame:
    """`facts` plus, in each bucket, the products of its orders' lines."""
    lines = facts.where(F.col("name") == "order_lines").select("bucket", "product_id").distinct()
    products = (
        _read(spark, root, "products")
        .join(lines, "product_id")
        .withColumn("name", F.lit("products"))
    )
    return facts.unionByName(products, allowMissingColumns=True)


def _read(spark: SparkSession, root: str, name: str) -> DataFrame:
    """A table: one file, or a folder of files that Hive's `column=value` may partition."""
    schema = TABLES[name].schema
    columns = ", ".join(f"{column} {COLUMN_TYPES[dtype]}" for column, dtype in schema.items())
    return spark.read.schema(columns).parquet(f"{root}/{name}.parquet").select(*schema)


def _bucket(count: int, *key: str) -> Any:
    return F.pmod(F.xxhash64(*key), F.lit(count)).cast("int").alias("bucket")


def _ddl(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {SPARK_TYPES[field.type]}" for field in schema)


def _pl(frame: DataFrame) -> pl.DataFrame:
    collected = pl.from_arrow(frame.toArrow())
    assert isinstance(collected, pl.DataFrame)
    return collected

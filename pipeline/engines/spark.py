"""Build the features with PySpark, grouped by key. This is the only file that imports PySpark.

    orders          by buyer   -> the orders of buyers who ordered before
    facts, spine    by order   -> sums by day and entity; requests for totals of the spine rows
    sums            by entity  -> the totals
    facts, totals   by order   -> features

Workers read the tables from the workspace's files; facts are never collected on the driver. A key
with very many facts, such as the single store, is summed to days before any data moves.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.build.registry import FEATURE_NAMES
from features.tables import INSTANT, TABLES
from pipeline.engines.spark_buckets import AGAIN, RETURNING, ROW, SPINE, SUMS, TOTALS, Buckets
from pipeline.settings.config import Engine
from pipeline.settings.errors import NoEngine
from pipeline.workspace.stored_tables import StoredTables

ROOT = Path(__file__).resolve().parents[2]
SPARK_TYPES = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.list_(pa.int64()): "array<bigint>",
}
COLUMN_TYPES = {pl.String(): "string", pl.Float64(): "double", INSTANT: "timestamp"}


def build_features(tables: StoredTables, spine: pl.DataFrame, settings: Engine) -> pl.DataFrame:
    """The features of `spine`, as `features.build.registry.build_features` gives them.

    Raises `NoEngine` if Spark fails.
    """
    count = -(-tables["orders"].height // settings.orders_per_bucket)
    try:
        with _session(settings) as spark:
            # one task per bucket; more buckets than cores, because their sizes differ
            buckets = max(count, 2 * spark.sparkContext.defaultParallelism)
            spark.conf.set("spark.sql.shuffle.partitions", buckets)
            rows = _pl(_plan(spark, tables, spine, buckets))
    except PythonException:
        # an error of our own functions in a worker is a bug: keep its full traceback
        raise
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise NoEngine(
            f"Spark did not finish: {str(error).strip()[:400]}\n"
            "If memory was short, give Spark more ([engine] memory in config.toml) or use smaller "
            "buckets ([engine] orders_per_bucket)."
        ) from error
    rows = rows.sort("row").select("stage", *FEATURE_NAMES)
    return pl.concat([spine.select("order_id", "as_of_day"), rows], how="horizontal")


def _plan(
    spark: SparkSession, tables: StoredTables, spine: pl.DataFrame, buckets: int
) -> DataFrame:
    """A table of schema `ROW`: one row per spine row, in any order."""
    do = Buckets(
        tables.zone,
        has_partial_outcomes=tables.has_partial_outcomes,
        has_shipments=tables.has_shipments,
        usual_life_days=tables.usual_life_days,
    )
    spine_rows = spark.createDataFrame(
        spine.with_row_index("row")
        .select("order_id", "as_of_day", "as_of", pl.col("row").cast(pl.Int64))
        .to_arrow()
    )
    orders = _read(spark, tables, "orders").select("order_id", "buyer_id", "known_at")
    again = orders.groupBy(_bucket(buckets, "buyer_id")).applyInArrow(
        lambda piece: do.returning(piece), _ddl(AGAIN)
    )
    facts = [
        _read(spark, tables, name).withColumn("name", F.lit(name))
        for name in TABLES
        if name != "products"
    ]
    facts += [
        spine_rows.withColumn("name", F.lit(SPINE)),
        again.withColumn("name", F.lit(RETURNING)),
    ]
    wide = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), facts)
    wide = wide.withColumn("bucket", _bucket(buckets, "order_id"))

    sums = (
        _with_products(spark, tables, wide)
        .groupBy("bucket")
        .applyInArrow(lambda piece: do.day_sums_and_requests(piece), _ddl(SUMS))
    )
    sums = sums.groupBy("entity", "value", "day", "measure", "asked_by").agg(
        F.sum("amount").alias("amount")
    )
    totals = sums.groupBy(_bucket(buckets, "entity", "value")).applyInArrow(
        lambda piece: do.totals(piece), _ddl(TOTALS)
    )

    # a spine row needs only the facts of its own order
    own = wide.join(spine_rows.select("order_id").distinct(), "order_id", "left_semi")
    both = _with_products(spark, tables, own).groupBy("bucket").cogroup(totals.groupBy("asked_by"))
    return both.applyInArrow(lambda piece, totals: do.features(piece, totals), _ddl(ROW))


def _with_products(spark: SparkSession, tables: StoredTables, facts: DataFrame) -> DataFrame:
    """`facts` plus, in each bucket, the products of its orders' lines."""
    lines = facts.where(F.col("name") == "order_lines").select("bucket", "product_id").distinct()
    products = (
        _read(spark, tables, "products")
        .join(lines, "product_id")
        .withColumn("name", F.lit("products"))
    )
    return facts.unionByName(products, allowMissingColumns=True)


def _read(spark: SparkSession, tables: StoredTables, name: str) -> DataFrame:
    columns = ", ".join(
        f"{column} {COLUMN_TYPES[dtype]}" for column, dtype in TABLES[name].schema.items()
    )
    return spark.read.schema(columns).parquet((tables.folder / f"{name}.parquet").as_uri())


def _bucket(count: int, *key: str) -> Any:
    return F.pmod(F.xxhash64(*key), F.lit(count)).cast("int").alias("bucket")


def _ddl(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {SPARK_TYPES[field.type]}" for field in schema)


def _pl(frame: DataFrame) -> pl.DataFrame:
    collected = pl.from_arrow(frame.toArrow())
    assert isinstance(collected, pl.DataFrame)
    return collected


@contextmanager
def _session(settings: Engine) -> Iterator[SparkSession]:
    # workers must use this interpreter with these packages, unless the cluster has its own
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(settings.spark_master).appName("dispute-risk features")
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # all data are Arrow tables; no pandas object is created (see pandas in pyproject.toml)
        warnings.filterwarnings(
            "ignore", "PySpark does not yet fully support pandas", FutureWarning
        )
        spark = builder.getOrCreate()
        try:
            spark.sparkContext.addPyFile(str(_zip_program(Path(folder))))
            yield spark
        finally:
            spark.stop()


def _options(settings: Engine) -> dict[str, str]:
    options = {
        # Spark transfers instants in the session's time zone
        "spark.sql.session.timeZone": "UTC",
        # keep one task per bucket even if it has few bytes: the work is done in Python
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
        "spark.driver.maxResultSize": "0",
        "spark.driver.memory": settings.memory,
        "spark.executor.memory": settings.memory,
        # tasks run in parallel: one thread each
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if settings.is_on_loopback:
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return options


def _zip_program(folder: Path) -> Path:
    """A zip of the packages that workers import."""
    path = folder / "program.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for package in ("features", "pipeline"):
            for file in sorted((ROOT / package).rglob("*.py")):
                packed.write(file, file.relative_to(ROOT))
    return path

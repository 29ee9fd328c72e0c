"""The features through PySpark, by key: the only file that imports it.

    orders          by buyer   -> which orders are of a buyer who came before
    facts, spine    by order   -> sums by day and entity; the totals that the rows ask for
    sums            by entity  -> the totals
    facts, totals   by order   -> features

Workers read the tables from the workspace's files; facts are never collected. A hot key, such as
the one store, is summed to its days where its facts lie, before anything moves.
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
from pipeline.engines.spark_buckets import AGAIN, ANSWER, NEWS, RETURNING, ROW, SPINE, Buckets
from pipeline.settings.config import Engine
from pipeline.settings.errors import NoEngine
from pipeline.workspace.table_files import StoredTables

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
    """What `features.build.registry.build_features` gives of the same tables and spine."""
    count = -(-tables["orders"].height // settings.orders_per_bucket)
    try:
        with _session(settings) as spark:
            # a bucket is one task's work: more than cores, since they differ in size
            buckets = max(count, 2 * spark.sparkContext.defaultParallelism)
            spark.conf.set("spark.sql.shuffle.partitions", buckets)
            rows = _pl(_plan(spark, tables, spine, buckets))
    except PythonException:
        # what our own functions raise in a worker is a defect, to be seen whole
        raise
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise NoEngine(
            f"Spark did not finish: {str(error).strip()[:400]}\nIf memory was short, give more ([engine] memory in "
            "config.toml) or hold less at a time ([engine] orders_per_bucket)."
        ) from error
    rows = rows.sort("row").select("stage", *FEATURE_NAMES)
    return pl.concat([spine.select("order_id", "as_of_day"), rows], how="horizontal")


def _plan(
    spark: SparkSession, tables: StoredTables, spine: pl.DataFrame, buckets: int
) -> DataFrame:
    """`ROW`, one row per spine row, in any order."""
    do = Buckets(tables.zone, has_partial_outcomes=tables.has_partial_outcomes)
    asked = spark.createDataFrame(
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
    facts += [asked.withColumn("name", F.lit(SPINE)), again.withColumn("name", F.lit(RETURNING))]
    told = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), facts)
    told = told.withColumn("bucket", _bucket(buckets, "order_id"))

    news = (
        _with_products(spark, tables, told)
        .groupBy("bucket")
        .applyInArrow(lambda piece: do.tell_and_ask(piece), _ddl(NEWS))
    )
    news = news.groupBy("entity", "value", "day", "measure", "asked_by").agg(
        F.sum("amount").alias("amount")
    )
    answers = news.groupBy(_bucket(buckets, "entity", "value")).applyInArrow(
        lambda piece: do.answer(piece), _ddl(ANSWER)
    )

    # the rows need the facts of their own orders only
    own = told.join(asked.select("order_id").distinct(), "order_id", "left_semi")
    both = _with_products(spark, tables, own).groupBy("bucket").cogroup(answers.groupBy("asked_by"))
    return both.applyInArrow(lambda piece, answers: do.features(piece, answers), _ddl(ROW))


def _with_products(spark: SparkSession, tables: StoredTables, facts: DataFrame) -> DataFrame:
    """`facts` and, in each bucket, the products of its orders' lines."""
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
    found = pl.from_arrow(frame.toArrow())
    assert isinstance(found, pl.DataFrame)
    return found


@contextmanager
def _session(settings: Engine) -> Iterator[SparkSession]:
    # workers must run this interpreter, with these packages, unless the cluster has its own
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(settings.spark_master).appName("dispute-risk features")
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # all data pass as Arrow tables; no pandas object is ever made (pyproject.toml, at pandas)
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
        # instants travel as microseconds of the session's zone
        "spark.sql.session.timeZone": "UTC",
        # a bucket is worth a task however few bytes it has: its work is in Python
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
        "spark.driver.maxResultSize": "0",
        "spark.driver.memory": settings.memory,
        "spark.executor.memory": settings.memory,
        # tasks run side by side: one thread each
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if settings.is_on_loopback:
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return options


def _zip_program(folder: Path) -> Path:
    """The packages that workers import, as they are here."""
    path = folder / "program.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for package in ("features", "pipeline"):
            for file in sorted((ROOT / package).rglob("*.py")):
                packed.write(file, file.relative_to(ROOT))
    return path

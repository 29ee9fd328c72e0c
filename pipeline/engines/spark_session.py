"""A Spark session that runs this program's functions on the workers."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException
from pyspark.sql import SparkSession

from pipeline.settings.config import Engine
from pipeline.settings.errors import NoEngine

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def spark_session(settings: Engine) -> Iterator[SparkSession]:
    """A session on the configured master. Raises `NoEngine` if Spark fails in it."""
    try:
        with _session(settings) as spark:
            yield spark
    except PythonException:
        # an error of our own functions in a worker is a bug: keep its full traceback
        raise
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise NoEngine(
            f"Spark did not finish: {str(error).strip()[:400]}\n"
            "If memory was short, give Spark more ([engine] memory in config.toml) or use smaller "
            "buckets ([engine] orders_per_bucket)."
        ) from error


@contextmanager
def _session(settings: Engine) -> Iterator[SparkSession]:
    # workers must use this interpreter with these packages, unless the cluster has its own
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(settings.spark_master).appName("dispute-risk")
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
        for package in ("features", "models", "pipeline"):
            for file in sorted((ROOT / package).rglob("*.py")):
                packed.write(file, file.relative_to(ROOT))
    return path

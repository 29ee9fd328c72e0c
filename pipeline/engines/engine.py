"""Which engine builds the features: polars, in this process, or spark, on a cluster. The results
are the same."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from importlib.util import find_spec

import polars as pl

from features.build import registry
from features.spine import build_spine
from features.tables import Tables
from pipeline.engines.polars_parts import night_features
from pipeline.settings.config import Config, Engine
from pipeline.settings.errors import NoEngine
from pipeline.workspace.table_files import StoredTables, TableFiles

JAVA = 17


def build_features(tables: Tables, spine: pl.DataFrame, config: Config) -> pl.DataFrame:
    """`features.build.registry.build_features`, by the engine of the config."""
    if config.engine.name == "polars" or spine.is_empty():
        return registry.build_features(tables, spine)
    if not isinstance(tables, StoredTables):
        raise TypeError("Spark's workers read tables from files: use those of a workspace")
    require_spark(config.engine)
    from pipeline.engines import spark

    return spark.build_features(tables, spine, config.engine)


def build_night(files: TableFiles, as_of_day: int, config: Config) -> pl.DataFrame:
    """The features of all orders that are open and undisputed on `as_of_day`, sorted by
    order_id."""
    if config.engine.name == "polars":
        return night_features(
            files, as_of_day, config.dispute_window, config.engine.orders_per_part
        )
    tables = files.read_all()
    return build_features(tables, build_spine(tables, [as_of_day], config.dispute_window), config)


def require_spark(settings: Engine) -> None:
    """Raise `NoEngine` where PySpark, Java or the master is missing."""
    if find_spec("pyspark") is None:
        raise NoEngine(
            "ENGINE=spark needs PySpark, which is not installed here. Install the extra: pip install '.[spark]' "
            "(make with ENGINE=spark does), or leave ENGINE away."
        )
    found = java_version()
    if found is None or found < JAVA:
        have = "none was found" if found is None else f"the one found is Java {found}"
        raise NoEngine(
            f"ENGINE=spark needs Java {JAVA} or newer; {have} (JAVA_HOME={os.environ.get('JAVA_HOME', '')!r}, or "
            "java on the PATH). Install one, or leave ENGINE away."
        )
    if host := re.fullmatch(r"spark://([^:,/]+):(\d+)", settings.spark_master):
        try:
            socket.create_connection((host[1], int(host[2])), timeout=10).close()
        except OSError as error:
            raise NoEngine(
                f"SPARK_MASTER={settings.spark_master}: nobody answers there ({error}). Start the master, or say "
                "SPARK_MASTER=local[2] to use this machine alone."
            ) from None


def java_version() -> int | None:
    """The major version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return None
    told = subprocess.run(
        [java, "-version"], capture_output=True, text=True, timeout=60, check=False
    )
    found = re.search(r'version "(\d+)', told.stderr + told.stdout)
    return int(found[1]) if found else None

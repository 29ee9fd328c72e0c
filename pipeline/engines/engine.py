"""Build features with the configured engine: Polars in this process, or Spark on a cluster.

Both engines give the same results.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec

import polars as pl

from features.build import registry
from features.spine import open_spells
from features.tables import Tables
from models.scoring.scored_part import ScoredPart, Scoring
from pipeline.engines import stored_nights
from pipeline.engines.polars_parts import night_features
from pipeline.engines.stored_nights import read_spells
from pipeline.settings.config import Config, Engine
from pipeline.settings.errors import NoEngine
from pipeline.workspace.stored_tables import StoredTables
from pipeline.workspace.table_files import TableFiles

JAVA = 17
# features are built for this many order-nights at a time, to limit memory
ROWS_AT_ONCE = 500_000


def build_features(tables: Tables, spine: pl.DataFrame, config: Config) -> pl.DataFrame:
    """`features.build.registry.build_features` with the engine of the config.

    Raises `NoEngine` if Spark is configured but not available.
    """
    if not _is_built_by_part(tables, config):
        return _build_features(tables, spine, config)
    if spine["order_id"].is_sorted():
        return pl.concat(feature_parts(tables, spine, config))
    ordered = spine.with_row_index("row").sort("order_id", maintain_order=True)
    built = pl.concat(feature_parts(tables, ordered.drop("row"), config))
    return built.with_columns(ordered["row"]).sort("row").drop("row")


def feature_parts(tables: Tables, spine: pl.DataFrame, config: Config) -> Iterator[pl.DataFrame]:
    """`build_features` in pieces, in the order of the spine, which is sorted by order.

    From the tables of a workspace, the memory needed grows with the spine and not with the store.
    """
    if isinstance(tables, StoredTables) and _is_built_by_part(tables, config):
        files = TableFiles.of_stored(tables)
        yield from stored_nights.feature_parts(files, spine, config.engine.orders_per_part)
        return
    for start in range(0, max(spine.height, 1), ROWS_AT_ONCE):
        yield _build_features(tables, spine[start : start + ROWS_AT_ONCE], config)


def _is_built_by_part(tables: Tables, config: Config) -> bool:
    return config.engine.name == "polars" and isinstance(tables, StoredTables)


def spells_of(tables: Tables, config: Config) -> pl.DataFrame:
    """`features.spine.open_spells`; from the files of a workspace, part by part."""
    if not isinstance(tables, StoredTables):
        return open_spells(tables, config.dispute_window)
    files = TableFiles.of_stored(tables)
    return read_spells(files, config.dispute_window, config.engine.orders_per_part)


def _build_features(tables: Tables, spine: pl.DataFrame, config: Config) -> pl.DataFrame:
    if config.engine.name == "polars" or spine.is_empty():
        return registry.build_features(tables, spine)
    if not isinstance(tables, StoredTables):
        raise TypeError("Spark's workers read tables from files: use the tables of a workspace")
    require_spark(config.engine)
    from pipeline.engines import spark

    return spark.build_features(tables, spine, config.engine)


def build_night(files: TableFiles, as_of_day: int, config: Config) -> pl.DataFrame | None:
    """The features of all orders open and undisputed on `as_of_day`, sorted by order_id.

    None with Spark: its workers build the features when the night is scored.
    """
    if config.engine.name == "spark":
        return None
    return night_features(files, as_of_day, config.dispute_window, config.engine.orders_per_part)


def score_night(
    files: TableFiles, as_of_day: int, config: Config, score: Scoring, features: pl.DataFrame | None
) -> ScoredPart:
    """Score all orders open and undisputed on `as_of_day`. `features` are those of `build_night`.

    With Spark the orders are found, their features built and scored where the rows are; only what
    `ScoredPart` holds comes back. Raises `NoEngine` if Spark is not available.
    """
    if features is not None:
        return score(features)
    require_spark(config.engine)
    from pipeline.engines import spark

    return spark.score_night(files, as_of_day, config, score)


def require_spark(settings: Engine) -> None:
    """Raise `NoEngine` if PySpark, Java or the master is missing."""
    if find_spec("pyspark") is None:
        raise NoEngine(
            "ENGINE=spark needs PySpark, which is not installed here. Install the extra: "
            "pip install '.[spark]' (make with ENGINE=spark does this), or leave out ENGINE."
        )
    version = java_version()
    if version is None or version < JAVA:
        present = "none was found" if version is None else f"the one found is Java {version}"
        raise NoEngine(
            f"ENGINE=spark needs Java {JAVA} or newer; {present} "
            f"(JAVA_HOME={os.environ.get('JAVA_HOME', '')!r}, or java on the PATH). "
            "Install it, or leave out ENGINE."
        )
    if host := re.fullmatch(r"spark://([^:,/]+):(\d+)", settings.spark_master):
        try:
            socket.create_connection((host[1], int(host[2])), timeout=10).close()
        except OSError as error:
            raise NoEngine(
                f"SPARK_MASTER={settings.spark_master}: no answer from this address ({error}). "
                "Start the master, or use only this machine with SPARK_MASTER=local[2]."
            ) from None


def java_version() -> int | None:
    """The major version of the Java that Spark would start; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return None
    process = subprocess.run(
        [java, "-version"], capture_output=True, text=True, timeout=60, check=False
    )
    version = re.search(r'version "(\d+)', process.stderr + process.stdout)
    return int(version[1]) if version else None

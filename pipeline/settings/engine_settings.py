"""The settings of `[engine]` in a workspace's config.toml."""

from __future__ import annotations

import os
import re
from typing import Literal

from pydantic import Field

from pipeline.settings.settings_section import SettingsSection

# Spark's own format; a standalone cluster may have several hosts
SPARK_MASTER = r"^(local(\[(\d+|\*)\])?|spark://[^\s/,]+:\d+(,[^\s/,]+:\d+)*|yarn|k8s://\S+)$"


def allowed_threads(wanted: int) -> int:
    """`wanted` threads, or fewer if this process may use fewer processors.

    Counts the processors that the system gives the process (its affinity and its container's
    limit) and `OMP_NUM_THREADS`. More threads than that wait for each other: training took ten
    times as long. No tree depends on the number of threads.
    """
    from joblib import cpu_count

    exported = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    limit = int(exported) if exported.isdecimal() and int(exported) > 0 else wanted
    return max(1, min(wanted, limit, int(cpu_count())))


class Engine(SettingsSection):
    """What builds the features, with bit-identical results: see docs/explanation/cluster.md."""

    name: Literal["polars", "spark"] = Field(
        default="polars", description="polars: in this process; spark: with PySpark"
    )
    spark_master: str = Field(
        default="local[2]",
        pattern=SPARK_MASTER,
        description="local[2]: this machine, two tasks at a time; spark://host:7077: a cluster",
    )
    tables: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9+.-]*:/\S+)?$",
        description="where Spark's workers read the tables: a folder such as s3a://bucket/store "
        "with a copy of the workspace's tables, each a file or a folder of files; empty: the "
        "workspace",
    )
    orders_per_part: int = Field(
        default=200_000,
        ge=1,
        le=100_000_000,
        description="orders per part of a night, of training rows and of kpi; up to three parts, "
        "about 0.5 GiB each, are in memory at once",
    )
    orders_per_bucket: int = Field(
        default=50_000,
        ge=1,
        le=100_000_000,
        description="orders that one Spark task holds in memory",
    )
    memory: str = Field(
        default="4g",
        pattern=r"^\d+[mg]$",
        description="Java memory of this process, through which the rows of training pass, and of "
        "each worker; Python needs more on top",
    )

    @property
    def is_on_loopback(self) -> bool:
        """Whether master, workers and this process all run on this machine."""
        return re.match(r"local|spark://(127\.0\.0\.1|localhost):", self.spark_master) is not None

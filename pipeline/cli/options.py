"""The options that several steps share, and what they come to."""

from __future__ import annotations

import re
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.load.known_sources import SOURCES
from pipeline.settings.config import SPARK_MASTER, Config, load_config
from pipeline.workspace.progress import Progress, warn
from pipeline.workspace.run_log import open_run_log
from pipeline.workspace.workspace import Workspace


class EngineName(StrEnum):
    polars = "polars"
    spark = "spark"


class Dimension(StrEnum):
    category = "category"
    product = "product"
    country = "country"
    carrier = "carrier"
    supplier = "supplier"
    lane = "lane"


def day(text: str | date) -> date:
    """A day as typed, or a default, which is one already."""
    try:
        return text if isinstance(text, date) else datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it like 2018-03-01") from None


def master(text: str) -> str:
    if not re.fullmatch(SPARK_MASTER, text):
        raise typer.BadParameter(
            f"{text!r} is no master of Spark; write it like local[2] or spark://host:7077"
        )
    return text


def known_source(name: str) -> str:
    if name not in SOURCES:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(SOURCES)}")
    return name


Folder = Annotated[
    Path, typer.Option("--workspace", help="folder with all derived state of one store")
]
AsOf = Annotated[
    date, typer.Option("--as-of", parser=day, metavar="YYYY-MM-DD", help="the day we stand at")
]
_SOURCE = typer.Option(
    parser=known_source, metavar=f"[{'|'.join(SOURCES)}]", help="the kind of files in RAW"
)
Source = Annotated[str, _SOURCE]
SourceName = Annotated[str | None, _SOURCE]
Raw = Annotated[Path | None, typer.Option(help="folder with the source's files")]
MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="of --source mapped or database: the mapping file; default: RAW/mapping.toml",
    ),
]
TrackingFolder = Annotated[
    Path | None,
    typer.Option(
        "--tracking", help="folder of 17TRACK's or AfterShip's files; default: RAW/tracking"
    ),
]
Capacity = Annotated[int | None, typer.Option(min=1, help="contacts the team can make a night")]
From = Annotated[date, typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="first night")]
To = Annotated[date, typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="last night")]
Every = Annotated[int, typer.Option(min=1, help="days from one night to the next")]
EngineChoice = Annotated[
    EngineName | None, typer.Option("--engine", help="what builds the features")
]
SparkMaster = Annotated[
    str | None,
    typer.Option(parser=master, metavar="URL", help="for Spark: local[2], spark://host:7077"),
]
Force = Annotated[bool, typer.Option("--force", help="do a night again that is already done")]


def open_workspace(
    folder: Path, context: typer.Context | None = None, capacity: int | None = None
) -> tuple[Workspace, Config, Progress]:
    said = context.obj if context else {}
    for odd in open_run_log(folder, arguments=sys.argv[1:]):
        warn(odd)
    return Workspace(folder), load_config(folder, capacity=capacity, **said), Progress()


def both_or_none(source: str | None, raw: Path | None) -> None:
    if (source is None) != (raw is None):
        raise typer.BadParameter(
            "SOURCE and RAW go together: what kind of files, and where they are"
        )


def not_before(first: date, last: date) -> date:
    if last < first:
        raise typer.BadParameter(f"--to {last} is before --from {first}")
    return last

"""The options that several steps share, and how their values are checked."""

from __future__ import annotations

import re
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.load.known_sources import SOURCES
from pipeline.settings.regular_files import refuse_special_files
from pipeline.workspace.disk_errors import refuse_small_memory
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.run_log import current_step, open_run_log

if TYPE_CHECKING:
    from pipeline.settings.config import Config
    from pipeline.sources.source_context import SideFiles
    from pipeline.workspace.workspace import Workspace

# no store has older orders, and the arithmetic of days ends with the calendar
FIRST_YEAR, LAST_YEAR = 1990, 2199


class EngineName(StrEnum):
    """What can build the features."""

    polars = "polars"
    spark = "spark"


class Dimension(StrEnum):
    """What the rates can be broken down by."""

    category = "category"
    product = "product"
    country = "country"
    carrier = "carrier"
    supplier = "supplier"
    lane = "lane"


def day(text: str | date) -> date:
    """The date of an option; a default value is one already."""
    try:
        given = text if isinstance(text, date) else datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it like 2018-03-01") from None
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise typer.BadParameter(f"{given} is not between {FIRST_YEAR}-01-01 and {LAST_YEAR}-12-31")
    return given


def master(text: str) -> str:
    """The URL of a Spark master, checked."""
    from pipeline.settings.engine_settings import SPARK_MASTER

    if not re.fullmatch(SPARK_MASTER, text):
        raise typer.BadParameter(
            f"{text!r} is not a Spark master; write it like local[2] or spark://host:7077"
        )
    return text


def known_source(name: str) -> str:
    """The name of a kind of source, checked."""
    if name not in SOURCES:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(SOURCES)}")
    return name


def _date_option(name: str, explanation: str) -> object:
    return typer.Option(name, parser=day, metavar="YYYY-MM-DD", help=explanation)


WorkspaceFolder = Annotated[
    Path,
    typer.Option("--workspace", metavar="WORKSPACE", help="folder with all files of one store"),
]
AsOf = Annotated[
    date, _date_option("--as-of", "day of the night; only facts known before it are used")
]
DAY_OPTION = _date_option("--as-of", "day of the night; default: the newest published night")
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be sent; send nothing")]
From = Annotated[date, _date_option("--from", "first night")]
To = Annotated[date, _date_option("--to", "last night")]
SOURCE_NAMES = f"{', '.join(list(SOURCES)[:-1])} or {list(SOURCES)[-1]}"
_SOURCE = typer.Option(
    parser=known_source, metavar="SOURCE", help=f"format of the files in --raw: {SOURCE_NAMES}"
)
Source = Annotated[str, _SOURCE]
SourceName = Annotated[str | None, _SOURCE]
RAW_HELP = "folder with the source's files"
RawFolder = Annotated[Path, typer.Option("--raw", metavar="RAW", help=RAW_HELP)]
Raw = Annotated[Path | None, typer.Option("--raw", metavar="RAW", help=RAW_HELP)]
MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="mapping file, for --source mapped or database; default: mapping.toml in --raw",
    ),
]
TrackingFolder = Annotated[
    Path | None,
    typer.Option(
        "--tracking", help="folder with 17TRACK or AfterShip files; default: tracking in --raw"
    ),
]
Capacity = Annotated[
    int | None,
    typer.Option(min=1, max=1_000_000, help="contacts per night; default: as in config.toml"),
]
Every = Annotated[int, typer.Option(min=1, max=3_650, help="days from one night to the next")]
EngineChoice = Annotated[
    EngineName | None,
    typer.Option("--engine", help="what builds the features; default: as in config.toml"),
]
SparkMaster = Annotated[
    str | None,
    typer.Option(
        parser=master, metavar="URL", help="Spark master, like local[2] or spark://host:7077"
    ),
]
Wait = Annotated[
    float,
    typer.Option(
        min=0, max=1440, help="minutes to wait for another step to end; then exit code 13"
    ),
]
PullFirst = Annotated[
    bool | None,
    typer.Option(
        "--pull/--no-pull",
        help="whether to fetch what is new from the platforms of [pull] first; default: as in "
        "config.toml",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="repeat a night that is already done")]


def open_workspace(
    folder: Path, context: typer.Context | None = None, capacity: int | None = None
) -> tuple[Workspace, Config, Progress]:
    """The workspace, its settings with the options of the command line, and a progress display."""
    from pipeline.settings.config import load_config
    from pipeline.workspace.workspace import Workspace

    refuse_small_memory()
    refuse_special_files(folder)
    engine_options = context.obj if context else {}
    for problem in open_run_log(folder, arguments=_logged_arguments(sys.argv[1:])):
        warn(problem)
    config = load_config(folder, capacity=capacity, **engine_options)
    return Workspace(folder, current_step(), say), config, Progress()


def _logged_arguments(arguments: list[str]) -> list[str]:
    """The arguments as the log may have them: without the id of a buyer to forget."""
    logged = [re.sub(r"^--buyer=.*", "--buyer=(not logged)", text) for text in arguments]
    for number, text in enumerate(arguments[:-1]):
        if text == "--buyer":
            logged[number + 1] = "(not logged)"
    return logged


def side_files_of(mapping: Path | None, tracking: Path | None) -> SideFiles:
    """The files outside the source's folder, from their options."""
    from pipeline.sources.source_context import SideFiles

    return SideFiles(mapping, tracking)


def both_or_none(source: str | None, raw: Path | None) -> None:
    """Raise `BadParameter` if only one of the two options is given."""
    if (source is None) != (raw is None):
        raise typer.BadParameter(
            "SOURCE and RAW go together: the format of the files, and the folder they are in"
        )


def not_before(first: date, last: date) -> date:
    """`last`, after checking that it does not come before `first`."""
    if last < first:
        raise typer.BadParameter(f"--to {last} is before --from {first}")
    return last

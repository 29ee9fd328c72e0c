"""The night's list for people: CSV, Parquet, a workbook, a README and lines for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from features.asof import visible
from features.clock import day_number
from models.actions.actions import Action
from pipeline.drafts.draft_messages import add_messages
from pipeline.history.past_lists import PastLists, past_lists_text
from pipeline.night.night_queues import queue_lines
from pipeline.night.row_facts import add_row_facts
from pipeline.output.contact_list_columns import KEY_COLUMNS, MORE_COLUMNS, explained, list_look
from pipeline.output.safe_text import neutral_frame, one_line
from pipeline.output.spreadsheet import Look, write_workbook
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_manifest, read_run_table
from pipeline.workspace.progress import say, warn
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

LIST = "contact_list"
LONGEST_TITLE = 80
# verdicts on the model's health that are printed without a warning
QUIET = ("fine", "unknown")
# what messages need in addition to the list's own columns
NEEDED_FEATURES = (
    "logistics_days_since_news",
    "logistics_expected_days_left",
    "logistics_expected_late_days",
    "logistics_road_rank",
    "conversation_days_unanswered",
)


def add_what_to_say(
    listed: pl.DataFrame,
    scored: pl.DataFrame,
    files: TableFiles,
    actions: Mapping[str, Action],
    workspace: Path,
    config: Config,
    as_of: date,
) -> pl.DataFrame:
    """The list with `MORE_COLUMNS`: the order's facts, what to write, and two empty columns
    that the agents fill in.

    `listed`: the orders to contact, best first; `scored`: every open order with its features.
    """
    day = day_number(as_of)
    list_columns = listed.columns
    rows = listed.join(
        scored.select("order_id", *NEEDED_FEATURES),
        on="order_id",
        how="left",
        maintain_order="left",
    )
    rows = add_messages(
        rows, files, workspace, as_of, config.decide.in_english, actions, config.drafts.store_name
    )
    rows = rows.join(
        _titles(files, listed, day), on="product_id", how="left", maintain_order="left"
    )
    rows = add_row_facts(rows, files, config.links, as_of)
    empty = pl.lit(None, pl.String)
    rows = rows.with_columns(as_of=pl.lit(as_of), contacted_at=empty, outcome=empty)
    more_columns = [name for name in MORE_COLUMNS if name not in list_columns]
    return rows.select(*list_columns, *more_columns)


def _titles(files: TableFiles, listed: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    products = visible(files.read_products(listed["product_id"].drop_nulls()), as_of_day)
    return products.select("product_id", product_title=pl.col("title").str.slice(0, LONGEST_TITLE))


def write_list(folder: Path, listed: pl.DataFrame, as_of: date) -> None:
    """Write `contact_list.csv`, `.xlsx` and, with text unchanged for programs, `.parquet`.

    Only the Parquet file has the keys that the page needs to translate the reasons.
    """
    listed.write_parquet(folder / f"{LIST}.parquet")
    listed = listed.drop(KEY_COLUMNS, strict=False)
    safe = neutral_frame(listed)
    safe.write_csv(folder / f"{LIST}.csv", float_precision=4, datetime_format="%Y-%m-%d %H:%M")
    looks = {"contacts": list_look(safe, as_of), "columns": Look(widths={"what it says": 110})}
    write_workbook(
        folder / f"{LIST}.xlsx", {"contacts": safe, "columns": explained(listed)}, as_of, looks
    )


def write_readme(
    folder: Path,
    listed: pl.DataFrame,
    count_scored: int,
    as_of: date,
    past: PastLists | None,
    banner: Sequence[str],
    who_writes: str = "",
) -> None:
    """Write `README.txt`: what the list is, who writes the messages, how good past lists were.

    `banner`: warnings that go first. `who_writes`: empty when no agents are configured.
    """
    text = README.format(
        as_of=as_of,
        listed=listed.height,
        scored=count_scored,
        past=_wrapped(past_lists_text(past)),
        who_writes=f"\n{_wrapped(who_writes)}\n" if who_writes else "",
        banner="".join(f"{_wrapped(f'WARNING: {line}')}\n" for line in banner)
        + ("\n" if banner else ""),
    )
    (folder / "README.txt").write_text(text, encoding="utf-8")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100)


README = """{banner}Contact list of the night of {as_of}

{listed} of {scored} open, undisputed orders: those most worth an action tonight, best first.
The list uses only what was known before {as_of} began in the store's time zone.
{who_writes}
{past}

report.html           the page of the night: list, dispute clock, indicators, past nights
contact_list.xlsx     the list to work with: rows in red are due today, in yellow within two days;
                      the sheet "columns" explains the columns
contact_list.csv      the same; text that a spreadsheet would read as a formula starts with a quote
contact_list.parquet  the same for programs, with text unchanged
queues.csv            every open order that waits for something: for an answer, for its parcel to
                      move, to be shipped; also as .parquet
scores.parquet        every open order with its probability
dispute_clock.xlsx    the disputes that are already open, by deadline (also as .csv)
manifest.json         the inputs, settings and versions behind these files

Columns about the order, in the store's time / 订单信息列（店铺时区）:

order_value_usd                      what the buyer paid, in USD / 买家支付的金额（美元）
carrier, tracking_number             of the parcel scanned last / 最近一次扫描的包裹：承运商、运单号
last_scan, _at, _location            the last scan: what, when, where / 最近扫描：状态、时间、地点
said_by, said_at, first_words        the last message: who, when, how it begins / 最后一条消息：
                                     发送方、时间、开头
unanswered_since                     since when the buyer waits for an answer / 买家自何时起等待回复
order_url, thread_url, parcel_url    links to the order, messages, parcel / 订单、消息、物流的链接

At the end of the day, fill in contacted_at and outcome in contact_list.xlsx or .csv and give the
file back:

    make contacts FILE=<the file> WORKSPACE=<the workspace>
"""


def list_lines(listed: pl.DataFrame, count: int = 5) -> list[str]:
    """The top of the list as lines for the terminal: ids, numbers and reasons, without names or
    messages."""
    lines = []
    for row in listed.head(count).iter_rows(named=True):
        row = {
            name: one_line(value, 240) if isinstance(value, str) else value
            for name, value in row.items()
        }
        lines.append(_line(row))
        lines += [f"       - {row[f'reason_{n}']}" for n in (1, 2, 3) if row[f"reason_{n}"]]
    by_stage = (
        listed["stage"].value_counts(sort=True).sort(["count", "stage"], descending=[True, False])
    )
    stages = ", ".join(f"{row['count']} {row['stage']}" for row in by_stage.iter_rows(named=True))
    lines.append(f"{listed.height} orders to act on" + (f": {stages}" if stages else ""))
    actions = listed["action"].value_counts().sort(["count", "action"], descending=[True, False])
    if not actions.is_empty():
        lines.append(", ".join(f"{count} {name}" for name, count in actions.iter_rows()))
    stake, prevented, cost, net = (
        listed[name].sum()
        for name in ("stake_usd", "prevented_usd", "cost_usd", "expected_value_usd")
    )
    lines.append(
        f"at stake {stake:,.2f} USD; prevented {prevented:,.2f}; cost {cost:,.2f}; "
        f"net {net:,.2f} USD"
    )
    return lines


def _line(row: Mapping[str, object]) -> str:
    return (
        f"{row['rank']:>3}. order {row['order_id']} ({row['stage']}): "
        f"risk {row['probability']:.0%}, {row['stake_usd']:.2f} USD at stake. "
        f"By {row['contact_by']}: {row['why_action']}"
    )


def done_night(workspace: Workspace, as_of: date) -> Path | None:
    """The run folder of a night that is done, after saying so; None if it is not."""
    done = workspace.latest(as_of)
    if done:
        say(f"nightly   {as_of} is already done: {done} (FORCE=1 repeats it)")
    return done


def say_summary(run: Path) -> None:
    """Print one screen about a night: warnings, top of the list, past accuracy, files."""
    facts = read_manifest(run)
    for line in facts.get("banner", []):
        warn(line)
    if "queues" in facts:
        for line in queue_lines(facts["queues"]):
            say(line)
    # runs of earlier program versions lack this file
    if (run / "contact_list.parquet").exists():
        for line in list_lines(read_run_table(run, "contact_list.parquet")):
            say(line)
    if "who_writes" in facts:
        say(facts["who_writes"]["sentence"])
    if "last_month" in facts:
        say(facts["last_month"])
    if "health" in facts:
        (say if facts["health"]["verdict"] in QUIET else warn)(facts["health"]["sentence"])
    if (run / "report.html").exists():
        say(f"to open in the morning: {run / 'report.html'}")
    say(f"the list: {run / 'contact_list.xlsx'} (or .csv), explained in {run / 'README.txt'}")
    say(f"all scores: {run / 'scores.parquet'}; their inputs: {run / 'manifest.json'}")

"""Past decisions and their outcomes: the evidence for the shares of disputes that contacts prevent.

Each run keeps `assignments.parquet`: one row per buyer who was listed, explored or held out that
night. Held-out buyers are on no list; this file has them, so that the effect can be measured.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from features.asof import visible
from features.clock import day_number, in_days
from features.tables import CAUSE_SHARES, CAUSES
from models.actions.action_options import MODIFIERS
from models.actions.hold_out import HELD_OUT
from models.contact.contact_bias import leave_out, replace_by_held_out
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_run_table
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

FILE, CANDIDATES_FILE = "assignments.parquet", "action_candidates.parquet"
# before all days of a store
FIRST_DAY = -(2**31)
COLUMNS = [
    "order_id",
    "buyer_id",
    "also_orders",
    "as_of",
    "stage",
    "likely_cause",
    "arm",
    "rank",
    "propensity",
    "probability",
    "expected_value_usd",
    "evidence_share",
    "action",
    "meant",
    "stake_usd",
    "prevented_usd",
    "cost_usd",
    "end_probability",
    *CAUSE_SHARES,
    *MODIFIERS,
]


def first_of_each_order(assigned: pl.DataFrame) -> pl.DataFrame:
    """The first night on which each order was assigned: its outcome is counted from that night."""
    return assigned.sort("as_of", "order_id").unique("order_id", keep="first", maintain_order=True)


def read_assignments(workspace: Workspace, last: date) -> pl.DataFrame:
    """The assignments of the newest run of each night up to `last`.

    Runs of earlier program versions have no such file, or one without actions.
    """
    assignments = []
    for night in sorted((workspace.folder / "runs").glob("????-??-??")):
        path = night / "latest" / FILE
        if night.name <= last.isoformat() and path.exists():
            assignments.append(read_run_table(path.parent, FILE))
    if not assignments:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    return pl.concat(assignments, how="diagonal_relaxed")


def read_candidates(workspace: Workspace, last: date) -> pl.DataFrame:
    """The candidates of the newest run of each night up to `last`, with `as_of`. Runs of earlier
    program versions have none."""
    parts = [
        read_run_table(night / "latest", CANDIDATES_FILE)
        for night in sorted((workspace.folder / "runs").glob("????-??-??"))
        if night.name <= last.isoformat() and (night / "latest" / CANDIDATES_FILE).exists()
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema={"as_of": pl.Date})


def held_out_before(workspace: Workspace, as_of: date) -> pl.Series:
    """The buyers who were held out on a night before `as_of`, each once. A buyer stays held out, so
    the held-out buyers of one night are mostly those of the night before."""
    earlier = read_assignments(workspace, as_of - timedelta(days=1))
    return earlier.filter(pl.col("arm") == HELD_OUT)["buyer_id"].unique()


def left_alone(
    workspace: Workspace, files: TableFiles, rows: pl.DataFrame, config: Config, as_of: date
) -> pl.DataFrame:
    """Labelled order-nights with the effect of messages removed, by the setting `contacted_rows`.

    See `models.contact.contact_bias`. Without any recorded contact, no order counts as contacted.
    """
    if config.contacted_rows == "kept":
        return rows
    contacts = files.read_contacts()
    nights = read_assignments(workspace, as_of)
    known = contacts.filter(in_days(pl.col("known_day"), FIRST_DAY, day_number(as_of)))
    if nights.is_empty() or known.is_empty():
        return rows
    is_held = pl.col("arm") == HELD_OUT
    orders = pl.concat_list("order_id", pl.col("also_orders").str.split(" ")).alias("order_id")
    assigned = nights.select(
        orders,
        night_day=pl.col("as_of").cast(pl.Int32),
        is_held=is_held,
        # rounded to whole rows: 10 if a tenth is held out
        stands_for=pl.when(is_held)
        .then((1.0 / pl.col("propensity")).round())
        .otherwise(1.0)
        .cast(pl.Int64),
    )
    change = replace_by_held_out if config.contacted_rows == "replaced" else leave_out
    return change(
        rows, assigned.explode("order_id").filter(pl.col("order_id") != ""), config.horizon_days
    )


def resting_buyers(
    files: TableFiles, order_ids: pl.Series, as_of: date, cool_off_days: int
) -> frozenset[str]:
    """Buyers with whom the store was in contact in the last `cool_off_days` days before `as_of`: by
    a contact on record, or by any message of the seller or the buyer about an order of
    `order_ids`. A buyer who waits for an answer about one of these orders never rests.
    """
    day = day_number(as_of)
    contacts = files.read_contacts().filter(in_days(pl.col("known_day"), day - cool_off_days, day))
    messages = visible(files.read_facts("messages", order_ids), day).sort(
        "occurred_at", "message_id"
    )
    buyers = files.read_buyers_of(order_ids).select("order_id", "buyer_id").drop_nulls()
    last = (
        messages.group_by("order_id", maintain_order=True)
        .agg(pl.col("sender", "known_day").last())
        .join(buyers, on="order_id", how="inner")
    )
    written = last.filter(
        pl.col("sender") == "seller", in_days(pl.col("known_day"), day - cool_off_days, day)
    )["buyer_id"]
    waiting = set(last.filter(pl.col("sender") == "buyer")["buyer_id"])
    contacted = files.read_facts("orders", contacts["order_id"].unique())["buyer_id"]
    return frozenset((set(contacted) | set(written)) - waiting)


def likeliest_cause() -> pl.Expr:
    """The most likely cause; empty where the model has no causes."""
    shares = [pl.col(name) for name in CAUSE_SHARES]
    names = (
        pl.concat_list(shares)
        .list.arg_max()
        .replace_strict(dict(enumerate(CAUSES)), return_dtype=pl.String)
    )
    return pl.when(shares[0].is_null()).then(pl.lit("")).otherwise(names)

"""What past nights decided, and what came of it: the evidence that shares prevented are learnt
from.

Each run keeps `assignments.parquet`: one row per buyer who was listed, explored or held out that
night. No list shows the held out; they are told here for whoever measures the effect.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from features.clock import calendar_day, day_number, in_days, last_matured_day
from features.labels import build_labels
from models.contact.contact_bias import leave_out, replace_by_held_out
from models.contact.contact_effects import Belief, learn_beliefs
from models.contact.decide import CAUSE_SHARES, HELD_OUT, LISTED
from models.learner.cause import CAUSES
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

FILE = "assignments.parquet"
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
]


def learnt_beliefs(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> dict[tuple[str, str], Belief]:
    """What the hold-out of past nights says on `as_of`; nothing while none of them has matured."""
    if not config.decide.learns:
        return {}
    last = last_matured_day(day_number(as_of), config.horizon_days, config.reporting_delay_days)
    told = read_assignments(workspace, calendar_day(last))
    if told.is_empty():
        return {}
    rows = first_of_each_order(told).with_columns(as_of_day=pl.col("as_of").cast(pl.Int32))
    labels = build_labels(
        files.read_orders(rows["order_id"]), rows, config.label_window, day_number(as_of)
    )
    matured = rows.with_columns(labels["label"]).drop_nulls("label")
    return learn_beliefs(
        as_evidence(matured), config.decide.costs.assumed(), config.decide.prior_disputes
    )


def as_evidence(matured: pl.DataFrame) -> pl.DataFrame:
    """`stage, cause, is_held, probability, label`, as `models.contact.contact_effects` reads them.
    The explored are left out: another share of them than of the listed could have been held out."""
    listed = matured.filter(pl.col("arm").is_in([LISTED, HELD_OUT]))
    return listed.select(
        "stage", "probability", "label", cause="likely_cause", is_held=pl.col("arm") == HELD_OUT
    )


def first_of_each_order(told: pl.DataFrame) -> pl.DataFrame:
    """An order is judged from the first night it was listed, or held out."""
    return told.sort("as_of", "order_id").unique("order_id", keep="first", maintain_order=True)


def read_assignments(workspace: Workspace, last: date) -> pl.DataFrame:
    """Those of the newest run of each night up to `last`; runs of former versions have none."""
    found = []
    for night in sorted((workspace.folder / "runs").glob("????-??-??")):
        path = night / "latest" / FILE
        if night.name <= last.isoformat() and path.exists():
            found.append(pl.read_parquet(path, columns=COLUMNS))
    return pl.concat(found) if found else pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))


def left_alone(
    workspace: Workspace, files: TableFiles, rows: pl.DataFrame, config: Config, as_of: date
) -> pl.DataFrame:
    """Labelled order-nights without what messages did, as `contacted_rows` says: see
    `models.contact.contact_bias`. Where no contact was ever told, nobody is taken to have been
    written to."""
    if config.contacted_rows == "kept":
        return rows
    contacts = files.read_contacts()
    told = read_assignments(workspace, as_of)
    if (
        told.is_empty()
        or contacts.filter(in_days(pl.col("known_day"), FIRST_DAY, day_number(as_of))).is_empty()
    ):
        return rows
    is_held = pl.col("arm") == HELD_OUT
    orders = pl.concat_list("order_id", pl.col("also_orders").str.split(" ")).alias("order_id")
    assigned = told.select(
        orders,
        night_day=pl.col("as_of").cast(pl.Int32),
        is_held=is_held,
        # to the nearest whole row: 10 at a tenth held out
        stands_for=pl.when(is_held)
        .then((1.0 / pl.col("propensity")).round())
        .otherwise(1.0)
        .cast(pl.Int64),
    )
    change = replace_by_held_out if config.contacted_rows == "replaced" else leave_out
    return change(
        rows, assigned.explode("order_id").filter(pl.col("order_id") != ""), config.horizon_days
    )


def resting_buyers(files: TableFiles, as_of: date, cool_off_days: int) -> frozenset[str]:
    """Buyers whom somebody wrote to in the days before."""
    day = day_number(as_of)
    contacts = files.read_contacts().filter(in_days(pl.col("known_day"), day - cool_off_days, day))
    return frozenset(files.read_facts("orders", contacts["order_id"].unique())["buyer_id"])


def likeliest_cause() -> pl.Expr:
    """The likeliest cause; empty where the store's disputes tell none."""
    shares = [pl.col(name) for name in CAUSE_SHARES]
    names = (
        pl.concat_list(shares)
        .list.arg_max()
        .replace_strict(dict(enumerate(CAUSES)), return_dtype=pl.String)
    )
    return pl.when(shares[0].is_null()).then(pl.lit("")).otherwise(names)

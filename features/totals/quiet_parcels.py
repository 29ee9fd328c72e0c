"""How long parcels stay without news, and what comes of those that do, as facts about their orders.

News is a hand-over or a scan, on the day on which it becomes known. A parcel that is not delivered
and had no news for some days is quiet. What became of it is known a fixed time later, whether there
was news or not. So a lost parcel counts in full, which it does not among the gaps that have ended.
"""

from __future__ import annotations

import polars as pl

from features.clock import is_visible
from features.tables import Tables

# status and sub-status of a scan -> level of the milestone that the parcel has reached
MILESTONES = {
    "InfoReceived": 1,
    "InTransit_PickedUp": 2,
    "InTransit_Departure": 3,
    "InTransit_Arrival": 4,
    "InTransit_CustomsProcessing": 4,
    "InTransit_CustomsRequiringInformation": 4,
    "InTransit_CustomsReleased": 5,
    "OutForDelivery_Other": 6,
    "AvailableForPickup_Other": 6,
    "Delivered_Other": 6,
}
RELEASED = "InTransit_CustomsReleased"
# the lowest level of each leg: up to departure, to customs, in the country of the buyer
LEG_LEVELS = (0, 3, 5)
# days without news that a parcel has reached
QUIET_DAYS = (3, 6, 10, 16, 25)
# days within which the next news, or the delivery, is awaited
NEWS_DAYS, ARRIVAL_DAYS = 7, 30
# more days than any parcel waits: it had no further news, or was not delivered
NEVER = 100_000
# days from the news to the last fact that follows from it
LONGEST_WAIT = QUIET_DAYS[-1] + ARRIVAL_DAYS
CELLS = range(len(LEG_LEVELS) * len(QUIET_DAYS))
# measures of a cell (leg and days): parcels that were quiet, and those of which there was news;
# parcels that were quiet longer ago, and those that arrived
QUIET, HEARD, WAITED, ARRIVED = ("count_quiet", "count_heard", "count_waited", "count_arrived")


def cell_names(measure: str) -> list[str]:
    """Column names of a measure: one per cell, leg by leg."""
    return [f"{measure}_cell{cell}" for cell in CELLS]


def milestone_level() -> pl.Expr:
    """The level that a scan shows (0 to 6), from `status` and `sub_status`."""
    return pl.coalesce(
        pl.col("sub_status").replace_strict(MILESTONES, default=None),
        pl.col("status").replace_strict(MILESTONES, default=0),
    ).cast(pl.Int32)


def leg_of(level: pl.Expr) -> pl.Expr:
    """The leg (0, 1, 2) of a parcel whose furthest milestone has this level."""
    return pl.sum_horizontal((level >= lowest).cast(pl.Int32) for lowest in LEG_LEVELS) - 1


def quiet_step(days: pl.Expr) -> pl.Expr:
    """The number of the longest of `QUIET_DAYS` that is reached; -1 if none is."""
    return pl.sum_horizontal((days >= least).cast(pl.Int32) for least in QUIET_DAYS) - 1


def parcel_news(tables: Tables) -> pl.DataFrame:
    """One row per hand-over and scan: `order_id, known_day, level, is_delivery`."""
    handed_over = tables["shipments"].select(
        "order_id", "known_day", level=pl.lit(0, pl.Int32), is_delivery=pl.lit(False)
    )
    scans = tables["tracking"].select(
        "order_id",
        "known_day",
        level=milestone_level(),
        is_delivery=pl.col("status") == "Delivered",
    )
    return pl.concat([handed_over, scans])


def quiet_facts(tables: Tables, since: int | None) -> dict[str, pl.DataFrame]:
    """Kinds of facts about parcels that were quiet: `order_id, known_day` and a 0 or 1 per cell.

    `since`: facts of orders without any fact known on or after this day, less `LONGEST_WAIT`, are
    left out.
    """
    starts = _starts(_recent(tables, since))
    quiet: list[pl.DataFrame] = []
    waited: list[pl.DataFrame] = []
    for step, days in enumerate(QUIET_DAYS):
        cell = pl.col("leg") * len(QUIET_DAYS) + step
        reached = starts.filter(pl.col("lasts") >= days)
        for kind, wait, until in ((quiet, NEWS_DAYS, "lasts"), (waited, ARRIVAL_DAYS, "arrives")):
            kind.append(
                reached.select(
                    "order_id",
                    # the last of the days is over on the next night
                    known_day=(pl.col("known_day") + days + wait - 1).cast(pl.Int32),
                    cell=cell,
                    is_hit=pl.col(until) < days + wait,
                )
            )
    return {
        "quiet": _counted(pl.concat(quiet), QUIET, HEARD),
        "waited": _counted(pl.concat(waited), WAITED, ARRIVED),
    }


def _recent(tables: Tables, since: int | None) -> pl.DataFrame:
    """`parcel_news` of the orders with a fact that is recent enough. Whole orders are kept."""
    news = parcel_news(tables)
    if since is None:
        return news
    known = pl.concat([facts.select("order_id", "known_day") for facts in (tables["orders"], news)])
    recent = known.filter(~is_visible(pl.col("known_day"), pl.lit(since - LONGEST_WAIT)))
    return news.join(recent.select("order_id").unique(), on="order_id", how="semi")


def _starts(news: pl.DataFrame) -> pl.DataFrame:
    """One row per order and day with news, before its delivery is known.

    `order_id, known_day, leg`; `lasts` and `arrives`, the days until the next news and until the
    delivery is known (`NEVER`: none).
    """
    days = (
        news.group_by("order_id", "known_day")
        .agg(pl.col("level").max(), end_day=pl.col("known_day").filter(pl.col("is_delivery")).min())
        .sort("order_id", "known_day")
    )
    day = pl.col("known_day")
    days = days.with_columns(
        level=pl.col("level").cum_max().over("order_id"),
        next_day=day.shift(-1).over("order_id"),
        end_day=pl.col("end_day").min().over("order_id"),
    )
    starts = days.select(
        "order_id",
        "known_day",
        leg=leg_of(pl.col("level")),
        lasts=(pl.col("next_day") - day).fill_null(NEVER),
        arrives=(pl.col("end_day") - day).fill_null(NEVER),
    )
    return starts.filter(pl.col("arrives") > 0)


def _counted(facts: pl.DataFrame, all_of: str, hits: str) -> pl.DataFrame:
    """1 in the columns of the fact's cell, 0 in the others."""
    columns = {}
    for cell, case, hit in zip(CELLS, cell_names(all_of), cell_names(hits), strict=True):
        is_cell = pl.col("cell") == cell
        columns[case] = is_cell.cast(pl.Int8)
        columns[hit] = (is_cell & pl.col("is_hit")).cast(pl.Int8)
    return facts.select("order_id", "known_day", **columns)

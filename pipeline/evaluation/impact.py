"""impact: what the lists achieved, from the hold-out that they keep; by stage, cause and language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from features.calendars_and_countries import language_of
from features.clock import calendar_day, day_number, in_label_window, last_matured_day
from features.labels import build_labels
from models.contact.decide import HELD_OUT, LISTED
from models.contact.uplift import Effect, Sums, always_valid, among_contacted, buyers_needed, difference
from pipeline.history.assignments import first_of_each_order, read_assignments
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.config import Config
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.published_run import publish
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

GROUPS = ("stage", "likely_cause", "language")
CUT, POWER = 0.30, 0.8
CAPACITIES = (20, 50, 200)
YEAR = 365
ADVICE = {
    "prevents disputes": "Go on: messages prevent disputes, and that is more than chance",
    "provokes disputes": "Stop, and read what is sent: messages provoke disputes, and that is more than chance",
    "not known yet": "Go on and look again: whether messages help or harm is not known yet",
}


def impact(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write `impact.csv` and `impact.txt` into a run folder of their own; return it."""
    with progress.piece("impact") as said:
        files = workspace.table_files()
        rows = matured_rows(workspace, files, config, as_of)
        said.append(f"{rows.height:,} orders of matured nights, {rows.filter('is_held').height:,} of them held out")
    table = impact_table(rows, config)
    text = "\n".join([*sentences(table), *power_lines(table, rows, config)])
    with publish(workspace, config, as_of, "impact") as (folder, manifest):
        neutral_frame(table).write_csv(folder / "impact.csv", float_precision=6)
        (folder / "impact.txt").write_text(text + "\n", encoding="utf-8")
        manifest["impact"] = {"orders": rows.height, "whole": table.row(0, named=True) if table.height else None}
    for line in text.splitlines():
        say(line)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-impact").resolve()


def matured_rows(workspace: Workspace, files: TableFiles, config: Config, as_of: date) -> pl.DataFrame:
    """One row per order that was listed or held out on a night whose outcome is known on `as_of`, from its first such
    night: `buyer_id, as_of_day, stage, likely_cause, language, is_held, is_contacted, probability, cost_usd, label`."""
    day = day_number(as_of)
    last = last_matured_day(day, config.horizon_days, config.reporting_delay_days)
    told = first_of_each_order(read_assignments(workspace, calendar_day(last)))
    told = told.filter(pl.col("arm").is_in([LISTED, HELD_OUT])).with_columns(as_of_day=pl.col("as_of").cast(pl.Int32))
    labels = build_labels(files.read_orders(told["order_id"]), told, config.label_window, day)
    orders = files.read_facts("orders", told["order_id"]).select("order_id", "country", "total_usd")
    contacts = files.read_contacts().select("order_id", contact_day="known_day")
    written = told.join(contacts, on="order_id", how="inner")
    in_time = in_label_window(pl.col("contact_day"), pl.col("as_of_day"), config.horizon_days)
    written_to = written.filter(in_time)["order_id"].unique()
    cost = pl.col("total_usd") * config.decide.refund_share + config.decide.dispute_fixed_cost_usd
    return (
        told.with_columns(labels["label"])
        .drop_nulls("label")
        .join(orders, on="order_id", how="left", maintain_order="left")
        .with_columns(
            is_held=pl.col("arm") == HELD_OUT,
            is_contacted=pl.col("order_id").is_in(written_to.implode()),
            language=language_of(pl.col("country")).fill_null("unknown"),
            cost_usd=cost,
            likely_cause=pl.col("likely_cause").replace("", "unknown"),
        )
        .sort("as_of_day", "order_id")
    )


def impact_table(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """One row for all and one per group; no estimate without its interval, empty where there is not enough."""
    groups = [("all", "all", rows)] if rows.height else []
    for name in GROUPS if rows.height else ():
        groups += [(name, str(key[0]), part) for key, part in rows.sort(name).group_by(name, maintain_order=True)]
    told = [{"by": by, "group": group, **_measures(part, config)} for by, group, part in groups]
    return pl.DataFrame(told, infer_schema_length=None)


def _measures(rows: pl.DataFrame, config: Config) -> dict[str, object]:
    values = {name: rows[name].to_numpy().astype(np.float64) for name in ("label", "probability", "cost_usd")}
    buyer, held = rows["buyer_id"].to_numpy(), rows["is_held"].to_numpy()
    contacted = rows["is_contacted"].to_numpy()
    sums = Sums.of(buyer, held, values["label"], values["probability"], contacted)
    money = Sums.of(
        buyer, held, values["label"] * values["cost_usd"], values["probability"] * values["cost_usd"], contacted
    )
    sent = int((~held).sum())
    planned, always = difference(sums), always_valid(sums, config.decide.holdout_share)
    lost = difference(money)
    spent = config.decide.contact_cost_usd * int(contacted[~held].sum() or sent)
    saved = [None] * 3 if lost is None else [-sent * x - spent for x in (lost.estimate, lost.high, lost.low)]
    return {
        "orders_sent": sent, "orders_held": int(held.sum()), "buyers": len(sums.count),
        "contacted_share": _mean(contacted[~held]), "disputed_sent": _mean(values["label"][~held]),
        "disputed_held": _mean(values["label"][held]),
        **_told("effect", planned), **_told("always", always), **_told("contacted_effect", among_contacted(sums)),
        "variance_taken_off": planned.reduction if planned else None,
        "saved_usd": saved[0], "saved_usd_low": saved[1], "saved_usd_high": saved[2],
        "verdict": _verdict(always),
    }  # fmt: skip


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _told(name: str, effect: Effect | None) -> dict[str, float | None]:
    if effect is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    # shares of orders differ by all of them at the most
    low, high = max(effect.low, -1.0), min(effect.high, 1.0)
    return {name: effect.estimate, f"{name}_low": low, f"{name}_high": high}


def _verdict(effect: Effect | None) -> str:
    """By the interval that may be looked at on every night."""
    if effect is None or not effect.is_settled:
        return "not known yet"
    return "prevents disputes" if effect.estimate < 0 else "provokes disputes"


def sentences(table: pl.DataFrame) -> Iterator[str]:
    if table.is_empty():
        yield "No night has matured that kept a hold-out: nothing can be said yet."
        return
    yield ADVICE[table["verdict"][0]]
    for row in table.iter_rows(named=True):
        name = "All lists" if row["by"] == "all" else f"{row['by'].replace('likely_', '')} {row['group']}"
        start = f"{name}: {row['orders_sent']:,} orders sent, {row['orders_held']:,} held out"
        if row["effect"] is None:
            yield f"{start}; too few to say anything"
            continue
        yield (
            f"{start}; disputes per 100 orders {_points(row, 'effect')}; safe to look at every night: "
            f"{row['always_low'] * 100:+.2f} to {row['always_high'] * 100:+.2f}: {row['verdict']}"
        )
        if row["by"] == "all":
            span = f"95 %: {row['saved_usd_low']:+,.0f} to {row['saved_usd_high']:+,.0f}"
            yield f"USD saved after the cost of writing: {row['saved_usd']:+,.0f} ({span})"
            yield (
                f"{row['contacted_share'] or 0:.0%} of the sent were written to; the model's forecast took off "
                f"{row['variance_taken_off']:.0%} of the variance"
            )
            if row["contacted_effect"] is not None:
                yield f"Of those written to, disputes per 100 orders {_points(row, 'contacted_effect')}"


def _points(row: dict, name: str) -> str:
    low, high = row[f"{name}_low"] * 100, row[f"{name}_high"] * 100
    return f"{row[name] * 100:+.2f} (95 % at a planned date: {low:+.2f} to {high:+.2f})"


def power_lines(table: pl.DataFrame, rows: pl.DataFrame, config: Config) -> Iterator[str]:
    """How long it takes to see a cut by `CUT`, at the dispute rate of the hold-out so far, by capacity."""
    if table.is_empty() or not (rate := table["disputed_held"][0]):
        return
    share = config.decide.holdout_share
    reduction = max(table["variance_taken_off"][0] or 0.0, 0.0)
    needed = buyers_needed(rate, CUT, share, reduction=reduction, power=POWER)
    so_far, nights = table["buyers"][0], rows["as_of_day"].n_unique()
    if table["verdict"][0] == "not known yet":
        a_night = max(so_far / nights, 1e-9)
        more = max(needed - so_far, 0.0) / a_night
        yield (
            f"Not enough yet: about {more:,.0f} more nights like these to see a {CUT:.0%} cut at a planned date, "
            f"{POWER:.0%} of the times"
        )
        even = buyers_needed(rate, CUT, 0.5, reduction=reduction, power=POWER)
        if more > YEAR and share < 0.5:
            yield (
                f"That is longer than a year: this store writes to few new buyers. With half held out instead of "
                f"{share:.0%} (holdout_share) it would be {even / a_night:,.0f} nights, from now on"
            )
    for capacity in CAPACITIES:
        yield (
            f"At {capacity} contacts a night to buyers not written to before: {needed / (capacity / (1 - share)):,.0f} "
            f"nights in all, {needed / (1 - reduction) / (capacity / (1 - share)):,.0f} without the forecast's help"
        )

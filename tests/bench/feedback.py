"""Three years of models that are trained on orders contacted because of earlier models.

In a simulated store, every 91 days a model is trained on what has matured. It lists orders every
night, with one buyer in ten held out. By the simulator's potential outcomes, the messages prevent
some disputes and provoke others, and the next model is trained on these tables. There are four
ways: no buyer is ever contacted; all rows are kept; contacted rows are left out; contacted rows are
replaced by held-out buyers (`models.contact.contact_bias`). The last year is evaluated, on
order-nights before any message, against the outcome without a message: realised over predicted
disputes, with 90 % intervals; whole orders are resampled.

The nights of a quarter are scored in one pass, before its messages. An order is contacted once, so
only its own later nights would have seen the message. Other facts of a dispute (its order's events)
stay in the tables.

PYTHONPATH=. python tests/bench/feedback.py [ORDERS=40000] [CAPACITY=10] [strong]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from contacted_store import DAYS, FIRST, STRONG, Store

START, QUARTER, QUARTERS, LAST = 365, 91, 12, 4
WAYS = ("never contacted", "kept", "left out", "replaced")
RESAMPLES, EVERY = 300, 7
CAPACITY = 10


def assigned_of(season: pl.DataFrame) -> pl.DataFrame:
    from models.actions.hold_out import HELD_OUT

    is_held = pl.col("arm") == HELD_OUT
    times = pl.when(is_held).then((1.0 / pl.col("propensity")).round()).otherwise(1).cast(pl.Int64)
    return season.select("order_id", night_day="as_of_day", is_held=is_held, stands_for=times)


def three_years(store: Store, way: str) -> pl.DataFrame:
    """Order-nights of the last quarters: `order_id, as_of_day, probability, is_listed, label`.

    `label` is the outcome without a message.
    """
    from features.build.registry import FEATURE_NAMES
    from features.clock import day_number
    from models.contact.contact_bias import leave_out, replace_by_held_out
    from models.learner.gbm import fit_model
    from models.learner.training_rows import label_rows, learnable
    from pipeline.training.fitting import training_dataset
    from pipeline.training.walk_forward import matured_by

    contact_day = np.full(store.truth.orders.height, -1)
    seasons, evaluated = [], []
    for quarter in range(QUARTERS):
        day = day_number(FIRST) + START + quarter * QUARTER
        tables = store.tables_with(contact_day)
        dataset = training_dataset(tables, store.config, matured_by(day, store.config))
        rows = learnable(label_rows(tables, dataset, store.config.label_window, day))
        if seasons and way in WAYS[2:]:
            change = leave_out if way == "left out" else replace_by_held_out
            rows = change(rows, assigned_of(pl.concat(seasons)), store.config.horizon_days)
        model = fit_model(rows, list(FEATURE_NAMES), store.config.recipe)
        scored = candidates(store, tables, model, range(day, day + QUARTER), contact_day)
        season = listed_season(scored, store.config.decide)
        if quarter >= QUARTERS - LAST:
            evaluated.append(label_without_message(store, scored, season))
        if way != WAYS[0]:
            sent = season.filter(pl.col("arm") == "listed")
            contact_day[sent["number"].to_numpy()] = sent["as_of_day"].to_numpy()
            seasons.append(season)
    count, without = (
        (store.dispute_days(days) >= 0).sum()
        for days in (contact_day, np.full_like(contact_day, -1))
    )
    say(
        f"  ({way}: {(contact_day >= 0).sum():,} orders contacted, {count:,} disputes instead of "
        f"{without:,})"
    )
    return pl.concat(evaluated)


def listed_season(scored: pl.DataFrame, decide) -> pl.DataFrame:
    """Night by night the orders most worth a message, one per buyer and at most one per order, with
    a hold-out: `order_id, number, as_of_day, arm, propensity`."""
    from models.actions.hold_out import HELD_OUT, LISTED, held_out_buyers

    held = held_out_buyers(scored["buyer_id"].unique(), decide.holdout_share, decide.holdout_salt)
    is_held = pl.col("buyer_id").is_in(held)
    best = (
        scored.filter(pl.col("expected_value_usd") > 0)
        .sort("as_of_day", "expected_value_usd", "order_id", descending=[False, True, False])
        .unique("order_id", keep="first", maintain_order=True)
        .unique(["buyer_id", "as_of_day"], keep="first", maintain_order=True)
        .with_columns(position=(~is_held).cum_sum().over("as_of_day"))
        .filter(pl.col("position") <= decide.capacity)
    )
    share = decide.holdout_share
    return best.select(
        "order_id",
        "number",
        "as_of_day",
        arm=pl.when(is_held).then(pl.lit(HELD_OUT)).otherwise(pl.lit(LISTED)),
        propensity=pl.when(is_held).then(share).otherwise(1.0 - share),
    )


def candidates(store: Store, tables, model, nights: range, contact_day: np.ndarray) -> pl.DataFrame:
    from features.spine import build_spine
    from models.contact.contact_value import add_expected_value
    from pipeline.engines.engine import build_features
    from pipeline.evaluation.actions.action_candidates import is_truly_open
    from pipeline.settings.action_files import message_costs

    spine = build_features(
        tables, build_spine(tables, list(nights), store.config.dispute_window), store.config
    )
    number = spine["order_id"].replace_strict(store.ids, return_dtype=pl.Int64).to_numpy()
    is_free = is_truly_open(store.truth, number, spine["as_of_day"].to_numpy()) & (
        contact_day[number] < 0
    )
    spine, number = spine.filter(pl.Series(is_free)), number[is_free]
    buyers = tables["orders"].select("order_id", "buyer_id")
    scored = spine.select("order_id", "as_of_day", "stage", "order_value_usd").with_columns(
        number=pl.Series(number), probability=pl.Series(model.predict(spine))
    )
    scored = pl.concat([scored, model.predict_cause(spine)], how="horizontal")
    scored = scored.join(buyers, on="order_id", how="left", maintain_order="left")
    return add_expected_value(scored, message_costs(Path("absent"), store.config))


def label_without_message(store: Store, scored: pl.DataFrame, season: pl.DataFrame) -> pl.DataFrame:
    from features.clock import in_label_window

    opened = store.dispute_days(np.full(store.truth.orders.height, -1))
    keys = season.select("order_id", "as_of_day", is_listed=pl.lit(True))
    rows = scored.join(keys, on=["order_id", "as_of_day"], how="left", maintain_order="left")
    rows = rows.with_columns(
        pl.col("is_listed").fill_null(False), opened=pl.Series(opened[rows["number"].to_numpy()])
    )
    # leave out orders that would be disputed already if no one was contacted
    rows = rows.filter((pl.col("opened") < 0) | (pl.col("opened") >= pl.col("as_of_day")))
    label = in_label_window(pl.col("opened"), pl.col("as_of_day"), store.config.horizon_days)
    return rows.select(
        "order_id", "as_of_day", "probability", "is_listed", label=label.cast(pl.Int8)
    )


def judge(way: str, rows: pl.DataFrame) -> None:
    from sklearn.metrics import average_precision_score

    weekly = rows.filter(pl.col("as_of_day") % EVERY == 0)
    line = [f"{way:<24}"]
    for part in (weekly, top(weekly, 0.05), top(weekly, 0.01), rows.filter("is_listed")):
        ratio, low, high = realised_over_predicted(part)
        line.append(f"{ratio:.2f} ({low:.2f}-{high:.2f})")
    label, chance = weekly["label"].to_numpy(), weekly["probability"].to_numpy()
    loss = -np.mean(np.where(label == 1, np.log(chance), np.log1p(-chance)))
    line.append(
        f"log loss {loss:.4f}, AP {average_precision_score(label, chance):.4f}, "
        f"{weekly.height:,} rows"
    )
    say("  ".join(line))


def top(rows: pl.DataFrame, share: float) -> pl.DataFrame:
    return rows.sort("probability", "order_id", descending=True).head(int(share * rows.height))


def realised_over_predicted(rows: pl.DataFrame) -> tuple[float, float, float]:
    from models.comparison.paired_comparison import draw_totals, interval

    columns = [rows["label"].to_numpy().astype(float), rows["probability"].to_numpy()]
    drawn = draw_totals(rows["order_id"], columns, 1, RESAMPLES)
    ratio = drawn[:, 0] / drawn[:, 1]
    low, high = interval(ratio[1:])
    return float(ratio[0]), float(low), float(high)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(orders: int, capacity: int, is_strong: bool) -> None:
    started = time.perf_counter()
    store = Store(orders, capacity, is_strong)
    effect = "simulated message effects"
    if is_strong:
        effect = f"a message removes {STRONG:.0%} of the hazard"
    say(
        f"{orders:,} orders in {DAYS} days, {capacity} messages per night, {effect}; evaluated on "
        f"the last {LAST} quarters"
    )
    say(f"{'realised/predicted (90 %)':<24}  all order-nights   top 5 %   top 1 %   on the list")
    for way in WAYS:
        judge(way, three_years(store, way))
    say(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    main(*(numbers + [40_000, CAPACITY][len(numbers) :]), "strong" in sys.argv)

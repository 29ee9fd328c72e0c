"""Nights until the monitor says `act` after a planted change, and false alarms in quiet seasons.

A season is a simulated store, made once. A model is trained on what had matured before the season.
The features and probabilities of all nights are then built in one pass, as in `make backtest`; this
gives the same values as night by night, because a row's features use only its own past. The monitor
then runs on each of 90 nights with what was known on that night: the scores of earlier nights, the
labels as of the night, and the facts known before it. No list is made, no buyer is contacted, and
the data checks before publishing do not run. Quiet stores have none of the simulator's shocks
(collapses, customs, silences), but they have its seasons, sales, growth and new products. The
planted change comes on night 20.

PYTHONPATH=. python tests/bench/monitor.py [QUIET_SEASONS=20] [ORDERS=30000] [PLANTED_SEEDS=2]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl

FIRST, DAYS, SEASON, PLANTED_ON = date(2024, 1, 1), 620, 90, 20
NEVER = 1e9
CARRIER = 0


def made(orders: int, seed: int, planted: str, start: int) -> dict[str, pl.DataFrame]:
    """The canonical tables of a store; `start`: the day of the change, from the first day."""
    from pipeline.simulation.world import calendar
    from pipeline.simulation.world import order_life as life
    from pipeline.simulation.world import simulated_orders as order_module
    from pipeline.simulation.world.simulated_store import simulate_store

    calm = replace(
        calendar.ROAD, collapse_every_days=NEVER, border_every_days=NEVER, silence_every_days=NEVER
    )
    draw, hazards = calendar.draw_calendar, life.dispute_hazards

    def draw_with_collapse(*arguments: object) -> object:
        drawn = draw(*arguments)
        if planted == "a carrier collapses":
            drawn.road_x[CARRIER, start:] *= 2.5
        return drawn

    def hazards_with_rule_change(
        orders: object,
        journey: object,
        scans: object,
        order: object,
        day: np.ndarray,
        *rest: object,
    ):
        usual = hazards(orders, journey, scans, order, day, *rest)
        times = (
            np.where(day >= start, 2.0, 1.0)
            if planted == "a rule change doubles disputes"
            else np.ones(len(day))
        )
        return usual * times[:, None]

    with (
        mock.patch.object(calendar, "ROAD", calm),
        mock.patch.object(order_module, "draw_calendar", draw_with_collapse),
        mock.patch.object(life, "dispute_hazards", hazards_with_rule_change),
    ):
        frames = simulate_store(count_orders=orders, seed=seed, first_day=FIRST, days=DAYS)
    return changed(frames, planted, start)


def changed(frames: dict[str, pl.DataFrame], planted: str, start: int) -> dict[str, pl.DataFrame]:
    """The tables with the changes that are made in the tables themselves."""
    from features.clock import day_number, local_day
    from pipeline.simulation.world.simulated_store import ZONE

    is_after = local_day(pl.col("known_at"), ZONE) >= day_number(FIRST) + start
    if planted == "a carrier's feed goes silent":
        parcels = frames["shipments"].filter(pl.col("carrier") == "AE Standard")["shipment_id"]
        gone = is_after & pl.col("shipment_id").is_in(parcels.implode())
        frames = frames | {"tracking": frames["tracking"].filter(~gone)}
    if planted == "a price tag changes unit":
        price = pl.when(is_after).then(pl.col("unit_price_usd") * 100).otherwise("unit_price_usd")
        frames = frames | {"order_lines": frames["order_lines"].with_columns(unit_price_usd=price)}
    if planted == "a new country":
        is_new = is_after & (pl.col("order_id").hash(seed=5) % 10 == 0)
        country = pl.when(is_new).then(pl.lit("NG")).otherwise("country")
        lane = pl.when(is_new).then(pl.col("lane").str.replace(r">.*", ">NG")).otherwise("lane")
        frames = frames | {"orders": frames["orders"].with_columns(country=country, lane=lane)}
    return frames


PLANTED = (
    "a carrier collapses",
    "a rule change doubles disputes",
    "a carrier's feed goes silent",
    "a price tag changes unit",
    "a new country",
)


@contextmanager
def store_files(frames: dict[str, pl.DataFrame]) -> Iterator[tuple]:
    from features.tables import create_tables
    from pipeline.simulation.world.simulated_store import ZONE
    from pipeline.workspace.stored_tables import write_table_files
    from pipeline.workspace.table_files import TableFiles

    with tempfile.TemporaryDirectory() as folder:
        tables = create_tables(frames, zone=ZONE)
        write_table_files(tables, Path(folder))
        yield tables, TableFiles(Path(folder), ZONE, has_partial_outcomes=False)


def season(orders: int, seed: int, planted: str) -> list:
    """The findings of each of the season's nights."""
    from features.build.registry import FEATURE_NAMES, build_features
    from features.clock import day_number
    from features.spine import build_spine
    from models.comparison.metrics import mark_listed
    from models.learner.training_rows import train_model
    from models.monitoring.feature_sums import sum_features
    from models.monitoring.matured_outcomes import traits
    from pipeline.night.night_health import night_means
    from pipeline.settings.config import Config
    from pipeline.training.fitting import training_dataset

    config = Config(max_training_rows=40_000)
    first = day_number(FIRST) + DAYS - SEASON
    trained_on = first - 121
    frames = made(orders, seed, planted, DAYS - SEASON + PLANTED_ON)
    with store_files(frames) as (tables, files):
        dataset = training_dataset(tables, config, trained_on - 31)
        model, _ = train_model(
            tables, dataset, config.label_window, trained_on, config.recipe, list(FEATURE_NAMES)
        )
        assert model is not None
        nights = list(range(trained_on, first + SEASON))
        rows = build_features(tables, build_spine(tables, nights, config.dispute_window))
        means = {
            part["as_of_day"][0]: night_means(sum_features(part, FEATURE_NAMES))
            for part in rows.partition_by("as_of_day")
        }
        scored = rows.select("order_id", "as_of_day", "stage").with_columns(
            probability=pl.Series(model.predict(rows))
        )
        scored = mark_listed(scored, config.decide.capacity)
        scored = scored.join(
            traits(tables, first + SEASON), on="order_id", how="left", maintain_order="left"
        )
        monitor = NightlyMonitor(tables, files, config, model, scored, means)
        return [monitor.findings(night) for night in range(first, first + SEASON)]


class NightlyMonitor:
    """The monitor, which uses on each night only what was known then."""

    def __init__(
        self,
        tables: object,
        files: object,
        config: object,
        model: object,
        scored: pl.DataFrame,
        means: dict,
    ):
        self.tables, self.files, self.config, self.model = tables, files, config, model
        self.scored, self.means = scored, means
        gain = model.booster.feature_importance("gain")
        self.importance = dict(zip(model.feature_names, gain / gain.sum(), strict=True))

    def findings(self, night: int) -> list:
        from models.monitoring.input_drift import drift_findings
        from models.monitoring.matured_outcomes import judge_outcomes, label_outcomes
        from pipeline.night.feed_health import judge_feeds
        from pipeline.night.night_health import limits_of

        rows = self.scored.filter(pl.col("as_of_day").is_between(night - 121, night - 1))
        window = self.config.label_window
        labelled = label_outcomes(rows, self.tables, window, night)
        findings, _ = judge_outcomes(labelled, limits_of(self.config), window, night)
        findings += judge_feeds(self.files, night)
        means = [self.means[n] for n in range(night - 121, night + 1) if n in self.means]
        return findings + drift_findings(means, self.model.moments, self.importance)


def nights_to_act(nights: list) -> tuple[int | None, str]:
    for number, findings in enumerate(nights):
        acts = [finding for finding in findings if finding.level == "act"]
        if acts:
            return number, f"{acts[0].says} [{acts[0].propose}]"
    return None, "never within the season"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(quiet: int, orders: int, seeds: int) -> None:
    say(f"{orders:,} orders in {DAYS} days, {SEASON} nights checked, change on night {PLANTED_ON}")
    for planted in PLANTED:
        for seed in range(seeds):
            started = time.perf_counter()
            nights = season(orders, 100 + seed, planted)
            before = sum(any(f.level == "act" for f in night) for night in nights[:PLANTED_ON])
            night_of_act, why = nights_to_act(nights[PLANTED_ON:])
            delay = "-" if night_of_act is None else str(night_of_act)
            say(
                f"{planted}, seed {100 + seed}: act after {delay} nights ({before} acts before): "
                f"{why} ({time.perf_counter() - started:.0f} s)"
            )
    false_alarms, watched = 0, 0
    for seed in range(quiet):
        nights = season(orders, 200 + seed, "nothing")
        night_of_act, why = nights_to_act(nights)
        false_alarms += night_of_act is not None
        watched += sum(any(f.level == "watch" for f in night) for night in nights)
        say(
            f"quiet season {seed + 1}: "
            + ("no act" if night_of_act is None else f"act on night {night_of_act}: {why}")
        )
    if quiet:
        say(
            f"false alarm in {false_alarms} of {quiet} quiet seasons (target: at most one in 20); "
            f"watch on {watched} of {quiet * SEASON} nights"
        )


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [20, 30_000, 2][len(given) :]))

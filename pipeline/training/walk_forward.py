"""Walk forward over past nights: each is scored by a model trained on what had matured by then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from joblib import Parallel, delayed

from features.asof import newest_fact_day
from features.build.registry import FEATURE_NAMES
from features.clock import calendar_day, day_number, is_by, last_matured_day
from features.spine import spine_of
from features.tables import Tables
from models.learner.training_rows import label_rows, learnable, train_model
from pipeline.engines.engine import build_features, spells_of
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.training.fitting import training_dataset
from pipeline.workspace.progress import counted, warn
from pipeline.workspace.stored_tables import StoredTables
from pipeline.workspace.table_files import TableFiles

# after all days
FOREVER = 2**31 - 1


def past_nights(
    tables: Tables, config: Config, *, first: date, last: date, every: int
) -> tuple[list[int], pl.DataFrame, pl.DataFrame]:
    """The matured nights of first..last, the training order-nights, and the order-nights to score.

    Raises `Refused` if none of the nights has matured.
    """
    nights = _matured_nights(tables, config, first, last, every)
    with counted("table of features", 2, is_even=False) as table_done:
        spells = spells_of(tables, config)
        dataset = training_dataset(tables, config, matured_by(nights[-1], config), spells)
        table_done()
        test = build_features(tables, spine_of(spells, nights, tables.zone), config)
    return nights, dataset, test


def walk(
    tables: Tables,
    config: Config,
    dataset: pl.DataFrame,
    test: pl.DataFrame,
    nights: list[int],
    feature_names: list[str] = FEATURE_NAMES,
) -> pl.DataFrame:
    """The labelled rows of `test` with `probability`.

    The model of a night is trained on the rows of `dataset` that had matured by that night. Both
    tables have `order_id, as_of_day, stage` and features. Nights with too few matured disputes
    before them are left out; raises `Refused` if no night is left.
    """
    test = learnable(label_rows(tables, test, config.label_window, newest_day(tables)))
    recipe = replace(config.recipe, threads=1)

    def score_night(night: int) -> pl.DataFrame | None:
        model, rows = train_model(
            tables, dataset, config.label_window, night, recipe, feature_names
        )
        disputed = rows.filter(pl.col("label") == 1)["order_id"].n_unique()
        night_rows = test.filter(pl.col("as_of_day") == night)
        if model is None or disputed < config.min_training_disputes or night_rows.is_empty():
            return None
        return night_rows.with_columns(probability=pl.Series(model.predict(night_rows)))

    # one night per core
    parallel = Parallel(n_jobs=config.recipe.threads, prefer="threads", return_as="generator")
    scored_nights: list[pl.DataFrame] = []
    with counted("night", len(nights)) as night_done:
        for rows in parallel(delayed(score_night)(night) for night in nights):
            if rows is not None:
                scored_nights.append(rows)
            night_done()
    if not scored_nights:
        raise Refused("no night had enough matured disputes to train on. Use later dates.")
    return pl.concat(scored_nights)


def _matured_nights(
    tables: Tables, config: Config, first: date, last: date, every: int
) -> list[int]:
    wanted = [
        day_number(first + timedelta(days=d)) for d in range(0, (last - first).days + 1, every)
    ]
    matured = [night for night in wanted if is_by(night, matured_by(newest_day(tables), config))]
    if not matured:
        raise Refused(
            f"no night from {first} to {last} has matured: the data ends on "
            f"{calendar_day(newest_day(tables))} and a label needs {config.horizon_days} + "
            f"{config.reporting_delay_days} days. Use earlier dates."
        )
    if len(matured) < len(wanted):
        warn(f"{len(wanted) - len(matured)} nights have not matured yet and are left out")
    return matured


def matured_by(day: int, config: Config) -> int:
    """The last night whose labels are final on `day`; both are day numbers."""
    return last_matured_day(day, config.horizon_days, config.reporting_delay_days)


def newest_day(tables: Tables) -> int:
    """The day after the newest fact, as a day number: the first day without any facts."""
    if isinstance(tables, StoredTables):
        newest = TableFiles.of_stored(tables).newest_fact_day(FOREVER)
    else:
        newest = newest_fact_day(tables)
    return 0 if newest is None else newest + 1

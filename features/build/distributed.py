"""The same features where no machine holds all facts, built from the facts of some keys at a time.

    some orders              -> sums by day            (`entity_facts_by_day`)
    their spine rows         -> the totals they need   (`ask`)
    sums of some entities    -> these totals           (`answer`)
    the orders again, totals -> the family inputs      (`family_inputs_of`)

Each step is a part of `features.totals.family_inputs.build_family_inputs`, so the results are the
same to the bit.
"""

from __future__ import annotations

import polars as pl

from features.tables import Tables
from features.totals.entity_measures import ENTITIES, total_names
from features.totals.entity_totals import daily_sums, subtract_own, totals_of_sums
from features.totals.family_inputs import (
    FamilyInputs,
    add_entities,
    build_rows,
    gather_entity_facts,
)


def entity_facts_by_day(tables: Tables, returning: pl.DataFrame) -> pl.DataFrame:
    """What these orders contribute to their entities, summed by day.

    Returns `entity, value, known_day, measure, amount`.
    """
    return daily_sums(gather_entity_facts(tables, returning))


def ask(tables: Tables, spine: pl.DataFrame) -> pl.DataFrame:
    """The totals that the features of these rows need: distinct `entity, value, as_of_day`."""
    rows = add_entities(tables, spine)
    requests = [
        rows.select(pl.lit(e).alias("entity"), pl.col(e).alias("value"), "as_of_day")
        for e in ENTITIES
    ]
    return pl.concat(requests).drop_nulls("value").unique()


def answer(requests: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """Answer the requests of `ask` with totals over all orders.

    `sums` has the sums by day of all orders with the requested values. Returns the rows of
    `requests`, grouped by entity, with the list column `totals` in the order of `total_names`.
    """
    answers = []
    for entity in requests["entity"].unique():
        of_entity = requests.filter(pl.col("entity") == entity)
        own_sums = sums.filter(pl.col("entity") == entity).join(of_entity, on="value", how="semi")
        totals = totals_of_sums(entity, of_entity.select("value", "as_of_day"), own_sums)
        answers.append(
            of_entity.with_columns(totals.select(totals=pl.concat_list(pl.all()))["totals"])
        )
    return pl.concat(answers)


def family_inputs_of(
    tables: Tables, spine: pl.DataFrame, returning: pl.DataFrame, answers: pl.DataFrame
) -> FamilyInputs:
    """The family inputs of the spine rows, with totals from the answers to their requests."""
    rows = build_rows(tables, spine)
    everyone = {entity: _totals(rows, answers, entity) for entity in ENTITIES}
    return FamilyInputs(
        tables, rows, subtract_own(gather_entity_facts(tables, returning), rows, everyone)
    )


def _totals(rows: pl.DataFrame, answers: pl.DataFrame, entity: str) -> pl.DataFrame:
    """The entity's totals over all orders, in the order of `rows` (null: entity unknown)."""
    of_entity = (
        answers.filter(pl.col("entity") == entity).select("value", "as_of_day", "totals").unique()
    )
    keys = rows.select(pl.col(entity).alias("value"), "as_of_day")
    joined = keys.join(of_entity, on=["value", "as_of_day"], how="left", maintain_order="left")
    total = pl.col("totals").list
    return joined.select(
        total.get(number, null_on_oob=True).alias(name)
        for number, name in enumerate(total_names(entity))
    )

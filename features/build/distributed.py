"""The same features where no place holds all facts: three functions of the facts of some keys.

    some orders    -> sums by day, and which totals their rows ask for     (`entity_facts_by_day`,
    `ask`)
    some entities  -> the totals asked for                                 (`answer`)
    the orders again, with the answers -> what the families see of them    (`family_inputs_of`)

Each is what `features.totals.family_inputs.build_family_inputs` does with all of them at once, so
that the results are the same to the bit.
"""

from __future__ import annotations

import polars as pl

from features.tables import Tables
from features.totals.entity_totals import (
    ENTITIES,
    daily_sums,
    subtract_own,
    total_names,
    totals_of_sums,
)
from features.totals.family_inputs import (
    FamilyInputs,
    add_entities,
    build_rows,
    gather_entity_facts,
)


def entity_facts_by_day(tables: Tables, returning: pl.DataFrame) -> pl.DataFrame:
    """`entity, value, known_day, measure, amount`: what these orders add to their entities, summed
    by day."""
    return daily_sums(gather_entity_facts(tables, returning))


def ask(tables: Tables, spine: pl.DataFrame) -> pl.DataFrame:
    """`entity, value, as_of_day`, distinct: the totals that the features of these rows need."""
    rows = add_entities(tables, spine)
    asked = [
        rows.select(pl.lit(e).alias("entity"), pl.col(e).alias("value"), "as_of_day")
        for e in ENTITIES
    ]
    return pl.concat(asked).drop_nulls("value").unique()


def answer(asked: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """`asked` in another order, with `totals`: everyone's, in the order of `total_names` of the
    entity.

    `sums`: what the orders of all these values add, by day.
    """
    found = []
    for entity in asked["entity"].unique():
        questions = asked.filter(pl.col("entity") == entity)
        told = sums.filter(pl.col("entity") == entity).join(questions, on="value", how="semi")
        totals = totals_of_sums(entity, questions.select("value", "as_of_day"), told)
        found.append(
            questions.with_columns(totals.select(totals=pl.concat_list(pl.all()))["totals"])
        )
    return pl.concat(found)


def family_inputs_of(
    tables: Tables, spine: pl.DataFrame, returning: pl.DataFrame, answers: pl.DataFrame
) -> FamilyInputs:
    """What the families see of the spine rows, with everyone's totals from the answers to all that
    they ask."""
    rows = build_rows(tables, spine)
    everyone = {entity: _totals(rows, answers, entity) for entity in ENTITIES}
    return FamilyInputs(
        tables, rows, subtract_own(gather_entity_facts(tables, returning), rows, everyone)
    )


def _totals(rows: pl.DataFrame, answers: pl.DataFrame, entity: str) -> pl.DataFrame:
    """In the order of `rows`, as `features.totals.entity_totals.total_everyone` has them (null:
    entity not known)."""
    given = (
        answers.filter(pl.col("entity") == entity).select("value", "as_of_day", "totals").unique()
    )
    keys = rows.select(pl.col(entity).alias("value"), "as_of_day")
    joined = keys.join(given, on=["value", "as_of_day"], how="left", maintain_order="left")
    total = pl.col("totals").list
    return joined.select(
        total.get(place, null_on_oob=True).alias(n) for place, n in enumerate(total_names(entity))
    )
